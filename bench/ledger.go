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

// ledger returns the path of a database with so many records, built the first
// time and whenever the schema has changed.
func (b *bench) ledger() (string, error) {
	schema, err := schemaHash("ledger")
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
	if err := errors.Join(b.fill(s), s.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(building, path)
}

// fill appends the bench's records. The index of words is put in order as long
// before the end as it may be in a console: a search meets it at its worst.
func (b *bench) fill(s *store.Store) error {
	began := time.Now()
	story := newStory()
	const batch = 1000
	for done := 0; done < b.records; done += batch {
		list := make([]audit.Record, 0, batch)
		for range min(batch, b.records-done) {
			list = append(list, story.next())
		}
		if err := s.AppendRecords(b.ctx, list...); err != nil {
			return err
		}
		if done == b.records*63/64/batch*batch {
			if err := s.TidyWords(b.ctx); err != nil {
				return err
			}
		}
		if done%100_000 == 0 {
			say("appending records: %d of %d", done, b.records)
		}
	}
	say("appended in %v", time.Since(began).Round(time.Second))
	return nil
}

// story makes the records of some years of a busy organisation: sign-ins,
// runs with their requests and callbacks, exports, drift. The same one each
// time.
type story struct {
	rand *rand.Rand
	now  time.Time
	run  []audit.Record // what is left of the run being told
}

func newStory() *story {
	return &story{rand: rand.New(rand.NewPCG(1, 2)), now: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)} //nolint:gosec // G404: test data
}

var (
	people  = []string{"admin", "olga.officer", "adam.admin", "scheduler", "maria", "jens", "priya", "sam"}
	columns = []string{"ssn", "credit_card", "medical_record_number", "phone", "email", "iban", "birth_date", "passport_number",
		"street", "postal_code", "diagnosis", "policy_number"}
)

func (s *story) next() audit.Record {
	s.now = s.now.Add(time.Duration(s.rand.IntN(240_000)) * time.Millisecond)
	if len(s.run) == 0 {
		s.begin()
	}
	r := s.run[0]
	s.run = s.run[1:]
	fresh := audit.NewRecord(s.now, r.Operation, r.Outcome, r.Actor)
	r.AuditID, r.Timestamp = fresh.AuditID, fresh.Timestamp
	return r
}

func (s *story) begin() {
	who := audit.Actor{Name: people[s.rand.IntN(len(people))], Role: "admin", IP: fmt.Sprintf("10.0.%d.%d", s.rand.IntN(4), s.rand.IntN(250))}
	base := func(op audit.Operation, outcome audit.Outcome, detail string) audit.Record {
		return audit.Record{Operation: op, Outcome: outcome, Actor: who, Detail: detail}
	}
	switch p := s.rand.IntN(100); {
	case p < 20:
		s.run = []audit.Record{base(audit.Login, audit.Success, "Signed in."), base(audit.Logout, audit.Success, "")}
		if p < 3 {
			s.run = []audit.Record{base(audit.Login, audit.Failure, "The name or the password is wrong.")}
		}
		return
	case p < 22:
		s.run = []audit.Record{base(audit.AuditExport, audit.Success, fmt.Sprintf("CSV of %d records, %d bytes, filter none, SHA-256 %016x.", s.rand.IntN(1e6), s.rand.IntN(1e9), s.rand.Uint64()))}
		return
	case p < 23:
		s.run = []audit.Record{base(audit.AccessDenied, audit.Denied, "May not launch runs.")}
		return
	}
	table := s.rand.IntN(200)
	about := func(r audit.Record) audit.Record {
		r.Connection = []string{"default", "europe"}[table%2]
		r.DatastoreID, r.TableID = fmt.Sprintf("ds-%02d", table%20), fmt.Sprintf("tbl-%03d", table)
		return r
	}
	if s.rand.IntN(50) == 0 {
		r := about(base(audit.DriftDetected, audit.Success, "The column was encrypted without a run of this console."))
		r.Columns = []string{columns[s.rand.IntN(len(columns))]}
		s.run = []audit.Record{r}
		return
	}
	var names []string
	for range 1 + s.rand.IntN(3) {
		names = append(names, columns[s.rand.IntN(len(columns))])
	}
	id := fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", s.rand.Uint32(), s.rand.IntN(1<<16), s.rand.IntN(1<<12), s.rand.IntN(1<<12), s.rand.Uint64N(1<<48))
	run := func(op audit.Operation, outcome audit.Outcome, detail string) audit.Record {
		r := about(base(op, outcome, detail))
		r.Columns, r.RunID = names, id
		return r
	}
	op, version := audit.ColumnEncryption, int64(1)
	if s.rand.IntN(3) == 0 {
		op, version = audit.KeyRotation, int64(2+s.rand.IntN(9))
	}
	list := strings.Join(names, ", ")
	asked := run(audit.RunRequested, audit.Success, fmt.Sprintf("Encryption of %s asked for, key rotation every 90 days.", list))
	end := run(op, audit.Success, fmt.Sprintf("Encryption of %s verified: the KMS confirmed key version %d.", list, version))
	coverage := float64(s.rand.IntN(10_000)) / 100
	end.Metrics = &audit.Metrics{LatencyMs: int64(100 + s.rand.IntN(5000)), CoverageRate: coverage, FieldsEncrypted: s.rand.IntN(12), TotalFields: 14, QueryDegradationRisk: "LOW"}
	end.Compliance = &audit.Compliance{GDPRAligned: true, Algorithm: "AES-256-GCM", KeyRotationEnabled: true}
	end.KMS = &audit.KMS{KeyVersion: version, Status: "VERIFIED",
		PermissionHash: fmt.Sprintf("%016x%016x%016x%016x", s.rand.Uint64(), s.rand.Uint64(), s.rand.Uint64(), s.rand.Uint64())}
	if s.rand.IntN(12) == 0 {
		end.Outcome, end.Compliance.GDPRAligned, end.KMS = audit.Failure, false, &audit.KMS{Status: "NOT_REACHED"}
		end.Detail = "CXone could not be reached: it answered 503 five times. Try again later."
		s.run = []audit.Record{asked, end}
		return
	}
	callback := run(audit.KMSCallback, audit.Success, fmt.Sprintf("The KMS confirmed table, %d columns, algorithm and key version %d.", len(names), version))
	callback.KMS = &audit.KMS{KeyVersion: version, Status: "VERIFIED"}
	callback.Actor = audit.Actor{Name: "kms", Role: "system", IP: "203.0.113.9"}
	s.run = []audit.Record{asked, callback, end}
}
