// Command cxseal encrypts the sensitive columns of NICE CXone data stores and
// keeps the proof. This package turns flags into configuration, prints, and
// answers exit codes; internal/console puts the parts together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"cxseal/internal/console"
	"cxseal/internal/fault"
)

func main() {
	forgetEmpty()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// forgetEmpty makes an empty variable the same as none, as it is for CXONE_*:
// compose files and unit files pass on what was left empty.
func forgetEmpty() {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, "CXSEAL_") {
			_ = os.Unsetenv(name) // fails for no name that Environ gives
		}
	}
}

// Exit codes (contract §2).
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// app is what a command uses of its process. A test passes streams and variables
// of its own.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Serve the console."`
	Demo    demoCmd    `cmd:"" help:"Serve a console with demo accounts and a simulated tenant that has half a year of history."`
	Sandbox sandboxCmd `cmd:"" help:"Serve the simulated CXone tenant alone."`
	Encrypt encryptCmd `cmd:"" help:"Encrypt columns of one table and wait for the verdict."`
	Doctor  doctorCmd  `cmd:"" help:"Check each connection and say how to mend what is wrong."`
	Export  exportCmd  `cmd:"" help:"Write the audit log to stdout as CSV or JSONL."`
	Verify  verifyCmd  `cmd:"" help:"Recompute the audit log, or check an evidence pack or proof without a database."`
	Key     keyCmd     `cmd:"" help:"Print the audit log's verifier key."`
	Backup  backupCmd  `cmd:"" help:"Write a consistent copy of the database, also while serving."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of the database while nothing serves, and record what is missing."`
	User    userCmd    `cmd:"" help:"Manage local accounts."`
	SealKey sealKeyCmd `cmd:"" help:"Make and rotate the key that secrets in the database are sealed with."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `Encrypts the sensitive columns of NICE CXone data stores and proves it.

Settings are flags or CXSEAL_* environment variables of the same name; flags win.
A tenant is configured by CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL.
Start with: cxseal demo`

// run is main as a function: what it prints and how it exits can be tested.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	type helpShown struct{}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(helpShown); !ok {
				panic(p)
			}
			code = exitOK
		}
	}()
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("cxseal"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Exit(func(int) { panic(helpShown{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // the grammar above is wrong: a defect of ours
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "cxseal: %v (see cxseal --help)\n", err)
		return exitUsage
	}
	err = command.Run(&app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv})
	return exitCode(err, stderr)
}

// usageError is a setting or argument that is wrong: exit 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported is an error that was printed already: exit 1, and print nothing more.
var errReported = errors.New("reported")

func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	var setting *console.ConfigError
	var domain *fault.Error
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &usage), errors.As(err, &setting):
		fmt.Fprintf(stderr, "cxseal: %v\n", err)
		return exitUsage
	case errors.As(err, &domain):
		fmt.Fprintf(stderr, "cxseal: %s\n", domain.Message)
		return exitFailed
	}
	fmt.Fprintf(stderr, "cxseal: %v\n", err)
	return exitFailed
}

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintln(a.stdout, version())
	return err
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "development"
}
