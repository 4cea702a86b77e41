// Command mutants applies edits that break the program, one at a time, and reports those that no test noticed.
//
// A mutant is one replacement in one file, written down in mutants.txt together
// with the packages whose tests must notice it. The edit is made in an overlay
// (go help build, -overlay), so no file of the checkout is touched.
//
// The exit code is 0 when every mutant was killed, 1 when one survived or the
// list is out of date, 2 when the list cannot be read.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(stderr)
	list := flags.String("list", "mutants/mutants.txt", "the mutants")
	only := flags.String("only", "", "run only those whose name contains this")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	text, err := os.ReadFile(*list)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	mutants, err := parse(string(text))
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", *list, err)
		return 2
	}
	counts := map[verdict]int{}
	for _, m := range mutants {
		if ctx.Err() != nil {
			return 1
		}
		if !strings.Contains(m.name, *only) {
			continue
		}
		v, why := m.try(ctx)
		counts[v]++
		fmt.Fprintf(stdout, "%-9s %s\n", v, m.name)
		if v != killed {
			fmt.Fprintf(stdout, "          %s: %s\n", m.file, why)
		}
	}
	fmt.Fprintf(stdout, "%d killed, %d survived, %d stale\n", counts[killed], counts[survived], counts[stale])
	if counts[survived]+counts[stale] > 0 {
		return 1
	}
	return 0
}
