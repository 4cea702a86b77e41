package seal

import (
	"context"
	"errors"

	"github.com/rogpeppe/go-internal/lockedfile"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"cxseal/internal/fault"
)

// Re-keying while serving has three steps, each of which may be the last for a
// while: Rotate adds a key and seals with it from then on, ResealAll moves what
// was sealed before, DropOldKeys forgets the keys that nothing needs. At every
// moment each value opens with the keyset as it stands in its source.

// Value is one sealed secret where it stands.
type Value struct {
	At     Place
	Sealed []byte
}

// Store is what re-keying needs of a database.
type Store interface {
	// SealedValues returns up to n sealed values that come after the place, in
	// the order of table, column and row; the zero place comes before all.
	SealedValues(ctx context.Context, after Place, n int) ([]Value, error)

	// ReplaceSealed is a compare-and-swap: it says false and changes nothing
	// when the value at the place is no longer the old one.
	ReplaceSealed(ctx context.Context, at Place, old, replacement []byte) (bool, error)
}

// RotateKeyset returns the keyset with a new key that is the first to be used;
// the others still open what they sealed. For keys that come from an
// environment variable or a command, whose operator keeps the text.
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

// FirstKeyOnly returns the keyset without the keys that are no longer the
// first. What they sealed does not open any more.
func FirstKeyOnly(text []byte) ([]byte, error) {
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

// ChangeKey replaces the sealing key and returns how many values were sealed
// anew. A key from a file gets a new first key and loses the old ones once
// nothing needs them; one from outside was rotated there and is read again.
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

// Rotate adds a new first key to the key file. The file has it, safe on the
// disk, before anything is sealed with it.
func (s *Sealer) Rotate(ctx context.Context) error { return s.rewrite(ctx, RotateKeyset) }

// rewrite changes the key file under a lock that other processes see: of two
// rotations at once, neither may lose the other's key.
func (s *Sealer) rewrite(ctx context.Context, change func([]byte) ([]byte, error)) error {
	if s.source.File == "" {
		return fault.New(fault.Invalid, "This sealing key comes from outside the console: rotate it there and reload.")
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

// ResealAll seals every stale value of the store anew and says how many. A
// value that is changed meanwhile was sealed with the first key by whoever
// changed it and is left alone. Values that do not open are skipped, counted
// in the error, and keep DropOldKeys from going on.
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
		err = fault.New(fault.Conflict, "%d sealed secrets do not open with this key. Enter them again, or put the right key back.", unopened)
	}
	return resealed, err
}

// DropOldKeys forgets every key but the first, in the key file too, after it
// has looked that nothing is sealed with them any more. Give other processes
// on the same database that were started before Rotate time to end first.
func (s *Sealer) DropOldKeys(ctx context.Context, store Store) error {
	stale := 0
	err := s.eachStale(ctx, store, func(Value) error { stale++; return nil })
	if err != nil {
		return err
	}
	if stale > 0 {
		return fault.New(fault.Conflict, "%d secrets are still sealed with an older key. Seal them anew first.", stale)
	}
	return s.rewrite(ctx, FirstKeyOnly)
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
