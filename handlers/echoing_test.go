package handlers_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newEchoingTenant refuses everything and repeats what it was sent: the worst
// that a tenant or a proxy before it can do to a secret.
func newEchoingTenant(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"issuer":"http://`+r.Host+`","token_endpoint":"http://`+r.Host+`/token"}`)
			return
		}
		id, secret, _ := r.BasicAuth()
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"refused `+id+` `+secret+` `+r.Header.Get("Authorization")+` `+string(body)+`"}`)
	}))
	t.Cleanup(s.Close)
	return s
}
