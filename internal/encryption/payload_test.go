package encryption

import (
	"flag"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestThePayloadIsExactlyTheContracts(t *testing.T) {
	next := NextRotation(time.Date(2026, 6, 23, 14, 13, 20, 999, time.UTC), 90)
	got := Payload("tbl-contacts", []ColumnState{{Name: "ssn", Type: "string"}, {Name: "<b>&", Type: "text"}},
		Automatic, 90, next, "https://console.example/kms/callback/tok")
	const golden = "testdata/payload.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("payload changed:\n got %s\nwant %s", got, want)
	}
}

func TestTheNextRotationIsSecondsFromNow(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 5e8, time.UTC)
	if got := NextRotation(now, 90).Unix(); got != now.Unix()+90*86400 {
		t.Errorf("got %d", got)
	}
}

func TestTheCallbackURLReachesWhoeverItIsMeantFor(t *testing.T) {
	for setting, want := range map[string]string{
		"https://c.example/kms/callback":           "https://c.example/kms/callback/tok",
		"https://c.example/kms/callback/":          "https://c.example/kms/callback/tok",
		"https://proxy.example/in?run={token}":     "https://proxy.example/in?run=tok",
		"https://kms.example/verify":               "https://kms.example/verify",
		"https://hub.example/cx/kms/callback//":    "https://hub.example/cx/kms/callback/tok",
		"https://hub.example/{token}/kms/callback": "https://hub.example/tok/kms/callback",
	} {
		if got := CallbackURL(setting, "tok"); got != want {
			t.Errorf("CallbackURL(%q) = %q, want %q", setting, got, want)
		}
	}
}
