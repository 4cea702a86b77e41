package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// maxBody bounds every request body the sandbox reads, in bytes.
const maxBody = 1 << 20

// answer is a whole HTTP answer, made before anything is written, so that a
// fault can still drop or replace it.
type answer struct {
	status int
	header http.Header
	body   []byte
	half   bool // the connection ends in the middle of the body
}

func reply(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return refuse(http.StatusInternalServerError, "internal", "", "the answer can't be written as JSON")
	}
	return answer{status: status, header: http.Header{}, body: body}
}

// problem is the body of a refusal. Field is the path of what is wrong inside
// the request's body, or the header's name.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// refuse makes an error answer. Where a field is named, the message starts
// with it, because most clients show nothing but the message.
func refuse(status int, code, field, message string) answer {
	if field != "" {
		message = field + ": " + message
	}
	return reply(status, problem{Code: code, Message: message, Field: field})
}

func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if a.half {
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush() // nothing more is coming, sent or not
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(a.body) // a client that went away is the client's loss
}

// readBody reads a body that http.MaxBytesReader bounds.
func readBody(r *http.Request) ([]byte, *answer) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		a := refuse(http.StatusRequestEntityTooLarge, "too_large", "", "the body is larger than 1 MiB")
		return nil, &a
	}
	a := refuse(http.StatusBadRequest, "bad_request", "", "the body can't be read")
	return nil, &a
}

// drop ends the connection in the middle of the status line. A connection cut
// before the first byte would be repeated unseen by Go's own transport (it
// takes a request with X-Idempotency-Key for repeatable), and a fault of one
// time would then never reach the caller.
func drop(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write([]byte("HTTP/1.1"))
	_ = conn.Close()
}
