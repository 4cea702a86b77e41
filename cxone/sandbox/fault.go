package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Endpoint names a group of requests, for faults and statistics.
type Endpoint string

// The endpoints. EndpointCallback is the tenant's own request to the KMS, and
// EndpointAny every request to the tenant.
const (
	EndpointToken      Endpoint = "token"
	EndpointDiscovery  Endpoint = "discovery"
	EndpointDataStores Endpoint = "datastores"
	EndpointTables     Endpoint = "tables"
	EndpointTable      Endpoint = "table"
	EndpointIndexes    Endpoint = "indexes"
	EndpointEncrypt    Endpoint = "encrypt"
	EndpointCallback   Endpoint = "callback"
	EndpointAny        Endpoint = "any"
)

// Endpoints lists every endpoint.
func Endpoints() []Endpoint {
	return []Endpoint{
		EndpointToken, EndpointDiscovery, EndpointDataStores, EndpointTables, EndpointTable,
		EndpointIndexes, EndpointEncrypt, EndpointCallback, EndpointAny,
	}
}

// FaultKind says how something goes wrong.
type FaultKind string

// The kinds of faults. The first five strike a request, the next two make a
// PATCH asynchronous, and the others strike the callback of a PATCH (and, where
// it applies, the inline payload).
const (
	FaultLatency     FaultKind = "latency"      // the answer, or the callback, comes LatencyMs later
	FaultStatus      FaultKind = "status"       // answers Status, and does nothing
	FaultStatusAfter FaultKind = "status_after" // does everything, and answers Status
	FaultDropBefore  FaultKind = "drop_before"  // cuts the connection, and does nothing
	FaultDropAfter   FaultKind = "drop_after"   // does everything, and cuts the connection

	// FaultAccepted answers a good PATCH 202 {"status":"ACCEPTED"}; the change,
	// its callback and its new state come LatencyMs later.
	FaultAccepted FaultKind = "accepted"
	// FaultLateTable answers a PATCH 200 and makes the change, but the table
	// shows it only LatencyMs later. The callback waits for that.
	FaultLateTable FaultKind = "late_table"
	// FaultEchoCallback refuses a good PATCH with a message that repeats the
	// callback URL.
	FaultEchoCallback FaultKind = "echo_callback"

	FaultKMSWrongAlgorithm  FaultKind = "kms_wrong_algorithm"
	FaultKMSWrongTable      FaultKind = "kms_wrong_table"
	FaultKMSWrongColumns    FaultKind = "kms_wrong_columns"            // one column more than was encrypted
	FaultKMSWrongKeyVersion FaultKind = "kms_wrong_key_version"        // the version before, so it doesn't move forward
	FaultKMSMissingCheck    FaultKind = "kms_missing_compliance_check" // no complianceCheck at all
	FaultKMSColumnObjects   FaultKind = "kms_column_objects"           // no fault: columns as {name} objects
	FaultKMSBadSignature    FaultKind = "kms_bad_signature"            // signed with another secret
	FaultKMSNone            FaultKind = "kms_none"                     // no callback, and no inline payload
	FaultKMSDuplicate       FaultKind = "kms_duplicate"                // the same event once more after it was verified
	FaultKMSSlash           FaultKind = "kms_slash"                    // no fault: a slash after the callback's URL
	FaultKMSTrailing        FaultKind = "kms_trailing"                 // words after the callback's JSON
	FaultKMSOtherCase       FaultKind = "kms_other_case"               // every key once more, beginning with a capital
)

var requestKinds = []FaultKind{FaultLatency, FaultStatus, FaultStatusAfter, FaultDropBefore, FaultDropAfter}

var asyncKinds = []FaultKind{FaultAccepted, FaultLateTable, FaultEchoCallback}

var kmsKinds = []FaultKind{
	FaultKMSWrongAlgorithm, FaultKMSWrongTable, FaultKMSWrongColumns, FaultKMSWrongKeyVersion, FaultKMSMissingCheck,
	FaultKMSColumnObjects, FaultKMSBadSignature, FaultKMSNone, FaultKMSDuplicate,
	FaultKMSSlash, FaultKMSTrailing, FaultKMSOtherCase,
}

// FaultKinds lists every kind of fault.
func FaultKinds() []FaultKind {
	return slices.Concat(requestKinds, asyncKinds, shapeKinds, kmsKinds)
}

const maxFaultLatencyMs = 600_000

// Fault is something that goes wrong from now on, for some times.
type Fault struct {
	Kind     FaultKind `json:"kind"`
	Endpoint Endpoint  `json:"endpoint,omitempty"` // empty: any
	Times    int       `json:"times,omitempty"`    // 0: once; -1: until the faults are cleared

	LatencyMs int `json:"latencyMs,omitempty"` // of latency, accepted and late_table: 1 to 600,000

	// Of status and status_after.
	Status         int    `json:"status,omitempty"`         // 200 to 599
	RetryAfter     int    `json:"retryAfter,omitempty"`     // seconds; 0: no header
	RetryAfterDate bool   `json:"retryAfterDate,omitempty"` // the header as an HTTP date by the tenant's clock
	Body           string `json:"body,omitempty"`           // in place of the usual JSON
	Header         string `json:"header,omitempty"`         // one more header, as Name: value

	Size  int    `json:"size,omitempty"`  // of pages_capped
	Field string `json:"field,omitempty"` // of replace: the key
	Value string `json:"value,omitempty"` // of replace: JSON
}

