package consoletest

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log collects the lines that a console logs. CXSEAL_TEST_LOG copies them to
// stderr.
type Log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if os.Getenv("CXSEAL_TEST_LOG") != "" {
		_, _ = os.Stderr.Write(p)
	}
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Until is the log once it holds the text: a line is written after its answer.
func (l *Log) Until(t testing.TB, text string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for !strings.Contains(l.String(), text) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the log has no %q", text)
		}
	}
	return l.String()
}
