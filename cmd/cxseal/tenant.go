package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"cxseal/cxone"
	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// defaultConnection is the name of the connection from the environment.
const defaultConnection = connection.Environment

// readTenant reads the CXONE_* variables. It returns nil when none of the
// credentials is set: the console then has no tenant yet.
func readTenant(getenv func(string) string) (*console.Tenant, error) {
	or := func(name, fallback string) string {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
		return fallback
	}
	t := &console.Tenant{
		Settings: connection.Settings{
			Mode:        connection.ClientCredentials,
			ClientID:    or("CXONE_CLIENT_ID", ""),
			Realm:       or("CXONE_REALM", ""),
			BaseURL:     strings.TrimRight(or("CXONE_BASE_URL", connection.DefaultBaseURL), "/"),
			PathPrefix:  or("CXONE_PATH_PREFIX", connection.DefaultPathPrefix),
			Issuer:      or("CXONE_ISSUER", cxone.DefaultIssuer),
			AccessKeyID: or("CXONE_ACCESS_KEY_ID", ""),
			DatastoreID: or("CXONE_DATASTORE_ID", ""),
			TableID:     or("CXONE_TABLE_ID", ""),
			CallbackURL: or("KMS_CALLBACK_URL", ""),
		},
		Secrets: connection.Secrets{
			ClientSecret:    or("CXONE_CLIENT_SECRET", ""),
			AccessKeySecret: or("CXONE_ACCESS_KEY_SECRET", ""),
		},
	}
	t.TokenURL = or("CXONE_TOKEN_URL", t.BaseURL+"/oauth/token")
	if t.ClientID == "" && t.ClientSecret == "" && t.AccessKeyID == "" {
		return nil, nil
	}
	if t.AccessKeyID != "" {
		t.Mode, t.BaseURL = connection.AccessKey, ""
	}
	var missing []string
	for name, value := range map[string]string{"CXONE_CLIENT_ID": t.ClientID, "CXONE_CLIENT_SECRET": t.ClientSecret} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if t.Mode == connection.AccessKey && t.AccessKeySecret == "" {
		missing = append(missing, "CXONE_ACCESS_KEY_SECRET")
	}
	if len(missing) > 0 {
		return nil, usagef("the tenant's credentials are incomplete: set %s", strings.Join(missing, " and "))
	}
	return t, readNumbers(t, or)
}

// readNumbers reads what is not text, and checks it.
func readNumbers(t *console.Tenant, or func(name, fallback string) string) error {
	var err error
	if t.Rate, err = strconv.ParseFloat(or("CXONE_RATE", "10"), 64); err != nil || !(t.Rate >= 0 && t.Rate <= 10_000) {
		return usagef("CXONE_RATE must be requests per second, 0 to 10000 (0: no limit)")
	}
	if t.Concurrency, err = strconv.Atoi(or("CXONE_CONCURRENCY", "4")); err != nil || t.Concurrency < 1 || t.Concurrency > 64 {
		return usagef("CXONE_CONCURRENCY must be 1 to 64 runs at a time")
	}
	deadline := or("CXONE_CALLBACK_DEADLINE", encryption.DefaultCallbackDeadline.String())
	if t.CallbackDeadline, err = time.ParseDuration(deadline); err != nil ||
		t.CallbackDeadline < time.Second || t.CallbackDeadline > 7*24*time.Hour {
		return usagef("CXONE_CALLBACK_DEADLINE must be a duration from 1s to 168h, like 10m")
	}
	if t.AutoRotate, err = strconv.ParseBool(or("CXONE_AUTO_ROTATE", "false")); err != nil {
		return usagef("CXONE_AUTO_ROTATE must be true or false: whether this console rotates by itself what is overdue")
	}
	t.FourEyesUnset = or("CXONE_FOUR_EYES", "") == ""
	if t.FourEyes, err = strconv.ParseBool(or("CXONE_FOUR_EYES", "false")); err != nil {
		return usagef("CXONE_FOUR_EYES must be true or false")
	}
	if t.ApprovalLife, err = time.ParseDuration(or("CXONE_APPROVAL_LIFE", connection.DefaultApprovalLife.String())); err != nil ||
		t.ApprovalLife < 5*time.Minute || t.ApprovalLife > 30*24*time.Hour {
		return usagef("CXONE_APPROVAL_LIFE must be a duration from 5m to 720h, like 24h")
	}
	for _, secret := range strings.FieldsFunc(or("CXONE_KMS_SECRET", ""), func(r rune) bool { return r == ',' || r == ' ' }) {
		if err := seal.CheckSigningSecret(secret); err != nil {
			return usagef("CXONE_KMS_SECRET cannot be used: %s Two may be given while one is replaced, with a comma between.", fault.MessageOf(err))
		}
		t.KMS = append(t.KMS, secret)
	}
	if t.BaseURL != "" && !strings.Contains(t.BaseURL, "://") {
		return usagef("CXONE_BASE_URL %q has no scheme: write https://%s", t.BaseURL, t.BaseURL)
	}
	if t.CallbackURL != "" {
		u, err := url.Parse(strings.ReplaceAll(t.CallbackURL, "{token}", "token"))
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return usagef("KMS_CALLBACK_URL %q is not an http or https address", t.CallbackURL)
		}
	}
	return nil
}
