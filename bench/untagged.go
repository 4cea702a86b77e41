//go:build !bench

package main

import (
	"fmt"
	"os"
)

// main says how the bench is built. It is a program of its own, so that the other files, which need the store's
// build for the bench, are left out of every other build.
func main() {
	fmt.Fprintln(os.Stderr, "bench: build it with -tags bench, as make bench does")
	os.Exit(2)
}
