package main

import (
	"encoding/json"
	"os"
	"runtime"

	"cxseal/internal/access"
)

// signOn are the settings of single sign-on.
type signOn struct {
	SSOProviders        string `name:"sso-providers" help:"Sign-in providers (OpenID Connect), a JSON list; see docs/operations.md." env:"CXSEAL_SSO_PROVIDERS" placeholder:"FILE"`
	RequireSecondFactor bool   `help:"Ask everybody who signs in with a password for a second factor, and let them do nothing before they have one." env:"CXSEAL_REQUIRE_SECOND_FACTOR"`
	LocalLogin          bool   `help:"Let people sign in with a password. Switched off, it stays on until an admin has come through a provider." default:"true" negatable:"" env:"CXSEAL_LOCAL_LOGIN"`
}

// providerFile is one provider as the file describes it.
type providerFile struct {
	ID              string            `json:"id"`
	Label           string            `json:"label"`
	Issuer          string            `json:"issuer"`
	ClientID        string            `json:"client_id"`
	ClientSecret    string            `json:"client_secret"`
	ClientSecretEnv string            `json:"client_secret_env"` // the name of the variable that holds it
	Scopes          []string          `json:"scopes"`
	NameClaim       string            `json:"name_claim"`
	GroupsClaim     string            `json:"groups_claim"`
	Roles           map[string]string `json:"roles"` // group → role
}

const maxProvidersFile = 1 << 20

func (s signOn) providers(getenv func(string) string) ([]access.ProviderConfig, error) {
	if s.SSOProviders == "" {
		if !s.LocalLogin {
			return nil, usagef("--no-local-login needs --sso-providers: nobody could sign in")
		}
		return nil, nil
	}
	f, err := os.Open(s.SSOProviders)
	if err != nil {
		return nil, usagef("--sso-providers: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil || info.Size() > maxProvidersFile {
		return nil, usagef("--sso-providers %s cannot be read, or is no list of providers", s.SSOProviders)
	}
	var list []providerFile
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		return nil, usagef("--sso-providers %s is not a JSON list of providers: %w", s.SSOProviders, err)
	}
	var out []access.ProviderConfig
	for _, p := range list {
		if p.ClientSecret != "" && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			return nil, usagef("--sso-providers %s holds a secret and can be read by others. Run: chmod 600 %s",
				s.SSOProviders, s.SSOProviders)
		}
		if p.ClientSecretEnv != "" {
			if p.ClientSecret = getenv(p.ClientSecretEnv); p.ClientSecret == "" {
				return nil, usagef("the sign-in provider %q takes its secret from %s, which is empty", p.ID, p.ClientSecretEnv)
			}
		}
		config := access.ProviderConfig{ID: p.ID, Label: p.Label, Issuer: p.Issuer, ClientID: p.ClientID,
			ClientSecret: p.ClientSecret,
			Scopes:       p.Scopes, NameClaim: p.NameClaim, GroupsClaim: p.GroupsClaim, Roles: map[string]access.Role{}}
		for group, role := range p.Roles {
			config.Roles[group] = access.Role(role)
		}
		out = append(out, config)
	}
	return out, nil
}
