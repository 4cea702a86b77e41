//go:build bench

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

// ledger returns the path of a database with b.records records, built the first time and whenever the schema
// has changed.
func (b *bench) ledger() (string, error) {
	schema, err := schemaHash("ledger", "audit")
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, fmt.Sprintf("ledger-%d-%s.db", b.records, schema))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	building := filepath.Join(b.tmp, "building.db")
	s, err := store.Open(b.ctx, building, store.Options{})
	if err != nil {
		return "", err
	}
	if err := errors.Join(b.fill(s), s.CatchUp(b.ctx), s.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(building, path)
}

// fill appends the bench's records.
func (b *bench) fill(s *store.Store) error {
	began := time.Now()
	records := newHistory()
	const batch = 1000
	for done := 0; done < b.records; done += batch {
		list := make([]audit.Record, 0, batch)
		for range min(batch, b.records-done) {
			list = append(list, records.next())
		}
		if err := s.AppendRecords(b.ctx, list...); err != nil {
			return err
		}
		if done%100_000 == 0 {
			progress("appending records: %d of %d", done, b.records)
		}
	}
	progress("appended in %v", time.Since(began).Round(time.Second))
	return nil
}

// history generates the records of some years of a busy organisation: sign-ins, runs with their requests and
// callbacks, exports, drift. They are the same each time.
type history struct {
	rand *rand.Rand
	now  time.Time
	run  []audit.Record // the records of the current event that next has not returned yet
}

func newHistory() *history {
	return &history{rand: rand.New(rand.NewPCG(1, 2)), now: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)} //nolint:gosec // G404: test data
}

var (
	people = []string{"admin", "olga.officer", "adam.admin", "scheduler", "maria", "jens", "priya", "sam", "zoë", "łukasz", "ngozi",
		"o'brien", "fatima.al-zahra", "дмитрий", "yuki", "björn", "chloé", "raj", "ana-lucía", "kwame"}
	columns = []string{"ssn", "credit_card", "medical_record_number", "phone", "email", "iban", "birth_date", "passport_number",
		"street", "postal_code", "diagnosis", "policy_number"}
)

// written are the words of which people make their reasons, the most frequent first.
var written = strings.Fields(`the of and to data for key request audit customer before change per policy review quarter team ticket approved
	annual rotation asked by legal because export migration new old region after incident security encrypt column table sensitive
	numéro café façade naïve übergabe prüfung größe señal año niño médico identité kunde straße płatność książka škola žádost
	ключ данные проверка запрос отчёт κλειδί έλεγχος δεδομένα 暗号化 監査 鍵 顧客 데이터 암호화 मुख्य
	contact centre agent recording transcript payment card holder number passport birth date street postal diagnosis insurer claim
	refund invoice consent retention deletion subject access regulator finding control evidence sample exception waiver vendor
	processor transfer residency sandbox staging production rollback cutover freeze window maintenance outage restore backup drill
	compromise breach notification deadline escalation steering committee board attestation certificate renewal expiry custodian`)

// reason returns a few words, and now and then a reference of its own.
func (h *history) reason() string {
	words := make([]string, 0, 12)
	for range 3 + h.rand.IntN(9) {
		p := h.rand.Float64()
		words = append(words, written[int(p*p*float64(len(written)))])
	}
	text := strings.Join(words, " ")
	if h.rand.IntN(4) == 0 {
		text += fmt.Sprintf(" CHG-%07d", h.rand.IntN(1e7))
	}
	return text
}

// next returns the next record, with its id and time.
func (h *history) next() audit.Record {
	h.now = h.now.Add(time.Duration(h.rand.IntN(240_000)) * time.Millisecond)
	if len(h.run) == 0 {
		h.begin()
	}
	r := h.run[0]
	h.run = h.run[1:]
	fresh := audit.NewRecord(h.now, r.Operation, r.Outcome, r.Actor)
	r.AuditID, r.Timestamp = fresh.AuditID, fresh.Timestamp
	return r
}

