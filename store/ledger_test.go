package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// variety is the i-th of a series of records that differ in everything a
// filter can ask for.
func variety(i int) audit.Record {
	ops := []audit.Operation{audit.ColumnEncryption, audit.RunRequested, audit.Login, audit.KeyRotation}
	r := audit.NewRecord(noon.Add(time.Duration(i)*time.Minute), ops[i%4], audit.Success,
		audit.Actor{Name: []string{"admin", "scheduler", "eve"}[i%3], Role: "admin", IP: "10.0.0.7"})
	if i%7 == 0 {
		r.Outcome = audit.Failure
	}
	if i%4 == 2 {
		r.Detail = `=cmd(), "quoted"` + "\r\n" + `next; ñandú`
		return r // a login names no table
	}
	r.Connection, r.DatastoreID = []string{"default", "second"}[i%2], "ds-customers"
	r.TableID = fmt.Sprint("tbl-", i%5)
	r.RunID = fmt.Sprint("run-", i/4)
	r.Columns = []string{"ssn", `a,"b"`, "+credit_card", `back\slash`, "<script>"}[:i%6]
	r.Detail = fmt.Sprintf("Run %d of the series ended; medical_record_number was among the columns", i)
	if i%4 == 0 {
		r.Metrics = &audit.Metrics{LatencyMs: int64(i * 3), CoverageRate: float64(i%101) / 3, FieldsEncrypted: i % 9, TotalFields: 9, QueryDegradationRisk: "LOW"}
		r.Compliance = &audit.Compliance{GDPRAligned: i%8 == 0, Algorithm: "AES-256-GCM", KeyRotationEnabled: true}
		r.KMS = &audit.KMS{KeyVersion: int64(i % 3), PermissionHash: "00ff", Status: "VERIFIED"}
	}
	return r
}

// fill appends records from (inclusive) to (exclusive).
func fill(t testing.TB, s *Store, from, to int) {
	t.Helper()
	var list []audit.Record
	for i := from; i < to; i++ {
		list = append(list, variety(i))
		if len(list) == 500 || i == to-1 {
			if err := s.AppendRecords(context.Background(), list...); err != nil {
				t.Fatal(err)
			}
			list = list[:0]
		}
	}
}

func verify(t testing.TB, s *Store) audit.Report {
	t.Helper()
	report, err := audit.VerifyLog(context.Background(), s.LogInput(context.Background(), ""))
	if err != nil {
		t.Fatalf("VerifyLog: %v", err)
	}
	return report
}

func mustVerify(t testing.TB, s *Store, records int64) {
	t.Helper()
	report := verify(t, s)
	if !report.OK() || report.Records != records {
		t.Errorf("%d records of %d: %s %v", report.Records, records, report.Summary(), report.Problems)
	}
}

func TestRecordsAreTheBytesThatWereHashedInOneTree(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 1234)
	mustVerify(t, s, 1234)
	tree := audit.Tree{}
	var scratch []tlog.Hash
	for e, err := range s.Entries(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		want, err := audit.Parse(e.Raw)
		if err != nil {
			t.Fatalf("record %d: %v", e.Seq, err)
		}
		leaf := audit.LeafHash(e.Raw)
		if !bytes.Equal(leaf[:], e.LeafHash) {
			t.Fatalf("record %d has another leaf hash", e.Seq)
		}
		scratch = tree.Append(leaf, scratch[:0])
		if e.Seq == 1007 {
			got, err := s.AuditEntry(t.Context(), want.AuditID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(audit.Entry{Seq: 1007, Record: want, Raw: bytes.Clone(e.Raw), LeafHash: leaf}, got); diff != "" {
				t.Errorf("AuditEntry (-want +got):\n%s", diff)
			}
		}
	}
	root, err := audit.TreeHead(1234, s.HashReader(t.Context()))
	if err != nil || root != tree.Root() {
		t.Errorf("root from the stored hashes is %v, %v; from the records %v", root, err, tree.Root())
	}
	_, err = s.AuditEntry(t.Context(), "none")
	wantCode(t, err, fault.NotFound)
}

func TestRecordsCannotBeChangedThroughSQL(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 10)
	for _, text := range []string{
		`UPDATE audit_records SET record = '{}' WHERE seq = 3`, `DELETE FROM audit_records`,
		`UPDATE audit_hashes SET hash = x'00'`, `DELETE FROM audit_hashes WHERE idx = 1`,
	} {
		err := s.write(t.Context(), func(tx *tx) error { _, err := tx.exec(text); return err })
		if err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", text, err)
		}
	}
	mustVerify(t, s, 10)
}

