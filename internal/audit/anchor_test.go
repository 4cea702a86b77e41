package audit_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

func TestASettingNamesItsAnchorOrIsRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"file:/var/lib/anchors":              "file:/var/lib/anchors",
		"file:///var/lib/anchors":            "file:/var/lib/anchors",
		"syslog:":                            "syslog:",
		"syslog:udp://loghost":               "syslog:udp://loghost:514",
		"syslog:tcp://[::1]:6514":            "syslog:tcp://[::1]:6514",
		"syslog:unix:///dev/log":             "syslog:unix:///dev/log",
		"https://collector.example/a?t=s3cr": "https://collector.example/a",
		"http://127.0.0.1:8181/":             "http://127.0.0.1:8181/",
	} {
		a, err := audit.ParseAnchor(setting)
		if err != nil {
			t.Errorf("%s: %v", setting, err)
		} else if a.String() != want {
			t.Errorf("%s is named %q, want %q", setting, a, want)
		}
	}
	for _, setting := range []string{"", "/var/lib/anchors", "file:", "ftp://host/", "syslog:udp://", "syslog:udp://host/path",
		"syslog:loghost", "syslog:unix://host/dev/log", "http://collector.example/", "https://", "https://me:secret@host/", "https://host/#x",
		"syslog:udp://me:secret@host"} {
		if a, err := audit.ParseAnchor(setting); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q became %v, %v", setting, a, err)
		} else if strings.Contains(fault.MessageOf(err), "secret") && strings.HasPrefix(setting, "https") {
			t.Errorf("%q: the message repeats the password: %v", setting, err)
		}
	}
}

func parse(t *testing.T, setting string) audit.Anchor {
	t.Helper()
	a, err := audit.ParseAnchor(setting)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func checkpointOf(size int64) audit.KeptCheckpoint {
	return audit.KeptCheckpoint{Size: size, CreatedAt: time.Date(2026, 11, 23, 4, 0, 0, 123e6, time.UTC),
		Note: fmt.Sprintf("cxseal/test\n%d\nAAAA\n\n— cxseal/test BBBB\n", size)}
}

func TestTheAnchorFileIsOnlyEverAddedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors")
	a := parse(t, "file:"+path)
	for _, size := range []int64{1, 2, 2} { // the same twice is kept once
		if err := a.Put(t.Context(), checkpointOf(size)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := checkpointOf(1).Note + checkpointOf(2).Note; string(got) != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if file, ok := audit.AnchoredIn(a); !ok || file != path {
		t.Errorf("AnchoredIn says %q, %v", file, ok)
	}
}

func TestATornAnchorFileIsLeftForAPersonToSee(t *testing.T) {
	for name, tail := range map[string]string{"half a line": "cxseal/test\n3\nAA", "no signature": "cxseal/test\n3\nAAAA\n"} {
		path := filepath.Join(t.TempDir(), "anchors")
		torn := checkpointOf(1).Note + tail
		if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := parse(t, "file:"+path).Put(t.Context(), checkpointOf(4)); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != torn {
			t.Errorf("%s: the file was touched: %q, %v", name, got, err)
		}
	}
}

func TestAnAnchorFileThatCannotBeWrittenSaysWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such", "folder")
	if err := parse(t, "file:"+path).Put(t.Context(), checkpointOf(1)); err == nil || !strings.Contains(fault.MessageOf(err), path) {
		t.Errorf("%v", err)
	}
}

func TestACheckpointIsPostedAsItIs(t *testing.T) {
	var body, contentType, token string
	answer := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body, contentType, token = r.Method+" "+string(b), r.Header.Get("Content-Type"), r.URL.Query().Get("token")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer)
	}))
	defer srv.Close()
	a := parse(t, srv.URL+"/log?token=s3cret")
	if err := a.Put(t.Context(), checkpointOf(9)); err != nil {
		t.Fatal(err)
	}
	if body != "POST "+checkpointOf(9).Note || contentType != "text/plain; charset=utf-8" || token != "s3cret" {
		t.Errorf("the far end got %q, %q, %q", body, contentType, token)
	}
	for _, answer = range []int{http.StatusFound, http.StatusForbidden, http.StatusInternalServerError} {
		if err := a.Put(t.Context(), checkpointOf(9)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(answer)) {
			t.Errorf("%d was taken for a yes: %v", answer, err)
		}
	}
	srv.Close()
	if err := a.Put(t.Context(), checkpointOf(9)); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody listens: %v", err)
	}
}

// syslogLine is RFC 5424 §6: priority, version, time, host, program, process,
// message id, no structured data, and the checkpoint in one line.
var syslogLine = regexp.MustCompile(`^<109>1 2026-11-23T04:00:00\.123Z \S+ cxseal \d+ CHECKPOINT - (.*)$`)

func wantLine(t *testing.T, got string) {
	t.Helper()
	m := syslogLine.FindStringSubmatch(got)
	if m == nil || strings.ReplaceAll(m[1], `\n`, "\n") != checkpointOf(7).Note {
		t.Errorf("syslog got %q", got)
	}
}

func TestSyslogOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test's socket
	if err := parse(t, "syslog:udp://"+conn.LocalAddr().String()).Put(t.Context(), checkpointOf(7)); err != nil {
		t.Fatal(err)
	}
	wantLine(t, received(t, conn))
}

func received(t *testing.T, conn net.PacketConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, _, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestSyslogOverTCPCountsItsOctets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test's socket
	got := make(chan string, 1)
	go func() {
		defer close(got)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // it was only read
		b, _ := io.ReadAll(conn)
		got <- string(b)
	}()
	a := parse(t, "syslog:tcp://"+l.Addr().String())
	if err := a.Put(t.Context(), checkpointOf(7)); err != nil {
		t.Fatal(err)
	}
	length, line, _ := strings.Cut(<-got, " ")
	if length != fmt.Sprint(len(line)) {
		t.Errorf("the message of %d octets announces %s", len(line), length)
	}
	wantLine(t, line)
	l.Close() //nolint:errcheck // nobody listens from now on
	if err := a.Put(t.Context(), checkpointOf(7)); err == nil {
		t.Error("nobody listens, and that went unnoticed")
	}
}

func TestSyslogOverALocalSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no datagram sockets in the file system")
	}
	dir, err := os.MkdirTemp("", "log") // a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a test's folder
	path := filepath.Join(dir, "s")
	conn, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test's socket
	if err := parse(t, "syslog:unix://"+path).Put(t.Context(), checkpointOf(7)); err != nil {
		t.Fatal(err)
	}
	wantLine(t, received(t, conn))
}
