package seal

import (
	"encoding/base64"
	"strings"

	"cxseal/internal/fault"
)

const (
	signingPrefix = "whsec_"

	// minSigningKey is the fewest bytes of a key that signs webhooks (Standard Webhooks, "Signature
	// scheme": 24 to 64 bytes). An empty or short key could be guessed and used to sign.
	minSigningKey = 24
)

// CheckSigningSecret is nil when the secret can sign webhooks: whsec_ and the base64 of 24 bytes or more.
// It serves the console's own webhooks and the tenants' callbacks. The error never quotes the secret.
func CheckSigningSecret(secret string) error {
	text, ok := strings.CutPrefix(secret, signingPrefix)
	if !ok {
		return fault.New(fault.Invalid,
			"A signing secret begins with whsec_, and the base64 of %d bytes or more follows.", minSigningKey)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fault.New(fault.Invalid,
			"A signing secret is whsec_ and base64: what follows whsec_ is not base64.")
	}
	if len(key) < minSigningKey {
		return fault.New(fault.Invalid,
			"A signing secret has %d bytes or more after whsec_; this one has %d, so it could be guessed.", minSigningKey, len(key))
	}
	return nil
}
