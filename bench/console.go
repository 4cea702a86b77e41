//go:build bench

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// password is the bench's own, for databases that are deleted at its end.
const password = "bench correct horse battery"

// console is `cxseal serve` as a process of its own.
type console struct {
	cmd *exec.Cmd
	url string
}

// serve starts the console on the ledger's copy.
func (b *bench) serve() (*console, error) {
	return b.start([]string{"CXSEAL_ADMIN_PASSWORD=" + password}, b.cxseal, "serve", "--db", b.db, "--addr", "127.0.0.1:0")
}

// servingOn is the text that every server prints before its address when it is ready.
const servingOn = " is serving on "

// start runs a server and returns when it has printed its address.
func (b *bench) start(env []string, name string, args ...string) (*console, error) {
	cmd := exec.CommandContext(b.ctx, name, args...) //nolint:gosec // G204: the bench's own programs
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, at, found := strings.Cut(lines.Text(), servingOn); found {
			go func() { _, _ = io.Copy(io.Discard, out) }() // it must never wait for a reader
			at, _, _ = strings.Cut(strings.TrimSpace(at), " ")
			return &console{cmd, at}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s did not start: %s", name, trouble.String()), cmd.Wait())
}

func (c *console) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.cmd.Wait()
}

// peakMemory is the most memory a process has had since it began, in MiB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0, errors.New("the system does not tell the peak memory")
	}
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	return kib / 1024, err
}

var csrfField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// signIn returns a client with a session.
func signIn(base, name, password string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}}
	resp, err := client.Get(base + "/login")
	if err != nil {
		return nil, err
	}
	form, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	m := csrfField.FindSubmatch(form)
	if m == nil {
		return nil, errors.New("the sign-in form has no token")
	}
	resp, err = client.PostForm(base+"/login",
		url.Values{"username": {name}, "password": {password}, "csrf_token": {string(m[1])}})
	if err != nil {
		return nil, err
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	if resp.Request.URL.Path == "/login" {
		return nil, fmt.Errorf("%s was not let in: %s", name, resp.Status)
	}
	return client, nil
}

// fetch reads a page to its end and returns its length in bytes.
func fetch(client *http.Client, address string) (int64, error) {
	resp, err := client.Get(address)
	if err != nil {
		return 0, err
	}
	n, err := drain(resp)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", address, resp.Status)
	}
	return n, err
}

// drain reads an answer to its end and returns its length in bytes.
func drain(resp *http.Response) (int64, error) {
	n, err := io.Copy(io.Discard, resp.Body)
	return n, errors.Join(err, resp.Body.Close())
}
