package web

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/a-h/templ"
)

// biggestKept bounds the buffers that are kept for the next page.
const biggestKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render draws c whole and only then has it sent, so that a page that fails
// half-way is an error and never half a page. The bytes are send's until it
// returns.
func Render(ctx context.Context, c templ.Component, send func(page []byte) error) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= biggestKept {
			buf.Reset()
			buffers.Put(buf)
		}
	}()
	buf.Reset()
	if err := c.Render(ctx, buf); err != nil {
		return fmt.Errorf("draw page: %w", err)
	}
	return send(buf.Bytes())
}
