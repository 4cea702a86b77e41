package handlers_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// TestEveryPermissionIsLostInTime walks what an officer has open (a page, a form, a stream, a token's stream and
// export, a calendar address) after each way in which a permission is taken away. See standing_test.go for the work
// that waits.
//
// Mutation: without the check in runs.eventStream.follow, or with Accounts.Current alone in Events.Allowed, a stream
// outlives the sign-out (mutants.txt: "an event stream outlives its session").
func TestEveryPermissionIsLostInTime(t *testing.T) {
	const everything = "page form stream token feed"
	for what, x := range map[string]struct {
		lose func(h *consoletest.Console, own, admin *consoletest.Browser)
		lost string
	}{
		"disabling": {func(h *consoletest.Console, _, admin *consoletest.Browser) {
			admin.Submit("/people", personPath(t, h, "officer-1", "disable"), nil)
		}, everything},
		"a smaller role": {func(h *consoletest.Console, _, admin *consoletest.Browser) {
			admin.Submit("/people", personPath(t, h, "officer-1", "role"), url.Values{"role": {"viewer"}})
		}, everything},
		"sign-out": {func(_ *consoletest.Console, own, _ *consoletest.Browser) {
			own.Submit("/account", "/logout", nil)
		}, "page form stream"},
		"an admin's end of everything": {func(h *consoletest.Console, _, admin *consoletest.Browser) {
			admin.Submit("/people", personPath(t, h, "officer-1", "end"), nil)
		}, everything},
		"the removal of the tokens": {func(_ *consoletest.Console, own, _ *consoletest.Browser) {
			page := own.Get("/account").Body
			own.Submit("/account", first(t, tokenRemoval, page), nil)
		}, "token"},
	} {
		t.Run(what, func(t *testing.T) {
			h := consoletest.Start(t)
			admin, own := h.As(access.Admin), h.As(access.Officer)
			form := consoletest.RunForm("ssn")
			form.Set("start_at", h.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			run := admin.LaunchForm(form)
			h.WaitFor(run, encryption.Queued)
			secret := tokenOf(t, own)
			address := feedAddress.FindString(own.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}}).Body)
			bearer := []string{"Authorization", "Bearer " + secret}
			sessionStream := openEvents(t, h, run, "Cookie", "cxseal_session="+sessionOf(own))
			tokenStream := openEvents(t, h, run, bearer...)
			csrf := own.Token("/account")
			x.lose(h, own, admin)
			anybody := h.Browser()
			for name, gone := range map[string]func() bool{
				"page": func() bool { return own.Get("/audit").Status != http.StatusOK },
				"form": func() bool {
					return own.Post("/datastores/sync", url.Values{"csrf_token": {csrf}}).Status != http.StatusSeeOther
				},
				"token":  func() bool { return anybody.Get("/runs", bearer...).Status != http.StatusOK && tokenStream() },
				"feed":   func() bool { return anybody.Get(address).Status != http.StatusOK },
				"stream": func() bool { return sessionStream() },
			} {
				if strings.Contains(x.lost, name) {
					within(t, "the "+name+" still works", gone)
				}
			}
			if !strings.Contains(x.lost, "stream") && sessionStream() {
				t.Error("the stream of a session that goes on has ended")
			}
		})
	}
}

func TestOnePersonDoesNotTakeEveryStream(t *testing.T) {
	h := consoletest.Start(t)
	admin, officer := h.As(access.Admin), h.As(access.Officer)
	form := consoletest.RunForm("ssn")
	form.Set("start_at", h.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	run := admin.LaunchForm(form)
	const share = 24
	for range share {
		openEvents(t, h, run, "Cookie", "cxseal_session="+sessionOf(officer))
	}
	if a := officer.Get(run + "/events"); a.Status != http.StatusTooManyRequests {
		t.Errorf("stream %d of one person: %d", share+1, a.Status)
	}
	openEvents(t, h, run, "Cookie", "cxseal_session="+sessionOf(admin))
}

// openEvents opens the event stream of a run and returns a function that says whether it has ended.
func openEvents(t *testing.T, h *consoletest.Console, run string, header ...string) (ended func() bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+run+"/events", nil)
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{}
	resp, err := transport.RoundTrip(req)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the stream: %d", resp.StatusCode)
	}
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(io.Discard, resp.Body) }()
	t.Cleanup(func() { _ = resp.Body.Close(); <-done; transport.CloseIdleConnections() })
	return func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}
