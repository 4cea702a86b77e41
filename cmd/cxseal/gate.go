package main

import (
	"context"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
	"cxseal/store"
)

// gate are the parts that decide who may do what.
type gate struct {
	source   seal.Source
	sealer   *seal.Sealer
	kept     *store.Sessions
	accounts *access.Accounts
	factors  *access.SecondFactor
	sessions *access.Sessions
	tokens   *access.Tokens
	sso      *access.SSO
}

func newGate(ctx context.Context, cfg consoleConfig, s *store.Store) (*gate, error) {
	p := &gate{kept: s.Sessions(handlers.DescribeSession)}
	// A new key opens nothing that is there.
	sealed, err := s.SealedValues(ctx, seal.Place{}, 1)
	if err != nil {
		return nil, err
	}
	source := cfg.Seal
	if source == (seal.Source{}) {
		source.File = cfg.DB + ".seal-key"
	}
	source.MayCreate = len(sealed) == 0
	p.source = source
	if p.sealer, err = seal.Open(ctx, source); err != nil {
		return nil, usagef("%s", fault.MessageOf(err))
	}
	p.factors = access.NewSecondFactor(s, p.sealer, cfg.Now)
	options := []access.Option{access.WithSessions(p.kept), access.WithSecondFactor(p.factors)}
	if cfg.NoLocal {
		// Until an admin has come through a provider, passwords are the only way in.
		options = append(options, access.WithLocalLogin(func(ctx context.Context) (bool, error) {
			return p.sso.MaySwitchOffPasswords(ctx) != nil, nil
		}))
	}
	p.accounts = access.NewAccounts(s, cfg.Now, access.DefaultHashCost, options...)
	if p.sessions, err = access.NewSessions(p.kept, p.accounts, access.DefaultSessionLimits); err != nil {
		return nil, err
	}
	p.tokens = access.NewTokens(s, p.accounts)
	var providers []*access.OIDC
	for _, config := range cfg.SSO {
		config.RedirectURL = cfg.address() + handlers.SSOCallbackPath
		provider, err := access.NewOIDC(config, nil, cfg.Now)
		if err != nil {
			return nil, usagef("%s", fault.MessageOf(err))
		}
		providers = append(providers, provider)
	}
	p.sso, err = access.NewSSO(s, p.accounts, providers...)
	return p, err
}

// reseal changes the sealing key while serving. A key from a file gets a new
// first key and loses the old ones once nothing needs them; one from outside
// was rotated there and is read again.
func (c *Console) reseal(ctx context.Context, who access.Caller) (int, error) {
	if err := access.Require(who, access.PermManageSettings); err != nil {
		return 0, err
	}
	record := audit.NewRecord(c.cfg.Now(), audit.SettingsChanged, audit.Success, who.Actor())
	record.Detail = "Sealing key changed."
	if err := c.store.AppendRecords(ctx, record); err != nil {
		return 0, err
	}
	if c.source.File == "" {
		if err := c.sealer.Reload(ctx); err != nil {
			return 0, err
		}
		return c.sealer.ResealAll(ctx, c.store)
	}
	if err := c.sealer.Rotate(ctx); err != nil {
		return 0, err
	}
	n, err := c.sealer.ResealAll(ctx, c.store)
	if err != nil {
		return n, err
	}
	return n, c.sealer.DropOldKeys(ctx, c.store)
}
