package main

import (
	"io"

	"cxseal/internal/console"
	"cxseal/internal/seal"
)

// sealing says where the key of the sealed secrets is. From the environment it
// is CXSEAL_SEAL_KEY: a flag would show it to everybody on the machine.
type sealing struct {
	SealKeyFile    string `help:"The key that secrets in the database are sealed with; DB.seal-key unless given. Made at the first start." env:"CXSEAL_SEAL_KEY_FILE" placeholder:"FILE"`
	SealKeyCommand string `help:"A command that prints the sealing key." env:"CXSEAL_SEAL_KEY_COMMAND" placeholder:"COMMAND"`
}

func (s sealing) source(db string, getenv func(string) string) (seal.Source, error) {
	source := seal.Source{File: s.SealKeyFile, Value: getenv("CXSEAL_SEAL_KEY"), Command: s.SealKeyCommand}
	named := 0
	for _, one := range []string{source.File, source.Value, source.Command} {
		if one != "" {
			named++
		}
	}
	switch named {
	case 0:
		source.File = console.SealKeyPath(db)
	case 1:
	default:
		return source, usagef("name one of --seal-key-file, CXSEAL_SEAL_KEY and --seal-key-command")
	}
	return source, nil
}

type sealKeyCmd struct {
	New    sealKeyNewCmd    `cmd:"" help:"Print a new sealing key, for CXSEAL_SEAL_KEY or a command that prints it."`
	Rotate sealKeyRotateCmd `cmd:"" help:"Read a sealing key from stdin and print it with a new first key. Keys in a file are changed in the console, under System."`
}

type sealKeyNewCmd struct{}

// Run prints a new key.
func (sealKeyNewCmd) Run(a *app) error {
	text, err := seal.NewKeyset()
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(append(text, '\n'))
	return err
}

type sealKeyRotateCmd struct{}

// Run prints the key from stdin with a new first one.
func (sealKeyRotateCmd) Run(a *app) error {
	text, err := io.ReadAll(io.LimitReader(a.stdin, 64<<10))
	if err != nil {
		return err
	}
	rotated, err := seal.RotateKeyset(text)
	if err != nil {
		return usageError{err}
	}
	_, err = a.stdout.Write(append(rotated, '\n'))
	return err
}
