package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
)

// full is a run with every field set.
func full() encryption.Run {
	r := newRun("full", "tbl")
	r.MaskIndexes = true
	r.StartAt = noon.Add(time.Hour)
	r.ShownFingerprint = "fp"
	r.LeaseOwner, r.LeaseUntil = "w1", noon.Add(time.Minute)
	r.Plan = &encryption.Plan{
		Columns: []encryption.ColumnState{{Name: "ssn", Type: "string"}}, Targets: []encryption.ColumnState{{Name: "ssn", Type: "string"}},
		MaxFields: 12, Before: encryption.Coverage{Total: 1}, After: encryption.Coverage{Encrypted: 1, Total: 1, Rate: 100}, Fingerprint: "fp",
	}
	r.IdempotencyKey = "key"
	r.Payload = []byte(`{"tableId":"tbl"}`)
	r.NextRotation = noon.Add(90 * 24 * time.Hour)
	r.Attempts = 2
	r.Answer = &encryption.Answer{Status: 200, Replayed: true, Body: "{}"}
	r.After = []encryption.ColumnState{{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: 3}}
	r.ShownAt = noon.Add(time.Second / 2)
	r.PatchedAt = noon.Add(time.Second)
	r.CallbackDeadline = noon.Add(10 * time.Minute)
	r.FinishedAt = noon.Add(2 * time.Second)
	r.Timings = encryption.Timings{TokenMs: 1, ChecksMs: 2, PatchMs: 3, KMSMs: 4}
	r.KeyVersion = 3
	r.PermissionHash = "hash"
	r.ErrorCode, r.ErrorMessage = fault.Unconfirmed, "No answer."
	return r
}

func TestRunKeepsEveryField(t *testing.T) {
	s := open(t)
	want := full()
	added := addRun(t, s, want)
	if added.Seq != 1 {
		t.Errorf("Seq %d, want 1", added.Seq)
	}
	want.Seq = added.Seq
	got, err := s.Run(t.Context(), "full")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the run changed in the database (-want +got):\n%s", diff)
	}
	byToken, err := s.RunByCallbackToken(t.Context(), "token-full")
	if err != nil || byToken.ID != "full" {
		t.Errorf("RunByCallbackToken = %q, %v", byToken.ID, err)
	}

	plain := newRun("plain", "tbl")
	plain.Columns = nil
	plain.CallbackToken = ""
	addRun(t, s, plain)
	got, err = s.Run(t.Context(), "plain")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, got, cmpopts.IgnoreFields(encryption.Run{}, "Seq"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("absent values came back as something (-want +got):\n%s", diff)
	}
	_, err = s.RunByCallbackToken(t.Context(), "")
	wantCode(t, err, fault.NotFound)
	_, err = s.Run(t.Context(), "none")
	wantCode(t, err, fault.NotFound)
	_, err = s.AddRun(t.Context(), newRun("plain", "tbl"), nil, nil)
	wantCode(t, err, fault.Conflict)
}

func TestTransitionThatAnotherMadeFirstIsRefused(t *testing.T) {
	s := open(t)
	run := addRun(t, s, newRun("a", "tbl"))
	run.State, run.LeaseOwner, run.LeaseUntil = encryption.Checking, "w1", noon.Add(time.Minute)
	step := encryption.Transition{Run: run, From: encryption.Queued}
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Advance(t.Context(), step), fault.Conflict)

	run.State = encryption.Patching
	wantCode(t, s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Checking, Owner: "w2"}), fault.Conflict)
	if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Checking, Owner: "w1"}); err != nil {
		t.Fatal(err)
	}
	run.ID = "none"
	wantCode(t, s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Patching}), fault.NotFound)
}

