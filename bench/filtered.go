//go:build bench

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// filteredPages are pages of the log with a filter, as people look at them.
var filteredPages = []string{"/audit", "/audit?operation=KEY_ROTATION", "/audit?operation=KEY_ROTATION&before=500000", "/audit?operation=LOGIN&outcome=DENIED",
	"/audit?actor=maria&outcome=FAILURE", "/audit?q=certificate", "/audit?q=%22key+version%22", "/audit?q=verified+actor%3Asam", "/audit?q=c*",
	"/audit?q=%22version+key%22", "/audit?q=-outcome%3ASUCCESS", "/audit?from=2022-02-01&to=2022-02-02"}

// filtered measures the log's pages under filters on 16 connections: how long one waits, and how much of a
// processor the console spends on it, which other programs do not change.
func (b *bench) filtered() (err error) {
	c, err := b.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	client, err := signIn(c.url, "admin", password)
	if err != nil {
		return err
	}
	return b.pageTable(c, client, filteredPages)
}

// pageTable prints how long one waits for each page of a console on 16 connections, and holds it to the targets.
func (b *bench) pageTable(c *console, client *http.Client, paths []string) error {
	fmt.Println("| page, 16 connections | p50 ms | p99 ms | the console's processor, ms a page |")
	fmt.Println("|---|---|---|---|")
	for _, path := range paths {
		before, err := workOf(c.cmd.Process.Pid)
		if err != nil {
			return err
		}
		waits, err := b.waits(client, c.url+path)
		if err != nil {
			return err
		}
		after, err := workOf(c.cmd.Process.Pid)
		if err != nil {
			return err
		}
		at := func(part float64) float64 { return float64(waits[int(part*float64(len(waits)-1))]) / 1e6 }
		fmt.Printf("| `%s` | %.1f | %.1f | %.2f |\n", path, at(0.5), at(0.99), float64(after-before)/1e6/float64(len(waits)))
		b.atMost("p50 of "+path+", 16 connections", "", at(0.5), 3, " ms")
		b.atMost("p99 of "+path+", 16 connections", "", at(0.99), 50, " ms")
	}
	return nil
}

// waits fetches an address on 16 connections for four seconds and returns how long each took, the shortest first.
func (b *bench) waits(client *http.Client, address string) ([]time.Duration, error) {
	const span, connections = 4 * time.Second, 16
	took, failed := make([][]time.Duration, connections), make([]error, connections)
	var wg sync.WaitGroup
	began := time.Now()
	for i := range connections {
		wg.Go(func() {
			for failed[i] == nil && b.ctx.Err() == nil && (time.Since(began) < span || len(took[i]) == 0) {
				asked := time.Now()
				if resp, err := client.Get(address); err != nil {
					failed[i] = err
				} else {
					_, failed[i] = drain(resp) // a search that was stopped is an answer too
				}
				took[i] = append(took[i], time.Since(asked))
			}
		})
	}
	wg.Wait()
	return slices.Sorted(slices.Values(slices.Concat(took...))), errors.Join(errors.Join(failed...), b.ctx.Err())
}

// workOf is the processor time that a process has used.
func workOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	const user, system, ticks = 11, 12, 100 // proc(5), after the name in brackets
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= system {
		return 0, errors.New("the system does not tell a process's time")
	}
	a, err := strconv.Atoi(fields[user])
	z, err2 := strconv.Atoi(fields[system])
	return time.Duration(a+z) * time.Second / ticks, errors.Join(err, err2)
}
