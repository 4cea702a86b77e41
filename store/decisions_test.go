package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

var paula = access.Caller{UserID: 8, Name: "paula", Role: access.Approver}

// decisions are the decisions on record, oldest first, with the rows that lists read beside them.
func decisions(t testing.TB, s *Store) []audit.Record {
	t.Helper()
	var list []audit.Record
	for after := int64(0); ; {
		page, err := s.AuditPageAfter(t.Context(), audit.Filter{Operation: string(audit.SensitivityDecided), Outcome: string(audit.Success)}, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(page) - 1; i >= 0; i-- {
			if page[i].Seq > after {
				after = page[i].Seq
			}
			list = append(list, page[i].Record)
		}
		if len(page) < 1000 {
			return list
		}
	}
}

// sensitiveTables saves tables with columns that are all proposed as sensitive.
func sensitiveTables(t testing.TB, s *Store, tables, each int) {
	t.Helper()
	names := make([]string, each)
	for i := range names {
		names[i] = fmt.Sprintf("ssn_%d", i)
	}
	var columns []inventory.Column
	for _, name := range names {
		columns = append(columns, inventory.Column{Name: name, Type: "string"})
	}
	for i := range tables {
		save(t, s, noon, fmt.Sprintf("t%03d", i), columns)
	}
}

// Fails when a decision about many columns is not one transaction, or when one of them is refused or without a record.
func TestADecisionAboutTenThousandColumnsIsOneTransaction(t *testing.T) {
	s := open(t)
	s.now = func() time.Time { return noon }
	sensitiveTables(t, s, 100, sensitivity.MaxDecided/100)
	order := sensitivity.Order{All: &sensitivity.Filter{}, State: sensitivity.NotSensitive, Reason: "Test data.", Confirmed: true}
	began := time.Now()
	done, err := decider(s, noon).Decide(t.Context(), olga, order)
	if err != nil || done.Decided != sensitivity.MaxDecided {
		t.Fatalf("%+v, %v", done, err)
	}
	t.Logf("%d decisions in %s", done.Decided, time.Since(began))
	if n := number(t, s, `SELECT count(*) FROM audit_records WHERE operation = 'SENSITIVITY_DECIDED'`); n != sensitivity.MaxDecided {
		t.Errorf("%d records", n)
	}
	if n := number(t, s, `SELECT count(*) FROM sensitivity_decisions d JOIN audit_records r ON r.seq = d.seq
		AND json_extract(r.record, '$.columns[0]') = d.column_name AND json_extract(r.record, '$.tableId') = d.table_id
		AND json_extract(r.record, '$.decision.reason') = d.reason AND json_extract(r.record, '$.decision.is') = d.state`); n != sensitivity.MaxDecided {
		t.Errorf("%d rows agree with their records", n)
	}
	got := totals(t, s, trend.Filter{})
	if last := got[len(got)-1]; last.Sensitive != 0 || last.Decided != (trend.Moves{Out: sensitivity.MaxDecided}) {
		t.Errorf("%+v", last)
	}

	// One column that is not as it was shown, and nothing of it is kept.
	records := number(t, s, `SELECT count(*) FROM audit_records`)
	stale := make([]sensitivity.Change, 0, 3)
	list, err := s.SensitivityColumns(t.Context(), sensitivity.Filter{}, nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	batch := sensitivity.Batch{At: noon, By: "olga"}
	for i, c := range list {
		if i == 2 {
			c.State = sensitivity.Sensitive
		}
		stale = append(stale, sensitivity.Change{Column: c, To: sensitivity.Sensitive})
		batch.Records = append(batch.Records, record(noon))
	}
	batch.Changes = stale
	wantCode(t, s.Decide(t.Context(), batch), fault.Conflict)
	if n := number(t, s, `SELECT count(*) FROM audit_records`); n != records {
		t.Errorf("%d records after a decision that was refused", n-records)
	}
	if n := number(t, s, `SELECT count(*) FROM inventory_columns WHERE decided = 'sensitive'`); n != 0 {
		t.Errorf("%d columns of it were decided about", n)
	}
	save(t, s, noon, "one more", columnsOf("", "ssn"))
	_, err = decider(s, noon).Decide(t.Context(), olga, sensitivity.Order{All: &sensitivity.Filter{}, State: sensitivity.Sensitive})
	wantCode(t, err, fault.TooLarge)
}

// Fails when one person alone takes a column out of what counts on a connection that asks for two.
func TestFourEyesHoldForWhatIsTakenOutOfWhatCounts(t *testing.T) {
	s := open(t)
	save(t, s, noon, "a", columnsOf("", "ssn", "iban", "ward"))
	saveOf(t, s, "other", noon, "a", columnsOf("", "ssn"))
	service := decider(s, noon, "default")
	key := func(c string) sensitivity.Key {
		return sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "a", Column: c}
	}
	stateOf := func(column string) sensitivity.State {
		list, err := s.SensitivityOf(t.Context(), []sensitivity.Key{key(column)})
		if err != nil {
			t.Fatal(err)
		}
		return list[0].State
	}
	order := sensitivity.Order{All: &sensitivity.Filter{}, State: sensitivity.NotSensitive, Reason: "Test data.", Confirmed: true}
	done, err := service.Decide(t.Context(), olga, order)
	if err != nil || done.Decided != 2 || done.Waiting() != 2 || len(done.Requests) != 1 {
		t.Fatalf("%+v, %v", done, err) // ward was not sensitive, the other connection asks nobody
	}
	request := done.Requests[0]
	if stateOf("ssn") != sensitivity.Sensitive || stateOf("iban") != sensitivity.Sensitive {
		t.Error("what waits was done")
	}
	for _, who := range []access.Caller{olga, {UserID: 9, Name: "OLGA", Role: access.Admin}, {UserID: 10, Name: "oda", Role: access.Officer},
		{Name: "console", Role: access.System}} {
		if err := service.Approve(t.Context(), who, request.ID, request.Approval.Fingerprint); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s approves: %v", who.Name, err)
		}
	}
	wantCode(t, service.Approve(t.Context(), paula, request.ID, "another plan"), fault.PlanChanged)
	if stateOf("ssn") != sensitivity.Sensitive {
		t.Fatal("a refused approval changed a column")
	}

	// A request is for the columns as they were.
	if _, err := service.Decide(t.Context(), olga, sensitivity.Order{Columns: []sensitivity.Key{key("ssn")}, State: sensitivity.Sensitive}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, service.Approve(t.Context(), paula, request.ID, request.Approval.Fingerprint), fault.PlanChanged)
	if err := service.Withdraw(t.Context(), olga, request.ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, service.Approve(t.Context(), paula, request.ID, request.Approval.Fingerprint), fault.Conflict)

	// Taking back the decision that a column is sensitive takes it out too.
	if _, err := service.Decide(t.Context(), olga, sensitivity.Order{Columns: []sensitivity.Key{key("ward")}, State: sensitivity.Sensitive}); err != nil {
		t.Fatal(err)
	}
	back, err := service.Decide(t.Context(), olga, sensitivity.Order{Columns: []sensitivity.Key{key("ward")}, State: sensitivity.Undecided, Reason: "No person's.", Confirmed: true})
	if err != nil || back.Waiting() != 1 || stateOf("ward") != sensitivity.Sensitive {
		t.Fatalf("%+v, %v", back, err)
	}
	if err := service.Approve(t.Context(), paula, back.Requests[0].ID, back.Requests[0].Approval.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if stateOf("ward") != sensitivity.NotSensitive {
		t.Error("what was approved was not done")
	}
	list := decisions(t, s)
	last := list[len(list)-1]
	if last.Actor.Name != "olga" || last.Decision == nil || last.Decision.ApprovedBy != "paula" || last.Decision.Reason != "No person's." ||
		last.Decision.Was != "sensitive" || last.Decision.Is != "not_sensitive" || !strings.Contains(last.Detail, "Approved by paula.") {
		t.Errorf("%+v", last)
	}

	// Taking a connection away is no way around it.
	saveOf(t, s, "removed", noon, "a", columnsOf("", "ssn"))
	_, err = service.Decide(t.Context(), olga, sensitivity.Order{All: &sensitivity.Filter{Connection: "removed"}, State: sensitivity.NotSensitive, Reason: "x", Confirmed: true})
	wantCode(t, err, fault.Conflict)

	// Declined, and not answered in time.
	ask := func() sensitivity.Request {
		done, err := service.Decide(t.Context(), olga, sensitivity.Order{Columns: []sensitivity.Key{key("iban")}, State: sensitivity.NotSensitive, Reason: "x", Confirmed: true})
		if err != nil || len(done.Requests) != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		return done.Requests[0]
	}
	first := ask()
	if err := service.Decline(t.Context(), paula, first.ID, "They are."); err != nil {
		t.Fatal(err)
	}
	second := ask()
	late := decider(s, noon.Add(25*time.Hour), "default")
	wantCode(t, late.Approve(t.Context(), paula, second.ID, second.Approval.Fingerprint), fault.Conflict)
	if err := late.ExpireRequests(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]access.ApprovalState{first.ID: access.Declined, second.ID: access.Expired, request.ID: access.Withdrawn, back.Requests[0].ID: access.Used} {
		r, err := s.SensitivityRequest(t.Context(), id)
		if err != nil || r.Approval.State != want {
			t.Errorf("%s: %s, %v, want %s", id, r.Approval.State, err, want)
		}
	}
	if open, err := s.OpenSensitivityRequests(t.Context(), ""); err != nil || len(open) != 0 || stateOf("iban") != sensitivity.Sensitive {
		t.Errorf("%d requests wait, %v; iban is %s", len(open), err, stateOf("iban"))
	}
	for op, want := range map[audit.Operation]map[audit.Outcome]int64{
		audit.SensitivityRequested: {audit.Success: 4}, audit.SensitivityApproved: {audit.Success: 1, audit.Denied: 1},
		audit.SensitivityDeclined: {audit.Success: 2, audit.Failure: 1}, audit.AccessDenied: {audit.Denied: 3},
	} {
		for outcome, n := range want {
			if got := number(t, s, `SELECT count(*) FROM audit_records WHERE operation = ? AND outcome = ?`, string(op), string(outcome)); got != n {
				t.Errorf("%d records %s %s, want %d", got, op, outcome, n)
			}
		}
	}
}

// waver asks for four eyes the first times, and then no more, or the other way round.
type waver struct {
	asked bool
	times int
}

func (w *waver) FourEyes(string) (bool, time.Duration, bool) {
	w.times--
	return w.asked == (w.times >= 0), 24 * time.Hour, true
}

// Fails when a setting that changes while an order is carried out loses columns of it.
func TestAnOrderIsCarriedOutAsItWasPlanned(t *testing.T) {
	for asked, want := range map[bool]sensitivity.Done{true: {Requests: make([]sensitivity.Request, 1)}, false: {Decided: 2}} {
		s := open(t)
		sensitiveTables(t, s, 1, 2)
		service := sensitivity.NewService(s, &waver{asked, 1}, func() time.Time { return noon })
		done, err := service.Decide(t.Context(), olga, sensitivity.Order{All: &sensitivity.Filter{}, State: sensitivity.NotSensitive, Reason: "x", Confirmed: true})
		if err != nil || done.Decided != want.Decided || len(done.Requests) != len(want.Requests) || len(done.Requests) == 1 && done.Waiting() != 2 {
			t.Errorf("four eyes were asked for: %v; %+v, %v", asked, done, err)
		}
	}
}

// Fails when a form that is sent twice, or many times at once, asks a second person more than once.
func TestTheSameIsAskedForOnce(t *testing.T) {
	s := open(t)
	sensitiveTables(t, s, 1, 3)
	service := decider(s, noon, "default")
	ask := func(columns int) error {
		o := sensitivity.Order{State: sensitivity.NotSensitive, Reason: "x", Confirmed: true}
		for i := range columns {
			o.Columns = append(o.Columns, sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "t000", Column: fmt.Sprintf("ssn_%d", i)})
		}
		_, err := service.Decide(t.Context(), olga, o)
		return err
	}
	const times = 20
	answers := make(chan error, times)
	for range times {
		go func() { answers <- ask(2) }()
	}
	kept := 0
	for range times {
		if err := <-answers; err == nil {
			kept++
		} else {
			wantCode(t, err, fault.Conflict)
		}
	}
	if open, err := s.OpenSensitivityRequests(t.Context(), "default"); err != nil || kept != 1 || len(open) != 1 {
		t.Errorf("%d kept, %d open, %v", kept, len(open), err)
	}
	if err := ask(3); err != nil {
		t.Errorf("other columns: %v", err)
	}
}

