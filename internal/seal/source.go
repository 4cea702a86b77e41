package seal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"cxseal/internal/fault"
)

// Source is where the sealing keyset is read from. Exactly one of File, Value and Command is set.
type Source struct {
	// File is a path. The file may be read by its owner alone (0600 or less).
	File string

	// MayCreate lets an absent File be made with a new key. It must be false once anything was sealed,
	// because a new key opens none of it.
	MayCreate bool

	// Value is the keyset itself, from an environment variable.
	Value string

	// Command prints the keyset: a program and its arguments, split at spaces and run without a shell, for
	// at most half a minute.
	Command string
}

const (
	maxKeysetBytes = 64 << 10
	keyCommandTime = 30 * time.Second
)

func newBoundedReader(b []byte) io.Reader {
	return io.LimitReader(bytes.NewReader(b), maxKeysetBytes)
}

func (k Source) read(ctx context.Context) ([]byte, error) {
	switch {
	case k.File != "" && k.Value == "" && k.Command == "":
		return k.readFile()
	case k.Value != "" && k.File == "" && k.Command == "":
		return []byte(k.Value), nil
	case k.Command != "" && k.File == "" && k.Value == "":
		return k.run(ctx)
	}
	return nil, fault.New(fault.Invalid,
		"Name one source for the sealing key: a file, an environment variable or a command.")
}

func (k Source) readFile() ([]byte, error) {
	text, err := readPrivate(k.File)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if !k.MayCreate {
		return nil, fault.Wrap(err, fault.Invalid,
			"The sealing key %s is missing, and this database has sealed secrets. Put the file back from its backup.", k.File)
	}
	text, err = NewKeyset()
	if err != nil {
		return nil, err
	}
	temporary, err := writePrivate(k.File, text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary) }()
	// A link never replaces a file, so two processes that start at once use the same key.
	if err := os.Link(temporary, k.File); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, unwritable(k.File, err)
	}
	return readPrivate(k.File)
}

// readPrivate reads a file after it has checked that only its owner can read it.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, fault.Wrap(err, fault.Invalid,
			"The sealing key %s cannot be read. Check its owner and its mode.", path)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "The sealing key %s is not a file.", path)
	}
	// Windows keeps no such bits; there the folder's access list must do.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid,
			"The sealing key %s can be read by others (mode %04o). Run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return io.ReadAll(io.LimitReader(f, maxKeysetBytes))
}

// writePrivate writes text to a new file beside path, syncs it to the disk and returns its name.
func writePrivate(path string, text []byte) (temporary string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".cxseal-key-*") // made with 0600
	if err != nil {
		return "", unwritable(path, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", unwritable(path, err)
	}
	return f.Name(), nil
}

func unwritable(path string, err error) error {
	return fault.Wrap(err, fault.Invalid,
		"The sealing key %s cannot be written. Check its folder's owner and mode.", path)
}

func (k Source) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, keyCommandTime)
	defer cancel()
	words := strings.Fields(k.Command)
	if len(words) == 0 {
		return nil, fault.New(fault.Invalid, "The command for the sealing key is empty.")
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) // #nosec G204 -- the operator names the command
	cmd.WaitDelay = time.Second
	out := &cappedBuffer{max: maxKeysetBytes}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		// What it printed may hold the key, so none of it is repeated.
		return nil, fault.Wrap(err, fault.Invalid,
			"The command for the sealing key failed. Run it by hand to see why: %s", words[0])
	}
	return out.text.Bytes(), nil
}

// cappedBuffer is an io.Writer that fails beyond max bytes, which ends the command that writes to it. It
// does not embed the buffer, whose ReadFrom would let io.Copy bypass the bound.
type cappedBuffer struct {
	text bytes.Buffer
	max  int
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > b.max {
		return 0, errors.New("too much output")
	}
	return b.text.Write(p)
}

func keysetText(handle *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// replace replaces the key file atomically.
func (k Source) replace(text []byte) error {
	temporary, err := writePrivate(k.File, text)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, k.File); err != nil {
		_ = os.Remove(temporary)
		return unwritable(k.File, err)
	}
	// The rename must survive a power cut before anything is sealed with it.
	dir, err := os.Open(filepath.Dir(k.File))
	if err != nil {
		return unwritable(k.File, err)
	}
	err = dir.Sync()
	if runtime.GOOS == "windows" {
		err = nil // folders cannot be synced there
	}
	return errors.Join(err, dir.Close())
}
