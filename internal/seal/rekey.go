package seal

import (
	"context"
	"errors"

	"github.com/rogpeppe/go-internal/lockedfile"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"cxseal/internal/fault"
)

// Re-keying while serving has three steps, and the process may stop after each: Rotate adds a key and seals
// with it from then on, ResealAll seals the older values anew, DropOldKeys removes the keys that no value
// needs. At every moment each value opens with the keyset that its source holds.

// Value is one sealed secret and its place.
type Value struct {
	At     Place
	Sealed []byte
}

// Store is what re-keying needs of a database.
type Store interface {
	// SealedValues returns up to n sealed values that come after the place, in the order of table, column
	// and row; the zero place comes before all.
	SealedValues(ctx context.Context, after Place, n int) ([]Value, error)

	// ReplaceSealed is a compare-and-swap: it returns false and changes nothing when the value at the place
	// is no longer the old one.
	ReplaceSealed(ctx context.Context, at Place, old, replacement []byte) (bool, error)
}

// RotateKeyset returns the keyset with a new primary key; the others still open what they sealed. It serves
// keysets from an environment variable or a command, whose text the operator keeps.
func RotateKeyset(text []byte) ([]byte, error) {
	handle, _, err := parseKeyset(text)
	if err != nil {
		return nil, err
	}
	m := keyset.NewManagerFromHandle(handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	if err := m.SetPrimary(id); err != nil {
		return nil, err
	}
	rotated, err := m.Handle()
	if err != nil {
		return nil, err
	}
	return keysetText(rotated)
}

// PrimaryKeyOnly returns the keyset without its other keys. Values sealed with those do not open any more.
func PrimaryKeyOnly(text []byte) ([]byte, error) {
	handle, _, err := parseKeyset(text)
	if err != nil {
		return nil, err
	}
	m := keyset.NewManagerFromHandle(handle)
	info := handle.KeysetInfo()
	for _, k := range info.GetKeyInfo() {
		if k.GetKeyId() != info.GetPrimaryKeyId() {
			if err := m.Delete(k.GetKeyId()); err != nil {
				return nil, err
			}
		}
	}
	left, err := m.Handle()
	if err != nil {
		return nil, err
	}
	return keysetText(left)
}

// ChangeKey replaces the sealing key and returns how many values were sealed anew. A keyset in a file gets
// a new primary key and loses the old ones once no value needs them; one from outside was rotated there and
// is read again.
func (s *Sealer) ChangeKey(ctx context.Context, store Store) (int, error) {
	if s.source.File == "" {
		if err := s.Reload(ctx); err != nil {
			return 0, err
		}
		return s.ResealAll(ctx, store)
	}
	if err := s.Rotate(ctx); err != nil {
		return 0, err
	}
	n, err := s.ResealAll(ctx, store)
	if err != nil {
		return n, err
	}
	return n, s.DropOldKeys(ctx, store)
}

// Rotate adds a new primary key to the key file. The file is synced to the disk before anything is sealed
// with the key.
func (s *Sealer) Rotate(ctx context.Context) error { return s.rewrite(ctx, RotateKeyset) }

// rewrite changes the key file under a file lock, so that of two processes that rotate at once neither
// loses the other's key.
func (s *Sealer) rewrite(ctx context.Context, change func([]byte) ([]byte, error)) error {
	if s.source.File == "" {
		return fault.New(fault.Invalid,
			"This sealing key comes from outside the console: rotate it there and reload.")
	}
	unlock, err := lockedfile.MutexAt(s.source.File + ".lock").Lock()
	if err != nil {
		return unwritable(s.source.File, err)
	}
	defer unlock()
	text, err := s.source.read(ctx)
	if err != nil {
		return err
	}
	changed, err := change(text)
	if err != nil {
		return err
	}
	if err := s.source.replace(changed); err != nil {
		return err
	}
	return s.use(changed)
}

const resealBatch = 100

// ResealAll seals every stale value of the store anew and returns how many. A value that is changed
// meanwhile is left alone: the change sealed it with the primary key. Values that do not open are skipped
// and counted in the error; DropOldKeys refuses while there are any.
func (s *Sealer) ResealAll(ctx context.Context, store Store) (resealed int, err error) {
	unopened := 0
	err = s.eachStale(ctx, store, func(v Value) error {
		secret, err := s.Open(ctx, v.Sealed, v.At)
		if errors.Is(err, errCannotOpen) {
			unopened++
			return nil
		}
		if err != nil {
			return err
		}
		sealed, err := s.Seal(secret, v.At)
		if err != nil {
			return err
		}
		swapped, err := store.ReplaceSealed(ctx, v.At, v.Sealed, sealed)
		if swapped {
			resealed++
		}
		return err
	})
	if err == nil && unopened > 0 {
		err = fault.New(fault.Conflict,
			"%d sealed secrets do not open with this key. Enter them again, or put the right key back.", unopened)
	}
	return resealed, err
}

// DropOldKeys removes every key but the primary one, from the key file too. It is fault.Conflict while a
// value is sealed with an older key. Processes on the same database that were started before Rotate must
// have ended.
func (s *Sealer) DropOldKeys(ctx context.Context, store Store) error {
	stale := 0
	err := s.eachStale(ctx, store, func(Value) error { stale++; return nil })
	if err != nil {
		return err
	}
	if stale > 0 {
		return fault.New(fault.Conflict,
			"%d secrets are still sealed with an older key. Seal them anew first.", stale)
	}
	return s.rewrite(ctx, PrimaryKeyOnly)
}

func (s *Sealer) eachStale(ctx context.Context, store Store, do func(Value) error) error {
	var after Place
	for {
		values, err := store.SealedValues(ctx, after, resealBatch)
		if err != nil || len(values) == 0 {
			return err
		}
		for _, v := range values {
			if s.Stale(v.Sealed) {
				if err := do(v); err != nil {
					return err
				}
			}
		}
		last := values[len(values)-1].At
		if last == after {
			return errors.New("seal: the store repeats a sealed value")
		}
		after = last
	}
}
