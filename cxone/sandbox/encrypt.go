package sandbox

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"time"

	"cxseal/cxone"
)

// maxKey bounds X-Idempotency-Key, in characters.
const maxKey = 255

// encrypt answers the PATCH: everything it asks for happens, or nothing.
func (s *Sandbox) encrypt(c call) answer {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type", "must be application/json")
	}
	body, refusal := readBody(c.Request)
	if refusal != nil {
		return *refusal
	}
	key := c.Header.Get("X-Idempotency-Key")
	if key == "" {
		return refuse(http.StatusBadRequest, "bad_request", "X-Idempotency-Key", "the header is missing")
	}
	if len(key) > maxKey {
		return refuse(http.StatusBadRequest, "bad_request", "X-Idempotency-Key", "the header is longer than 255 characters")
	}
	ds, id := c.PathValue("ds"), c.PathValue("table")
	claim, replayed := s.claim(c.client, key, ds+"/"+id, body)
	if replayed != nil {
		return *replayed
	}
	s.underWay(1)
	// A tenant doesn't stop half-way because its client hung up.
	s.wait(context.WithoutCancel(c.Context()), c.delay)
	s.underWay(-1)

	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(ds, id)
	if t == nil {
		s.replays.release(claim)
		return notFound()
	}
	a := s.judge(t, body)
	s.replays.settle(claim, a)
	return a
}

// judge holds the body against the table and, where it fits, makes the change
// or promises it. The caller holds s.mu, so nobody sees half of it.
func (s *Sandbox) judge(t *table, body []byte) answer {
	p, err := parsePatch(body, s.nowLocked())
	if err == nil {
		err = t.accepts(p)
	}
	var field *fieldError
	if errors.As(err, &field) {
		return refuse(http.StatusBadRequest, "bad_request", field.field, field.message)
	}
	if a := t.indexRefusal(p); a != nil {
		return *a
	}
	of := func(kind FaultKind) func(Fault) bool { return func(f Fault) bool { return f.Kind == kind } }
	if _, on := s.takeFault(of(FaultEchoCallback)); on {
		return refuse(http.StatusBadRequest, "callback_unreachable", "", "the KMS did not answer at "+p.callback)
	}
	if f, on := s.takeFault(of(FaultAccepted)); on {
		s.later(f.LatencyMs, func() { s.apply(t, p) })
		return reply(http.StatusAccepted, map[string]string{"status": "ACCEPTED"})
	}
	if f, on := s.takeFault(of(FaultLateTable)); on {
		before := slices.Clone(t.columns)
		var made event
		s.apply(t, p, func(e *event) {
			e.delay += time.Duration(f.LatencyMs) * time.Millisecond
			made = *e
		})
		t.shown = before
		s.later(f.LatencyMs, func() { t.shown = nil })
		out := t.asShown().shape(s.settings.HideEncryption)
		if s.settings.inline() && made.kinds[FaultKMSNone] == 0 {
			out.KMSPayload = made.payload
		}
		return reply(http.StatusOK, out)
	}
	return s.apply(t, p)
}

// later does something that is yet to come, unless the sandbox is closed first.
// The caller holds s.mu, and so does what is done.
func (s *Sandbox) later(ms int, do func()) {
	if s.closed {
		return
	}
	s.stats.UnderWay++
	s.wg.Go(func() {
		s.wait(s.ctx, time.Duration(ms)*time.Millisecond)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stats.UnderWay--
		if s.ctx.Err() == nil {
			do()
		}
	})
}

// apply makes a change that was found good. The caller holds s.mu.
func (s *Sandbox) apply(t *table, p patch, change ...func(*event)) answer {
	var version int64
	for _, w := range p.columns {
		version = max(version, t.column(w.name).keyVersion)
	}
	version++ // one version for all, so that the callback can name it
	for _, w := range p.columns {
		c := t.column(w.name)
		directive := w.directive
		c.encrypted, c.keyVersion, c.directive = true, version, &directive
	}
	s.stats.Commits[t.ds+"/"+t.id]++

	out := t.shape(s.settings.HideEncryption)
	out.TableID = t.id
	event := s.newEvent(p.tableID, p, version)
	for _, c := range change {
		c(&event)
	}
	if s.settings.inline() && event.kinds[FaultKMSNone] == 0 {
		out.KMSPayload = event.payload
	}
	if s.settings.callsBack() {
		s.send(event)
	}
	return reply(http.StatusOK, out)
}

// accepts says what of a well-formed body doesn't fit the table.
func (t *table) accepts(p patch) error {
	if plainID(p.tableID) != t.id {
		return wrong("tableId", "doesn't match the table of the path, %s", t.id)
	}
	total := 0
	for _, c := range t.columns {
		if c.encrypted {
			total++
		}
	}
	for _, w := range p.columns {
		c := t.column(w.name)
		switch {
		case c == nil:
			return wrong(w.path+".name", "the table has no column %q", w.name)
		case w.kind != c.kind:
			return wrong(w.path+".type", "the column %q is of type %s, not %q", w.name, c.kind, w.kind)
		case !encryptable(c.kind):
			return wrong(w.path+".type", "columns of type %s can't be encrypted", c.kind)
		}
		if !c.encrypted {
			total++
		}
	}
	if total > t.limit() {
		return wrong("columnTargetMatrix", "the table would have %d encrypted columns; its maxEncryptedFields is %d", total, t.limit())
	}
	return nil
}

// indexRefusal says which index stands in the way. A read-only one answers as
// real tenants do, with a 500 that explains nothing.
func (t *table) indexRefusal(p patch) *answer {
	for _, w := range p.columns {
		for _, ix := range t.indexes {
			if !slices.Contains(ix.Columns, w.name) {
				continue
			}
			if ix.ReadOnly {
				a := refuse(http.StatusInternalServerError, "internal_error", "", "Internal server error")
				return &a
			}
			if !w.mask {
				a := refuse(http.StatusUnprocessableEntity, "index_conflict", w.path+".encryptionConfiguration.indexMaskingTrigger",
					"the column "+w.name+" stands in the index "+ix.Name+" and masking is off")
				return &a
			}
		}
	}
	return nil
}

// kmsPayload is the body of the callback. Columns holds names, or {name}
// objects under FaultKMSColumnObjects.
type kmsPayload struct {
	TableID         string           `json:"tableId"`
	Columns         any              `json:"columns"`
	KeyVersion      int64            `json:"keyVersion"`
	ComplianceCheck *complianceCheck `json:"complianceCheck,omitempty"`
}

type complianceCheck struct {
	Algorithm string `json:"algorithm"`
}

func honestPayload(tableID string, names []string, version int64) kmsPayload {
	return kmsPayload{tableID, names, version, &complianceCheck{cxone.Algorithm}}
}
