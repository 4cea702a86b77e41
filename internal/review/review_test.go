package review_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/review"
	"cxseal/store"
)

// testService is the service on a real database, with two people and a clock.
type testService struct {
	*review.Service
	store          *store.Store
	now            time.Time
	officer, admin access.Caller
}

func open(t *testing.T) *testService {
	t.Helper()
	d := &testService{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "review.db"), store.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "key"), "cxseal/test")
	if err != nil {
		t.Fatal(err)
	}
	d.store, d.Service = s, review.NewService(s, audit.NewLog(s, key, clock, t.TempDir()), clock)
	person := func(name string, role access.Role) access.Caller {
		r := audit.NewRecord(d.now, audit.UserChanged, audit.Success, audit.Actor{Name: "setup", Role: "system"})
		u, err := s.AddUser(t.Context(), access.User{Name: name, Role: role, PasswordHash: "x", CreatedAt: d.now, UpdatedAt: d.now}, access.Touch{}, r)
		if err != nil {
			t.Fatal(err)
		}
		return access.Caller{UserID: u.ID, Name: name, Role: role, IP: "10.0.0.9"}
	}
	d.officer, d.admin = person("olga", access.Officer), person("adam", access.Admin)
	return d
}

// progress returns how much of the log is reviewed.
func (d *testService) progress(t *testing.T) review.Progress {
	t.Helper()
	p, err := d.Progress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func day(month, day int) time.Time {
	return time.Date(2026, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func TestAReviewIsARecordAndCountsTheDays(t *testing.T) {
	d := open(t)
	if got := d.progress(t).Latest; got != nil {
		t.Fatalf("before the first review: %+v", got)
	}
	rec, err := d.Mark(t.Context(), d.officer, audit.Review{From: day(11, 1), To: day(12, 1), UpToSeq: 2, Note: "Two odd sign-ins, cleared."})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := d.store.LatestCheckpoint(t.Context())
	if err != nil || kept == nil || kept.Size != 2 {
		t.Fatalf("the review is bound to the checkpoint %+v, %v", kept, err)
	}
	want := review.Done{Review: audit.Review{From: day(11, 1), To: d.now, UpToSeq: 2, Note: "Two odd sign-ins, cleared.", Size: 2, Root: kept.Root},
		Seq: 3, AuditID: rec.AuditID, At: d.now, By: d.officer.Actor()}
	got := d.progress(t).Latest
	if got == nil {
		t.Fatal("there is no review")
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("the end of the period is cut to now (-want +got):\n%s", diff)
	}
	d.now = d.now.Add(47 * time.Hour)
	if n := d.progress(t).Days; n != 1 {
		t.Errorf("%d days after 47 hours, want 1", n)
	}
	if _, err := d.Mark(t.Context(), d.officer, audit.Review{From: day(11, 2), To: day(11, 3), UpToSeq: 3, Note: "Nothing."}); err != nil {
		t.Fatal(err)
	}
	list, err := d.List(t.Context(), 0, 10)
	if err != nil || len(list) != 2 || list[0].Seq != 4 || list[1].Seq != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	if older, err := d.List(t.Context(), 4, 10); err != nil || len(older) != 1 {
		t.Errorf("%+v, %v", older, err)
	}
}

func TestWhoMayNotReviewIsRefusedAndRecorded(t *testing.T) {
	d := open(t)
	_, err := d.Mark(t.Context(), d.admin, audit.Review{From: day(11, 1), To: day(11, 2), UpToSeq: 2, Note: "All fine."})
	wantCode(t, err, fault.Denied)
	list, err := d.store.AuditPage(t.Context(), audit.Filter{Operation: "AUDIT_REVIEW"}, 0, 10)
	if err != nil || len(list) != 1 || list[0].Record.Outcome != audit.Denied || list[0].Record.Actor.Name != "adam" {
		t.Errorf("%+v, %v", list, err)
	}
	if got := d.progress(t).Latest; got != nil {
		t.Errorf("the refused attempt counts as a review: %+v", got)
	}
}

func TestNobodyReviewsWhatHasNotHappened(t *testing.T) {
	d := open(t)
	for name, r := range map[string]audit.Review{
		"records that are not there": {From: day(11, 1), To: day(11, 2), UpToSeq: 3, Note: "x"},
		"the future":                 {From: day(12, 1), To: day(12, 2), UpToSeq: 2, Note: "x"},
	} {
		_, err := d.Mark(t.Context(), d.officer, r)
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, err := d.store.TreeSize(t.Context()); n != 2 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestASavedViewIsOnesOwn(t *testing.T) {
	d := open(t)
	save := func(who access.Caller, name, query string) {
		t.Helper()
		if _, err := d.Save(t.Context(), who, name, query); err != nil {
			t.Fatal(err)
		}
	}
	save(d.officer, "  Failed   runs ", "?outcome=FAILURE&operation=COLUMN_ENCRYPTION&before=77&evil=1&actor=")
	save(d.officer, "Mine", "q=ssn")
	save(d.officer, "Mine", "q=iban") // in place of the first
	save(d.admin, "Mine", "q=theirs")
	list, err := d.Views(t.Context(), d.officer)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if list[0].Name != "Failed runs" || list[0].Query != "operation=COLUMN_ENCRYPTION&outcome=FAILURE" || list[1].Query != "q=iban" {
		t.Errorf("%+v", list)
	}
	wantCode(t, d.Delete(t.Context(), d.admin, list[0].ID), fault.NotFound)
	if err := d.Delete(t.Context(), d.officer, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Views(t.Context(), d.officer); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = d.Views(t.Context(), access.Caller{UserID: 9, Role: access.Viewer})
	wantCode(t, err, fault.Denied)
}

func TestAViewThatCannotBeKeptSaysWhy(t *testing.T) {
	d := open(t)
	for name, c := range map[string]struct {
		name, query string
		code        fault.Code
	}{
		"no name":        {" ", "q=x", fault.Invalid},
		"control":        {"a\x00b", "q=x", fault.Invalid},
		"endless name":   {strings.Repeat("ü", review.MaxViewName+1), "q=x", fault.Invalid},
		"nothing asked":  {"a", "evil=1&q=", fault.Invalid},
		"no query":       {"a", "q=%zz", fault.Invalid},
		"endless search": {"a", "q=" + strings.Repeat("x", 9<<10), fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.Save(t.Context(), d.officer, c.name, c.query)
			wantCode(t, err, c.code)
		})
	}
	for i := range review.MaxViews {
		if _, err := d.Save(t.Context(), d.officer, fmt.Sprint("View ", i), "q=x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Save(t.Context(), d.officer, "One more", "q=x")
	wantCode(t, err, fault.Conflict)
	if _, err := d.Save(t.Context(), d.officer, "View 3", "q=y"); err != nil {
		t.Errorf("a full list cannot be changed: %v", err)
	}
	_, err = d.Save(t.Context(), access.Caller{Name: "cli", Role: access.System}, "a", "q=x")
	wantCode(t, err, fault.Denied)
}

// Marking a period must not say that somebody read what was written to it after the page was opened.
func TestAReviewEndsBeforeTheFirstRecordThatNobodySaw(t *testing.T) {
	d := open(t)
	d.now = d.now.Add(time.Hour)
	late := audit.NewRecord(d.now, audit.Login, audit.Failure, audit.Actor{Name: "eve", Role: "viewer"})
	if err := d.store.AppendRecords(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Hour)
	if _, err := d.Mark(t.Context(), d.officer, audit.Review{From: day(11, 23), To: day(11, 24), UpToSeq: 2, Note: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := d.progress(t).Latest; !got.To.Equal(late.Time()) || got.Size != 3 {
		t.Errorf("reviewed to %s under %d records, though record 3 of %s was not seen", got.To, got.Size, late.Timestamp)
	}
	_, err := d.Mark(t.Context(), d.officer, audit.Review{From: late.Time(), To: day(11, 24), UpToSeq: 2, Note: "x"})
	wantCode(t, err, fault.Invalid)
}

func TestMarkingOneMonthLeavesTheOthersDue(t *testing.T) {
	d := open(t) // the log begins on 23 November
	d.now = time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC)
	if _, err := d.Mark(t.Context(), d.officer, audit.Review{From: day(13, 1), To: day(14, 1), UpToSeq: 2, Note: "January."}); err != nil {
		t.Fatal(err)
	}
	var due []string
	for _, m := range review.Due(d.progress(t).Months) {
		due = append(due, m.First.Format("2006-01")+" "+string(m.Extent))
	}
	if diff := cmp.Diff([]string{"2026-11 not reviewed", "2026-12 not reviewed", "2027-02 not reviewed"}, due); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
