package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const help = `The simulated CXone tenant's controls. JSON in, JSON out; no token is needed,
so the sandbox belongs on loopback only.

POST   /_sandbox/faults     {"kind":…, "endpoint":…, "times":…, …}   switch a fault on
GET    /_sandbox/faults     the faults that are on
DELETE /_sandbox/faults     switch all of them off
  kind        latency (latencyMs) | status, status_after (status, retryAfter, retryAfterDate, header, body)
              drop_before | drop_after: the connection is cut before or after the change is made
              accepted (latencyMs): the PATCH is answered 202, the change and its callback come later
              late_table (latencyMs): the PATCH is answered 200, the table shows the change later
              kms_wrong_algorithm | kms_wrong_table | kms_wrong_columns | kms_wrong_key_version
              kms_missing_compliance_check | kms_column_objects | kms_bad_signature | kms_none | kms_duplicate
              kms_slash | kms_trailing | kms_other_case
              echo_callback: the PATCH is refused with the callback URL in the message
              shapes, one of each that is on at every request:
              pages_capped (size) | same_page | no_total | total_zero | total_of_page | bare_list
              index_upper | index_desc | names_nfc | replace (field, value) | numeric_ids | key_ids
              numbers_as_text | floats | bools_as_text | bools_as_numbers | empty_arrays
              problem_json | aspnet | no_content | empty_body | bom
              gzip_unsaid | gzip_falsely | broken_off | key_twice (field, value)
  endpoint    token | discovery | datastores | tables | table | indexes | encrypt | callback | any (default)
  times       default 1; -1: until switched off

GET    /_sandbox/stats      requests, throttled, commits by table, callbacks and their answers
GET    /_sandbox/clock      the tenant's clock
POST   /_sandbox/clock      one of {"offsetSeconds":n} {"advanceSeconds":n} {"now":"2027-01-01T00:00:00Z"}
GET    /_sandbox/settings   the settings
POST   /_sandbox/settings   any of kms, inline, rate, burst, latencyMs, scopes, tokenSeconds,
                            retryAfterDate, hideEncryption, noListings, noReplay,
                            tenantIdNumber, tokenIssuer
DELETE /_sandbox/tokens     forget every token issued so far
GET    /_sandbox/tables/{datastoreId}/{tableId}             the table and its indexes as they are
POST   /_sandbox/tables/{datastoreId}/{tableId}/{action}    change it behind the console's back
  add_column {"column","type"} | drop_column {"column"} | set_type {"column","type"}
  encrypt {"column"} | decrypt {"column"} | rotate {"column"}
  add_index {"index","columns","readOnly"} | drop_index {"index"} | set_limit {"limit"}
`

// controlRoutes mounts /_sandbox/. The controls take no token, so a page of
// another site in a browser on the same machine must not reach them.
func (s *Sandbox) controlRoutes(outer *http.ServeMux) {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			v, err := h(r)
			if err != nil {
				controlError(err).write(w)
				return
			}
			reply(http.StatusOK, v).write(w)
		})
	}
	handle("POST /_sandbox/faults", s.postFault)
	handle("GET /_sandbox/faults", func(*http.Request) (any, error) { return s.faultList(), nil })
	handle("DELETE /_sandbox/faults", func(*http.Request) (any, error) { s.ClearFaults(); return s.faultList(), nil })
	handle("GET /_sandbox/stats", func(*http.Request) (any, error) { return s.Stats(), nil })
	handle("GET /_sandbox/clock", func(*http.Request) (any, error) { return s.clockState(), nil })
	handle("POST /_sandbox/clock", s.postClock)
	handle("GET /_sandbox/settings", func(*http.Request) (any, error) { return s.Settings(), nil })
	handle("POST /_sandbox/settings", s.postSettings)
	handle("DELETE /_sandbox/tokens", func(*http.Request) (any, error) { s.RevokeTokens(); return struct{}{}, nil })
	handle("GET /_sandbox/tables/{ds}/{table}", s.truth)
	handle("POST /_sandbox/tables/{ds}/{table}/{action}", s.postMutation)
	mux.HandleFunc("GET /_sandbox/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, help)
	})
	mux.HandleFunc("/_sandbox/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, "not_found", "", "there is no such control; GET /_sandbox/ lists them").write(w)
	})
	outer.Handle("/_sandbox/", http.NewCrossOriginProtection().Handler(mux))
}

