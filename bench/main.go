//go:build bench

// Command bench compares the console with other programs that do the same work on the same machine in the
// same run: the sqlite3 shell, C, the page's queries alone, html/template. It prints ratios, because absolute
// times depend on the machine; of searches and pages it prints the worst, in ms, because a person waits for those.
//
//	make bench
//
// It builds a ledger of a million records once, through the console's own append path, and keeps it in
// CXSEAL_BENCH_DIR (a folder in the user's cache unless set). It needs gcc, sqlite3, libsqlite3-dev and
// libssl-dev.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench holds the paths of one run and its results.
type bench struct {
	ctx     context.Context
	records int
	rounds  int
	random  int    // searches
	dir     string // kept from run to run
	tmp     string // this run's
	db      string // a copy of the ledger, free to be changed
	cxseal  string // the binary
	results []result
}

// result is one line of the table.
type result struct {
	what, than string
	value      float64
	unit       string // "" for a ratio
	target     string
	met        bool
}

func main() {
	records := flag.Int("records", 1_000_000, "how many records the ledger has")
	rounds := flag.Int("rounds", 5, "how often each side of a comparison runs")
	searches := flag.Int("searches", 600, "how many random searches are measured")
	only := flag.String("only", "", "run only these parts, such as export,verify")
	parts := flag.String("serve-parts", "", "serve the parts of the page on this database; the bench starts itself so")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *parts != "":
		err = serveParts(ctx, *parts)
	default:
		err = run(ctx, *records, *rounds, *searches, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, records, rounds, searches int, only string) (err error) {
	b := &bench{ctx: ctx, records: records, rounds: rounds, random: searches, dir: os.Getenv("CXSEAL_BENCH_DIR")}
	if b.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		b.dir = filepath.Join(cache, "cxseal-bench")
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	if b.tmp, err = os.MkdirTemp(b.dir, "run-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.tmp)) }()
	if err := b.prepare(); err != nil {
		return err
	}
	parts := []struct {
		name string
		run  func() error
	}{
		{"size", b.size}, {"pages", b.pages}, {"searches", b.searches}, {"filtered", b.filtered}, {"verify", b.verify}, {"export", b.export},
		{"slow", b.slowClient}, {"load", b.load},
		{"durable", b.durable}, {"start", b.startup}, {"everypage", b.everyPage},
	}
	for _, p := range parts {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		if err := p.run(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.print()
	return nil
}

// prepare builds the binary, the C programs and the ledger, and copies the
// ledger for this run.
func (b *bench) prepare() error {
	b.cxseal = filepath.Join(b.tmp, "cxseal")
	if err := b.command("go", "build", "-o", b.cxseal, "./cmd/cxseal"); err != nil {
		return err
	}
	for _, name := range []string{"hash", "insert"} {
		if err := b.command("gcc", "-O2", "-Wall", "-Wextra", "-o", filepath.Join(b.tmp, name),
			filepath.Join("bench", "c", name+".c"), "-lsqlite3", "-lcrypto"); err != nil {
			return err
		}
	}
	ledger, err := b.ledger()
	if err != nil {
		return err
	}
	b.db = filepath.Join(b.tmp, "ledger.db")
	return b.command("cp", "--reflink=auto", ledger, b.db)
}

func (b *bench) command(name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...) //nolint:gosec // G204: the bench's own commands
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// progress prints a line of progress to stderr.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// atMost adds a figure that should not exceed its target.
func (b *bench) atMost(what, than string, value, target float64, unit string) {
	b.results = append(b.results, result{what, than, value, unit, fmt.Sprintf("≤ %g%s", target, unit), value <= target})
	progress("%s: %.3g%s", what, value, unit)
}

// atLeast adds a figure that should reach its target.
func (b *bench) atLeast(what, than string, value, target float64, unit string) {
	b.results = append(b.results, result{what, than, value, unit, fmt.Sprintf("≥ %g%s", target, unit), value >= target})
	progress("%s: %.3g%s", what, value, unit)
}

// note adds a figure without a target.
func (b *bench) note(what, than string, value float64, unit string) {
	b.results = append(b.results, result{what, than, value, unit, "", true})
	progress("%s: %.3g%s", what, value, unit)
}

func (b *bench) print() {
	fmt.Printf("%d records, %d rounds, %d processors, %s\n\n", b.records, b.rounds, runtime.NumCPU(), runtime.Version())
	fmt.Println("| what | against | measured | target | |")
	fmt.Println("|---|---|---|---|---|")
	for _, r := range b.results {
		verdict := ""
		if r.target != "" {
			verdict = map[bool]string{true: "met", false: "**missed**"}[r.met]
		}
		unit := r.unit
		if unit == "" {
			unit = " ×"
		}
		fmt.Printf("| %s | %s | %.3g%s | %s | %s |\n", r.what, r.than, r.value, unit, r.target, verdict)
	}
}

// median returns the median of a list that is not empty, and leaves the list as it was.
func median[T cmp.Ordered](list []T) T {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

// ratio returns the ratio of the medians of two sides. They run in turns, so that other load on the machine
// meets both.
func (b *bench) ratio(ours, theirs func() (time.Duration, error)) (float64, error) {
	var a, z []time.Duration
	for i := range b.rounds + 1 {
		x, err := ours()
		if err != nil {
			return 0, err
		}
		y, err := theirs()
		if err != nil {
			return 0, err
		}
		progress("  %v against %v", x.Round(time.Millisecond), y.Round(time.Millisecond))
		if i > 0 || b.rounds == 1 { // the first round fills the caches
			a, z = append(a, x), append(z, y)
		}
	}
	return float64(median(a)) / float64(median(z)), nil
}