// Fails when the list of decisions misses one, or shows one that its filter leaves out.
func TestDecisionsAreFoundByWhatTheyDid(t *testing.T) {
	s := open(t)
	save(t, s, noon, "a", columnsOf("", "ssn", "ward"))
	for i, o := range []sensitivity.Order{{State: sensitivity.NotSensitive}, {State: sensitivity.Undecided}, {State: sensitivity.Sensitive}} {
		o.Columns, o.Confirmed, o.Reason = []sensitivity.Key{{Connection: "default", DatastoreID: "ds", TableID: "a", Column: "ssn"},
			{Connection: "default", DatastoreID: "ds", TableID: "a", Column: "ward"}}, true, "x"
		if _, err := decider(s, noon.Add(time.Duration(i)*day)).Decide(t.Context(), olga, o); err != nil {
			t.Fatal(err)
		}
	}
	yes, no := true, false
	for what, c := range map[string]struct {
		f    sensitivity.DecisionFilter
		want string
	}{
		"all":           {sensitivity.DecisionFilter{}, "ssn ward ssn ward ssn ward"},
		"taken out":     {sensitivity.DecisionFilter{TakenOut: &yes}, "ssn"},
		"not taken out": {sensitivity.DecisionFilter{TakenOut: &no, To: noon.Add(day)}, "ward"},
		"taken back":    {sensitivity.DecisionFilter{Decided: sensitivity.Undecided}, "ssn ward"},
		"a column":      {sensitivity.DecisionFilter{Column: "ward", From: noon.Add(day)}, "ward ward"},
		"another table": {sensitivity.DecisionFilter{TableID: "b"}, ""},
		"of nobody":     {sensitivity.DecisionFilter{By: "nobody"}, ""},
		"of the tenant": {sensitivity.DecisionFilter{Connection: "default", DatastoreID: "ds", By: "olga", From: noon.Add(2 * day)}, "ssn ward"},
	} {
		list, err := s.Decisions(t.Context(), c.f, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := len(list) - 1; i >= 0; i-- {
			got = append(got, list[i].Column)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
	if after, err := s.DecisionsAfter(t.Context(), sensitivity.DecisionFilter{}, 2, 2); err != nil || len(after) != 2 || after[1].Seq != 3 {
		t.Errorf("%+v, %v", after, err)
	}
	if n, err := s.DeclaredNotSensitive(t.Context(), noon); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := s.DeclaredNotSensitive(t.Context(), noon.Add(time.Second)); err != nil || n != 0 {
		t.Errorf("later: %d, %v", n, err)
	}
}

// Whoever edits the list of decisions, or what a column counts as by decision, is found: the records say otherwise.
func TestAnEditedDecisionIsFound(t *testing.T) {
	decided := func(t *testing.T) *Store {
		s := open(t)
		save(t, s, noon, "a\x00", columnsOf("", "ssn", "ward", "iban"))
		for _, o := range []struct {
			state   sensitivity.State
			columns []string
		}{{sensitivity.NotSensitive, []string{"ssn", "iban"}}, {sensitivity.Sensitive, []string{"ward"}}, {sensitivity.Undecided, []string{"iban"}}} {
			order := sensitivity.Order{State: o.state, Confirmed: true, Reason: "Test data."}
			for _, c := range o.columns {
				order.Columns = append(order.Columns, sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "a\x00", Column: c})
			}
			if _, err := decider(s, noon).Decide(t.Context(), olga, order); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.derived(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got := verifyReadings(t, decided(t)); got != nil {
		t.Fatalf("nobody edited anything: %q", got)
	}
	for edit, want := range map[string]string{
		`UPDATE sensitivity_decisions SET reason = 'Another.' WHERE seq = 1`:   "beside record 1 was changed",
		`UPDATE sensitivity_decisions SET decided_by = 'nobody' WHERE seq = 3`: "beside record 3 was changed",
		`DELETE FROM sensitivity_decisions WHERE seq = 2`:                      "has lost the one of record 2",
		`INSERT INTO sensitivity_decisions SELECT 99, at, connection, datastore_id, table_id, 'x', decided, was, state, proposed, reason, decided_by, ''
			FROM sensitivity_decisions WHERE seq = 1`: "is no record of a decision",
		`UPDATE inventory_columns SET decided = 'sensitive' WHERE name = 'ssn'`: `counts by the decision "sensitive"`,
		`UPDATE inventory_columns SET decided = '' WHERE name = 'ward'`:         `the newest decision on record is "sensitive"`,
	} {
		s := decided(t)
		shell(t, s, edit)
		if got := verifyReadings(t, s); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %q, want %q", edit, got, want)
		}
	}
}
