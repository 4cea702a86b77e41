package alarm_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/seal"
	"cxseal/store"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // G101: of a test's receiver

var (
	admin  = access.Caller{UserID: 1, Name: "admin", Role: access.Admin, IP: "127.0.0.1"}
	viewer = access.Caller{UserID: 2, Name: "viewer", Role: access.Viewer}
)

// testService is the service on a real database, with a clock that the test moves.
type testService struct {
	*alarm.Service
	t     *testing.T
	store *store.Store
	now   time.Time
}

func (d *testService) clock() time.Time { return d.now }

func newTestService(t *testing.T) *testService {
	t.Helper()
	d := &testService{t: t, now: time.Now().UTC().Truncate(time.Second)}
	var err error
	d.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{Now: d.clock})
	d.must(err)
	t.Cleanup(func() { d.must(d.store.Close()) })
	sealer, err := seal.Open(t.Context(), seal.Source{File: filepath.Join(t.TempDir(), "key"), MayCreate: true})
	d.must(err)
	d.Service = alarm.NewService(d.store, sealer, d.clock, slog.New(slog.DiscardHandler))
	return d
}

func (d *testService) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// deliveries returns the deliveries of every alarm, oldest alarm first.
func (d *testService) deliveries() []alarm.Delivery {
	d.t.Helper()
	alarms, err := d.store.Alarms(d.t.Context(), "", 0, 100)
	d.must(err)
	var ids []int64
	for _, a := range alarms {
		ids = append(ids, a.ID)
	}
	list, err := d.store.Deliveries(d.t.Context(), ids)
	d.must(err)
	return list
}

// receiver is a server that checks the signature of webhooks, keeps them and answers with status.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	ids    []string
	bodies []string
	wrong  error
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 204}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wrong = errors.Join(r.wrong, hook.Verify(body, req.Header))
		r.ids, r.bodies = append(r.ids, req.Header.Get("webhook-id")), append(r.bodies, string(body))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (d *testService) route(r alarm.Route, a alarm.Address) {
	d.t.Helper()
	d.must(d.AddRoute(d.t.Context(), admin, r, a))
}

func one(key string) alarm.Alarm {
	return alarm.Alarm{Dedupe: key, Kind: alarm.RotationOverdue, Severity: alarm.Critical, Title: "Overdue: " + key, Detail: "Due on …"}
}

func TestAnAlarmGoesOutOnceSignedHoweverOftenItIsRaised(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL + "/in?key=hunter2secret", Secret: secret})
	for range 3 {
		d.must(d.Raise(t.Context(), one("a"), one("b")))
		d.must(d.Deliver(t.Context()))
	}
	if len(r.ids) != 2 || r.ids[0] == r.ids[1] || r.wrong != nil {
		t.Fatalf("received %v, %v", r.ids, r.wrong)
	}
	if !strings.Contains(r.bodies[0], `"kind":"rotation_overdue"`) {
		t.Errorf("body %s", r.bodies[0])
	}
}

func TestAFailedDeliveryIsTriedAgainLaterUnderItsOldId(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL + "/in/hunter2secret", Secret: secret})
	d.must(d.Raise(t.Context(), one("a")))
	r.status = 500
	d.must(d.Deliver(t.Context()))
	d.must(d.Deliver(t.Context())) // its time has not come
	if len(r.ids) != 1 {
		t.Fatalf("%d attempts at once", len(r.ids))
	}
	if f := d.deliveries()[0]; f.State != alarm.Waiting || f.Attempts != 1 || !strings.Contains(f.Error, "500") || !f.NextAt.After(d.now) {
		t.Errorf("delivery %+v", f)
	}
	r.status = 200
	d.now = d.now.Add(2 * time.Minute)
	d.must(d.Deliver(t.Context()))
	if f := d.deliveries()[0]; f.State != alarm.Sent || f.Attempts != 2 || f.Error != "" {
		t.Errorf("delivery %+v", f)
	}
	if len(r.ids) != 2 || r.ids[0] != r.ids[1] {
		t.Errorf("ids %v differ: the receiver cannot tell a repetition", r.ids)
	}
}