func controlError(err error) answer {
	var field *fieldError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &field):
		return refuse(http.StatusBadRequest, "bad_request", field.field, field.message)
	case errors.Is(err, ErrNoTable):
		return notFound()
	case errors.As(err, &tooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "", "the body is larger than 1 MiB")
	}
	return refuse(http.StatusBadRequest, "bad_request", "", err.Error())
}

// decode reads a control's body into v, over what stands there already.
func decode(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return decodeBytes(body, v)
}

func decodeBytes(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return wrong(orBody(kind.Field), "must not be a %s", kind.Value)
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		return wrong(strings.Trim(name, `"`), "is not a known field")
	case err != nil:
		return wrong("body", "is no valid JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return wrong("body", "goes on after the JSON value")
	}
	return nil
}

func (s *Sandbox) faultList() any {
	faults := s.Faults()
	if faults == nil {
		faults = []Fault{}
	}
	return map[string]any{"faults": faults}
}

func (s *Sandbox) postFault(r *http.Request) (any, error) {
	var f Fault
	if err := decode(r, &f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if !s.addFault(f) {
		return nil, errors.New("too many faults are on: clear them first")
	}
	return s.faultList(), nil
}

func (s *Sandbox) clockState() any {
	return map[string]any{"now": s.Now().UTC(), "offsetSeconds": s.Offset().Seconds()}
}

// maxShift bounds how far the clock is moved: a century.
const maxShift = 100 * 366 * 24 * 3600

func (s *Sandbox) postClock(r *http.Request) (any, error) {
	var in struct {
		Offset  *float64   `json:"offsetSeconds"`
		Advance *float64   `json:"advanceSeconds"`
		Now     *time.Time `json:"now"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	seconds := func(name string, n float64) (time.Duration, error) {
		if n < -maxShift || n > maxShift {
			return 0, wrong(name, "must stay within a century")
		}
		return time.Duration(n * float64(time.Second)), nil
	}
	switch {
	case in.Offset != nil && in.Advance == nil && in.Now == nil:
		d, err := seconds("offsetSeconds", *in.Offset)
		if err != nil {
			return nil, err
		}
		s.SetOffset(d)
	case in.Advance != nil && in.Offset == nil && in.Now == nil:
		d, err := seconds("advanceSeconds", *in.Advance)
		if err != nil {
			return nil, err
		}
		s.Advance(d)
	case in.Now != nil && in.Offset == nil && in.Advance == nil:
		s.SetNow(*in.Now)
	default:
		return nil, wrong("body", "must name exactly one of offsetSeconds, advanceSeconds, now")
	}
	return s.clockState(), nil
}

func (s *Sandbox) postSettings(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body) // before the lock: a slow sender holds up nobody
	if err != nil {
		return nil, err
	}
	var badBody error
	err = s.Configure(func(next *Settings) {
		before := *next
		if badBody = decodeBytes(body, next); badBody != nil {
			*next = before
		}
	})
	return s.Settings(), errors.Join(badBody, err)
}

func (s *Sandbox) truth(r *http.Request) (any, error) {
	t, indexes, ok := s.Table(r.PathValue("ds"), r.PathValue("table"))
	if !ok {
		return nil, ErrNoTable
	}
	return map[string]any{"table": t, "indexes": indexes}, nil
}

func (s *Sandbox) postMutation(r *http.Request) (any, error) {
	var m Mutation
	if err := decode(r, &m); err != nil {
		return nil, err
	}
	m.Action = Action(r.PathValue("action"))
	if err := s.Mutate(r.PathValue("ds"), r.PathValue("table"), m); err != nil {
		return nil, err
	}
	return s.truth(r)
}
