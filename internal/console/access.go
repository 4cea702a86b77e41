package console

import (
	"context"
	"errors"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// openSealer opens the key that secrets in the database are sealed with. It is
// made only where nothing is sealed yet: a new key opens nothing that is there.
func (c *Console) openSealer(ctx context.Context) error {
	sealed, err := c.Store.SealedValues(ctx, seal.Place{}, 1)
	if err != nil {
		return err
	}
	source := c.cfg.Seal
	source.MayCreate = len(sealed) == 0
	if c.Sealer, err = seal.Open(ctx, source); err != nil {
		return &ConfigError{errors.New(fault.MessageOf(err))}
	}
	return nil
}

// openAccess puts together who may do what: accounts, second factors, sessions,
// tokens of programs, and single sign-on.
func (c *Console) openAccess() (err error) {
	cfg := &c.cfg
	c.sessions = c.Store.Sessions(handlers.DescribeSession)
	c.factors = access.NewSecondFactor(c.Store, c.Sealer, cfg.Now)
	options := []access.Option{access.WithSessions(c.sessions), access.WithSecondFactor(c.factors)}
	if cfg.NoLocal {
		// Until an admin has come through a provider, passwords are the only way in.
		options = append(options, access.WithLocalLogin(func(ctx context.Context) (bool, error) {
			return c.sso.MaySwitchOffPasswords(ctx) != nil, nil
		}))
	}
	c.Accounts = access.NewAccounts(c.Store, cfg.Now, cfg.HashCost, options...)
	if c.signedIn, err = access.NewSessions(c.sessions, c.Accounts, access.DefaultSessionLimits); err != nil {
		return err
	}
	c.tokens = access.NewTokens(c.Store, c.Accounts)
	var providers []*access.OIDC
	for _, config := range cfg.SSO {
		config.RedirectURL = cfg.address() + handlers.SSOCallbackPath
		provider, err := access.NewOIDC(config, nil, cfg.Now)
		if err != nil {
			return &ConfigError{errors.New(fault.MessageOf(err))}
		}
		providers = append(providers, provider)
	}
	c.sso, err = access.NewSSO(c.Store, c.Accounts, providers...)
	return err
}