// What a person with a sqlite3 shell may do to the file: the verification must
// name it, and pages must still open.
func TestEditsWithAShellAreFoundAndBreakNoPage(t *testing.T) {
	const free = `DROP TRIGGER audit_records_no_update; DROP TRIGGER audit_records_no_delete;
		DROP TRIGGER audit_hashes_no_update; DROP TRIGGER audit_hashes_no_delete; `
	for name, c := range map[string]struct {
		edit string
		kind audit.ProblemKind
	}{
		"edited":       {`UPDATE audit_records SET record = replace(record, 'admin', 'nobody') WHERE seq = 31`, audit.RecordChanged},
		"removed":      {`DELETE FROM audit_records WHERE seq = 31`, audit.RecordsMissing},
		"cut":          {`DELETE FROM audit_records WHERE seq > 50`, audit.RecordsCut},
		"moved":        {`UPDATE audit_records SET seq = -5 WHERE seq = 31`, audit.RecordMisplaced},
		"blob":         {`UPDATE audit_records SET record = CAST(replace(record, 'admin', 'nobody') AS BLOB) WHERE seq = 31`, audit.RecordChanged},
		"number":       {`UPDATE audit_records SET record = 7 WHERE seq = 31`, audit.RecordChanged},
		"leaf is text": {`UPDATE audit_records SET leaf_hash = 'abc' WHERE seq = 31`, audit.HashChanged},
		"hash is real": {`UPDATE audit_hashes SET hash = 1.5 WHERE idx = 40`, audit.HashMissing},
		"hash removed": {`DELETE FROM audit_hashes WHERE idx = 40`, audit.HashMissing},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			fill(t, s, 0, 100)
			shell(t, s, free+c.edit)
			report := verify(t, s)
			found := false
			for _, p := range report.Problems {
				found = found || p.Kind == c.kind
			}
			if !found {
				t.Errorf("want %s; got %v", c.kind, report.Problems)
			}
			if _, err := s.AuditPage(t.Context(), audit.Filter{}, 0, 100); err != nil {
				t.Errorf("page: %v", err)
			}
			var out bytes.Buffer
			if _, err := s.ExportCSV(t.Context(), audit.Filter{}, &out); err != nil {
				t.Errorf("CSV: %v", err)
			}
			if _, err := s.ExportJSONL(t.Context(), audit.Filter{}, &out); err != nil {
				t.Errorf("JSONL: %v", err)
			}
		})
	}
}

func TestCutLogIsNotContinuedAsIfNothingHappened(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 100)
	shell(t, s, `DROP TRIGGER audit_records_no_delete; DELETE FROM audit_records WHERE seq > 50`)
	if err := s.AppendRecords(t.Context(), variety(7)); err == nil {
		t.Error("a record was appended to a log that was cut off")
	}
}

// A console and `cxseal encrypt` share one file.
func TestTwoProcessesKeepOneTree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.db")
	stores := []*Store{openAt(t, path), openAt(t, path)}
	var wg sync.WaitGroup
	for p, s := range stores {
		for w := range 3 {
			wg.Go(func() {
				for i := range 30 {
					if err := s.AppendRecords(t.Context(), variety(p*1000+w*100+i), variety(i)); err != nil {
						t.Errorf("process %d: %v", p, err)
					}
				}
			})
		}
	}
	wg.Wait()
	mustVerify(t, stores[0], 360)
	mustVerify(t, stores[1], 360)
}

