package sandbox

import (
	"slices"

	"golang.org/x/time/rate"
)

// Settings are the parts of a tenant that can change while it runs.
type Settings struct {
	Inline       bool     `json:"inline"`       // externalKmsPayload in the answer, no callback
	Rate         float64  `json:"rate"`         // requests per second and client, 0: no limit
	Burst        int      `json:"burst"`        // 0: the default for the rate
	LatencyMs    int      `json:"latencyMs"`    // added to every answer
	Scopes       []string `json:"scopes"`       // what new tokens may be granted
	TokenSeconds int      `json:"tokenSeconds"` // lifetime of new tokens

	// Habits that some tenants have and others don't.
	RetryAfterDate bool `json:"retryAfterDate"` // a throttled answer's Retry-After as an HTTP date
	HideEncryption bool `json:"hideEncryption"` // encrypted columns show no encryptionConfiguration
	NoListings     bool `json:"noListings"`     // the two listings answer 404
	NoReplay       bool `json:"noReplay"`       // idempotency keys are not remembered
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
