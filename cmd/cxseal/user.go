package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"cxseal/internal/access"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Make an account; the password is read from stdin or a prompt."`
	List    userListCmd    `cmd:"" help:"List the accounts."`
	Passwd  userPasswdCmd  `cmd:"" help:"Set an account's password, read from stdin or a prompt."`
	Disable userDisableCmd `cmd:"" help:"Disable an account and end its sessions."`
	Enable  userEnableCmd  `cmd:"" help:"Enable a disabled account."`

	ResetFactor userResetFactorCmd `cmd:"" help:"Remove the second factor of somebody who lost their device and their recovery codes."`
}

type userAddCmd struct {
	database
	logging
	Name string `arg:"" help:"The account's name."`
	Role string `required:"" help:"viewer, officer, approver or admin." enum:"viewer,officer,approver,admin"`
}

// Run makes the account.
func (cmd *userAddCmd) Run(a *app) error {
	password, err := readPassword(a, "Password for "+cmd.Name+": ")
	if err != nil {
		return err
	}
	db, err := openDatabase(a, cmd.database, cmd.logging) // the first account may come before the first start
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // each change was committed
	user, err := db.Accounts().Create(a.ctx, operator(), cmd.Name, password, access.Role(cmd.Role))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Account %s made: %s\n", user.Name, user.Role.Description())
	return err
}

type userListCmd struct {
	database
	logging
}

// Run lists the accounts.
func (cmd *userListCmd) Run(a *app) error {
	db, err := openExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	users, err := db.Accounts().List(a.ctx, operator())
	if err != nil {
		return err
	}
	if len(users) == 0 {
		_, err := fmt.Fprintln(a.stdout, "No account yet: cxseal user add NAME --role admin")
		return err
	}
	out := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tROLE\tSTATE\tCREATED")
	for _, u := range users {
		state := "enabled"
		if u.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", u.Name, u.Role, state, u.CreatedAt.UTC().Format(time.DateOnly))
	}
	return out.Flush()
}

type userPasswdCmd struct {
	database
	logging
	Name string `arg:"" help:"The account's name."`
}

// Run sets the password.
func (cmd *userPasswdCmd) Run(a *app) error {
	return change(a, cmd.database, cmd.logging, cmd.Name, "has a new password; its sessions ended",
		func(accounts *access.Accounts, u access.User) error {
			password, err := readPassword(a, "New password for "+u.Name+": ")
			if err != nil {
				return err
			}
			return accounts.ChangePassword(a.ctx, operator(), u.ID, password)
		})
}

type userDisableCmd struct {
	database
	logging
	Name string `arg:"" help:"The account's name."`
}

// Run disables the account.
func (cmd *userDisableCmd) Run(a *app) error {
	return change(a, cmd.database, cmd.logging, cmd.Name, "is disabled", func(accounts *access.Accounts, u access.User) error {
		return accounts.SetDisabled(a.ctx, operator(), u.ID, true)
	})
}

type userEnableCmd struct {
	database
	logging
	Name string `arg:"" help:"The account's name."`
}

// Run enables the account.
func (cmd *userEnableCmd) Run(a *app) error {
	return change(a, cmd.database, cmd.logging, cmd.Name, "is enabled", func(accounts *access.Accounts, u access.User) error {
		return accounts.SetDisabled(a.ctx, operator(), u.ID, false)
	})
}

type userResetFactorCmd struct {
	database
	logging
	Name string `arg:"" help:"The account's name."`
}

// Run removes the account's second factor.
func (cmd *userResetFactorCmd) Run(a *app) error {
	return change(a, cmd.database, cmd.logging, cmd.Name, "has no second factor any more",
		func(accounts *access.Accounts, u access.User) error {
			return accounts.RemoveSecondFactor(a.ctx, operator(), u.ID)
		})
}

// change does one thing to one account and says that it is done.
func change(a *app, db database, l logging, name, done string, do func(*access.Accounts, access.User) error) error {
	opened, err := openExisting(a, db, l)
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // each change was committed
	accounts := opened.Accounts()
	user, err := accounts.Find(a.ctx, operator(), name)
	if err != nil {
		return err
	}
	if err := do(accounts, user); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Account %s %s.\n", user.Name, done)
	return err
}

// readPassword prompts on a terminal, without an echo and twice, and otherwise
// reads one line.
func readPassword(a *app, prompt string) (string, error) {
	file, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // G115: a descriptor fits an int
		line, err := bufio.NewReader(io.LimitReader(a.stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", usagef("no password was given: type it at a terminal or pipe one line to stdin")
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(a.stderr, prompt)
		typed, err := term.ReadPassword(int(file.Fd())) //nolint:gosec // as above
		fmt.Fprintln(a.stderr)
		return string(typed), err
	}
	first, err := ask(prompt)
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", usagef("the two passwords differ")
	}
	return first, nil
}
