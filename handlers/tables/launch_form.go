package tables

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

// launchForm is a run form as it was sent (contract §3, POST /runs).
type launchForm struct {
	request encryption.Request
	shown   web.RunForm // to show it again, with what was wrong
}

// readLaunchForm reads the fields. What is malformed is an error beside its
// field, never a default; a field that was left out has one.
func readLaunchForm(post url.Values) launchForm {
	f := launchForm{
		request: encryption.Request{
			Operation: audit.Operation(post.Get("operation")), Connection: post.Get("connection"),
			DatastoreID: post.Get("datastore_id"), TableID: post.Get("table_id"),
			Columns: post["columns"], Fingerprint: post.Get("fingerprint"),
		},
		shown: web.RunForm{Chosen: post["columns"], IntervalDays: strings.TrimSpace(post.Get("interval_days")),
			StartAt: strings.TrimSpace(post.Get("start_at")), Errors: map[string]string{}},
	}
	if f.request.Operation == "" {
		f.request.Operation = audit.ColumnEncryption
	}
	f.readStrategy(post.Get("strategy"))
	f.readInterval()
	f.readStart()
	f.request.IgnoreWindow = post.Get("ignore_window") == "1"
	f.shown.IgnoreWindow = f.request.IgnoreWindow
	ticked, err := frame.Ticked(post, "mask_indexes")
	if err != nil {
		f.shown.Errors["mask_indexes"] = fault.MessageOf(err)
	}
	f.request.MaskIndexes, f.shown.MaskIndexes = ticked, ticked
	return f
}

// readStrategy leaves a field that was left out to the service's default.
func (f *launchForm) readStrategy(text string) {
	switch text {
	case "", encryption.Automatic, encryption.Manual:
		f.request.Strategy, f.shown.Strategy = text, text
	default:
		f.shown.Errors["strategy"] = "The rotation strategy is " + encryption.Automatic + " or " + encryption.Manual + "."
	}
}

func (f *launchForm) readInterval() {
	if f.shown.IntervalDays == "" {
		f.request.IntervalDays = encryption.DefaultIntervalDays
		return
	}
	days, err := strconv.Atoi(f.shown.IntervalDays)
	if err != nil || days < 1 || days > encryption.MaxIntervalDays {
		f.shown.Errors["interval_days"] = "The rotation interval must be a whole number of days from 1 to " +
			strconv.Itoa(encryption.MaxIntervalDays) + "."
		return
	}
	f.request.IntervalDays = days
}

// startForms are RFC 3339, and what a browser's datetime-local field sends,
// read as UTC.
var startForms = []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05"}

func (f *launchForm) readStart() {
	if f.shown.StartAt == "" {
		return
	}
	for _, form := range startForms {
		if at, err := time.Parse(form, f.shown.StartAt); err == nil {
			f.request.StartAt = at.UTC()
			return
		}
	}
	f.shown.Errors["start_at"] = "The start must be a time like 2026-01-31T08:00:00Z, or 2026-01-31T08:00 in UTC."
}

// err is what was malformed, in one sentence after the other.
func (f *launchForm) err() error {
	var sentences []string
	for _, name := range []string{"columns", "strategy", "interval_days", "start_at", "mask_indexes"} {
		if s := f.shown.Errors[name]; s != "" {
			sentences = append(sentences, s)
		}
	}
	if len(sentences) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%s", strings.Join(sentences, " "))
}

func (f *launchForm) rotation() bool { return f.request.Operation == audit.KeyRotation }

func (f *launchForm) asForms() forms {
	if f.rotation() {
		return forms{rotate: &f.shown}
	}
	return forms{encrypt: &f.shown}
}
