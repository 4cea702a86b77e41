package access

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// APIToken is a token that lets a program act for a person, as it is stored: with the token's hash, never
// the token itself.
type APIToken struct {
	ID         int64
	UserID     int64
	Label      string // what the person calls it
	Hint       string // the token's first characters, to tell it from others
	Hash       [sha256.Size]byte
	Scopes     []Permission
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero when it never was; exact to a minute
}

// TokenStore is what API tokens need of a database.
type TokenStore interface {
	AddToken(ctx context.Context, t APIToken, records ...audit.Record) (APIToken, error)

	// TokenByHash is fault.NotFound when there is none.
	TokenByHash(ctx context.Context, hash [sha256.Size]byte) (APIToken, error)

	// ListTokens returns the person's tokens, expired ones too, newest first.
	ListTokens(ctx context.Context, userID int64) ([]APIToken, error)

	TouchToken(ctx context.Context, id int64, at time.Time) error

	// RemoveToken deletes the person's token; one of another person is fault.NotFound.
	RemoveToken(ctx context.Context, userID, id int64, records ...audit.Record) error
}

const (
	// tokenPrefix begins every token, so that scanners for leaked secrets recognise it.
	tokenPrefix    = "cxs_"
	tokenHint      = len(tokenPrefix) + 4
	tokenLength    = len(tokenPrefix) + 43 // 256 bits in base64url
	maxTokens      = 20                    // a person
	maxTokenLabel  = 64
	minTokenLife   = time.Hour
	maxTokenLife   = 366 * 24 * time.Hour
	tokenTouchStep = time.Minute
)

// TokenScopes returns the permissions that a token may carry: reading and exporting. Changes need a person
// who signed in.
func TokenScopes() []Permission {
	return []Permission{PermViewDashboard, PermViewAll, PermExport}
}

// Tokens is the service that makes, checks and removes API tokens.
type Tokens struct {
	store    TokenStore
	accounts *Accounts
}

// NewTokens returns the service.
func NewTokens(store TokenStore, accounts *Accounts) *Tokens {
	return &Tokens{store: store, accounts: accounts}
}

// Create makes a token that acts for the caller and returns it with its secret, which is shown only once
// and not kept. The proof is asked for each time (see StepUp). Every scope must be in TokenScopes and be held by the caller.
func (s *Tokens) Create(ctx context.Context, c Caller, proof Proof, label string, scopes []Permission,
	life time.Duration) (secret string, t APIToken, err error) {
	if err := s.accounts.requireFor(ctx, c, c.UserID); err != nil {
		return "", APIToken{}, err
	}
	if c.UserID == 0 {
		return "", APIToken{}, fault.New(fault.Denied, "A token belongs to a person.")
	}
	if err := s.checkNew(ctx, c, label, scopes, life); err != nil {
		return "", APIToken{}, err
	}
	if err := s.accounts.StepUp(ctx, c, proof, "API token"); err != nil {
		return "", APIToken{}, err
	}
	secret = tokenPrefix + randomToken()
	now := s.accounts.now()
	t, err = s.store.AddToken(ctx, APIToken{
		UserID: c.UserID, Label: label, Hint: secret[:tokenHint], Hash: sha256.Sum256([]byte(secret)),
		Scopes: slices.Clone(scopes), CreatedAt: now, ExpiresAt: now.Add(life),
	}, s.accounts.changed(c,
		"API token "+label+" ("+secret[:tokenHint]+"…) created until "+audit.FormatTime(now.Add(life))+"."))
	if err != nil {
		return "", APIToken{}, err
	}
	return secret, t, nil
}

func (s *Tokens) checkNew(ctx context.Context, c Caller, label string, scopes []Permission,
	life time.Duration) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case strings.TrimSpace(label) != label || label == "" || utf8.RuneCountInString(label) > maxTokenLabel,
		!utf8.ValidString(label) || strings.ContainsFunc(label, unprintable):
		return fault.New(fault.Invalid, "A token needs a name of 1 to %d printable characters.", maxTokenLabel)
	case life < minTokenLife || life > maxTokenLife:
		return fault.New(fault.Invalid, "A token lives between an hour and a year.")
	case len(scopes) == 0:
		return fault.New(fault.Invalid, "Choose what the token may be used for.")
	}
	for _, p := range scopes {
		if !slices.Contains(TokenScopes(), p) {
			return fault.New(fault.Invalid, "A token cannot carry the permission %q.", p)
		}
		if err := Require(c, p); err != nil {
			return err
		}
	}
	tokens, err := s.store.ListTokens(ctx, c.UserID)
	if err == nil && len(tokens) >= maxTokens {
		err = fault.New(fault.Conflict, "You have %d tokens. Delete one first.", len(tokens))
	}
	return err
}

// Authenticate returns the token's owner, limited to the token's scopes. An unknown, malformed or expired
// token and one of a disabled account are the same fault.Unauthenticated.
func (s *Tokens) Authenticate(ctx context.Context, secret, ip string) (Caller, error) {
	refused := fault.New(fault.Unauthenticated, "This API token is not valid, or no longer.")
	if len(secret) != tokenLength || !strings.HasPrefix(secret, tokenPrefix) {
		return Caller{}, refused
	}
	// The database looks up the hash. How long that takes tells something about the hash of a guess and
	// nothing about a token.
	t, err := s.store.TokenByHash(ctx, sha256.Sum256([]byte(secret)))
	if fault.CodeOf(err) == fault.NotFound {
		return Caller{}, refused
	}
	if err != nil {
		return Caller{}, err
	}
	now := s.accounts.now()
	if !now.Before(t.ExpiresAt) {
		return Caller{}, refused
	}
	c, err := s.accounts.Current(ctx, t.UserID, ip)
	if fault.CodeOf(err) == fault.Unauthenticated {
		return Caller{}, refused
	}
	if err != nil {
		return Caller{}, err
	}
	if now.Sub(t.LastUsedAt) >= tokenTouchStep {
		if err := s.store.TouchToken(ctx, t.ID, now); err != nil {
			return Caller{}, err
		}
	}
	c.Scope = &Scope{TokenID: t.ID, Permissions: t.Scopes}
	return c, nil
}

// List returns the person's tokens.
func (s *Tokens) List(ctx context.Context, c Caller, userID int64) ([]APIToken, error) {
	if err := s.accounts.requireFor(ctx, c, userID); err != nil {
		return nil, err
	}
	return s.store.ListTokens(ctx, userID)
}

// Remove deletes one of the person's tokens; it is refused from then on.
func (s *Tokens) Remove(ctx context.Context, c Caller, userID, id int64) error {
	tokens, err := s.List(ctx, c, userID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(t APIToken) bool { return t.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "There is no such token.")
	}
	return s.store.RemoveToken(ctx, userID, id,
		s.accounts.changed(c, "API token "+tokens[i].Label+" ("+tokens[i].Hint+"…) removed."))
}