func TestManyWritersShareACommitAndAFailureIsAlone(t *testing.T) {
	s := open(t)
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.write(t.Context(), func(*tx) error { close(inside); <-release; return nil })
	})
	<-inside
	commits := walCommits(t, s)
	const writers = 60
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() {
			raw, err := canonical([]audit.Record{variety(i)})
			if err != nil {
				t.Error(err)
			}
			errs[i] = s.write(t.Context(), func(tx *tx) error {
				if err := tx.append(raw); err != nil {
					return err
				}
				switch i % 10 {
				case 3:
					return errors.New("refused")
				case 5:
					panic("defect")
				}
				return nil
			})
		})
	}
	for s.Stats().Queued < writers {
		if t.Context().Err() != nil {
			t.Fatal("never queued")
		}
	}
	close(release)
	wg.Wait()
	for i, err := range errs {
		switch i % 10 {
		case 3:
			if err == nil || err.Error() != "refused" {
				t.Errorf("writer %d: %v, want its own error", i, err)
			}
		case 5:
			if err == nil || !strings.Contains(err.Error(), "defect") {
				t.Errorf("writer %d: %v, want its panic", i, err)
			}
		default:
			if err != nil {
				t.Errorf("writer %d suffered from another: %v", i, err)
			}
		}
	}
	mustVerify(t, s, writers*8/10)
	if n := walCommits(t, s) - commits; n > 2 {
		t.Errorf("%d commits for %d waiting writers", n, writers)
	}
}

// SQLite ends a transaction by itself when the disk is full. What was in it is
// lost then: each of its writers must hear so, and none may wait forever.
func TestWritersOfALostTransactionAreAllTold(t *testing.T) {
	s := open(t)
	inside, release := make(chan struct{}), make(chan struct{})
	errs := make([]error, 20)
	var wg sync.WaitGroup
	wg.Go(func() {
		errs[0] = s.write(t.Context(), func(tx *tx) error {
			close(inside)
			<-release
			raw, err := canonical([]audit.Record{variety(0)})
			return errors.Join(err, tx.append(raw))
		})
	})
	<-inside
	for i := 1; i < len(errs); i++ {
		wg.Go(func() {
			errs[i] = s.write(t.Context(), func(tx *tx) error { return tx.Control("ROLLBACK") })
		})
	}
	for s.Stats().Queued < len(errs)-1 {
		if t.Context().Err() != nil {
			t.Fatal("never queued")
		}
	}
	close(release)
	wg.Wait()
	if errs[0] == nil {
		t.Error("a record was acknowledged that is not there")
	}
	for i, err := range errs {
		if err == nil {
			t.Errorf("writer %d was told that all is well", i)
		}
	}
	fill(t, s, 0, 10)
	mustVerify(t, s, 10)
}

// walCommits counts the commits in the write-ahead log: the frames that carry
// a database size (file format §4.1).
func walCommits(t testing.TB, s *Store) int {
	t.Helper()
	wal := readFile(t, s.engine.(*sqliteEngine).wal.path)
	n := 0
	const header, frame = 32, 24 + 4096
	for at := header; at+frame <= len(wal); at += frame {
		if !bytes.Equal(wal[at+8:at+16], wal[16:24]) {
			break // a frame of an earlier round
		}
		if !bytes.Equal(wal[at+4:at+8], []byte{0, 0, 0, 0}) {
			n++
		}
	}
	return n
}

func TestWriteAfterCloseIsRefused(t *testing.T) {
	s := open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.AppendRecords(t.Context(), variety(1)), fault.Conflict)
}

