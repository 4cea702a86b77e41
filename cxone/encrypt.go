package cxone

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// maxKey bounds an idempotency key, in bytes.
const maxKey = 255

// Encrypt asks for columns to be encrypted: it sends exactly these bytes, an
// EncryptRequest in JSON, under this idempotency key.
//
// The client sends it again by itself only where it certainly was not acted
// on: on 401 (once, with a fresh token), on 429, and where nothing had left
// this machine. If it may have been acted on, the error is an *AmbiguousError:
// read the table before sending it again, with the same key and bytes.
func (c *Client) Encrypt(
	ctx context.Context, datastoreID, tableID, idempotencyKey string, body []byte,
) (*EncryptResult, error) {
	path, err := tablePath(datastoreID, tableID)
	if err != nil {
		return nil, err
	}
	if idempotencyKey == "" || len(idempotencyKey) > maxKey ||
		strings.ContainsFunc(idempotencyKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the idempotency key must be 1 to 255 visible ASCII characters")
	}
	if len(body) == 0 {
		return nil, errors.New("the change is empty")
	}
	c.sawCallback(callbackOf(body))
	ans, err := c.do(ctx, call{
		method: http.MethodPatch, path: path + "/columns",
		header:  http.Header{"X-Idempotency-Key": {idempotencyKey}, "Content-Type": {"application/json"}},
		body:    body,
		timeout: c.cfg.encryptTimeout, limit: maxRead, cut: true, retry: retryChange,
	})
	if err != nil {
		return nil, err
	}
	result := &EncryptResult{
		Status: ans.status, Body: ans.body,
		Replayed: strings.EqualFold(strings.TrimSpace(ans.header.Get("Idempotent-Replayed")), "true"),
	}
	if ans.truncated {
		return result, nil // what is cut off tells nothing
	}
	result.Columns, result.KMSPayload = readAnswer(ans.body)
	result.UnderWay = ans.status == http.StatusAccepted || saysUnderWay(ans.body)
	result.Problem = shorten(c.Redact(clean(reported(ans.body))), maxMessage)
	return result, nil
}

// callbackOf is the callback URL that a change names, "" where it names none.
func callbackOf(body []byte) string {
	var request struct {
		Sync struct {
			CallbackURL string `json:"callbackUrl"`
		} `json:"externalKmsSync"`
	}
	if json.Unmarshal(body, &request) != nil {
		return ""
	}
	return request.Sync.CallbackURL
}

// underWay are the states in which a change is not finished, as asynchronous
// APIs name them.
var underWay = []string{"ACCEPTED", "PENDING", "QUEUED", "SUBMITTED", "STARTED", "RUNNING", "PROCESSING",
	"IN_PROGRESS", "INPROGRESS"}

// saysUnderWay reports whether an answer's own status says that the change is
// still being made.
func saysUnderWay(body []byte) bool {
	for _, in := range answerPlaces(body) {
		raw, _ := in.get("status")
		state, _ := readString(raw)
		state = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToUpper(strings.TrimSpace(state)))
		if slices.Contains(underWay, state) {
			return true
		}
	}
	return false
}

// answerPlaces are the objects in which the answer to a change may tell
// something: itself, and its "table" or "data".
func answerPlaces(body []byte) []fields {
	raw, err := checkJSON(body)
	if err != nil || raw[0] != '{' {
		return nil
	}
	root, ok := readFields(raw)
	if !ok {
		return nil
	}
	all := []fields{root}
	for _, key := range []string{"table", "data"} {
		if nested, ok := root.get(key); ok && len(nested) > 0 && nested[0] == '{' {
			if in, ok := readFields(nested); ok {
				all = append(all, in)
			}
		}
	}
	return all
}

// readAnswer finds the new columns and the inline KMS payload in the answer to
// a change. The contract fixes no shape for it, so what is not understood is
// nil and never an error: the change has been made.
func readAnswer(body []byte) (columns []Column, payload json.RawMessage) {
	for _, in := range answerPlaces(body) {
		if raw, ok := in.get("columns"); ok && columns == nil {
			columns = toldColumns(raw)
		}
		if raw, ok := in.get("externalKmsPayload"); ok && payload == nil {
			payload = inlinePayload(raw)
		}
	}
	return columns, payload
}

// inlinePayload takes the payload as an object, or as the text of one.
func inlinePayload(raw json.RawMessage) json.RawMessage {
	if text, ok := readString(raw); ok && len(raw) > 0 {
		raw = withoutMark([]byte(text))
	}
	if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
		return nil
	}
	return raw
}

// toldColumns returns the columns only if each has a name and says whether it
// is encrypted; a mere list of names tells no state.
func toldColumns(raw json.RawMessage) []Column {
	list, ok := readList(raw)
	if !ok || len(list) == 0 {
		return nil
	}
	p := &places{}
	columns := make([]Column, len(list))
	for i, one := range list {
		in, ok := readFields(one)
		if state, clear := in.get("encrypted"); !ok || !clear || state == nil {
			return nil
		}
		var err error
		if columns[i], err = readColumn(p, "columns", one); err != nil {
			return nil
		}
	}
	if len(p.found) > 0 || checkColumns(columns) != nil {
		return nil // the table is read again, and says what it can
	}
	return columns
}
