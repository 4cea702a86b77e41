package main

import (
	"context"
	"slices"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
	"cxseal/internal/sensitivity"
)

// fourEyes has every connection ask for a second person, as the organisation of the demo did when it decided about
// many columns.
type fourEyes struct{}

func (fourEyes) FourEyes(string) (asked bool, life time.Duration, ok bool) {
	return true, 30 * 24 * time.Hour, true
}

// person is the caller of a demo's account.
func (h *history) person(ctx context.Context, name string) (access.Caller, error) {
	u, err := h.console.Store.UserByName(ctx, name)
	return access.Caller{UserID: u.ID, Name: u.Name, Role: u.Role, IP: "127.0.0.1"}, err
}

// decided are the decisions of the story, each kind once: a column is declared not sensitive, one is declared sensitive
// and taken back, and two are approved by a second person. leftWaiting makes the last kind.
func (h *history) decided(ctx context.Context, day int) error {
	officer, err := h.person(ctx, "officer")
	if err != nil {
		return err
	}
	approver, err := h.person(ctx, "approver")
	if err != nil {
		return err
	}
	alone, two := h.console.Sensitivity, sensitivity.NewService(h.console.Store, fourEyes{}, h.clock.Now)
	step := func(after int, s *sensitivity.Service, state sensitivity.State, reason string, columns ...sensitivity.Key) (sensitivity.Done, error) {
		if len(columns) == 0 {
			return sensitivity.Done{}, nil
		}
		h.moveTo(day+after, 10)
		return s.Decide(ctx, officer, sensitivity.Order{Columns: columns, State: state, Reason: reason, Confirmed: true})
	}
	open, err := h.undecided(ctx, sensitivity.Filter{State: sensitivity.Sensitive, Protection: protection.Unprotected})
	if err != nil {
		return err
	}
	plain, err := h.undecided(ctx, sensitivity.Filter{State: sensitivity.NotSensitive})
	if err != nil {
		return err
	}
	if len(open) < 3 || len(plain) < 1 {
		return nil
	}
	open = open[len(open)-3:]
	if _, err := step(0, alone, sensitivity.NotSensitive, "Made-up answers of a test; no person gave them.", open[0]); err != nil {
		return err
	}
	if _, err := step(1, alone, sensitivity.Sensitive, "Agents type names and addresses into it.", plain[0]); err != nil {
		return err
	}
	if _, err := step(3, alone, sensitivity.Undecided, "The form has fields of their own for these now.", plain[0]); err != nil {
		return err
	}
	asked, err := step(4, two, sensitivity.NotSensitive, "Filled with made-up people for training.", open[1], open[2])
	if err != nil {
		return err
	}
	for _, r := range asked.Requests {
		if err := two.Approve(ctx, approver, r.ID, r.Approval.Fingerprint); err != nil && fault.CodeOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}

// leftWaiting is a decision that nobody has approved by the end of the story.
func (h *history) leftWaiting(ctx context.Context, day int) error {
	officer, err := h.person(ctx, "officer")
	if err != nil {
		return err
	}
	open, err := h.undecided(ctx, sensitivity.Filter{State: sensitivity.Sensitive, Protection: protection.Unprotected})
	if err != nil || len(open) == 0 {
		return err
	}
	h.moveTo(day, 16)
	_, err = sensitivity.NewService(h.console.Store, fourEyes{}, h.clock.Now).Decide(ctx, officer, sensitivity.Order{Columns: open[len(open)-1:],
		State: sensitivity.NotSensitive, Reason: "A number of our own that leads to nobody.", Confirmed: true})
	return err
}

// takenOn has the officer take on the newest failed run, which nobody mended.
func (h *history) takenOn(ctx context.Context, day int) error {
	h.moveTo(day, 9)
	officer, err := h.person(ctx, "officer")
	if err != nil {
		return err
	}
	failed, err := h.console.Store.Attention(ctx, attention.Filter{State: attention.Open, Kind: attention.RunFailed}, 0, 1)
	if err != nil || len(failed) == 0 {
		return err
	}
	return attention.NewService(h.console.Store, h.clock.Now).Acknowledge(ctx, officer, []string{failed[0].ID}, "Records office",
		"The column was renamed; the form's owner says which one it is now.")
}

// undecided are columns that nobody has decided about, outside of the contacts.
func (h *history) undecided(ctx context.Context, f sensitivity.Filter) ([]sensitivity.Key, error) {
	nobody := false
	f.Decided = &nobody
	list, err := h.console.Store.SensitivityColumns(ctx, f, nil, 1000)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(c sensitivity.Column) bool { return c.TableID == "tbl-contacts" })
	keys := make([]sensitivity.Key, len(list))
	for i, c := range list {
		keys[i] = c.Key
	}
	return keys, nil
}