func TestWriteAheadLogStaysShortWhileBeingRead(t *testing.T) {
	s := open(t)
	const limit = 1 << 20
	s.engine.(*sqliteEngine).wal.limit = limit // before the first write, so nobody else looks
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.AuditPage(t.Context(), audit.Filter{}, 0, 5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var highest, shortened int64
	for i := range 20 {
		before := s.Stats().WALBytes
		fill(t, s, i*100, (i+1)*100)
		size := s.Stats().WALBytes
		if size < before {
			shortened++
		}
		highest = max(highest, size)
	}
	cancel()
	wg.Wait()
	if highest > 2*limit {
		t.Errorf("the write-ahead log grew to %d bytes", highest)
	}
	if shortened == 0 {
		t.Errorf("the write-ahead log was never cut; highest %d", highest)
	}
}

func TestCheckpointsAreKeptAndAnchored(t *testing.T) {
	s := open(t)
	if c, err := s.LatestCheckpoint(t.Context()); c != nil || err != nil {
		t.Fatalf("a new log has the checkpoint %v, %v", c, err)
	}
	for size := int64(1); size <= 5; size++ {
		c := audit.KeptCheckpoint{Size: size, Root: tlog.Hash{byte(size)}, Note: fmt.Sprint("note ", size), CreatedAt: noon}
		if err := s.AddCheckpoint(t.Context(), c, record(noon)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddCheckpoint(t.Context(), audit.KeptCheckpoint{Size: 5, Root: tlog.Hash{5}, Note: "again", CreatedAt: noon}); err != nil {
		t.Errorf("the same checkpoint again: %v", err)
	}
	err := s.AddCheckpoint(t.Context(), audit.KeptCheckpoint{Size: 5, Root: tlog.Hash{6}, Note: "other", CreatedAt: noon}, record(noon))
	wantCode(t, err, fault.Conflict)
	if n := number(t, s, `SELECT count(*) FROM audit_records`); n != 5 {
		t.Errorf("%d records, want 5: the refused checkpoint's is kept", n)
	}
	if err := s.AnchorCheckpoint(t.Context(), 3, noon.Add(time.Hour), "file:/anchors"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.AnchorCheckpoint(t.Context(), 9, noon, ""), fault.NotFound)
	anchored, err := s.LatestAnchored(t.Context())
	want := &audit.KeptCheckpoint{Size: 3, Root: tlog.Hash{3}, Note: "note 3", CreatedAt: noon, AnchoredAt: noon.Add(time.Hour), Anchor: "file:/anchors"}
	if diff := cmp.Diff(want, anchored); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	list, err := s.Checkpoints(t.Context(), 4, 2)
	if err != nil || len(list) != 2 || list[0].Size != 3 || list[1].Size != 2 {
		t.Errorf("page %v, %v", list, err)
	}
	var sources []string
	for c, err := range s.LogInput(t.Context(), "").Checkpoints {
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(c.Text))
	}
	if got := strings.Join(sources, ", "); got != "note 1, note 2, note 3, note 4, note 5" {
		t.Errorf("checkpoints to verify against: %s", got)
	}
}

func TestAFullDiskIsTheConsolesFaultAndNamesNoPath(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 10)
	var pages int64
	limit := func(n int64) {
		t.Helper()
		err := s.write(t.Context(), func(tx *tx) error {
			if err := tx.queryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
				return err
			}
			return tx.queryRow(fmt.Sprintf(`PRAGMA max_page_count = %d`, max(n, pages))).Scan(&pages)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(0)
	var err error
	for i := 10; i < 10_000 && err == nil; i++ {
		err = s.AppendRecords(t.Context(), variety(i))
	}
	if err == nil {
		t.Fatal("the disk was never full")
	}
	if strings.Contains(fault.MessageOf(err), s.Path()) || fault.CodeOf(err) == fault.Invalid {
		t.Errorf("%s: %s", fault.CodeOf(err), fault.MessageOf(err))
	}
	limit(1 << 30)
	if err := s.AppendRecords(t.Context(), variety(10_000)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if report := verify(t, s); !report.OK() {
		t.Error(report.Problems)
	}
	if got := verifyReadings(t, s); got != nil {
		t.Error(got)
	}
}

func TestWhatIsToldOfATransactionThatWasNotCommitted(t *testing.T) {
	s := open(t)
	shell(t, s, `CREATE TABLE big (x)`)
	db, err := openWriter(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(`PRAGMA max_page_count = 1`); err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO big VALUES (zeroblob(9999999))`)
	if lasting, got := s.engine.notCommitted(err); !lasting || fault.CodeOf(got) != fault.Unavailable || strings.Contains(fault.MessageOf(got), s.Path()) {
		t.Errorf("%v: %t %s %s", err, lasting, fault.CodeOf(got), fault.MessageOf(got))
	}
}

func TestAFullDiskIsToldUntilSomethingCanBeWrittenAgain(t *testing.T) {
	s := open(t)
	pages := func(n int64) {
		t.Helper()
		if err := s.write(t.Context(), func(t *tx) error {
			var now int64
			return t.queryRow(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)).Scan(&now)
		}); err != nil {
			t.Fatal(err)
		}
	}
	big := record(noon)
	big.Detail = strings.Repeat("x", 10_000)
	pages(1) // no more than there are
	var err error
	for n := 0; err == nil && n < 100; n++ {
		err = s.AppendRecords(t.Context(), big)
		big = record(noon)
		big.Detail = strings.Repeat("x", 10_000)
	}
	if fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("writing to a full disk: %v", err)
	}
	if err := s.Ping(t.Context()); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.MessageOf(err), "disk is full") {
		t.Errorf("ready, though nothing can be written: %v", err)
	}
	pages(1 << 30)
	if err := s.AppendRecords(t.Context(), record(noon)); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("not ready again: %v", err)
	}
}
