package audit

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// maxCheckpointBytes bounds a checkpoint that comes from outside; ours take
// about 200 bytes, and each cosignature adds about 150.
const maxCheckpointBytes = 16 << 10

// Checkpoint is a signed statement of the log: "my first Size records have
// this root" (C2SP tlog-checkpoint). It carries no time: the specification
// advises against extension lines, since nobody can audit them; what dates a
// checkpoint is the newest record it covers, and the place it was anchored in.
type Checkpoint struct {
	Origin     string
	Size       int64
	Root       tlog.Hash
	Extensions []string // lines of other logs' checkpoints; ours have none
}

// SignCheckpoint signs the tree of the given size. The caller must have checked that the tree continues every
// tree signed before (CheckConsistency).
func SignCheckpoint(key *Key, size int64, root tlog.Hash) ([]byte, error) {
	c := Checkpoint{Origin: key.Origin(), Size: size, Root: root}
	text, err := key.sign(c.text())
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The checkpoint could not be signed")
	}
	return text, nil
}

// OpenCheckpoint checks a signed checkpoint against a note verifier key and
// returns it. The key's name must be the checkpoint's origin, so that a note
// signed for another purpose is never taken for a tree head. Signatures of
// other keys (witnesses) are left alone, as the specification asks.
func OpenCheckpoint(text []byte, verifierKey string) (Checkpoint, error) {
	body, name, err := openNote(text, verifierKey)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := parseCheckpoint(body)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != name {
		return Checkpoint{}, fault.New(fault.Invalid, "The checkpoint is of the log %q and the key is of %q", c.Origin, name)
	}
	return c, nil
}

// CheckConsistency proves with proof (ConsistencyProof) that newer only adds
// records to older.
func CheckConsistency(older, newer Checkpoint, proof tlog.TreeProof) error {
	if older.Size == 0 { // every log continues the empty one
		return nil
	}
	if err := tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return fault.Wrap(err, fault.Conflict, "The checkpoint of %d records does not continue the one of %d: the log was rewritten", newer.Size, older.Size)
	}
	return nil
}

// ReadCheckpoints yields each signed checkpoint of r, a file that checkpoints
// were appended to, one after the other; blank lines between them are fine.
// They are not yet verified: OpenCheckpoint does that.
func ReadCheckpoints(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, maxCheckpointBytes)
		var text []byte
		signed := false // a signature line was seen: any other line starts the next checkpoint
		for {
			line, err := in.ReadSlice('\n')
			end := errors.Is(err, io.EOF)
			if err != nil && !end {
				yield(nil, fault.Wrap(err, fault.Invalid, "The file of checkpoints cannot be read as lines of text"))
				return
			}
			isSig := strings.HasPrefix(string(line), "— ")
			if signed && !isSig {
				if !yield(text, nil) {
					return
				}
				text, signed = nil, false
			}
			if len(text) > 0 || string(line) != "\n" {
				text, signed = append(text, line...), isSig
			}
			if len(text) > maxCheckpointBytes {
				yield(nil, fault.New(fault.TooLarge, "The file of checkpoints holds one of over %d bytes", maxCheckpointBytes))
				return
			}
			if end {
				if len(text) > 0 {
					yield(text, nil)
				}
				return
			}
		}
	}
}

func (c Checkpoint) text() string {
	lines := append([]string{c.Origin, strconv.FormatInt(c.Size, 10), c.Root.String()}, c.Extensions...)
	return strings.Join(lines, "\n") + "\n"
}

func parseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if len(lines) < 3 || !strings.HasSuffix(body, "\n") {
		return Checkpoint{}, fault.New(fault.Invalid, "The note is not a checkpoint: it needs an origin, a size and a root, a line each")
	}
	size, err := parseIndex(lines[1])
	if err != nil {
		return Checkpoint{}, fault.New(fault.Invalid, "The note is not a checkpoint: its second line is not a number of records")
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fault.New(fault.Invalid, "The note is not a checkpoint: its third line is not a hash")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	for _, l := range lines[3:] {
		if l == "" {
			return Checkpoint{}, fault.New(fault.Invalid, "The checkpoint has an empty extension line")
		}
		c.Extensions = append(c.Extensions, l)
	}
	if c.Origin == "" {
		return Checkpoint{}, fault.New(fault.Invalid, "The checkpoint names no log")
	}
	return c, nil
}

// openNote checks a signed note against one verifier key and returns its text
// and the key's name.
func openNote(text []byte, verifierKey string) (body, name string, err error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(verifierKey))
	if err != nil {
		return "", "", fault.New(fault.Invalid, "The verifier key is malformed: it looks like name+hash+key, as printed by cxseal key")
	}
	if len(text) > maxCheckpointBytes {
		return "", "", fault.New(fault.TooLarge, "The signed note takes %d bytes; the most is %d", len(text), maxCheckpointBytes)
	}
	n, err := note.Open(text, note.VerifierList(verifier))
	var unknown *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unknown):
		return "", "", fault.New(fault.Invalid, "The note is not signed by the key %s", verifier.Name())
	case err != nil:
		return "", "", fault.Wrap(err, fault.Invalid, "The note's signature does not hold: it was changed, or it is no signed note")
	}
	return n.Text, verifier.Name(), nil
}

// parseIndex reads a decimal without sign or leading zeros, as C2SP writes
// sizes and indexes.
func parseIndex(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n >= maxTreeSize || strconv.FormatInt(n, 10) != s {
		return 0, errors.New("not a size or index")
	}
	return n, nil
}

// parseHash reads a hash in base64, in the one form that stands for it.
func parseHash(s string) (tlog.Hash, error) {
	h, err := tlog.ParseHash(s)
	if err == nil && h.String() != s {
		err = errors.New("not canonical base64")
	}
	return h, err
}
