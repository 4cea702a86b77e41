package connection

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cxseal/cxone"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// How a connection gets its tokens (contract §1).
const (
	ClientCredentials = "client-credentials"
	AccessKey         = "access-key"
)

// Modes returns every way of getting tokens, in the order in which a form offers them.
func Modes() []string { return []string{ClientCredentials, AccessKey} }

// Defaults of a connection's settings.
const (
	DefaultBaseURL      = "https://api-us-01.nice-incontact.com"
	DefaultPathPrefix   = "/api/v2"
	DefaultRate         = 10
	DefaultConcurrency  = 4
	DefaultApprovalLife = 24 * time.Hour
)

// Environment is the name of the connection from the environment. No other connection may have it.
const Environment = "default"

// Settings are a connection without its secrets. They are stored as JSON and shown on pages.
type Settings struct {
	Name        string `json:"-"`
	Mode        string `json:"mode"`
	ClientID    string `json:"clientId"`
	Realm       string `json:"realm,omitempty"`
	BaseURL     string `json:"baseUrl,omitempty"`  // empty with an access key: discovered
	TokenURL    string `json:"tokenUrl,omitempty"` // empty: BaseURL + /oauth/token
	PathPrefix  string `json:"pathPrefix"`
	Issuer      string `json:"issuer,omitempty"` // with an access key
	AccessKeyID string `json:"accessKeyId,omitempty"`

	// DatastoreID and TableID name a table that an examination reads.
	DatastoreID string `json:"datastoreId,omitempty"`
	TableID     string `json:"tableId,omitempty"`

	CallbackURL      string        `json:"callbackUrl,omitempty"` // empty: this console's own
	CallbackDeadline time.Duration `json:"callbackDeadlineNs"`
	Rate             float64       `json:"rate"` // requests a second; 0: no limit
	Concurrency      int           `json:"concurrency"`

	// AutoRotate has this console rotate by itself what the tenant did not.
	AutoRotate bool `json:"autoRotate,omitempty"`

	// AutoRotateBy is the admin who set AutoRotate: under four eyes the runs that follow count as asked for by them.
	AutoRotateBy string `json:"autoRotateBy,omitempty"`

	// FourEyes asks for a second person's approval of every run.
	FourEyes     bool          `json:"fourEyes"`
	ApprovalLife time.Duration `json:"approvalLifeNs"` // how long a request waits for it
}

// Secrets are the secrets of a connection. They are stored sealed and never shown.
type Secrets struct {
	ClientSecret    string
	AccessKeySecret string
	KMS             []string // whsec_…, the newest first; two may live at once
}

// Defaults are the settings of a new connection.
func Defaults() Settings {
	return Settings{
		Mode: ClientCredentials, BaseURL: DefaultBaseURL, PathPrefix: DefaultPathPrefix, Issuer: cxone.DefaultIssuer,
		Rate: DefaultRate, Concurrency: DefaultConcurrency,
		CallbackDeadline: encryption.DefaultCallbackDeadline, ApprovalLife: DefaultApprovalLife,
	}
}

const maxSetting = 2048 // bytes of one text

// Check is nil when the settings can work, and otherwise fault.Invalid with what to change.
func (s Settings) Check() error {
	bad := func(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	for what, text := range map[string]string{
		"client id": s.ClientID, "realm": s.Realm, "access key id": s.AccessKeyID,
		"data store id": s.DatastoreID, "table id": s.TableID, "path prefix": s.PathPrefix,
	} {
		if len(text) > maxSetting || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
			return bad("The %s is too long or has characters that cannot be read.", what)
		}
	}
	switch {
	case !goodName(s.Name):
		return bad("A connection's name is 1 to 40 lower-case letters, digits and dashes, such as eu-production.")
	case !slices.Contains(Modes(), s.Mode):
		return bad("A connection signs in with client-credentials or with access-key.")
	case s.ClientID == "":
		return bad("Enter the client id.")
	case s.Mode == AccessKey && s.AccessKeyID == "":
		return bad("Enter the access key's id.")
	case s.Rate < 0 || s.Rate > 10_000:
		return bad("The rate must be 0 to 10000 requests a second (0: no limit).")
	case s.Concurrency < 1 || s.Concurrency > 64:
		return bad("Between 1 and 64 runs can be under way at a time.")
	case s.CallbackDeadline < time.Second || s.CallbackDeadline > 7*24*time.Hour:
		return bad("The callback deadline must lie between a second and a week.")
	case s.ApprovalLife < 5*time.Minute || s.ApprovalLife > 30*24*time.Hour:
		return bad("A request for approval lasts between 5 minutes and 30 days.")
	}
	return s.checkAddresses()
}