func TestADeliveryIsGivenUpInTheEndAndSaysSo(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	d.must(d.Raise(t.Context(), one("a")))
	r.status = 503
	for range 20 {
		d.must(d.Deliver(t.Context()))
		d.now = d.now.Add(7 * time.Hour)
	}
	if f := d.deliveries()[0]; f.State != alarm.Failed || f.Attempts != 12 || len(r.ids) != 12 {
		t.Errorf("delivery %+v after %d attempts", f, len(r.ids))
	}
}

func TestNoSecretOfARouteIsEverShownOrStoredInTheOpen(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL + "/in/hunter2secret", Secret: secret})
	d.route(alarm.Route{Name: "mail"}, alarm.Address{Way: alarm.Email, URL: "smtp://me:hunter2secret@127.0.0.1:1/?from=a@x.org&to=b@x.org"})
	d.route(alarm.Route{Name: "chat"}, alarm.Address{Way: alarm.Shoutrrr, URL: "generic+http://127.0.0.1:1/hunter2secret?@token=hunter2secret"})
	r.Close() // every attempt fails
	d.must(d.Raise(t.Context(), one("a")))
	d.must(d.Deliver(t.Context()))
	routes, err := d.store.AlarmRoutes(t.Context())
	d.must(err)
	for _, route := range routes {
		if strings.Contains(route.Hint+string(route.Sealed), "hunter2secret") {
			t.Errorf("route %s: %q", route.Name, route.Hint)
		}
	}
	list := d.deliveries()
	if len(list) != 3 {
		t.Fatalf("%d deliveries", len(list))
	}
	for _, f := range list {
		if f.Error == "" || strings.Contains(f.Error, "hunter2") {
			t.Errorf("%s: error %q", f.RouteName, f.Error)
		}
	}
	records, err := d.store.AuditPage(t.Context(), audit.Filter{Operation: string(audit.SettingsChanged)}, 0, 10)
	d.must(err)
	if len(records) != 3 || strings.Contains(string(records[0].Raw)+string(records[1].Raw)+string(records[2].Raw), "hunter2") {
		t.Errorf("%d records, or a secret in one", len(records))
	}
}

func TestADigestIsOneMessageADay(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.now = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	d.route(alarm.Route{Name: "hook", Digest: true, Kinds: []alarm.Kind{alarm.RotationOverdue}}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	other := one("c")
	other.Kind = alarm.Drift
	for _, a := range []alarm.Alarm{one("a"), one("b"), other} {
		a.RaisedAt = d.now
		d.must(d.Raise(t.Context(), a))
	}
	d.must(d.Deliver(t.Context()))
	if len(r.ids) != 0 {
		t.Fatal("a digest went out at once")
	}
	d.now = time.Date(2026, 5, 2, 7, 0, 1, 0, time.UTC)
	d.must(d.Deliver(t.Context()))
	d.must(d.Deliver(t.Context()))
	if len(r.bodies) != 1 || strings.Count(r.bodies[0], `"kind"`) != 2 || strings.Contains(r.bodies[0], "drift") {
		t.Errorf("received %v", r.bodies)
	}
}

// mailbox is a mail server that takes a few messages.
func mailbox(t *testing.T) (addr string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	messages := make(chan string, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			takeMail(conn, messages)
		}
	}()
	return l.Addr().String(), messages
}

func takeMail(conn net.Conn, messages chan<- string) {
	defer func() { _ = conn.Close() }()
	say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
	lines := bufio.NewScanner(conn)
	say("220 mail")
	var text strings.Builder
	for data := false; lines.Scan(); {
		line := lines.Text()
		text.WriteString(line + "\n")
		switch {
		case data && line == ".":
			data = false
			say("250 taken")
		case data:
		case strings.HasPrefix(line, "DATA"):
			data = true
			say("354 go on")
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			messages <- text.String()
			return
		default:
			say("250 mail")
		}
	}
}

