package seal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"cxseal/internal/fault"
)

const canary = "canary-3f9a-secret"

func keyFile(t *testing.T) string { return filepath.Join(t.TempDir(), "seal.key") }

func openFile(t *testing.T, path string) *Sealer {
	t.Helper()
	s, err := Open(t.Context(), Source{File: path, MayCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestASealedSecretOpensOnlyWhereItStands fails when Place.associatedData is not passed to Decrypt, or leaves
// a part out (tried with Row).
func TestASealedSecretOpensOnlyWhereItStands(t *testing.T) {
	s := openFile(t, keyFile(t))
	at := Place{"connections", "secret", "7"}
	sealed, err := s.Seal([]byte(canary), at)
	if err != nil || bytes.Contains(sealed, []byte(canary)) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if got, err := s.Open(t.Context(), sealed, at); err != nil || string(got) != canary {
		t.Fatalf("%q, %v", got, err)
	}
	for _, other := range []Place{
		{"users", "secret", "7"}, {"connections", "name", "7"}, {"connections", "secret", "8"},
		{"connectionss", "ecret", "7"}, {"connections", "secret7", ""}, {},
	} {
		if _, err := s.Open(t.Context(), sealed, other); !errors.Is(err, errCannotOpen) {
			t.Errorf("opened at %v: %v", other, err)
		}
	}
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open(t.Context(), changed, at); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := s.Open(t.Context(), sealed[:i], at); err == nil {
			t.Errorf("opened cut to %d bytes", i)
		}
	}
	if _, err := s.Seal(make([]byte, maxSealedBytes+1), at); fault.CodeOf(err) != fault.TooLarge {
		t.Error(err)
	}
}

func TestPlacesNeverShareTheirAssociatedData(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		part := rapid.StringMatching(`[ab\x00]{0,3}`)
		draw := func(n string) Place {
			return Place{part.Draw(rt, n+"t"), part.Draw(rt, n+"c"), part.Draw(rt, n+"r")}
		}
		p, q := draw("p"), draw("q")
		if (p == q) != bytes.Equal(p.associatedData(), q.associatedData()) {
			rt.Fatalf("%q and %q", p, q)
		}
	})
}

func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	path := keyFile(t)
	_, err := Open(t.Context(), Source{File: path})
	wantCode(t, err, fault.Invalid) // absent, and not to be made
	s := openFile(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("made with mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o620, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Source{File: path, MayCreate: true})
		wantCode(t, err, fault.Invalid)
		if !strings.Contains(fault.MessageOf(err), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
		wantCode(t, s.Rotate(t.Context()), fault.Invalid)
	}
	_, err = Open(t.Context(), Source{File: t.TempDir()})
	wantCode(t, err, fault.Invalid)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "seal.key" && e.Name() != "seal.key.lock" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestTwoProcessesThatStartAtOnceShareOneKey(t *testing.T) {
	path := keyFile(t)
	sealers := make([]*Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() { sealers[i], _ = Open(context.Background(), Source{File: path, MayCreate: true}) })
	}
	wg.Wait()
	sealed, err := sealers[0].Seal([]byte(canary), Place{})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sealers {
		if _, err := s.Open(t.Context(), sealed, Place{}); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
}

func TestTheKeyMayComeFromTheEnvironmentOrACommand(t *testing.T) {
	text, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	path := keyFile(t)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var sealed []byte
	for name, source := range map[string]Source{"file": {File: path}, "value": {Value: string(text)}, "command": {Command: "cat " + path}} {
		s, err := Open(t.Context(), source)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sealed == nil {
			if sealed, err = s.Seal([]byte(canary), Place{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Open(t.Context(), sealed, Place{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if source.File == "" {
			wantCode(t, s.Rotate(t.Context()), fault.Invalid)
		}
	}
}

func TestABadKeySourceIsRefusedWithoutRepeatingIt(t *testing.T) {
	weak := `{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GhAAAAAAAAAAAAAAAAAAAAAA","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":1,"outputPrefixType":"TINK"}]}`
	for name, source := range map[string]Source{
		"none":            {},
		"two":             {Value: canary, Command: "cat"},
		"not a keyset":    {Value: canary},
		"a quoted canary": {Value: `{"primaryKeyId":"` + canary + `"}`},
		"128 bits":        {Value: weak},
		"no output":       {Command: "true"},
		"failing":         {Command: "cat /nonexistent/" + canary},
		"blank":           {Command: "  "},
		"endless":         {Command: "yes " + canary},
		"no such program": {Command: "/nonexistent/program"},
	} {
		_, err := Open(t.Context(), source)
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error repeats what it read: %v", name, err)
		}
	}
}

// memSealed is a Store in memory.
type memSealed struct {
	values     []Value
	beforeSwap func() // runs once, before the first swap
}

func (m *memSealed) SealedValues(_ context.Context, after Place, n int) ([]Value, error) {
	i := 0
	if after != (Place{}) {
		i = 1 + slices.IndexFunc(m.values, func(v Value) bool { return v.At == after })
	}
	return slices.Clone(m.values[i:min(i+n, len(m.values))]), nil
}

func (m *memSealed) ReplaceSealed(_ context.Context, at Place, old, replacement []byte) (bool, error) {
	if m.beforeSwap != nil {
		m.beforeSwap()
		m.beforeSwap = nil
	}
	i := slices.IndexFunc(m.values, func(v Value) bool { return v.At == at })
	if i < 0 || !bytes.Equal(m.values[i].Sealed, old) {
		return false, nil
	}
	m.values[i].Sealed = replacement
	return true, nil
}

func TestReKeyingWhileServingLosesNoSecret(t *testing.T) {
	path := keyFile(t)
	s, other := openFile(t, path), openFile(t, path)
	m := &memSealed{}
	place := func(i int) Place { return Place{"t", "c", strings.Repeat("x", i+1)} }
	for i := range 2*resealBatch + 1 {
		sealed, err := s.Seal([]byte(canary), place(i))
		if err != nil {
			t.Fatal(err)
		}
		m.values = append(m.values, Value{place(i), sealed})
	}
	all := func(opener *Sealer) {
		t.Helper()
		for _, v := range m.values {
			if got, err := opener.Open(t.Context(), v.Sealed, v.At); err != nil || string(got) != canary {
				t.Fatalf("%v: %q, %v", v.At, got, err)
			}
		}
	}
	if err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	all(s)
	wantCode(t, s.DropOldKeys(t.Context(), m), fault.Conflict) // too early
	m.beforeSwap = func() {                                    // somebody enters the first secret anew at this moment
		m.values[0].Sealed, _ = s.Seal([]byte(canary), place(0))
	}
	n, err := s.ResealAll(t.Context(), m)
	if err != nil || n != 2*resealBatch {
		t.Fatalf("%d, %v", n, err)
	}
	all(other) // a process that did not hear of the rotation
	if err := s.DropOldKeys(t.Context(), m); err != nil || s.Keys() != 1 {
		t.Fatalf("%d keys, %v", s.Keys(), err)
	}
	all(s)
	all(openFile(t, path))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	m.values = append(m.values, Value{place(999), []byte("\x01\x00\x00\x00\x00damaged")})
	_, err = s.ResealAll(t.Context(), m)
	wantCode(t, err, fault.Conflict)
}

func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	path := keyFile(t)
	openFile(t, path)
	var wg sync.WaitGroup
	for range 6 {
		s := openFile(t, path)
		wg.Go(func() {
			if err := s.Rotate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := openFile(t, path).Keys(); n != 7 {
		t.Errorf("%d keys after 6 rotations, want 7", n)
	}
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("got code %q (%v), want %q", got, err, code)
	}
}
