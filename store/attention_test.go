package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

func finding(at time.Time, op audit.Operation, outcome audit.Outcome, table, kms, run, detail string, columns ...string) audit.Record {
	r := audit.NewRecord(at, op, outcome, audit.Actor{Name: "console", Role: "system"})
	r.Connection, r.DatastoreID, r.TableID, r.RunID, r.Columns, r.Detail = "default", "ds", table, run, columns, detail
	if kms != "" {
		r.KMS = &audit.KMS{Status: kms}
	}
	return r
}

func items(t *testing.T, s *Store, f attention.Filter) []attention.Item {
	t.Helper()
	list, err := s.Attention(t.Context(), f, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Fails when the list of what needs attention is not what the records say: made again from the ledger alone, it must be
// the same, whether it was made record by record or all at once.
func TestTheItemsOfAttentionAreMadeAgainFromTheLedger(t *testing.T) {
	s := open(t)
	at := time.Date(2026, 6, 20, 0, 0, 0, 0, time.UTC)
	lost := "The column is no longer encrypted, and no run of this console did that."
	for i := range 60 {
		at = at.Add(31 * time.Hour)
		table, column, run := fmt.Sprint("t", i%3), fmt.Sprint("c", i%4), fmt.Sprint("run", i)
		var r audit.Record
		switch i % 6 {
		case 0:
			r = finding(at, audit.DriftDetected, audit.Failure, table, "", "", lost, column)
		case 1:
			r = finding(at, audit.ColumnEncryption, audit.Failure, table, "REJECTED", run, "", column, "c0")
		case 2:
			r = finding(at, audit.ColumnEncryption, audit.Failure, table, "UNCONFIRMED", run, "", column)
		case 3:
			r = finding(at, audit.KMSCallback, audit.Success, table, "VERIFIED", fmt.Sprint("run", i-1), "", column)
		case 4:
			r = finding(at, audit.KeyRotation, audit.Success, table, "VERIFIED", run, "", column)
		default:
			review, err := audit.Review{From: at.AddDate(0, -1, 0), To: at, UpToSeq: 1, Note: "Nothing."}.Record(at, audit.Actor{Name: "olga"})
			if err != nil {
				t.Fatal(err)
			}
			r = review
		}
		if err := s.AppendRecords(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 { // some are taken in one by one, some together
			items(t, s, attention.Filter{})
		}
		if open := items(t, s, attention.Filter{State: attention.Open}); (i%10 == 0 || i == 59) && len(open) > 0 {
			a, err := audit.Acknowledgement{Item: open[0].ID, Owner: "olga", Note: "Seen."}.Record(at, audit.Actor{Name: "olga", Role: "officer"})
			if err != nil {
				t.Fatal(err)
			}
			a.Connection, a.DatastoreID, a.TableID = open[0].Connection, open[0].DatastoreID, open[0].TableID
			if err := s.AppendRecords(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := items(t, s, attention.Filter{})
	counts, err := s.AttentionCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range attention.States() {
		if n := len(items(t, s, attention.Filter{State: state})); n == 0 || n != counts.Of(state) {
			t.Errorf("%d items are %s, and %d are counted", n, state, counts.Of(state))
		}
	}
	for _, i := range kept {
		if i.State() != attention.Resolved {
			continue
		}
		if e, err := s.AuditEntry(t.Context(), i.ResolvedBy); err != nil || !e.Record.Time().Equal(i.ResolvedAt) || e.Seq < i.OpenedSeq {
			t.Errorf("%s was resolved at %s by %s: %+v, %v", i.ID, i.ResolvedAt, i.ResolvedBy, e.Record, err)
		}
	}
	for _, text := range []string{`DELETE FROM attention_items`, `DELETE FROM attention_counts`, `UPDATE marks SET value = 0 WHERE name LIKE 'attention%'`} {
		if err := s.write(t.Context(), func(tx *tx) error { _, err := tx.exec(text); return err }); err != nil {
			t.Fatal(err)
		}
	}
	again := items(t, s, attention.Filter{})
	if len(again) != len(kept) || len(kept) < 20 {
		t.Fatalf("%d items, and %d made again", len(kept), len(again))
	}
	byID := map[string]attention.Item{}
	for _, i := range again {
		i.Seq = 0
		byID[i.ID] = i
	}
	for _, i := range kept {
		i.Seq = 0
		if !reflect.DeepEqual(i, byID[i.ID]) {
			t.Errorf("kept %+v\nmade again %+v", i, byID[i.ID])
		}
	}
}

// Fails when what was resolved or acknowledged cannot be found again, or a page of the list misses an item.
func TestItemsOfAttentionAreFoundByWhatTheyAre(t *testing.T) {
	s := open(t)
	for i := range 120 {
		r := finding(noon.Add(time.Duration(i)*time.Hour), audit.ColumnEncryption, audit.Failure, fmt.Sprint("t", i%2), "NOT_REACHED", fmt.Sprint("run", i), "", fmt.Sprint("c", i))
		if err := s.AppendRecords(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for before := int64(0); ; {
		page, err := s.Attention(t.Context(), attention.Filter{TableID: "t1"}, before, 25)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			seen[i.ID] = true
		}
		if len(page) < 25 {
			break
		}
		before = page[len(page)-1].Seq
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 items were paged through", len(seen))
	}
	f := attention.Filter{Kind: attention.RunFailed, State: attention.Open, Connection: "default", From: noon.Add(10 * time.Hour), To: noon.Add(20 * time.Hour)}
	if list := items(t, s, f); len(list) != 10 {
		t.Errorf("%d items since those hours", len(list))
	}
	if list := items(t, s, attention.Filter{Owner: "olga"}); len(list) != 0 {
		t.Errorf("%d items of an owner who has none", len(list))
	}
	after, err := s.AttentionAfter(t.Context(), attention.Filter{}, 100, 5)
	if err != nil || len(after) != 5 || after[4].Seq != 101 {
		t.Errorf("after 100: %+v, %v", after, err)
	}
	if _, err := s.AttentionItem(t.Context(), "none"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown item: %v", err)
	}
}
