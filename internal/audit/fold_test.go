package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// keptRecords is a Recorder in memory.
type keptRecords struct {
	list []Record
	err  error
}

func (k *keptRecords) AppendRecords(_ context.Context, r ...Record) error {
	if k.err == nil {
		k.list = append(k.list, r...)
	}
	return k.err
}

func noted(detail, who string) Record {
	r := NewRecord(time.Time{}, AuditExport, Success, Actor{Name: who, Role: "officer"})
	r.Detail = detail
	return r
}

// TestTheFirstOfAnHourIsRecordedAndItsRepeatsAreCounted fails when a first record is folded away, a repeat is
// recorded one by one, or the number of repeats is wrong.
func TestTheFirstOfAnHourIsRecordedAndItsRepeatsAreCounted(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 59, 0, 0, time.UTC)
	kept := &keptRecords{}
	f := NewFold(kept, func() time.Time { return now })
	note := func(r Record) {
		t.Helper()
		if err := f.Note(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		note(noted("A.", "olga"))
	}
	note(noted("B.", "olga"))
	note(noted("A.", "anna"))
	if len(kept.list) != 3 {
		t.Fatalf("%d records of three kinds", len(kept.list))
	}
	if err := f.Flush(t.Context()); err != nil || len(kept.list) != 3 {
		t.Errorf("before the hour's end: %d records, %v", len(kept.list), err)
	}
	now = now.Add(time.Minute)
	note(noted("A.", "olga")) // the next hour's first
	if err := f.Flush(t.Context()); err != nil || len(kept.list) != 5 {
		t.Fatalf("%d records, %v", len(kept.list), err)
	}
	if r := kept.list[4]; r.Detail != "2 times more in the hour from 2026-11-23T04:00Z, the last at 04:59:00Z: A." || r.Actor.Name != "olga" || r.Operation != AuditExport {
		t.Errorf("%+v", r)
	}
	note(noted("A.", "olga"))
	if err := f.FlushAll(t.Context()); err != nil || len(kept.list) != 6 || !strings.HasPrefix(kept.list[5].Detail, "1 time more in the hour from 2026-11-23T05:00Z") {
		t.Errorf("at shutdown: %+v, %v", kept.list[5:], err)
	}
}

// TestWhatCannotBeRecordedIsAnErrorAndNotLost fails when what could not be recorded is counted as if it had
// been, or lost.
func TestWhatCannotBeRecordedIsAnErrorAndNotLost(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	kept := &keptRecords{err: errors.New("disk full")}
	f := NewFold(kept, func() time.Time { return now })
	for range 2 {
		if err := f.Note(t.Context(), noted("A.", "olga")); err == nil {
			t.Error("a first record that was not appended is no error")
		}
	}
	kept.err = nil
	for range 2 {
		_ = f.Note(t.Context(), noted("A.", "olga"))
	}
	kept.err = errors.New("disk full")
	now = now.Add(time.Hour)
	if f.Flush(t.Context()) == nil {
		t.Error("repeats that were not appended are no error")
	}
	kept.err = nil
	if err := f.Flush(t.Context()); err != nil || len(kept.list) != 2 {
		t.Errorf("%d records, %v", len(kept.list), err)
	}
}

// TestAFloodOfKindsIsBounded fails when somebody who asks for something new each time fills the memory or the
// log.
func TestAFloodOfKindsIsBounded(t *testing.T) {
	kept := &keptRecords{}
	f := NewFold(kept, func() time.Time { return time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC) })
	for i := range 3 * maxFolds {
		if err := f.Note(t.Context(), noted(fmt.Sprint("filter ", i), "olga")); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept.list) != maxFolds+1 || len(f.seen) != maxFolds+1 {
		t.Errorf("%d records, %d kinds in memory", len(kept.list), len(f.seen))
	}
	if err := f.FlushAll(t.Context()); err != nil || len(kept.list) != maxFolds+2 || !strings.Contains(kept.list[maxFolds+1].Detail, "8191 times more") {
		t.Errorf("%d records, the last %+v, %v", len(kept.list), kept.list[len(kept.list)-1], err)
	}
}
