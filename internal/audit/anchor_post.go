package audit

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cxseal/internal/fault"
)

// anchorTimeout bounds one copy to another machine, from dialling to the answer.
const anchorTimeout = 10 * time.Second

// postAnchor POSTs checkpoints to a URL. Any 2xx answer means it was taken.
type postAnchor struct {
	url    *url.URL
	client *http.Client
}

func newPostAnchor(setting string) (Anchor, error) {
	u, err := url.Parse(setting)
	switch {
	case err != nil || u.Host == "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "The anchor %q is not an address like https://host/path", fault.Clip(setting))
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "The anchor's address must not hold a name or password: they would end up in logs")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fault.New(fault.Invalid, "The anchor %s is not encrypted: use https (http only to this machine)", u.Host)
	}
	return &postAnchor{u, &http.Client{
		Timeout: anchorTimeout,
		// A redirect would take the copy to a place that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String leaves out the query, where such addresses keep their tokens.
func (a *postAnchor) String() string { return a.url.Scheme + "://" + a.url.Host + a.url.Path }

// Put implements Anchor.
func (a *postAnchor) Put(ctx context.Context, c KeptCheckpoint) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url.String(), strings.NewReader(c.Note))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint could not be sent to %s", a)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := a.client.Do(req)
	if err != nil {
		var refused *url.Error
		if errors.As(err, &refused) {
			err = refused.Err // without the address, whose query may hold a token
		}
		return fault.Wrap(err, fault.Internal, "The checkpoint did not reach %s", a)
	}
	defer func() { _ = resp.Body.Close() }()                    // the status is all that is asked for
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fault.New(fault.Internal, "The checkpoint was not taken: %s answered %s", a, resp.Status)
	}
	return nil
}
