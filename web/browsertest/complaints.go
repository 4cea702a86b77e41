package browsertest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Complaints collects what the browser says on its console, reports of the
// Content-Security-Policy included.
type Complaints struct {
	mu       sync.Mutex
	said     []string
	expected []string
}

// Listen begins to collect what the browser says of a tab.
func (c *Complaints) Listen(ctx context.Context) error {
	return chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			b, err := json.Marshal(e.Args)
			if err != nil {
				b = []byte(err.Error())
			}
			c.add("console: " + string(b))
		case *runtime.EventExceptionThrown:
			c.add("exception: " + e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			c.add("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	})
}

func (c *Complaints) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, s)
}

// Expect names what the browser may say: a refusal that the test provoked.
func (c *Complaints) Expect(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = append(c.expected, text)
}

// Take returns what was said since the last time and not expected.
func (c *Complaints) Take() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
next:
	for _, s := range c.said {
		for _, e := range c.expected {
			if strings.Contains(s, e) {
				continue next
			}
		}
		list = append(list, s)
	}
	c.said = nil
	return list
}