func (s Settings) checkAddresses() error {
	required := map[string]string{"base URL": s.BaseURL}
	if s.Mode == AccessKey {
		required = map[string]string{"issuer": s.Issuer}
	}
	for what, address := range required {
		if !safeAddress(address) {
			return fault.New(fault.Invalid,
				"The %s must be a whole https:// address: the client's secret is sent there.", what)
		}
	}
	if s.Mode == ClientCredentials && s.TokenURL != "" && !safeAddress(s.TokenURL) {
		return fault.New(fault.Invalid,
			"The token URL must be a whole https:// address: the client's secret is sent there.")
	}
	if s.CallbackURL == "" {
		return nil
	}
	u, err := url.Parse(strings.ReplaceAll(s.CallbackURL, "{token}", "token"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(s.CallbackURL) > maxSetting {
		return fault.New(fault.Invalid, "The callback URL must be a whole http or https address.")
	}
	return nil
}

// safeAddress reports whether secrets may be sent to the address: https anywhere, http on loopback for
// tests and demos.
func safeAddress(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" || len(raw) > maxSetting {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
	return u.Scheme == "https" || (u.Scheme == "http" && loopback)
}

func goodName(name string) bool {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	return name != "" && len(name) <= 40 && !strings.ContainsFunc(name, odd) &&
		!strings.HasPrefix(name, "-") && !strings.HasSuffix(name, "-")
}

// sentTo returns the addresses that the secrets are sent to, as one text to compare. A change of it needs
// the secrets again; otherwise an admin could have a stored secret sent to a host of their own.
func (s Settings) sentTo() string {
	if s.Mode == AccessKey {
		return s.Mode + " " + s.Issuer
	}
	return s.Mode + " " + s.BaseURL + " " + s.TokenURL
}

// checkFor is nil when the secrets that the mode needs are there.
func (x Secrets) checkFor(mode string) error {
	for what, secret := range map[string]string{"client secret": x.ClientSecret, "access key's secret": x.AccessKeySecret} {
		if len(secret) > maxSetting || !utf8.ValidString(secret) {
			return fault.New(fault.Invalid, "The %s is too long or has characters that cannot be read.", what)
		}
	}
	switch {
	case x.ClientSecret == "":
		return fault.New(fault.Invalid, "Enter the client secret.")
	case mode == AccessKey && x.AccessKeySecret == "":
		return fault.New(fault.Invalid, "Enter the access key's secret.")
	}
	return x.CheckKMS()
}

// CheckKMS is nil when every callback secret can sign.
func (x Secrets) CheckKMS() error {
	for _, secret := range x.KMS {
		if err := seal.CheckSigningSecret(secret); err != nil {
			return err
		}
	}
	return nil
}

// Client returns the API client of a connection. now is its clock.
func Client(s Settings, x Secrets, userAgent string, now func() time.Time) (*cxone.Client, error) {
	var tokens cxone.TokenProvider
	if s.Mode == AccessKey {
		tokens = cxone.AccessKey(cxone.AccessKeyConfig{Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: x.ClientSecret,
			AccessKeyID: s.AccessKeyID, AccessKeySecret: x.AccessKeySecret, Now: now})
	} else {
		tokenURL := s.TokenURL
		if tokenURL == "" {
			tokenURL = strings.TrimRight(s.BaseURL, "/") + "/oauth/token"
		}
		tokens = cxone.ClientCredentials(cxone.ClientCredentialsConfig{
			BaseURL: strings.TrimRight(s.BaseURL, "/"), TokenURL: tokenURL,
			ClientID: s.ClientID, ClientSecret: x.ClientSecret, Realm: s.Realm, Now: now})
	}
	return cxone.New(tokens, cxone.WithPathPrefix(s.PathPrefix), cxone.WithRate(s.Rate), cxone.WithClock(now),
		cxone.WithUserAgent(userAgent))
}

// Issuers lists CXone's identity providers that are known, for a person who
// sets up a connection with an access key.
func Issuers() []cxone.Issuer { return cxone.Issuers() }
