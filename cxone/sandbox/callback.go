package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	callbackTimeout = 10 * time.Second
	maxKMSAnswer    = 64 << 10 // bytes of the KMS's answer that are read
)

// CheckKMSSecret says whether a secret (whsec_ and base64) can sign callbacks.
func CheckKMSSecret(secret string) error {
	_, err := newWebhook(secret)
	return err
}

func newWebhook(secret string) (*standardwebhooks.Webhook, error) {
	if strings.TrimPrefix(secret, "whsec_") == "" {
		return nil, fmt.Errorf("the KMS secret is empty")
	}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("the KMS secret must be whsec_ and base64") // the cause would quote the secret
	}
	return hook, nil
}

// callbackClient gives a client that follows no redirect and gives up after
// ten seconds, without changing the one it was given.
func callbackClient(given *http.Client) *http.Client {
	client := http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	if given != nil {
		client = *given
	}
	if client.Timeout == 0 || client.Timeout > callbackTimeout {
		client.Timeout = callbackTimeout
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// event is one callback to be delivered: the same bytes and the same id at
// every attempt.
type event struct {
	id, tableID string
	url         string
	payload     kmsPayload
	kinds       map[FaultKind]int // the faults it suffers
	shapes      []Fault           // how its body is written
	delay       time.Duration
	attempts    int
	backoff     time.Duration
}

// newEvent makes the callback of a committed PATCH and takes the faults meant
// for it. The caller holds s.mu.
func (s *Sandbox) newEvent(tableID string, p patch, version int64) event {
	names := make([]string, len(p.columns))
	for i, w := range p.columns {
		names[i] = w.name
	}
	e := event{
		id: "msg_" + rand.Text(), tableID: tableID, url: p.callback, attempts: p.attempts, backoff: p.backoff,
		payload: honestPayload(tableID, names, version), kinds: map[FaultKind]int{},
	}
	for _, f := range s.faults { // the tables' key versions; it is not used up, for the answer takes it
		if f.Kind == FaultKeyIDs && (f.Endpoint == "" || f.Endpoint == EndpointAny) {
			e.shapes = append(e.shapes, f)
		}
	}
	for _, kind := range kmsKinds {
		if _, on := s.takeFault(func(f Fault) bool { return f.Kind == kind }); on {
			e.kinds[kind]++
			e.payload.spoil(kind, names)
		}
	}
	if !s.settings.callsBack() {
		return e
	}
	for _, kind := range callbackShapes {
		if f, on := s.takeFault(func(f Fault) bool { return f.Kind == kind && f.Endpoint == EndpointCallback }); on {
			e.shapes = append(e.shapes, f)
		}
	}
	if e.kinds[FaultKMSSlash] > 0 {
		e.url += "/"
	}
	if f, on := s.takeFault(func(f Fault) bool { return f.Kind == FaultLatency && f.Endpoint == EndpointCallback }); on {
		e.delay = time.Duration(f.LatencyMs) * time.Millisecond
	}
	return e
}

// spoil puts into the payload what a fault makes of it.
func (k *kmsPayload) spoil(kind FaultKind, names []string) {
	switch kind {
	case FaultKMSWrongAlgorithm:
		k.ComplianceCheck = &complianceCheck{"AES-128-CBC"}
	case FaultKMSWrongTable:
		k.TableID += "-other"
	case FaultKMSWrongColumns:
		k.Columns = append(slices.Clone(names), "not_asked_for")
	case FaultKMSWrongKeyVersion:
		k.KeyVersion--
	case FaultKMSMissingCheck:
		k.ComplianceCheck = nil
	case FaultKMSColumnObjects:
		objects := make([]map[string]string, len(names))
		for i, name := range names {
			objects[i] = map[string]string{"name": name}
		}
		k.Columns = objects
	}
}

// send starts an event's delivery. The caller holds s.mu.
func (s *Sandbox) send(e event) {
	if s.closed || e.kinds[FaultKMSNone] > 0 {
		return
	}
	if s.stats.Callbacks.Pending == 0 {
		s.idle = make(chan struct{})
	}
	s.stats.Callbacks.Pending++
	s.wg.Go(func() {
		s.deliver(e)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stats.Callbacks.Pending--
		if s.stats.Callbacks.Pending == 0 {
			close(s.idle)
		}
	})
}

// WaitCallbacks returns when no callback is under way, or with ctx's error.
func (s *Sandbox) WaitCallbacks(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Sandbox) deliver(e event) {
	body, err := e.body()
	if err != nil {
		s.log.Error("a callback can't be written as JSON", "error", err)
		return
	}
	s.wait(s.ctx, e.delay)
	for attempt := 1; attempt <= e.attempts; attempt++ {
		if attempt > 1 {
			select {
			case <-s.cfg.After(e.backoff):
			case <-s.ctx.Done():
			}
		}
		if s.ctx.Err() != nil {
			return
		}
		if s.attempt(e, body, attempt) {
			if e.kinds[FaultKMSDuplicate] > 0 {
				s.attempt(e, body, attempt+1)
			}
			return
		}
	}
	s.mu.Lock()
	s.stats.Callbacks.GaveUp++
	s.mu.Unlock()
	s.log.Warn("the KMS never verified a callback", "table", e.tableID, "attempts", e.attempts)
}

// body is what is sent at every attempt.
func (e event) body() ([]byte, error) {
	raw, err := json.Marshal(e.payload)
	if err != nil {
		return nil, err
	}
	body := answer{status: http.StatusOK, header: http.Header{}, body: raw}.shape(e.shapes).body
	if e.kinds[FaultKMSOtherCase] > 0 {
		capitals := keyBegins.ReplaceAllFunc(body, bytes.ToUpper)
		body = slices.Concat(capitals[:len(capitals)-1], []byte(","), body[1:])
	}
	if e.kinds[FaultKMSTrailing] > 0 {
		body = append(body, "<!-- sent again -->"...)
	}
	return body, nil
}

// keyBegins is the beginning of every key of a JSON object without blanks.
var keyBegins = regexp.MustCompile(`[{,]"[a-z]`)

// attempt posts an event once and says whether the KMS verified it.
func (s *Sandbox) attempt(e event, body []byte, number int) bool {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return false
	}
	record := CallbackAnswer{At: s.Now().UTC(), EventID: e.id, TableID: e.tableID, Attempt: number}
	status, verdict, err := s.post(e, body)
	record.HTTPStatus, record.Status = status, verdict
	if err != nil {
		record.Error = err.Error()
	}
	ok := err == nil && status == http.StatusOK && verdict == "VERIFIED"
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.addAnswer(record, ok)
	return ok
}

func (s *Sandbox) post(e event, body []byte) (status int, verdict string, err error) {
	if s.configErr != nil {
		return 0, "", s.configErr
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.webhook != nil {
		if err := s.sign(req, e, body); err != nil {
			return 0, "", err
		}
	}
	resp, err := s.callbacks.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxKMSAnswer))
	if err != nil {
		return resp.StatusCode, "", err
	}
	var reply struct {
		Status string `json:"status"`
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(answer, &reply); err != nil {
			return resp.StatusCode, "", fmt.Errorf("the KMS answered no JSON object")
		}
	}
	return resp.StatusCode, reply.Status, nil
}

// sign adds the Standard Webhooks headers, dated by the tenant's clock.
func (s *Sandbox) sign(req *http.Request, e event, body []byte) error {
	now := s.Now()
	hook := s.webhook
	if e.kinds[FaultKMSBadSignature] > 0 {
		other, err := standardwebhooks.NewWebhookRaw([]byte(rand.Text()))
		if err != nil {
			return err
		}
		hook = other
	}
	signature, err := hook.Sign(e.id, now, body)
	if err != nil {
		return err
	}
	req.Header.Set(standardwebhooks.HeaderWebhookID, e.id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