// A transition is one fact: a failure in any part must leave no trace of the
// others, or the ledger and the run would tell different stories.
func TestTransitionIsWholeOrNothing(t *testing.T) {
	step := func(run encryption.Run) encryption.Transition {
		run.State, run.KeyVersion, run.FinishedAt = encryption.Verified, 1, noon
		return encryption.Transition{
			Run: run, From: encryption.Verifying,
			Events:       []encryption.Event{event("state"), event("kms")},
			Records:      []audit.Record{record(noon), record(noon)},
			Verification: &encryption.Verification{ID: "v1", RunID: run.ID, ReceivedAt: noon, Accepted: true, Columns: run.Columns},
			Rotations:    []encryption.RotationDate{{Connection: "default", DatastoreID: "ds", TableID: "tbl", Column: "ssn", Strategy: "AUTOMATIC", IntervalDays: 90, DueAt: noon, UpdatedAt: noon, RunID: run.ID}},
		}
	}
	for _, table := range []string{"runs", "run_events", "verifications", "rotation_dates", "key_versions", "audit_records", "audit_hashes"} {
		t.Run(table, func(t *testing.T) {
			s := open(t)
			run := newRun("a", "tbl")
			run.State = encryption.Verifying
			run = addRun(t, s, run)
			verb := map[bool]string{true: "UPDATE", false: "INSERT"}[table == "runs"]
			when := ""
			if table == "audit_hashes" { // the very last statement
				when = "WHEN new.idx = (SELECT max(idx) FROM audit_hashes) AND new.idx > 2"
			}
			trigger := fmt.Sprintf(`CREATE TRIGGER broken AFTER %s ON %s %s BEGIN SELECT RAISE(ABORT, 'disk on fire'); END`, verb, table, when)
			shell(t, s, trigger)
			counts := func() string {
				var b strings.Builder
				for _, name := range []string{"run_events", "verifications", "rotation_dates", "key_versions", "audit_records", "audit_hashes", "audit_terms"} {
					fmt.Fprintf(&b, "%s %d\n", name, number(t, s, `SELECT count(*) FROM `+name))
				}
				return b.String()
			}
			before := counts()
			if err := s.Advance(t.Context(), step(run)); err == nil || !strings.Contains(err.Error(), "disk on fire") {
				t.Fatalf("Advance = %v, want the forced failure", err)
			}
			if diff := cmp.Diff(before, counts()); diff != "" {
				t.Errorf("something was kept (-before +after):\n%s", diff)
			}
			got, err := s.Run(t.Context(), "a")
			if err != nil || got.State != encryption.Verifying {
				t.Errorf("run is %s, %v; want verifying", got.State, err)
			}
			shell(t, s, `DROP TRIGGER broken`)
			if err := s.Advance(t.Context(), step(run)); err != nil {
				t.Errorf("the same transition after the repair: %v", err)
			}
			mustVerify(t, s, 3)
		})
	}
}

func claim(t testing.TB, s *Store, c encryption.Claim) string {
	t.Helper()
	if c.Owner == "" {
		c.Owner = "w1"
	}
	if c.Now.IsZero() {
		c.Now = noon
	}
	c.Until = c.Now.Add(time.Minute)
	run, err := s.ClaimRun(t.Context(), c)
	if err != nil {
		t.Fatalf("ClaimRun: %v", err)
	}
	if run == nil {
		return ""
	}
	if run.LeaseOwner != c.Owner || !run.LeaseUntil.Equal(c.Until) {
		t.Errorf("claimed with the lease %q until %v", run.LeaseOwner, run.LeaseUntil)
	}
	return run.ID
}

func wantClaim(t testing.TB, s *Store, c encryption.Claim, want string) {
	t.Helper()
	if got := claim(t, s, c); got != want {
		t.Fatalf("claimed %q, want %q", got, want)
	}
}