// check says what of a fault makes no sense. Errors are *fieldError.
func (f Fault) check() error {
	kms, async := slices.Contains(kmsKinds, f.Kind), slices.Contains(asyncKinds, f.Kind)
	if !slices.Contains(FaultKinds(), f.Kind) {
		return wrong("kind", "is not one of %s", joined(FaultKinds()))
	}
	if err := f.checkShape(); err != nil {
		return err
	}
	if f.Endpoint != "" && !slices.Contains(Endpoints(), f.Endpoint) {
		return wrong("endpoint", "is not one of %s", joined(Endpoints()))
	}
	onCallback := f.Endpoint == EndpointCallback
	if kms && f.Endpoint != "" && f.Endpoint != EndpointAny && !onCallback {
		return wrong("endpoint", "must be callback for a fault of the callback")
	}
	if !kms && onCallback && f.Kind != FaultLatency && !slices.Contains(callbackShapes, f.Kind) {
		return wrong("endpoint", "callback only takes latency, the kms_ kinds, %s", joined(callbackShapes))
	}
	if async && f.Endpoint != "" && f.Endpoint != EndpointAny && f.Endpoint != EndpointEncrypt {
		return wrong("endpoint", "must be encrypt for a change that comes later")
	}
	if f.Times < -1 || f.Times > 1_000_000 {
		return wrong("times", "must be -1 (until cleared), or 1 to 1000000")
	}
	late := f.Kind == FaultLatency || async && f.Kind != FaultEchoCallback
	if late && (f.LatencyMs < 1 || f.LatencyMs > maxFaultLatencyMs) || !late && f.LatencyMs != 0 {
		return wrong("latencyMs", "must be 1 to %d for the kinds latency, accepted and late_table, and absent otherwise",
			maxFaultLatencyMs)
	}
	if f.Kind == FaultStatus || f.Kind == FaultStatusAfter {
		if f.Status < 200 || f.Status > 599 {
			return wrong("status", "must be 200 to 599")
		}
		name, value, ok := strings.Cut(f.Header, ":")
		if f.Header != "" && (!ok || strings.ContainsAny(name+value, "\r\n") || strings.TrimSpace(name) == "") {
			return wrong("header", "must be Name: value")
		}
		if f.RetryAfter < 0 {
			return wrong("retryAfter", "must be a number of seconds")
		}
		return nil
	}
	if f.Status != 0 || f.RetryAfter != 0 || f.RetryAfterDate || f.Body != "" || f.Header != "" {
		return wrong("status", "status, retryAfter, retryAfterDate, header and body go with the kinds status and status_after only")
	}
	return nil
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

// Fail switches a fault on. It panics when the fault makes no sense, which in
// Go code is a mistake of the one who wrote it; over HTTP it is a 400.
func (s *Sandbox) Fail(f Fault) {
	if err := f.check(); err != nil {
		panic(fmt.Sprintf("sandbox: fault %+v: %v", f, err))
	}
	s.addFault(f)
}

// maxFaults bounds the faults that are on at once.
const maxFaults = 1000

func (s *Sandbox) addFault(f Fault) bool {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) >= maxFaults {
		return false
	}
	s.faults = append(s.faults, f)
	return true
}

// ClearFaults switches every fault off.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults lists the faults that are on, with the times they still have.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// takeFault uses one time of the first fault that matches. The caller holds
// s.mu.
func (s *Sandbox) takeFault(match func(Fault) bool) (Fault, bool) {
	i := slices.IndexFunc(s.faults, match)
	if i < 0 {
		return Fault{}, false
	}
	f := s.faults[i]
	if f.Times > 0 {
		s.faults[i].Times--
	}
	if s.faults[i].Times == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f, true
}

// requestFaults takes what strikes one request: its latency (the tenant's and
// a fault's together), and at most one other fault.
func (s *Sandbox) requestFaults(ep Endpoint) (time.Duration, Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	strikes := func(f Fault) bool {
		return slices.Contains(requestKinds, f.Kind) && (f.Endpoint == ep || f.Endpoint == "" || f.Endpoint == EndpointAny)
	}
	delay := s.settings.LatencyMs
	if f, ok := s.takeFault(func(f Fault) bool { return strikes(f) && f.Kind == FaultLatency }); ok {
		delay += f.LatencyMs
	}
	f, _ := s.takeFault(func(f Fault) bool { return strikes(f) && f.Kind != FaultLatency })
	return time.Duration(delay) * time.Millisecond, f
}

func (s *Sandbox) faultAnswer(f Fault) answer {
	a := refuse(f.Status, "fault", "", fmt.Sprintf("the sandbox was told to answer %d %s", f.Status, http.StatusText(f.Status)))
	if f.Body != "" {
		a.body = []byte(f.Body)
		switch {
		case json.Valid(a.body):
		case strings.HasPrefix(f.Body, "<"):
			a.header.Set("Content-Type", "text/html; charset=utf-8")
		default:
			a.header.Set("Content-Type", "text/plain; charset=utf-8")
		}
	}
	if name, value, ok := strings.Cut(f.Header, ":"); ok {
		a.header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if f.RetryAfter > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		a.header.Set("Retry-After", s.retryAfter(f.RetryAfter, f.RetryAfterDate))
	}
	return a
}
