package cxone

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// startWire serves a tenant whose API answers with bytes that no HTTP server
// writes by itself. Its token endpoint is sound. calls counts the API's requests.
func startWire(t *testing.T, answer func(net.Conn)) (base string, calls *atomic.Int32) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	calls = &atomic.Int32{}
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		if strings.HasSuffix(request.URL.Path, "/oauth/token") {
			const grant = `{"access_token":"token-on-the-wire","expires_in":3600}`
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(grant), grant)
			return
		}
		calls.Add(1)
		answer(conn)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + listener.Addr().String(), calls
}

func wireClient(t *testing.T, base string) *Client {
	t.Helper()
	transport := defaultTransport().(*http.Transport).Clone()
	return newClient(t, ClientCredentials(ClientCredentialsConfig{BaseURL: base, ClientID: "client", ClientSecret: "wire-secret",
		HTTPClient: &http.Client{Transport: transport}}), WithHTTPClient(&http.Client{Transport: transport}),
		WithReadTimeout(2*time.Second), WithEncryptTimeout(2*time.Second), WithRetries(1))
}

// What comes over the wire is read, refused or called lost, and never more than
// what it is: a change that may have been made is ambiguous, one that was
// redirected was not made, and nothing waits beyond its timeout.
func TestAnswersThatAreOddOnTheWireAreToldAsTheyAre(t *testing.T) {
	whole := func(head string) string { return "HTTP/1.1 " + head + "\r\nConnection: close\r\n\r\n" + goodTable }
	bomb := packedBlanks(t, 64<<20)
	const redirected = "redirects elsewhere"
	for name, test := range map[string]struct {
		answer string
		read   string // what the error of a read says; "" for none
		change string // the same of a change
		open   bool   // whether a change was made is open
	}{
		"HTTP/1.0":                    {"HTTP/1.0 200 OK\r\n\r\n" + goodTable, "", "", false},
		"HTTP/1.0 that ends early":    {"HTTP/1.0 200 OK\r\n\r\n" + goodTable[:40], "JSON that ends early", "", false},
		"chunks that end early":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"id\":\"t\",\"colum", "broke off", "broke off", true},
		"a length that is not met":    {"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + goodTable, "broke off", "broke off", true},
		"gzip in name only":           {whole("200 OK\r\nContent-Encoding: gzip"), "", "", false},
		"another coding in name only": {whole("200 OK\r\nContent-Encoding: br"), "", "", false},
		"gzip that ends early":        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00", "broke off", "broke off", true},
		"gzip without end":            {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bomb, "larger than 8388608 bytes", "", false},
		"no HTTP":                     {"SSH-2.0-OpenSSH_9.6\r\n", "could not be reached", "may or may not have been made", true},
		"a header without end":        {"HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 2*maxHeader) + "\r\n\r\n", "headers exceeded", "headers exceeded", true},
		"another protocol": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"answered 101, which means nothing here", "answered 101, which means nothing here", true},
		"not modified":                   {"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "answered 304, which means nothing here", "answered 304", true},
		"a redirect that names nothing":  {"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", redirected, redirected, false},
		"a redirect that cannot be read": {"HTTP/1.1 307 x\r\nLocation: ://%%\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", redirected, redirected, false},
		"a redirect to another host":     {"HTTP/1.1 308 x\r\nLocation: http://elsewhere.invalid/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", redirected, redirected, false},
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			defer close(gone)
			base, calls := startWire(t, func(conn net.Conn) {
				_, _ = conn.Write([]byte(test.answer))
				if strings.Contains(test.answer, "101") {
					<-gone // a connection that was switched stays open
				}
			})
			client, began := wireClient(t, base), time.Now()
			if _, err := client.Table(t.Context(), "d", "t"); (err == nil) != (test.read == "") || err != nil && !strings.Contains(err.Error(), test.read) {
				t.Errorf("read: %v, want %q", err, test.read)
			}
			calls.Store(0)
			_, err := client.Encrypt(t.Context(), "d", "t", "key", []byte(`{}`))
			if (err == nil) != (test.change == "") || err != nil && !strings.Contains(err.Error(), test.change) {
				t.Errorf("change: %v, want %q", err, test.change)
			}
			if open := errors.As(err, new(*AmbiguousError)); open != test.open || calls.Load() != 1 {
				t.Errorf("change: open %v after %d requests: %v", open, calls.Load(), err)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("the two calls took %s", took)
			}
		})
	}
}

// packedBlanks packs so many blanks, a thousandth of that long.
func packedBlanks(t *testing.T, n int) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.Copy(w, io.LimitReader(blanks{}, int64(n)))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A few bytes that unpack to very many must not cost their memory.
func TestAPackedAnswerIsUnpackedWithinItsBound(t *testing.T) {
	const limit = 64 << 10
	if data, err := readUnpacked(strings.NewReader(packedBlanks(t, 8<<20)), limit); err != nil || len(data) != limit {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
