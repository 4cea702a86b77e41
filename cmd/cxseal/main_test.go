package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	"cxseal/internal/console/consoletest"
)

// TestMain makes this test binary answer as cxseal too, under that name in
// PATH: the tests start it as the process that a user would start.
func TestMain(m *testing.M) {
	// They wait for other processes more than they work: more of them at a time
	// than there are processors, unless the command line says otherwise.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"cxseal": main})
}

const (
	patience      = 60 * time.Second // how long a test waits for what must come; the machine may be busy
	adminPassword = "the admin of these tests"
)

// eventually asks again until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// environment returns the environment of a process: the variables given, and what
// it needs to run, without any cxseal settings of the person who runs the tests.
func environment(own ...string) []string {
	env := []string{"USER=tester"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TMP", "SYSTEMROOT", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, own...)
}

// process is cxseal, running.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of Wait, after done

	mu   sync.Mutex
	said []string // lines on stdout
	logs bytes.Buffer
}

// launchProcess starts cxseal and ends it with the test.
func launchProcess(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, done: make(chan struct{}), cmd: exec.Command("cxseal", args...)}
	p.cmd.Env = environment(env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = &lockedWriter{mu: &p.mu, w: &p.logs}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			p.mu.Lock()
			p.said = append(p.said, lines.Text())
			p.mu.Unlock()
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			said := p.stderr()
			t.Logf("cxseal %s said last on stderr:\n%s", args[0], said[max(0, len(said)-4000):])
		}
	})
	return p
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logs.String()
}

// says waits for a line on stdout that holds the text, and returns it.
func (p *process) says(text string) string {
	p.t.Helper()
	var found string
	eventually(p.t, "the line "+text, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.said {
			if strings.Contains(line, text) {
				found = line
				return true
			}
		}
		select {
		case <-p.done:
			p.t.Fatalf("cxseal ended (%v) without saying %q:\n%s", p.err, text, p.logs.String())
		default:
		}
		return false
	})
	return found
}

var addressForm = regexp.MustCompile(`http://\S+`)

// address is the address that the program says it serves on.
func (p *process) address() string {
	p.t.Helper()
	return addressForm.FindString(p.says("serving on http"))
}

// kill ends the process as a power cut would: nothing of it runs any more.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // ended already: as good
	<-p.done
}

// stop ends the process as a service manager would, and expects it to be
// content with that.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("cxseal did not stop")
	}
	if p.err != nil {
		p.t.Fatalf("cxseal stopped with %v:\n%s", p.err, p.stderr())
	}
}

// finished is the result of a command that ran to its end.
type finished struct {
	stdout, stderr string
	code           int
}

// command runs cxseal to its end.
func command(t *testing.T, env []string, args ...string) finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "cxseal", args...)
	cmd.Env = environment(env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return finished{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// lastPort counts up from a place of this process's own, below the ports that
// the system hands out by itself: one of those could be gone by the time that a
// console comes back to it.
var lastPort atomic.Int32

func init() { lastPort.Store(int32(20_000 + os.Getpid()%10_000)) }

// freeAddress is an address that nobody listens on now, for a console that is
// to come back to the same one.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := findAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func findAddress() (string, error) {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port")
}

// signIn returns a browser in which somebody is signed in to a console of
// another process.
func signIn(t *testing.T, base, name, password string) *consoletest.Browser {
	t.Helper()
	b := consoletest.NewBrowser(t, base)
	b.SignIn(name, password)
	return b
}

// launchRun asks for a run and returns its id. more replaces fields of the form.
func launchRun(b *consoletest.Browser, datastore, table string, more url.Values, columns ...string) string {
	b.T.Helper()
	form := consoletest.RunForm(columns...)
	form.Set("datastore_id", datastore)
	form.Set("table_id", table)
	maps.Copy(form, more)
	return path.Base(b.LaunchForm(form))
}

// ask reads one value from a database file, while somebody serves on it or
// not. Nothing stays open, so that a killed console's files are left to the
// next one.
func ask[T any](t *testing.T, file, query string, args ...any) (value T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // read only
	if err := db.QueryRow(query, args...).Scan(&value); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}
