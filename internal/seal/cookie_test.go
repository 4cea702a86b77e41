package seal

import (
	"bytes"
	"testing"
)

// TestACookieOpensForItsPurposeAndUnderItsKeyOnly fails when the purpose or the salt is left out of the key.
func TestACookieOpensForItsPurposeAndUnderItsKeyOnly(t *testing.T) {
	path := keyFile(t)
	s, other := openFile(t, path), openFile(t, path)
	sealed, err := s.SealCookie([]byte(canary), "a")
	if err != nil || bytes.Contains(sealed, []byte(canary)) {
		t.Fatalf("%q, %v", sealed, err)
	}
	again, err := s.SealCookie([]byte(canary), "a")
	if err != nil || bytes.Equal(sealed[cookieSalt:], again[cookieSalt:]) {
		t.Errorf("two cookies of one text are alike, %v", err)
	}
	for who, sealer := range map[string]*Sealer{"the same process": s, "another process": other} {
		if got, err := sealer.OpenCookie(sealed, "a"); err != nil || string(got) != canary {
			t.Errorf("%s: %q, %v", who, got, err)
		}
	}
	if _, err := s.OpenCookie(sealed, "b"); err == nil {
		t.Error("opened for another purpose")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.OpenCookie(changed, "a"); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := s.OpenCookie(sealed[:i], "a"); err == nil {
			t.Errorf("opened cut to %d bytes", i)
		}
	}
	if err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenCookie(sealed, "a"); err == nil {
		t.Error("opened after the key was changed")
	}
}
