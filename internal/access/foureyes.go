package access

import (
	"context"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// TouchKind says how an account was touched.
type TouchKind string

// The kinds of touches: what lets one person act as another, or gives them the role to.
const (
	TouchMade     TouchKind = "made"     // the account was made, perhaps with a password that its maker knows
	TouchPassword TouchKind = "password" // its password was set
	TouchFactor   TouchKind = "factor"   // its second factor was removed
	TouchRole     TouchKind = "role"     // its role was changed
	TouchEnabled  TouchKind = "enabled"  // it was enabled again
	TouchLink     TouchKind = "link"     // linking it with an identity at a provider was permitted
)

// TouchKinds returns every kind.
func TouchKinds() []TouchKind {
	return []TouchKind{TouchMade, TouchPassword, TouchFactor, TouchRole, TouchEnabled, TouchLink}
}

// touched are the kinds as words that stand after an account's name.
var touched = map[TouchKind]string{
	TouchMade:     "was made",
	TouchPassword: "was given a password",
	TouchFactor:   "had its second factor removed",
	TouchRole:     "was given its role",
	TouchEnabled:  "was enabled",
	TouchLink:     "was permitted to be linked with a provider",
}

// Touch is a change of somebody else's account after which its maker could act as that person. The zero value is
// none.
type Touch struct {
	ID     int64
	UserID int64 // the account
	Name   string
	Kind   TouchKind
	By     Party // UserID 0: the operator at the machine
	At     time.Time
}

// TouchLife is how long a touch counts for the four-eyes rule.
const TouchLife = 24 * time.Hour

// counts reports whether the touch makes its maker a hand of the account at the time. The operator of the machine
// counts for what takes over an account that somebody had, and not for making one.
func (t Touch) counts(now time.Time) bool {
	if t.By.UserID == t.UserID || now.Sub(t.At) >= TouchLife {
		return false
	}
	return t.By.UserID != 0 || t.Kind != TouchMade
}

// String says what happened, as a sentence without its full stop: "anna was given a password by ada at …".
func (t Touch) String() string {
	by := t.By.Name
	if t.By.UserID == 0 {
		by = "the operator of the machine (" + by + ")"
	}
	return t.Name + " " + touched[t.Kind] + " by " + by + " at " + audit.FormatTime(t.At)
}

// SecondPerson is nil when second may decide what first has asked for: they are two accounts, and within TouchLife
// nobody had both of them in hand. It is fault.Denied where one of them made, reset or re-roled the other's account,
// where a third one did so with both, also by way of further accounts, and where the operator reset second's. It is
// the one rule of four eyes about people, whatever is decided. touches are those of the last TouchLife that nobody
// has lifted.
func SecondPerson(first, second Party, touches []Touch, now time.Time) error {
	if first.is(second) {
		return fault.New(fault.Denied, "You asked for this yourself. Another person must approve it.")
	}
	of, over := hands(first.UserID, touches, now), hands(second.UserID, touches, now)
	of[0] = Touch{} // the operator may have been whoever asks
	for who, touch := range over {
		by, shared := of[who]
		if !shared {
			continue
		}
		if touch == (Touch{}) {
			touch = by // second themself had first's account in hand
		}
		return fault.New(fault.Denied, "Within the last day, %s. That counts as the hand of one person: "+
			"somebody else must approve this, or another admin lift it under People.", touch)
	}
	return nil
}

// hands returns the account and everybody who could have acted as its person, each with the touch by which; the
// account's own is the zero value.
func hands(id int64, touches []Touch, now time.Time) map[int64]Touch {
	found := map[int64]Touch{id: {}}
	for grown := true; grown; {
		grown = false
		for _, t := range touches {
			_, touched := found[t.UserID]
			if _, known := found[t.By.UserID]; touched && !known && t.counts(now) {
				found[t.By.UserID], grown = t, true
			}
		}
	}
	return found
}

// touch returns the touch that the caller's change of the account is, the zero value for a change of their own.
func (a *Accounts) touch(c Caller, id int64, name string, kind TouchKind) Touch {
	if c.UserID == id && id != 0 {
		return Touch{}
	}
	return Touch{UserID: id, Name: name, Kind: kind, By: Party{c.UserID, c.Name}, At: a.now()}
}

// Touches returns the touches that count now and that nobody has lifted, for the page of people. The caller needs
// PermManagePeople.
func (a *Accounts) Touches(ctx context.Context, c Caller) ([]Touch, error) {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return nil, err
	}
	return a.liveTouches(ctx)
}

func (a *Accounts) liveTouches(ctx context.Context) ([]Touch, error) {
	all, err := a.store.Touches(ctx, a.now().Add(-TouchLife))
	if err != nil {
		return nil, err
	}
	live := all[:0]
	for _, t := range all {
		if t.counts(a.now()) {
			live = append(live, t)
		}
	}
	return live, nil
}

// LiftTouches lets the account count as a second person again, on the record. The caller needs PermManagePeople, and
// must be a second person themself beside everybody who touched the account, and not its own.
func (a *Accounts) LiftTouches(ctx context.Context, c Caller, id int64) error {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	u, err := a.store.UserByID(ctx, id)
	if err != nil {
		return err
	}
	live, err := a.liveTouches(ctx)
	if err != nil {
		return err
	}
	var ids []int64
	detail := "What was done to the account " + u.Name + " no longer stands against four eyes:"
	for _, t := range live {
		if t.UserID != id {
			continue
		}
		for _, party := range []Party{t.By, {u.ID, u.Name}} {
			if SecondPerson(party, Party{c.UserID, c.Name}, live, a.now()) != nil || c.UserID == 0 || c.Scope != nil {
				denied := fault.New(fault.Denied, "Another admin must lift this: one who has nothing to do with it.")
				record := newRecord(a.now(), audit.UserChanged, audit.Denied, c.Actor(), "Four eyes of "+u.Name+": "+fault.MessageOf(denied))
				if err := a.store.AppendRecords(ctx, record); err != nil {
					return err
				}
				return denied
			}
		}
		ids = append(ids, t.ID)
		detail += " " + t.String() + ";"
	}
	if len(ids) == 0 {
		return fault.New(fault.Conflict, "Nothing stands against four eyes of this account.")
	}
	return a.store.LiftTouches(ctx, ids, Party{c.UserID, c.Name}, a.now(), a.changed(c, detail[:len(detail)-1]+"."))
}
