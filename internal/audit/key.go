package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"cxseal/internal/fault"
)

// Key signs the log's checkpoints and evidence packs: an Ed25519 note signer
// (C2SP signed-note) whose name is the log's origin. It prints as its public
// half only.
type Key struct {
	signer   note.Signer
	verifier string
}

// Origin is the log's name, the first line of each of its checkpoints.
func (k *Key) Origin() string { return k.signer.Name() }

// VerifierKey is the public half, what an auditor is given: name+hash+key, in
// the form of a note verifier key.
func (k *Key) VerifierKey() string { return k.verifier }

// CheckVerifierKey returns fault.Invalid unless the text has the form of a verifier key.
func CheckVerifierKey(key string) error {
	if _, err := note.NewVerifier(key); err != nil {
		return fault.New(fault.Invalid, "it looks like name+hash+key, as printed by cxseal key")
	}
	return nil
}

// String returns the public half, so that printing a Key never shows the private one.
func (k *Key) String() string { return k.verifier }

// LogValue keeps the private half out of logs.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.verifier) }

// sign returns text as a signed note. text must end in a newline.
func (k *Key) sign(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, k.signer)
}

// NewOrigin names a new log: cxseal/ and eight random hex digits, so that two
// installations never sign under one name.
func NewOrigin() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, by crypto/rand's contract
	return "cxseal/" + hex.EncodeToString(b[:])
}

// LoadOrCreateKey returns the key in the file at path, made there first if
// there is no such file. The origin names a new key (NewOrigin when empty) and
// is fixed from then on; an existing key keeps its own.
//
// When records already exist and the key is gone, a new key would silently
// break the chain of checkpoints: a caller who knows of checkpoints uses
// LoadKey.
func LoadOrCreateKey(path, origin string) (*Key, error) {
	key, err := LoadKey(path)
	if fault.CodeOf(err) != fault.NotFound {
		return key, err
	}
	if origin == "" {
		origin = NewOrigin()
	}
	err = createKeyFile(path, origin)
	if err != nil && !errors.Is(err, fs.ErrExist) { // ErrExist: another process was first, and its key is the key
		return nil, fault.Wrap(err, fault.Internal, "The log's signing key could not be made at %s", path)
	}
	return LoadKey(path)
}

// OpenKey loads the key of a log, and makes one when nothing was signed yet. Once anything was signed a
// missing key is an error, because a new key would silently break the chain of checkpoints.
func OpenKey(path string, signed bool) (*Key, error) {
	if !signed {
		return LoadOrCreateKey(path, "")
	}
	key, err := LoadKey(path)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.Wrap(err, fault.NotFound,
			"The log's signing key %s is gone, but checkpoints were signed with it. Put the key back from your backup.", path)
	}
	return key, err
}

// LoadKey reads the key file at path. It answers fault.NotFound when there is none, and fault.Invalid for a
// file that other users may read: a person with the key can sign another history.
func LoadKey(path string) (*Key, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own path
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.NotFound, "There is no signing key at %s", path)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The signing key at %s cannot be read", path)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The signing key at %s cannot be read", path)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "The signing key at %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "The signing key at %s can be read by others (mode %04o): run chmod 600 on it, and consider who may have copied it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The signing key at %s cannot be read", path)
	}
	key, err := parseKey(strings.TrimSuffix(string(text), "\n"))
	if err != nil {
		return nil, fault.New(fault.Invalid, "The signing key at %s is damaged: put back the copy from a backup", path)
	}
	return key, nil
}

// parseKey reads a private note key. Its errors never quote the text.
func parseKey(skey string) (*Key, error) {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, errors.New("malformed signing key")
	}
	// PRIVATE+KEY+name+hash+base64(algorithm ‖ seed); NewSigner has checked it.
	parts := strings.SplitN(skey, "+", 5)
	data, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return nil, errors.New("malformed signing key")
	}
	public, ok := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("malformed signing key")
	}
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, err
	}
	return &Key{signer: signer, verifier: verifier}, nil
}

// createKeyFile makes a key and puts it at path whole or not at all, and never over an existing file: the key
// is written and synced under another name, then linked, which fails with fs.ErrExist if the name is taken.
func createKeyFile(path, origin string) error {
	skey, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(skey + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir syncs a directory, so that a new name in it survives a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // the directory of the operator's own path
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