func advance(t testing.TB, s *Store, id string, to encryption.State, owner string, until time.Time) {
	t.Helper()
	run, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	from := run.State
	run.State, run.LeaseOwner, run.LeaseUntil = to, owner, until
	if to.Ended() {
		run.FinishedAt = noon
	}
	if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: from}); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyOneRunIsAtWorkOnATable(t *testing.T) {
	s := open(t)
	for _, r := range []encryption.Run{newRun("a", "t1"), newRun("b", "t1"), newRun("c", "t2")} {
		addRun(t, s, r)
	}
	wantClaim(t, s, encryption.Claim{}, "a")
	wantClaim(t, s, encryption.Claim{}, "c") // not b, though a is still queued
	wantClaim(t, s, encryption.Claim{}, "")
	advance(t, s, "a", encryption.Checking, "w1", noon.Add(time.Minute))
	wantClaim(t, s, encryption.Claim{}, "")
	wantClaim(t, s, encryption.Claim{RunID: "b"}, "")
	advance(t, s, "a", encryption.Patching, "w1", noon.Add(time.Minute))
	advance(t, s, "a", encryption.Verifying, "", noon.Add(time.Hour)) // parked: waiting for its callback
	wantClaim(t, s, encryption.Claim{}, "")
	wantClaim(t, s, encryption.Claim{Now: noon.Add(time.Hour), RunID: "a"}, "a")
	advance(t, s, "a", encryption.Verified, "", time.Time{})
	wantClaim(t, s, encryption.Claim{}, "b")

	other := newRun("d", "t1")
	other.Connection = "second" // the same ids at another tenant are another table
	addRun(t, s, other)
	wantClaim(t, s, encryption.Claim{Connection: "second"}, "d")
}

// The states that a worker takes stand in SQL, for its indexes; they are those
// of the state machine that have not ended and wait for no person.
func TestOpenStatesAreThoseThatAWorkerMovesOn(t *testing.T) {
	var open []string
	for _, state := range encryption.States() {
		if !state.Ended() && state != encryption.Awaiting && state != encryption.Held {
			open = append(open, "'"+string(state)+"'")
		}
	}
	if want := "(" + strings.Join(open, ", ") + ")"; openStates != want {
		t.Errorf("%s, want %s", openStates, want)
	}
}

func TestRunWaitsForItsStart(t *testing.T) {
	s := open(t)
	r := newRun("a", "t1")
	r.StartAt = noon.Add(time.Hour)
	addRun(t, s, r)
	addRun(t, s, newRun("b", "t1"))
	wantClaim(t, s, encryption.Claim{RunID: "a"}, "")
	wantClaim(t, s, encryption.Claim{}, "b")
	advance(t, s, "b", encryption.Cancelled, "", time.Time{})
	wantClaim(t, s, encryption.Claim{Now: noon.Add(time.Hour - 1)}, "")
	wantClaim(t, s, encryption.Claim{Now: noon.Add(time.Hour)}, "a")
}

