package rotation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// FeedStore is what calendar feeds need of a database.
type FeedStore interface {
	// SaveFeed gives the person a feed in place of the one they had.
	SaveFeed(ctx context.Context, userID int64, hash [sha256.Size]byte, at time.Time, records ...audit.Record) error
	// DeleteFeed is fault.NotFound when the person has none.
	DeleteFeed(ctx context.Context, userID int64, records ...audit.Record) error
	// FeedOwner is fault.NotFound for an unknown hash.
	FeedOwner(ctx context.Context, hash [sha256.Size]byte) (userID int64, err error)
	// FeedMade is when the person's feed was made, the zero time without one.
	FeedMade(ctx context.Context, userID int64) (time.Time, error)
}

// Feeds gives each person one calendar address, which reads due dates and
// nothing else, until it is replaced or revoked or the person may no longer.
type Feeds struct {
	store    FeedStore
	accounts *access.Accounts
	now      func() time.Time
}

// NewFeeds returns the service.
func NewFeeds(store FeedStore, accounts *access.Accounts, now func() time.Time) *Feeds {
	return &Feeds{store, accounts, now}
}

// New makes the caller's feed and returns its token, which is shown this once.
// The proof is asked for each time. The address before stops working.
func (f *Feeds) New(ctx context.Context, c access.Caller, proof access.Proof) (token string, err error) {
	if err := f.allowed(c); err != nil {
		return "", err
	}
	if err := f.accounts.StepUp(ctx, c, proof, "Calendar feed"); err != nil {
		return "", err
	}
	token = rand.Text() + rand.Text()
	return token, f.store.SaveFeed(ctx, c.UserID, sha256.Sum256([]byte(token)), f.now(),
		f.changed(c, "Calendar feed of "+c.Name+" made."))
}

// Revoke ends the caller's feed.
func (f *Feeds) Revoke(ctx context.Context, c access.Caller) error {
	if err := f.allowed(c); err != nil {
		return err
	}
	return f.store.DeleteFeed(ctx, c.UserID, f.changed(c, "Calendar feed of "+c.Name+" revoked."))
}

// RevokeOf ends another person's feed. The caller needs PermManagePeople.
func (f *Feeds) RevokeOf(ctx context.Context, c access.Caller, userID int64) error {
	u, err := f.accounts.Someone(ctx, c, userID)
	if err != nil {
		return err
	}
	return f.store.DeleteFeed(ctx, userID, f.changed(c, "Calendar feed of "+u.Name+" revoked."))
}

// MadeOf is when the person's feed was made; the zero time without one. The caller needs PermManagePeople.
func (f *Feeds) MadeOf(ctx context.Context, c access.Caller, userID int64) (time.Time, error) {
	if err := access.Require(c, access.PermManagePeople); err != nil {
		return time.Time{}, err
	}
	return f.store.FeedMade(ctx, userID)
}

func (f *Feeds) allowed(c access.Caller) error {
	if c.UserID == 0 || c.Scope != nil {
		return fault.New(fault.Denied, "A calendar feed belongs to a person who signed in.")
	}
	return access.Require(c, access.PermExport)
}

// Made is when the caller's feed was made; the zero time without one.
func (f *Feeds) Made(ctx context.Context, c access.Caller) (time.Time, error) {
	return f.store.FeedMade(ctx, c.UserID)
}

// Open returns the person whose token it is, if they may still read dates.
func (f *Feeds) Open(ctx context.Context, token, ip string) (access.Caller, error) {
	refused := fault.New(fault.Unauthenticated,
		"This calendar address is not valid, or no longer. Make a new one on the page of rotations.")
	if token == "" || len(token) > 128 {
		return access.Caller{}, refused
	}
	id, err := f.store.FeedOwner(ctx, sha256.Sum256([]byte(token)))
	if fault.CodeOf(err) == fault.NotFound {
		return access.Caller{}, refused
	}
	if err != nil {
		return access.Caller{}, err
	}
	c, err := f.accounts.Current(ctx, id, ip)
	if fault.CodeOf(err) == fault.Unauthenticated || err == nil && !c.Can(access.PermExport) {
		return access.Caller{}, refused
	}
	return c, err
}

func (f *Feeds) changed(c access.Caller, detail string) audit.Record {
	r := audit.NewRecord(f.now(), audit.UserChanged, audit.Success, c.Actor())
	r.Detail = detail
	return r
}
