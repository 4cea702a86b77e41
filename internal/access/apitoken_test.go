package access

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// memTokens is a TokenStore in memory.
type memTokens struct {
	ledger  *memStore
	rows    []APIToken
	touches int
}

func (m *memTokens) AddToken(ctx context.Context, t APIToken, records ...audit.Record) (APIToken, error) {
	t.ID = int64(len(m.rows) + 1)
	m.rows = append(m.rows, t)
	return t, m.ledger.AppendRecords(ctx, records...)
}

func (m *memTokens) TokenByHash(_ context.Context, hash [sha256.Size]byte) (APIToken, error) {
	for _, t := range m.rows {
		if t.Hash == hash {
			return t, nil
		}
	}
	return APIToken{}, fault.New(fault.NotFound, "no such token")
}

func (m *memTokens) ListTokens(_ context.Context, userID int64) ([]APIToken, error) {
	return slices.DeleteFunc(slices.Clone(m.rows), func(t APIToken) bool { return t.UserID != userID }), nil
}

func (m *memTokens) TouchToken(_ context.Context, id int64, at time.Time) error {
	m.touches++
	m.rows[id-1].LastUsedAt = at
	return nil
}

func (m *memTokens) RemoveToken(ctx context.Context, userID, id int64, records ...audit.Record) error {
	m.rows = slices.DeleteFunc(m.rows, func(t APIToken) bool { return t.ID == id && t.UserID == userID })
	return m.ledger.AppendRecords(ctx, records...)
}

func TestATokenDoesNoMoreThanItSaysAndNotForLonger(t *testing.T) {
	a, ledger, c := newAccounts(t)
	m := &memTokens{ledger: ledger}
	s := NewTokens(m, a)
	olga := Caller{UserID: 2, Name: "olga", Role: Officer}
	secret, made, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "nightly export", []Permission{PermExport}, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "cxs_") || len(secret) != tokenLength || made.Hash != sha256.Sum256([]byte(secret)) {
		t.Errorf("secret %q", secret)
	}
	if stored := fmt.Sprintf("%+v %q", m.rows, ledger.log()); strings.Contains(stored, secret) {
		t.Error("the token is stored or recorded in the clear")
	}
	got, err := s.Authenticate(t.Context(), secret, "10.0.0.5")
	if err != nil || got.Name != "olga" || got.IP != "10.0.0.5" {
		t.Fatal(got, err)
	}
	for _, p := range Permissions() {
		if got.Can(p) != (p == PermExport) {
			t.Errorf("the token can %s: %v", p, got.Can(p))
		}
	}
	for range 5 {
		_, _ = s.Authenticate(t.Context(), secret, "")
	}
	if m.touches != 1 {
		t.Errorf("%d writes for 6 uses in one minute", m.touches)
	}
	// A token makes no tokens, ends none, and reads no list of them.
	_, _, err = s.Create(t.Context(), got, Proof{Present: goodPassword}, "more", []Permission{PermExport}, time.Hour)
	wantCode(t, err, fault.Denied)
	wantCode(t, s.Remove(t.Context(), got, 2, 1), fault.Denied)
	// What the person loses, the token loses.
	if err := a.SetRole(t.Context(), ada, 2, Viewer); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Authenticate(t.Context(), secret, ""); err != nil || got.Can(PermExport) {
		t.Errorf("a viewer's token still exports: %v", err)
	}
	if err := a.SetDisabled(t.Context(), ada, 2, true); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), secret, "")
	wantCode(t, err, fault.Unauthenticated)
	if err := a.SetDisabled(t.Context(), ada, 2, false); err != nil {
		t.Fatal(err)
	}
	c.Add(24 * time.Hour)
	_, err = s.Authenticate(t.Context(), secret, "")
	wantCode(t, err, fault.Unauthenticated)
}

func TestTokensAreRefusedAlikeAndMadeWithinBounds(t *testing.T) {
	a, ledger, _ := newAccounts(t)
	m := &memTokens{ledger: ledger}
	s := NewTokens(m, a)
	olga := Caller{UserID: 2, Name: "olga", Role: Officer}
	secret, made, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "x", []Permission{PermViewAll}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "cxs_", secret + "x", secret[:len(secret)-1], "xxx_" + secret[4:], strings.ToUpper(secret), strings.Repeat("a", 1e6)} {
		_, err := s.Authenticate(t.Context(), bad, "")
		wantCode(t, err, fault.Unauthenticated)
	}
	for name, try := range map[string]func() error{
		"admin's scope": func() error {
			_, _, err := s.Create(t.Context(), ada, Proof{Present: goodPassword}, "x", []Permission{PermLaunchRun}, time.Hour)
			return err
		},
		"no scope": func() error {
			_, _, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "x", nil, time.Hour)
			return err
		},
		"no label": func() error {
			_, _, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "", TokenScopes(), time.Hour)
			return err
		},
		"odd label": func() error {
			_, _, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "a\nb", TokenScopes(), time.Hour)
			return err
		},
		"a long life": func() error {
			_, _, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "x", TokenScopes(), 1e4*time.Hour)
			return err
		},
	} {
		if err := try(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	vera := Caller{UserID: 3, Name: "vera", Role: Viewer}
	_, _, err = s.Create(t.Context(), vera, Proof{Present: goodPassword}, "x", []Permission{PermExport}, time.Hour)
	wantCode(t, err, fault.Denied) // more than she can do herself
	_, _, err = s.Create(t.Context(), cli, Proof{Present: goodPassword}, "x", []Permission{PermExport}, time.Hour)
	wantCode(t, err, fault.Denied)
	wantCode(t, s.Remove(t.Context(), vera, 2, made.ID), fault.Denied)
	wantCode(t, s.Remove(t.Context(), olga, 2, 99), fault.NotFound)
	if err := s.Remove(t.Context(), ada, 2, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), secret, "")
	wantCode(t, err, fault.Unauthenticated)
	for range maxTokens {
		if _, _, err := s.Create(t.Context(), olga, Proof{Present: goodPassword}, "x", TokenScopes(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = s.Create(t.Context(), olga, Proof{Present: goodPassword}, "x", TokenScopes(), time.Hour)
	wantCode(t, err, fault.Conflict)
}
