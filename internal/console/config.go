package console

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
	"cxseal/internal/seal"
	"cxseal/internal/sensitivity"
)

// Config is what a Console is made of. What says "optional" may be zero.
type Config struct {
	DB       string       // the database file; made when there is none
	Listener net.Listener // open already, so that its address is known; New takes it over
	Version  string       // on the system page and in the user agent

	// PublicURL is the address that people and the KMS use. Optional: without
	// it that is the listener's address, and any host name is accepted.
	PublicURL string
	Proxies   []netip.Prefix // reverse proxies that may say who the client is
	TLS       *tls.Config    // optional: without it the console speaks plain HTTP

	// ReadTimeout is how long a request may take to arrive, a minute unless
	// given: nothing larger than a form is taken. WriteTimeout is how long an
	// answer may take, without a bound unless given: an export may be long.
	ReadTimeout, WriteTimeout time.Duration

	Tenant *Tenant     // the connection from the environment; optional
	Seal   seal.Source // optional: DB.seal-key unless given

	SSO           []access.ProviderConfig // their RedirectURL is the console's to set
	NoLocal       bool                    // local accounts may not sign in, once an admin has through a provider
	RequireFactor bool                    // no password without a second factor
	HashCost      access.HashCost         // of passwords; optional

	Runner    encryption.RunnerOptions
	SyncEvery time.Duration      // how old the inventory may get by itself; 0: it is synchronised only when asked for
	Leads     rotation.Leads     // how long before a due date it is announced; optional
	Rules     *sensitivity.Rules // what is sensitive; optional: the built-in rules
	Signing   []audit.LogOption  // when checkpoints are due, and where they are anchored

	// NoJobs keeps background jobs from starting by themselves. A caller that moves
	// Now calls what is due itself.
	NoJobs bool

	DemoNote string // shown below the sign-in form; empty outside of demo
	Now      func() time.Time
	Logger   *slog.Logger
}

// Tenant is a connection as the environment describes it (contract §2).
type Tenant struct {
	connection.Settings
	connection.Secrets

	// FourEyesUnset says that the environment does not tell FourEyes: what is stored holds.
	FourEyesUnset bool
}

// ConfigError is the error of New when a setting is wrong: the operator can
// mend it, and nothing is broken.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }

// address is where browsers and the KMS find the console.
func (cfg *Config) address() string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	return AddressOf(cfg.Listener)
}

// AddressOf is a URL under which a listener can be reached from this machine.
func AddressOf(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// setDefaults fills in what is optional.
func (cfg *Config) setDefaults() {
	if cfg.Seal == (seal.Source{}) {
		cfg.Seal.File = SealKeyPath(cfg.DB)
	}
	if cfg.Leads == (rotation.Leads{}) {
		cfg.Leads = rotation.DefaultLeads
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = time.Minute
	}
}
