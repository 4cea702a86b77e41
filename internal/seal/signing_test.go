package seal

import (
	"encoding/base64"
	"strings"
	"testing"
)

// A secret that anybody can guess would let anybody confirm.
func TestASigningSecretHas24BytesOrMore(t *testing.T) {
	of := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
	}
	for secret, want := range map[string]string{
		"":                    "begins with whsec_",
		of(32)[6:]:            "begins with whsec_",
		"WHSEC_" + of(32)[6:]: "begins with whsec_",
		"whsec_":              "has 0",
		"whsec_QQ==":          "has 1",
		of(23):                "has 23",
		"whsec_!!!!":          "not base64",
		of(24):                "",
		of(64):                "",
	} {
		err := CheckSigningSecret(secret)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", secret, err, want)
		}
		if err != nil && len(secret) > 8 && strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}
