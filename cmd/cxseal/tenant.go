package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/cxone"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
)

// defaultConnection is the name of the connection from the environment.
const defaultConnection = "default"

// tenantEnv is a connection as the environment describes it (contract §2).
type tenantEnv struct {
	Mode                   string // client-credentials or access-key
	ClientID, ClientSecret string
	Realm                  string
	BaseURL, TokenURL      string
	PathPrefix             string
	Issuer                 string
	AccessKeyID, AccessKey string
	DatastoreID, TableID   string
	CallbackURL            string
	KMSSecrets             []string
	Rate                   float64
	Concurrency            int
	CallbackDeadline       time.Duration
	AutoRotate             bool // this console rotates what the tenant did not
}

const defaultBaseURL = "https://api-us-01.nice-incontact.com"

// readTenant reads the CXONE_* variables. It returns nil when none of the
// credentials is set: the console then has no tenant yet.
func readTenant(getenv func(string) string) (*tenantEnv, error) {
	or := func(name, fallback string) string {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
		return fallback
	}
	t := &tenantEnv{
		Mode:         "client-credentials",
		ClientID:     or("CXONE_CLIENT_ID", ""),
		ClientSecret: or("CXONE_CLIENT_SECRET", ""),
		Realm:        or("CXONE_REALM", ""),
		BaseURL:      strings.TrimRight(or("CXONE_BASE_URL", defaultBaseURL), "/"),
		PathPrefix:   or("CXONE_PATH_PREFIX", "/api/v2"),
		Issuer:       or("CXONE_ISSUER", cxone.DefaultIssuer),
		AccessKeyID:  or("CXONE_ACCESS_KEY_ID", ""),
		AccessKey:    or("CXONE_ACCESS_KEY_SECRET", ""),
		DatastoreID:  or("CXONE_DATASTORE_ID", ""),
		TableID:      or("CXONE_TABLE_ID", ""),
		CallbackURL:  or("KMS_CALLBACK_URL", ""),
	}
	t.TokenURL = or("CXONE_TOKEN_URL", t.BaseURL+"/oauth/token")
	if t.ClientID == "" && t.ClientSecret == "" && t.AccessKeyID == "" {
		return nil, nil
	}
	if t.AccessKeyID != "" {
		t.Mode, t.BaseURL = "access-key", ""
	}
	var missing []string
	for name, value := range map[string]string{"CXONE_CLIENT_ID": t.ClientID, "CXONE_CLIENT_SECRET": t.ClientSecret} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if t.Mode == "access-key" && t.AccessKey == "" {
		missing = append(missing, "CXONE_ACCESS_KEY_SECRET")
	}
	if len(missing) > 0 {
		return nil, usagef("the tenant's credentials are incomplete: set %s", strings.Join(missing, " and "))
	}
	return t, t.readNumbers(or)
}

func (t *tenantEnv) readNumbers(or func(name, fallback string) string) error {
	var err error
	if t.Rate, err = strconv.ParseFloat(or("CXONE_RATE", "10"), 64); err != nil || !(t.Rate >= 0 && t.Rate <= 10_000) {
		return usagef("CXONE_RATE must be requests per second, 0 to 10000 (0: no limit)")
	}
	if t.Concurrency, err = strconv.Atoi(or("CXONE_CONCURRENCY", "4")); err != nil || t.Concurrency < 1 || t.Concurrency > 64 {
		return usagef("CXONE_CONCURRENCY must be 1 to 64 runs at a time")
	}
	if t.CallbackDeadline, err = time.ParseDuration(or("CXONE_CALLBACK_DEADLINE", encryption.DefaultCallbackDeadline.String())); err != nil ||
		t.CallbackDeadline < time.Second || t.CallbackDeadline > 7*24*time.Hour {
		return usagef("CXONE_CALLBACK_DEADLINE must be a duration from 1s to 168h, like 10m")
	}
	if t.AutoRotate, err = strconv.ParseBool(or("CXONE_AUTO_ROTATE", "false")); err != nil {
		return usagef("CXONE_AUTO_ROTATE must be true or false: whether this console rotates by itself what is overdue")
	}
	for _, secret := range strings.FieldsFunc(or("CXONE_KMS_SECRET", ""), func(r rune) bool { return r == ',' || r == ' ' }) {
		if _, err := standardwebhooks.NewWebhook(secret); err != nil || !strings.HasPrefix(secret, "whsec_") {
			return usagef("CXONE_KMS_SECRET must be whsec_ followed by base64; two may be given while one is replaced, with a comma between")
		}
		t.KMSSecrets = append(t.KMSSecrets, secret)
	}
	if t.CallbackURL != "" {
		u, err := url.Parse(strings.ReplaceAll(t.CallbackURL, "{token}", "token"))
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return usagef("KMS_CALLBACK_URL %q is not an http or https address", t.CallbackURL)
		}
	}
	return nil
}

