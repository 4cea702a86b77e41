package handlers_test

import (
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/console/consoletest"
)

// must fails the test on an error.
var must = consoletest.Must

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	datastoreID = sandbox.ContactsDataStore
	tableID     = sandbox.ContactsTable
	password    = consoletest.Password
)

// withPages serves the console's pages with other parts, such as a reader that
// fails, in place of its own.
func withPages(h *consoletest.Console, change func(*handlers.Config)) *consoletest.Console {
	h.T.Helper()
	cfg := h.PagesConfig()
	change(&cfg)
	pages, err := handlers.New(cfg)
	must(h.T, err)
	server := httptest.NewServer(pages)
	h.T.Cleanup(func() { pages.Close(); server.Close() })
	other := *h
	other.URL = server.URL
	return &other
}
