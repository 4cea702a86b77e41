//go:build bench

package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// child runs a program to its end and returns how long it took and its peak memory in MiB.
func (b *bench) child(name string, args ...string) (took time.Duration, mib float64, err error) {
	cmd := exec.CommandContext(b.ctx, name, args...) //nolint:gosec // G204: the bench's own programs
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithCancel(b.ctx)
	watched := make(chan float64, 1)
	go func() { watched <- watchMemory(ctx, cmd.Process.Pid) }()
	err = cmd.Wait()
	took = time.Since(began)
	stop()
	if mib = <-watched; err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, out.String())
	}
	return took, mib, err
}

// watchMemory polls a process's peak memory in MiB until ctx is done. (The figure of wait4 includes the
// parent's memory from before exec.)
func watchMemory(ctx context.Context, pid int) (mib float64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if m, err := peakMemory(pid); err == nil {
			mib = m
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return mib
		}
	}
}

// verify compares the verification of the whole log, as its command does it,
// with C that reads and hashes the same rows.
func (b *bench) verify() error {
	var memory, theirs float64
	ratio, err := b.ratio(
		func() (took time.Duration, err error) {
			var m float64
			took, m, err = b.child(b.cxseal, "verify", "--db", b.db)
			memory = max(memory, m)
			return took, err
		},
		func() (took time.Duration, err error) {
			took, theirs, err = b.child(filepath.Join(b.tmp, "hash"), b.db)
			return took, err
		})
	if err != nil {
		return err
	}
	b.atMost("verification of the whole log", "C that reads and hashes the rows", ratio, 1.5, "")
	b.atMost("its memory at most", "", memory, 64, " MiB")
	b.note("memory of the C program", "", theirs, " MiB")
	return nil
}
