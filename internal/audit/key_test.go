package audit

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cxseal/internal/fault"
)

func TestTheKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.key")
	if _, err := LoadKey(path); fault.CodeOf(err) != fault.NotFound {
		t.Fatalf("no file: %v", err)
	}
	keys := make([]*Key, 8)
	var wg sync.WaitGroup
	for i := range keys { // several processes may start at once
		wg.Go(func() {
			key, err := LoadOrCreateKey(path, "")
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = key
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, k := range keys {
		if k.VerifierKey() != keys[0].VerifierKey() {
			t.Fatal("two keys for one log")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) != 1 || len(hidden) != 0 {
		t.Errorf("files left behind: %v %v", left, hidden)
	}
	again, err := LoadOrCreateKey(path, "other/name")
	if err != nil || again.Origin() != keys[0].Origin() || !strings.HasPrefix(again.Origin(), "cxseal/") {
		t.Errorf("origin %v, %v", again, err)
	}
	if !strings.HasPrefix(again.VerifierKey(), again.Origin()+"+") {
		t.Errorf("verifier key %q", again.VerifierKey())
	}
}

func TestAKeyThatOthersMayReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.key")
	if _, err := LoadOrCreateKey(path, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil { //nolint:gosec // that is the point
		t.Fatal(err)
	}
	_, err := LoadOrCreateKey(path, "")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
}

func TestADamagedKeyIsNeverReplacedNorQuoted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.key")
	for _, text := range []string{"", "PRIVATE+KEY+x", "PRIVATE+KEY+cxseal/1+00000000+c2VjcmV0c2VjcmV0", "secret"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadOrCreateKey(path, "")
		if fault.CodeOf(err) != fault.Invalid || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%q was overwritten", text)
		}
	}
	if _, err := LoadKey(t.TempDir()); err == nil {
		t.Error("a directory was taken for a key")
	}
}

func TestThePrivateKeyNeverPrints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.key")
	key, err := LoadOrCreateKey(path, "")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	secret := strings.TrimSpace(string(text[strings.LastIndexByte(string(text), '+')+1:]))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	if shown := fmt.Sprintf("%v %s", key, key) + log.String(); strings.Contains(shown, secret) || strings.Contains(shown, "PRIVATE") {
		t.Error(shown)
	}
}