// client makes the connection's client. now dates what the client dates.
func (t *tenantEnv) client(now func() time.Time) (*cxone.Client, error) {
	var tokens cxone.TokenProvider
	if t.Mode == "access-key" {
		tokens = cxone.AccessKey(cxone.AccessKeyConfig{Issuer: t.Issuer, ClientID: t.ClientID, ClientSecret: t.ClientSecret,
			AccessKeyID: t.AccessKeyID, AccessKeySecret: t.AccessKey, Now: now})
	} else {
		tokens = cxone.ClientCredentials(cxone.ClientCredentialsConfig{BaseURL: t.BaseURL, TokenURL: t.TokenURL,
			ClientID: t.ClientID, ClientSecret: t.ClientSecret, Realm: t.Realm, Now: now})
	}
	client, err := cxone.New(tokens, cxone.WithPathPrefix(t.PathPrefix), cxone.WithRate(t.Rate),
		cxone.WithClock(now), cxone.WithUserAgent("cxseal/"+version()))
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// tenants are the connections this process may use. It satisfies
// encryption.Connections and inventory.Tenants.
type tenants struct {
	env     *tenantEnv // nil: none is configured
	client  *cxone.Client
	setting string // the callback URL's setting
}

func newTenants(env *tenantEnv, publicURL string, now func() time.Time) (*tenants, error) {
	t := &tenants{env: env}
	if env == nil {
		return t, nil
	}
	var err error
	t.client, err = env.client(now)
	t.setting = callbackSetting(env.CallbackURL, publicURL)
	return t, err
}

// Names lists the usable connections.
func (t *tenants) Names() []string {
	if t.env == nil {
		return nil
	}
	return []string{defaultConnection}
}

func (t *tenants) find(name string) error {
	switch {
	case t.env == nil:
		return fault.New(fault.NotFound, "No connection is configured. Set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL, then restart.")
	case name != defaultConnection:
		return fault.New(fault.NotFound, "There is no connection %q.", name)
	}
	return nil
}

// Connection finds a connection for runs.
func (t *tenants) Connection(name string) (*encryption.Connection, error) {
	if err := t.find(name); err != nil {
		return nil, err
	}
	return &encryption.Connection{Name: defaultConnection, Tenant: t.client, CallbackURL: t.setting, KMSSecrets: t.env.KMSSecrets,
		CallbackDeadline: t.env.CallbackDeadline, Concurrency: t.env.Concurrency, Redact: t.client.Redact}, nil
}

// Tenant finds a connection for the inventory.
func (t *tenants) Tenant(name string) (inventory.Tenant, error) {
	if err := t.find(name); err != nil {
		return nil, err
	}
	return t.client, nil
}

// autoRotate says whether the connection's setting has this console rotate by
// itself.
func (t *tenants) autoRotate(name string) bool {
	return t.env != nil && name == defaultConnection && t.env.AutoRotate
}

func (t *tenants) close() {
	if t.client != nil {
		t.client.CloseIdleConnections()
	}
}