// begin fills run with the records of the next event.
func (h *history) begin() {
	who := audit.Actor{Name: people[h.rand.IntN(len(people))], Role: "admin",
		IP: fmt.Sprintf("10.0.%d.%d", h.rand.IntN(4), h.rand.IntN(250))}
	base := func(op audit.Operation, outcome audit.Outcome, detail string) audit.Record {
		return audit.Record{Operation: op, Outcome: outcome, Actor: who, Detail: detail}
	}
	switch p := h.rand.IntN(100); {
	case p < 20:
		h.run = []audit.Record{base(audit.Login, audit.Success, "Signed in."), base(audit.Logout, audit.Success, "")}
		if p < 3 {
			h.run = []audit.Record{base(audit.Login, audit.Failure, "The name or the password is wrong.")}
		}
		if h.rand.IntN(2000) == 0 {
			h.run = []audit.Record{base(audit.Login, audit.Denied, "The account is locked.")}
		}
		return
	case p < 22:
		h.run = []audit.Record{base(audit.AuditExport, audit.Success,
			fmt.Sprintf("CSV of %d records, %d bytes, filter none, SHA-256 %016x.", h.rand.IntN(1e6),
				h.rand.IntN(1e9), h.rand.Uint64()))}
		return
	case p < 23:
		h.run = []audit.Record{base(audit.AccessDenied, audit.Denied, "May not launch runs.")}
		return
	case p < 24:
		h.run = []audit.Record{base([]audit.Operation{audit.SettingsChanged, audit.UserChanged, audit.AuditReview}[h.rand.IntN(3)], audit.Success, h.reason())}
		return
	}
	table := h.rand.IntN(200)
	if h.rand.IntN(2) == 0 {
		table = h.rand.IntN(tenantTables)
	}
	about := func(r audit.Record) audit.Record {
		r.Connection = []string{"default", "europe"}[table%2]
		r.DatastoreID, r.TableID = fmt.Sprintf("ds-%02d", table%200), fmt.Sprintf("tbl-%03d", table)
		return r
	}
	if h.rand.IntN(50) == 0 {
		r := about(base(audit.DriftDetected, audit.Success, "The column was encrypted without a run of this console."))
		r.Columns = []string{columns[h.rand.IntN(len(columns))]}
		h.run = []audit.Record{r}
		return
	}
	var names []string
	for range 1 + h.rand.IntN(3) {
		names = append(names, columns[h.rand.IntN(len(columns))])
	}
	id := fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", h.rand.Uint32(), h.rand.IntN(1<<16), h.rand.IntN(1<<12),
		h.rand.IntN(1<<12), h.rand.Uint64N(1<<48))
	run := func(op audit.Operation, outcome audit.Outcome, detail string) audit.Record {
		r := about(base(op, outcome, detail))
		r.Columns, r.RunID = names, id
		return r
	}
	op, version := audit.ColumnEncryption, int64(1)
	if h.rand.IntN(3) == 0 {
		op, version = audit.KeyRotation, int64(2+h.rand.IntN(9))
	}
	list := strings.Join(names, ", ")
	asked := run(audit.RunRequested, audit.Success, fmt.Sprintf("Encryption of %s asked for, key rotation every 90 days.", list))
	if h.rand.IntN(3) == 0 {
		asked.Detail += " Reason: " + h.reason()
	}
	end := run(op, audit.Success, fmt.Sprintf("Encryption of %s verified: the KMS confirmed key version %d.", list, version))
	coverage := float64(h.rand.IntN(10_000)) / 100
	end.Metrics = &audit.Metrics{LatencyMs: int64(100 + h.rand.IntN(5000)), CoverageRate: coverage,
		FieldsEncrypted: h.rand.IntN(12), TotalFields: 14, QueryDegradationRisk: "LOW"}
	end.Compliance = &audit.Compliance{GDPRAligned: true, Algorithm: "AES-256-GCM", KeyRotationEnabled: true}
	end.KMS = &audit.KMS{KeyVersion: version, Status: "VERIFIED",
		PermissionHash: fmt.Sprintf("%016x%016x%016x%016x", h.rand.Uint64(), h.rand.Uint64(), h.rand.Uint64(), h.rand.Uint64())}
	if h.rand.IntN(12) == 0 {
		end.Outcome, end.Compliance.GDPRAligned, end.KMS = audit.Failure, false, &audit.KMS{Status: "NOT_REACHED"}
		end.Detail = "CXone could not be reached: it answered 503 five times. Try again later."
		h.run = []audit.Record{asked, end}
		return
	}
	callback := run(audit.KMSCallback, audit.Success,
		fmt.Sprintf("The KMS confirmed table, %d columns, algorithm and key version %d.", len(names), version))
	callback.KMS = &audit.KMS{KeyVersion: version, Status: "VERIFIED"}
	callback.Actor = audit.Actor{Name: "kms", Role: "system", IP: "203.0.113.9"}
	h.run = []audit.Record{asked, callback, end}
}