func TestATestMailArrivesAndItsOutcomeIsKept(t *testing.T) {
	d := newTestService(t)
	addr, got := mailbox(t)
	d.route(alarm.Route{Name: "mail"}, alarm.Address{Way: alarm.Email, URL: "smtp://" + addr + "/?from=seal@x.org&to=a@x.org,b@y.org&starttls=no"})
	routes, err := d.store.AlarmRoutes(t.Context())
	d.must(err)
	d.must(d.TestRoute(t.Context(), admin, routes[0].ID))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case mail := <-got:
		for _, want := range []string{"RCPT TO:<a@x.org>", "RCPT TO:<b@y.org>", "Subject: cxseal: this is a test", "Message-ID: <msg_test_", "Auto-Submitted: auto-generated"} {
			if !strings.Contains(mail, want) {
				t.Errorf("no %q in\n%s", want, mail)
			}
		}
	case <-ctx.Done():
		t.Fatal("no mail arrived")
	}
	tests, err := d.store.LastTests(t.Context())
	d.must(err)
	if len(tests) != 1 || tests[0].State != alarm.Sent {
		t.Errorf("delivery %+v", tests)
	}
}

func TestMailIsNotSentInTheClearUnlessThatWasMeant(t *testing.T) {
	addr, _ := mailbox(t)
	err := alarm.Send(t.Context(), alarm.Address{Way: alarm.Email, URL: "smtp://u:p@" + addr + "/?from=seal@x.org&to=a@x.org"}, alarm.Message{ID: "x", At: time.Now()})
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("sent: %v", err)
	}
}

func TestWhatTheLedgerTellsIsRaisedOnce(t *testing.T) {
	d := newTestService(t)
	record := func(op audit.Operation, o audit.Outcome, kms string) audit.Record {
		r := audit.NewRecord(d.now, op, o, audit.Actor{Name: "x", Role: "system"})
		r.TableID, r.RunID, r.Detail = "t", "run", "why"
		if kms != "" {
			r.KMS = &audit.KMS{Status: kms}
		}
		return r
	}
	d.must(d.store.AppendRecords(t.Context(),
		record(audit.DriftDetected, audit.Failure, ""), record(audit.DriftDetected, audit.Success, ""),
		record(audit.KMSCallback, audit.Failure, "REJECTED"), record(audit.ColumnEncryption, audit.Failure, "REJECTED"),
		record(audit.ColumnEncryption, audit.Failure, "UNCONFIRMED"), record(audit.KeyRotation, audit.Failure, "NOT_REACHED"),
		record(audit.ColumnEncryption, audit.Success, "VERIFIED"), record(audit.Login, audit.Failure, "")))
	for _, want := range []int{2, 2} { // a part at a time, and never the same
		n, err := d.store.RaiseFromLedger(t.Context(), alarm.FromRecord, 2)
		d.must(err)
		if n != want {
			t.Errorf("looked at %d records that did not succeed, want %d", n, want)
		}
	}
	for range 2 {
		d.must(d.ReadLedger(t.Context()))
	}
	alarms, err := d.store.Alarms(t.Context(), "", 0, 100)
	d.must(err)
	var kinds []string
	for _, a := range alarms {
		kinds = append(kinds, string(a.Kind))
	}
	if got := strings.Join(kinds, " "); got != "run_failed run_unconfirmed kms_refused drift" {
		t.Errorf("raised %s", got)
	}
}

func TestRoutesAreForThoseWhoManageSettings(t *testing.T) {
	d := newTestService(t)
	if err := d.AddRoute(t.Context(), viewer, alarm.Route{Name: "x"}, alarm.Address{}); err == nil {
		t.Error("a viewer added a route")
	}
	for _, a := range []alarm.Address{
		{Way: alarm.Webhook, URL: "https://x.org", Secret: "whsec_"}, {Way: alarm.Webhook, URL: "ftp://x.org", Secret: secret},
		{Way: alarm.Email, URL: "smtp://x.org/?from=a@x.org"}, {Way: alarm.Email, URL: "smtp://x.org/?from=a@x.org%0d%0aBcc:c@x.org&to=b@x.org"},
		{Way: alarm.Shoutrrr, URL: "nonsense://x"}, {Way: "pigeon", URL: "https://x.org"}, {},
	} {
		if err := d.AddRoute(t.Context(), admin, alarm.Route{Name: "x"}, a); err == nil {
			t.Errorf("accepted %+v", a)
		}
	}
}
