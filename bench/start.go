//go:build bench

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const (
	starts   = 20               // of which the median counts
	idleFor  = 10 * time.Second // until a console that nobody uses has settled
	mebibyte = 1 << 20
)

// startup measures the time from exec to the first page, on the ledger and on a new database, the memory of
// the idle console after that, and the size of the binary as it is shipped.
func (b *bench) startup() error {
	shipped := filepath.Join(b.tmp, "cxseal-stripped")
	if err := b.command("env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", shipped,
		"./cmd/cxseal"); err != nil {
		return err
	}
	file, err := os.Stat(shipped)
	if err != nil {
		return err
	}
	b.atMost("the binary, stripped", "", float64(file.Size())/mebibyte, 40, " MiB")
	for _, on := range []struct{ what, db string }{
		{fmt.Sprintf("a ledger of %d records", b.records), b.db},
		{"a new database", filepath.Join(b.tmp, "new.db")},
	} {
		if err := b.startOn(shipped, on.what, on.db); err != nil {
			return fmt.Errorf("on %s: %w", on.what, err)
		}
	}
	return nil
}

func (b *bench) startOn(binary, what, db string) error {
	// One start before the measured ones: it migrates the schema, makes the first account, and reads the log
	// for alarms, which a ledger that was built without a console has never had.
	c, err := b.start([]string{"CXSEAL_ADMIN_PASSWORD=" + password}, binary, "serve", "--db", db, "--addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := errors.Join(b.awaitAlarms(db), c.stop()); err != nil {
		return err
	}
	var took []time.Duration
	for range starts {
		began := time.Now()
		c, err := b.start(nil, binary, "serve", "--db", db, "--addr", "127.0.0.1:0")
		if err != nil {
			return err
		}
		// A new client: a kept connection would lead to the process before.
		_, err = fetch(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, c.url+"/login")
		took = append(took, time.Since(began))
		if err := errors.Join(err, c.stop()); err != nil {
			return err
		}
	}
	b.atMost("from exec to the first page, on "+what, "", float64(median(took))/float64(time.Millisecond), 50, " ms")
	b.note("the slowest of these starts", "", float64(slices.Max(took))/float64(time.Millisecond), " ms")
	return b.idle(binary, what, db)
}

// awaitAlarms waits until the console has read the whole log for alarms.
func (b *bench) awaitAlarms(file string) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for range 600 {
		var left int
		if err := db.QueryRowContext(b.ctx, `SELECT (SELECT coalesce(max(seq), 0) FROM audit_records) - value FROM marks WHERE name = 'alarms_read'`).Scan(&left); err != nil {
			return err
		}
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-b.ctx.Done():
			return b.ctx.Err()
		}
	}
	return errors.New("the log was not read for alarms within two minutes")
}

// idle measures the memory of a console that has served one page.
func (b *bench) idle(binary, what, db string) error {
	c, err := b.start(nil, binary, "serve", "--db", db, "--addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, err = fetch(http.DefaultClient, c.url+"/login")
	select {
	case <-time.After(idleFor):
	case <-b.ctx.Done():
	}
	memory, err2 := residentMemory(c.cmd.Process.Pid)
	if err := errors.Join(err, err2, c.stop(), b.ctx.Err()); err != nil {
		return err
	}
	b.atMost("memory when idle, on "+what, "", memory, 40, " MiB")
	return nil
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// residentMemory is what a process holds now, its shared pages included, in MiB.
func residentMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := residentLine.FindSubmatch(status)
	if m == nil {
		return 0, errors.New("the system does not tell the memory in use")
	}
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	return kib / 1024, err
}