func TestLapsedRunIsTakenOverAndALiveOneIsNot(t *testing.T) {
	s := open(t)
	addRun(t, s, newRun("a", "t1"))
	wantClaim(t, s, encryption.Claim{Owner: "old/1"}, "a")
	advance(t, s, "a", encryption.Checking, "old/1", noon.Add(time.Minute))
	wantClaim(t, s, encryption.Claim{Owner: "new/1", Now: noon.Add(59 * time.Second)}, "")
	if err := s.RenewLeases(t.Context(), "old/1", noon.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	wantClaim(t, s, encryption.Claim{Owner: "new/1", Now: noon.Add(90 * time.Second)}, "")
	// A transition from a copy read before the renewal must not shorten it.
	advance(t, s, "a", encryption.Patching, "old/1", noon.Add(time.Minute))
	wantClaim(t, s, encryption.Claim{Owner: "new/1", Now: noon.Add(90 * time.Second)}, "")
	wantClaim(t, s, encryption.Claim{Owner: "new/1", Now: noon.Add(2 * time.Minute)}, "a")

	if err := s.ReleaseLeases(t.Context(), "old/"); err != nil {
		t.Fatal(err)
	}
	wantClaim(t, s, encryption.Claim{Now: noon.Add(2 * time.Minute)}, "")
	if err := s.ReleaseLeases(t.Context(), "new/"); err != nil {
		t.Fatal(err)
	}
	wantClaim(t, s, encryption.Claim{Now: noon.Add(2 * time.Minute)}, "a")
	advance(t, s, "a", encryption.Failed, "w1", noon.Add(time.Hour))
	if run, _ := s.Run(t.Context(), "a"); run.LeaseOwner != "" || !run.LeaseUntil.IsZero() {
		t.Errorf("an ended run still has the lease %q", run.LeaseOwner)
	}
}

func TestManyWorkersNeverClaimOneRunTwice(t *testing.T) {
	s := open(t)
	for i := range 40 {
		addRun(t, s, newRun(fmt.Sprint("r", i), fmt.Sprint("t", i%20)))
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for {
				run, err := s.ClaimRun(t.Context(), encryption.Claim{Owner: fmt.Sprint("w", w), Now: noon, Until: noon.Add(time.Minute)})
				if err != nil {
					t.Error(err)
				}
				if run == nil {
					return
				}
				mu.Lock()
				claimed[run.TableID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(claimed) != 20 {
		t.Errorf("%d tables were claimed, want 20", len(claimed))
	}
	for table, n := range claimed {
		if n != 1 {
			t.Errorf("table %s was claimed %d times", table, n)
		}
	}
}

func TestLookingForWorkInVainWritesNothing(t *testing.T) {
	s := open(t)
	before := s.Stats().WALBytes
	for range 50 {
		wantClaim(t, s, encryption.Claim{}, "")
	}
	if after := s.Stats().WALBytes; after != before {
		t.Errorf("the write-ahead log grew from %d to %d bytes", before, after)
	}
}

func TestEventsComeInOrderAndAfterACursor(t *testing.T) {
	s := open(t)
	addRun(t, s, newRun("a", "t1"))
	addRun(t, s, newRun("b", "t2"))
	for _, kind := range []string{"request", "retry", "kms"} {
		for _, id := range []string{"a", "b"} {
			e := event(kind)
			e.RunID = id
			if err := s.AddEvents(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	events, err := s.RunEvents(t.Context(), "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
		if e.RunID != "a" || !e.At.Equal(noon) {
			t.Errorf("foreign event %+v", e)
		}
	}
	if got := strings.Join(kinds, " "); got != "state request retry kms" {
		t.Errorf("events %q", got)
	}
	rest, err := s.RunEvents(t.Context(), "a", events[2].Seq)
	if err != nil || len(rest) != 1 || rest[0].Kind != "kms" {
		t.Errorf("after the third: %v, %v", rest, err)
	}
	stray := event("note")
	stray.RunID = "none"
	if err := s.AddEvents(t.Context(), stray); err == nil {
		t.Error("an event of a run that does not exist was stored")
	}
}

func TestVerificationJudgedAgainstAnOlderStateIsRefused(t *testing.T) {
	s := open(t)
	run := newRun("a", "t1")
	run.State = encryption.Verifying
	addRun(t, s, run)
	v := encryption.Verification{ID: "v1", RunID: "a", Connection: "default", ReceivedAt: noon, TableID: "t1",
		Columns: []string{"ssn"}, Body: "{}", BodyHash: "h", Code: "algorithm", Reason: "No.", Status: 422, Answer: "no", Signed: true}
	wantCode(t, s.AddVerification(t.Context(), v, encryption.Unconfirmed, nil, nil), fault.Conflict)
	if list, err := s.RunVerifications(t.Context(), "a"); err != nil || len(list) != 0 {
		t.Fatalf("stored all the same: %v, %v", list, err)
	}
	if err := s.AddVerification(t.Context(), v, encryption.Verifying, []encryption.Event{event("kms")}, []audit.Record{record(noon)}); err != nil {
		t.Fatal(err)
	}
	list, err := s.RunVerifications(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	v.Seq = 1
	if diff := cmp.Diff([]encryption.Verification{v}, list, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the callback changed in the database (-want +got):\n%s", diff)
	}
	stray := encryption.Verification{ID: "v2", ReceivedAt: noon, Code: "token"}
	if err := s.AddVerification(t.Context(), stray, "", nil, []audit.Record{record(noon)}); err != nil {
		t.Fatalf("a callback whose token belongs to no run: %v", err)
	}
	no := false
	list, err = s.Verifications(t.Context(), encryption.VerificationFilter{Accepted: &no}, 0, 10)
	if err != nil || len(list) != 2 || list[0].ID != "v2" {
		t.Errorf("refused callbacks: %v, %v", list, err)
	}
	list, err = s.Verifications(t.Context(), encryption.VerificationFilter{Accepted: &no, RunID: "a"}, 2, 10)
	if err != nil || len(list) != 1 || list[0].ID != "v1" {
		t.Errorf("refused callbacks of the run: %v, %v", list, err)
	}
}

func TestKeyVersionOnlyMovesForwardAndOnlyWhenVerified(t *testing.T) {
	s := open(t)
	version := func() int64 {
		v, err := s.LastKeyVersion(t.Context(), "default", "ds", "t1", "ssn")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	step := func(id string, to encryption.State, v int64) {
		run := newRun(id, "t1")
		run.State = encryption.Verifying
		run = addRun(t, s, run)
		run.State, run.KeyVersion, run.FinishedAt = to, v, noon
		if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Verifying}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		id   string
		to   encryption.State
		v    int64
		want int64
	}{{"a", encryption.Rejected, 7, 0}, {"b", encryption.Verified, 3, 3}, {"c", encryption.Verified, 2, 3}, {"d", encryption.Verified, 4, 4}} {
		step(c.id, c.to, c.v)
		if got := version(); got != c.want {
			t.Fatalf("after %s with version %d: %d, want %d", c.to, c.v, got, c.want)
		}
	}
}

func TestRotationDatesPageSoonestFirst(t *testing.T) {
	s := open(t)
	run := newRun("a", "t1")
	run.State = encryption.Patching
	run = addRun(t, s, run)
	var dates []encryption.RotationDate
	for i := range 25 {
		dates = append(dates, encryption.RotationDate{
			Connection: "default", DatastoreID: "ds", TableID: "t1", Column: fmt.Sprintf("c%02d", i), Strategy: "AUTOMATIC",
			IntervalDays: 90, DueAt: noon.Add(time.Duration(i/3) * time.Hour), KeyVersion: 5, RunID: "a", UpdatedAt: noon,
		})
	}
	shuffled := append([]encryption.RotationDate(nil), dates...)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	run.State = encryption.Verifying
	if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Patching, Rotations: shuffled}); err != nil {
		t.Fatal(err)
	}
	var got []encryption.RotationDate
	var after *rotation.Column
	for {
		page, err := s.Ledger(t.Context(), rotation.Filter{Connection: "default"}, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, encryption.RotationDate{Connection: c.Connection, DatastoreID: c.DatastoreID, TableID: c.TableID, Column: c.Column,
				Strategy: c.Strategy, IntervalDays: c.IntervalDays, DueAt: c.DueAt, KeyVersion: c.KeyVersion, RunID: c.RunID, UpdatedAt: c.UpdatedAt})
		}
		after = &page[len(page)-1]
	}
	if diff := cmp.Diff(dates, got); diff != "" {
		t.Errorf("pages differ from the list (-want +got):\n%s", diff)
	}
	again := dates[0]
	again.KeyVersion, again.DueAt = 0, noon.Add(99*time.Hour)
	run.State = encryption.Unconfirmed
	if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Verifying, Rotations: []encryption.RotationDate{again}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Ledger(t.Context(), rotation.Filter{}, nil, 100)
	if err != nil || len(all) != 25 {
		t.Fatalf("%d dates, %v", len(all), err)
	}
	if last := all[24]; last.Column != "c00" || last.KeyVersion != 5 {
		t.Errorf("moved date %+v, want c00 with the key version it had", last)
	}
}

func TestRunListFiltersAndStaysStableWhileRunsAreAdded(t *testing.T) {
	s := open(t)
	for i := range 30 {
		r := newRun(fmt.Sprint("r", i), fmt.Sprint("t", i%3))
		r.RequestedAt = noon.Add(time.Duration(i) * time.Minute)
		addRun(t, s, r)
	}
	var seen []string
	var before int64
	for page := 0; ; page++ {
		runs, err := s.Runs(t.Context(), encryption.RunFilter{TableID: "t1"}, before, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			break
		}
		for _, r := range runs {
			seen = append(seen, r.ID)
			before = r.Seq
		}
		addRun(t, s, newRun(fmt.Sprint("new", page), "t1"))
	}
	if got := strings.Join(seen, " "); got != "r28 r25 r22 r19 r16 r13 r10 r7 r4 r1" {
		t.Errorf("paged through %q", got)
	}
	runs, err := s.Runs(t.Context(), encryption.RunFilter{From: noon.Add(5 * time.Minute), To: noon.Add(7 * time.Minute)}, 0, 0)
	if err != nil || len(runs) != 2 || runs[0].ID != "r6" || runs[1].ID != "r5" {
		t.Errorf("period: %v, %v", runs, err)
	}
	counts, err := s.RunCounts(t.Context())
	if err != nil || counts[encryption.Queued] < 30 {
		t.Errorf("counts %v, %v", counts, err)
	}
}

func TestHostileTextIsOnlyText(t *testing.T) {
	s := open(t)
	hostile := []string{`'; DROP TABLE runs; --`, "nul\x00nul", "line\r\nline", `"quoted"`, `\u0000`, `<script>`, `=cmd()`, `a,"b"` + "\n" + `c`, strings.Repeat("x", 64<<10), "% _ * ?"}
	for i, text := range hostile {
		r := newRun(fmt.Sprint(i, text), text)
		r.Columns = []string{text}
		r.CallbackToken = fmt.Sprint("t", i, text)
		r.ErrorMessage = text
		rec := record(noon)
		rec.TableID, rec.Detail, rec.Columns = "t", text, []string{text}
		if _, err := s.AddRun(t.Context(), r, []encryption.Event{{At: noon, Message: text}}, []audit.Record{rec}); err != nil {
			if len(text) > 60<<10 && fault.CodeOf(err) == fault.TooLarge {
				continue // the ledger bounds its records
			}
			t.Fatalf("%.40q: %v", text, err)
		}
		got, err := s.Run(t.Context(), r.ID)
		if err != nil || got.TableID != text || got.Columns[0] != text || got.ErrorMessage != text {
			t.Errorf("%.40q came back as %.40q, %v", text, got.TableID, err)
		}
		runs, err := s.Runs(t.Context(), encryption.RunFilter{TableID: text}, 0, 10)
		if err != nil || len(runs) != 1 {
			t.Errorf("filter by %.40q: %d runs, %v", text, len(runs), err)
		}
		if _, err := s.AuditPage(t.Context(), audit.Filter{Query: text, Actor: text}, 0, 10); err != nil && fault.CodeOf(err) != fault.Invalid && fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("search for %.40q: %v", text, err)
		}
	}
	mustVerify(t, s, number(t, s, `SELECT count(*) FROM audit_records`))
}

func TestWithdrawnWriteIsNotDone(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.write(t.Context(), func(*tx) error { close(inside); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-inside
	ran := false
	answer := make(chan error, 1)
	wg.Go(func() { answer <- s.write(ctx, func(*tx) error { ran = true; return nil }) })
	for s.Stats().Queued == 0 { // until it waits behind the first
		if t.Context().Err() != nil {
			t.Fatal("never queued")
		}
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("answer %v, want context.Canceled", err)
	}
	close(release)
	wg.Wait()
	if err := s.write(t.Context(), func(*tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if ran {
		t.Error("a write that was answered as cancelled was executed")
	}
}
