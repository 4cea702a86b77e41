package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/a-h/templ"
)

// biggestKept bounds the buffers that are kept for the next page.
const biggestKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render draws c whole and only then writes it to w, so that a page that fails
// half-way is an error and never half a page.
func Render(ctx context.Context, w io.Writer, c templ.Component) error {
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
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
