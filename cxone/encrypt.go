package cxone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
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
func (c *Client) Encrypt(ctx context.Context, datastoreID, tableID, idempotencyKey string, body []byte) (*EncryptResult, error) {
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
	ans, err := c.do(ctx, call{
		method: http.MethodPatch, path: path + "/columns",
		header:  http.Header{"X-Idempotency-Key": {idempotencyKey}, "Content-Type": {"application/json"}},
		body:    body,
		timeout: c.cfg.encryptTimeout, limit: maxErrorBody, retry: retryChange,
	})
	if err != nil {
		return nil, err
	}
	result := &EncryptResult{
		Status: ans.status, Body: ans.body,
		Replayed: strings.EqualFold(strings.TrimSpace(ans.header.Get("Idempotent-Replayed")), "true"),
	}
	result.Columns, result.KMSPayload = readAnswer(ans.body)
	return result, nil
}

// readAnswer finds the new columns and the inline KMS payload in the answer to
// a change. The contract fixes no shape for it, so what is not understood is
// nil and never an error: the change has been made.
func readAnswer(body []byte) ([]Column, json.RawMessage) {
	raw, err := checkJSON(body)
	if err != nil || raw[0] != '{' {
		return nil, nil
	}
	root, err := object(raw)
	if err != nil {
		return nil, nil
	}
	places := []map[string]json.RawMessage{root}
	for _, key := range []string{"table", "data"} {
		if nested := bytes.TrimSpace(root[key]); len(nested) > 0 && nested[0] == '{' {
			if fields, err := object(nested); err == nil {
				places = append(places, fields)
			}
		}
	}
	var columns []Column
	var payload json.RawMessage
	for _, fields := range places {
		if columns == nil {
			columns = toldColumns(fields["columns"])
		}
		if p := bytes.TrimSpace(fields["externalKmsPayload"]); payload == nil && len(p) > 0 && p[0] == '{' {
			payload = p
		}
	}
	return columns, payload
}

// toldColumns returns the columns only if each has a name and says whether it
// is encrypted; a mere list of names tells no state.
func toldColumns(raw json.RawMessage) []Column {
	var told []struct {
		Name      *string `json:"name"`
		Encrypted *bool   `json:"encrypted"`
	}
	var columns []Column
	if len(raw) == 0 || json.Unmarshal(raw, &told) != nil || json.Unmarshal(raw, &columns) != nil || len(columns) == 0 {
		return nil
	}
	for _, t := range told {
		if t.Name == nil || t.Encrypted == nil {
			return nil
		}
	}
	if checkColumns(columns) != nil {
		return nil
	}
	return columns
}
