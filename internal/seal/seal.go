// Package seal encrypts the secrets that the database keeps, each for the one place where it stands, with a
// keyset that does not stand in the database. It reads that keyset from its source (a file, an environment
// variable, a command), and re-keys: a new key, everything sealed anew, the old keys forgotten. It knows
// nothing of what is sealed; the database that holds the values is declared here and store satisfies it.
package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"cxseal/internal/fault"
)

// Place is the table, column and row of a sealed value. It is authenticated with the value, so a value that
// was moved to another row does not open there.
type Place struct {
	Table, Column string
	Row           string // the row's key as text
}

// associatedData returns the place as bytes. Each part follows its length, so no two places share their
// bytes.
func (p Place) associatedData() []byte {
	var b []byte
	for _, part := range []string{p.Table, p.Column, p.Row} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) // #nosec G115 -- names and keys, far below 4 GB
		b = append(b, part...)
	}
	return b
}

// maxSealedBytes bounds one secret. Secrets are keys and tokens, not documents.
const maxSealedBytes = 64 << 10

// Sealer seals the secrets that the database keeps: AES-256-GCM by Tink, with a keyset that does not stand
// in the database. Its methods are safe for concurrent use; no error repeats a secret or a key.
type Sealer struct {
	source Source

	mu     sync.RWMutex
	handle *keyset.Handle
	aead   tink.AEAD
}

// Open returns a Sealer with the keyset from the source.
func Open(ctx context.Context, source Source) (*Sealer, error) {
	text, err := source.read(ctx)
	if err != nil {
		return nil, err
	}
	s := &Sealer{source: source}
	return s, s.use(text)
}

func (s *Sealer) use(text []byte) error {
	handle, primitive, err := parseKeyset(text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle, s.aead = handle, primitive
	return nil
}

// Reload reads the keyset again after it was changed outside. When that fails the keyset in use stays.
func (s *Sealer) Reload(ctx context.Context) error {
	text, err := s.source.read(ctx)
	if err != nil {
		return err
	}
	return s.use(text)
}

// Seal encrypts a secret for its place.
func (s *Sealer) Seal(secret []byte, at Place) ([]byte, error) {
	if len(secret) > maxSealedBytes {
		return nil, fault.New(fault.TooLarge, "A secret may have at most %d bytes.", maxSealedBytes)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.aead.Encrypt(secret, at.associatedData())
}

// errCannotOpen is the one error for a wrong key, another place and a changed byte, so that it tells
// nothing about the secret.
var errCannotOpen = errors.New("seal: a sealed secret does not open with this key at this place")

// Open decrypts what Seal made for the same place. When the value was sealed with an unknown key the keyset
// is read again, once: another process may have rotated it.
func (s *Sealer) Open(ctx context.Context, sealed []byte, at Place) ([]byte, error) {
	if !s.knows(sealed) {
		if err := s.Reload(ctx); err != nil {
			return nil, err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	secret, err := s.aead.Decrypt(sealed, at.associatedData())
	if err != nil {
		return nil, errCannotOpen // Tink's error adds nothing that may be shown
	}
	return secret, nil
}

// keyID returns the id of the key that a value was sealed with: Tink's output prefix is 0x01 and that id.
func keyID(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < 5 || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:5]), true
}

func (s *Sealer) knows(sealed []byte) bool {
	id, ok := keyID(sealed)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.handle.KeysetInfo().GetKeyInfo() {
		if ok && k.GetKeyId() == id {
			return true
		}
	}
	return false
}

// Stale reports whether the value was sealed with a key that is no longer the primary one.
func (s *Sealer) Stale(sealed []byte) bool {
	id, ok := keyID(sealed)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !ok || id != s.handle.KeysetInfo().GetPrimaryKeyId()
}

// Keys returns how many keys the keyset holds: 1 when no rotation is under way.
func (s *Sealer) Keys() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.handle.Len()
}

// NewKeyset returns a keyset with one new key, as the JSON text that a source holds. The text is a secret.
func NewKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	return keysetText(handle)
}

// parseKeyset reads a keyset. It refuses any key that is not an enabled AES-256-GCM key with Tink's output
// prefix.
func parseKeyset(text []byte) (*keyset.Handle, tink.AEAD, error) {
	refused := func(err error) error {
		return fault.Wrap(err, fault.Invalid,
			"The sealing key cannot be read: it is not a keyset that cxseal made.")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(newBoundedReader(text)))
	if err != nil {
		return nil, nil, refused(errors.New("it is no JSON of a keyset")) // its own error may quote the text
	}
	template := aead.AES256GCMKeyTemplate()
	for _, k := range handle.KeysetInfo().GetKeyInfo() {
		if k.GetTypeUrl() != template.GetTypeUrl() || k.GetOutputPrefixType() != template.GetOutputPrefixType() {
			return nil, nil, refused(errors.New("a key of another kind"))
		}
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, nil, refused(errors.New("the keyset is not one for sealing"))
	}
	// A 128-bit key has the same type; only its length tells.
	for _, k := range insecurecleartextkeyset.KeysetMaterial(handle).GetKey() {
		// A serialized AesGcmKey of 32 bytes is tag, length and the key.
		if len(k.GetKeyData().GetValue()) < 32 {
			return nil, nil, refused(errors.New("a key shorter than 256 bits"))
		}
	}
	return handle, primitive, nil
}
