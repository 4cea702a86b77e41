package sandbox

import (
	"slices"

	"golang.org/x/time/rate"
)

// Settings are the parts of a tenant that can change while it runs.
type Settings struct {
	Inline       bool         `json:"inline"`       // externalKmsPayload in the answer, no callback; KMS wins
	KMS          Confirmation `json:"kms"`          // how changes are confirmed; empty: as Inline says
	Rate         float64      `json:"rate"`         // requests per second and client, 0: no limit
	Burst        int          `json:"burst"`        // 0: the default for the rate
	LatencyMs    int          `json:"latencyMs"`    // added to every answer
	Scopes       []string     `json:"scopes"`       // what new tokens may be granted
	TokenSeconds int          `json:"tokenSeconds"` // lifetime of new tokens

	// Habits that some tenants have and others don't.
	RetryAfterDate bool `json:"retryAfterDate"` // a throttled answer's Retry-After as an HTTP date
	HideEncryption bool `json:"hideEncryption"` // encrypted columns show no encryptionConfiguration
	NoListings     bool `json:"noListings"`     // the two listings answer 404
	NoReplay       bool `json:"noReplay"`       // idempotency keys are not remembered

	// Of the tokens of mode access-key.
	TenantIDNumber bool   `json:"tenantIdNumber"` // the claim tenantId is a number, where the id is one
	TokenIssuer    string `json:"tokenIssuer"`    // the claim iss; empty: the tenant's own address
}

// Confirmation is how a tenant confirms a change.
type Confirmation string

// The ways in which a change is confirmed.
const (
	KMSCallback Confirmation = "callback" // by calling back
	KMSInline   Confirmation = "inline"   // by externalKmsPayload in the PATCH's answer
	KMSBoth     Confirmation = "both"     // by both, as the published guide's own script needs it
	KMSNone     Confirmation = "none"     // not at all
)

// Confirmations lists the ways in which a change is confirmed.
func Confirmations() []Confirmation { return []Confirmation{KMSCallback, KMSInline, KMSBoth, KMSNone} }

func (st Settings) inline() bool {
	return st.KMS == KMSInline || st.KMS == KMSBoth || st.KMS == "" && st.Inline
}

func (st Settings) callsBack() bool {
	return st.KMS == KMSCallback || st.KMS == KMSBoth || st.KMS == "" && !st.Inline
}

// Settings gives the current settings.
func (s *Sandbox) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.settings
	out.Scopes = slices.Clone(out.Scopes)
	return out
}

// Configure changes the settings. Nothing changes when it returns an error,
// which names the field.
func (s *Sandbox) Configure(change func(*Settings)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.settings
	next.Scopes = slices.Clone(next.Scopes)
	change(&next)
	if err := next.check(); err != nil {
		return err
	}
	if next.Rate != s.settings.Rate || next.Burst != s.settings.Burst {
		s.buckets = map[string]*rate.Limiter{}
	}
	s.settings = next
	return nil
}

func (st Settings) check() error {
	switch {
	case !(st.Rate >= 0 && st.Rate <= 1e6):
		return wrong("rate", "must be 0 (no limit) to 1000000 requests a second")
	case st.KMS != "" && !slices.Contains(Confirmations(), st.KMS):
		return wrong("kms", "must be %s", joined(Confirmations()))
	case st.Burst < 0 || st.Burst > 1_000_000:
		return wrong("burst", "must be 0 (the default) to 1000000")
	case st.LatencyMs < 0 || st.LatencyMs > maxFaultLatencyMs:
		return wrong("latencyMs", "must be 0 to %d", maxFaultLatencyMs)
	case st.TokenSeconds < 1 || st.TokenSeconds > 31_536_000:
		return wrong("tokenSeconds", "must be 1 second to a year")
	}
	for _, scope := range st.Scopes {
		if !slices.Contains(AllScopes(), scope) {
			return wrong("scopes", "there is no scope %q", scope)
		}
	}
	return nil
}
