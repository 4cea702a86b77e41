//go:build bench

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// shellColumns are the export's columns as the sqlite3 shell can print them.
const shellColumns = `seq, audit_id, timestamp, operation, outcome, actor, actor_role, actor_ip,
	connection, datastore_id, table_id, columns, run_id, latency_ms, coverage_rate, fields_encrypted, total_fields,
	query_degradation_risk, gdpr_aligned, algorithm, key_rotation_enabled, key_version, permission_hash, kms_status,
	detail, lower(hex(leaf_hash)) AS leaf_hash`

// export compares the CSV of the whole ledger over HTTP with the sqlite3 shell
// on the same file, each read through to its end.
func (b *bench) export() (err error) {
	// Checking a password takes much memory for a moment, on purpose. So that it does not count as the
	// export's, the session is begun in one process and used in the next.
	c, err := b.serve()
	if err != nil {
		return err
	}
	client, err := signIn(c.url, "admin", password)
	signingIn, merr := peakMemory(c.cmd.Process.Pid)
	if err := errors.Join(err, merr, c.stop()); err != nil {
		return err
	}
	if c, err = b.serve(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if _, err := fetch(client, c.url+"/audit"); err != nil {
		return err
	}
	idle, err := peakMemory(c.cmd.Process.Pid)
	if err != nil {
		return err
	}
	var ours, theirs int64
	ratio, err := b.ratio(
		func() (time.Duration, error) {
			began := time.Now()
			var err error
			ours, err = fetch(client, c.url+"/audit.csv")
			return time.Since(began), err
		},
		func() (time.Duration, error) {
			began := time.Now()
			cmd := exec.CommandContext(b.ctx, "sqlite3", "-readonly", "-header", "-csv", b.db, "SELECT "+shellColumns+" FROM audit_records ORDER BY seq") //nolint:gosec // G204: fixed
			out, err := cmd.StdoutPipe()
			if err != nil {
				return 0, err
			}
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				return 0, err
			}
			theirs, err = io.Copy(io.Discard, out)
			return time.Since(began), errors.Join(err, cmd.Wait())
		})
	if err != nil {
		return err
	}
	if ours < theirs*9/10 || ours > theirs*11/10 {
		return fmt.Errorf("the two do not write the same: %d and %d bytes", ours, theirs)
	}
	peak, err := peakMemory(c.cmd.Process.Pid)
	if err != nil {
		return err
	}
	b.atMost("CSV export over HTTP", "sqlite3 -csv", ratio, 1, "")
	b.atMost("the console's peak memory", "", peak, 64, " MiB")
	b.note("its memory before, with one page served", "", idle, " MiB")
	b.note("its peak memory while someone signs in", "", signingIn, " MiB")
	return nil
}

// slowPace is how fast the slow client reads, in bytes per second.
const slowPace = 8 << 20

// slowClient measures how an export that is read slowly affects the console: how large the write-ahead log
// grows and how fast records are written meanwhile. The console itself writes the records: a viewer who asks
// for an export is refused, and each refusal is one durable record.
func (b *bench) slowClient() (err error) {
	c, err := b.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	add := exec.CommandContext(b.ctx, b.cxseal, "user", "add", "viewer", "--role", "viewer", "--db", b.db) //nolint:gosec // G204: the bench's own program
	add.Stdin = strings.NewReader(password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	admin, err := signIn(c.url, "admin", password)
	if err != nil {
		return err
	}
	viewer, err := signIn(c.url, "viewer", password)
	if err != nil {
		return err
	}
	write := func(ctx context.Context) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/audit.csv", nil)
		if err != nil {
			return 0, err
		}
		resp, err := viewer.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		err = errors.Join(err, resp.Body.Close())
		if err == nil && resp.StatusCode != http.StatusForbidden {
			err = fmt.Errorf("the viewer was answered %s", resp.Status)
		}
		return 1, err
	}
	const span = 10 * time.Second
	pace := func() (float64, error) {
		began, n := time.Now(), 0
		for time.Since(began) < span {
			if _, err := write(b.ctx); err != nil {
				return 0, err
			}
			n++
		}
		return float64(n) / time.Since(began).Seconds(), nil
	}
	if _, err := pace(); err != nil { // warm
		return err
	}
	var alone, beside []float64
	var wal int64
	for range 3 {
		p, err := pace()
		if err != nil {
			return err
		}
		alone = append(alone, p)
		ctx, stop := context.WithCancel(b.ctx)
		slow := make(chan error, 1)
		go func() { slow <- readSlowly(ctx, admin, c.url+"/audit.csv") }()
		watched := make(chan int64, 1)
		go func() { watched <- largest(ctx, b.db+"-wal") }()
		p, err = pace()
		stop()
		if err := errors.Join(err, <-slow); err != nil {
			return err
		}
		beside, wal = append(beside, p), max(wal, <-watched)
		progress("  %.0f records/s alone, %.0f beside a slow export", alone[len(alone)-1], p)
	}
	b.atMost("write-ahead log beside a client that reads 8 MB/s", "", float64(wal)/(1<<20), 16, " MiB")
	b.atLeast("a writer's pace beside that client", "its pace alone", median(beside)/median(alone), 0.9, "")
	return nil
}

// readSlowly reads at slowPace until ctx is done. An export that ends before is an error: nothing was measured.
func readSlowly(ctx context.Context, client *http.Client, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it is broken off in any case
	began, buf := time.Now(), make([]byte, 64<<10)
	for read := 0; ; {
		n, err := io.ReadFull(resp.Body, buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the export ended while it was watched: %w", err)
		}
		read += n
		due := began.Add(time.Duration(float64(read) / slowPace * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil
		}
	}
}

// largest returns the greatest size in bytes that a file has had until ctx is done.
func largest(ctx context.Context, path string) (most int64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if info, err := os.Stat(path); err == nil {
			most = max(most, info.Size())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return most
		}
	}
}
