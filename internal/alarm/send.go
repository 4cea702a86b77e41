package alarm

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// sendTime bounds one attempt.
const sendTime = 15 * time.Second

// errSilent means that a message may have arrived at a service that cannot recognise a repetition.
var errSilent = errors.New("the service did not answer in time")

// Message is what is sent: alarms, or none for a test. A failed attempt is repeated under the same ID and At,
// so that the receiver gets the same bytes.
type Message struct {
	ID       string
	At       time.Time // when it was put together
	Attempt  time.Time // when it is sent
	Repeated bool      // an earlier attempt may have arrived
	Alarms   []Alarm
}

// Subject returns the message in one line.
func (m Message) Subject() string {
	switch len(m.Alarms) {
	case 0:
		return "cxseal: this is a test"
	case 1:
		return "cxseal: " + m.Alarms[0].Title
	}
	return fmt.Sprintf("cxseal: %d alarms", len(m.Alarms))
}

// Text returns the message in full.
func (m Message) Text() string {
	if len(m.Alarms) == 0 {
		return "This route works. Alarms of the cxseal console will arrive here.\n"
	}
	var b strings.Builder
	for _, a := range m.Alarms {
		fmt.Fprintf(&b, "[%s] %s\n%s\n", a.Kind.Text(), a.Title, a.Detail)
		if len(a.Columns) > 0 {
			fmt.Fprintf(&b, "Columns: %s\n", strings.Join(a.Columns, ", "))
		}
		if a.Connection != "" {
			fmt.Fprintf(&b, "Connection %s, data store %s, table %s\n", a.Connection, a.DatastoreID, a.TableID)
		}
		if a.RunID != "" {
			fmt.Fprintf(&b, "Run %s\n", a.RunID)
		}
		fmt.Fprintf(&b, "Raised %s\n\n", audit.FormatTime(a.RaisedAt))
	}
	return b.String()
}

// Send makes one attempt of at most sendTime. Its errors carry no secret of the address.
func Send(ctx context.Context, a Address, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	var err error
	switch a.Way {
	case Email:
		err = sendMail(ctx, a, m)
	case Webhook:
		err = sendWebhook(ctx, a, m)
	case Shoutrrr:
		err = sendByShoutrrr(ctx, a, m)
	default:
		err = errors.New("an unknown way")
	}
	if err == nil {
		return nil
	}
	var refused *url.Error
	if errors.As(err, &refused) {
		err = refused.Err // the outer one quotes the URL
	}
	text := strings.TrimRight(a.redact(err.Error()), ".")
	if errors.Is(err, errSilent) {
		return fault.Wrap(errSilent, fault.Internal, "Not delivered: %s.", text)
	}
	return fault.New(fault.Internal, "Not delivered: %s.", text)
}

// event is the body of a webhook (Standard Webhooks: type, timestamp, data).
type event struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      []eventData `json:"data"`
}

type eventData struct {
	Kind        Kind     `json:"kind"`
	Severity    Severity `json:"severity"`
	Title       string   `json:"title"`
	Detail      string   `json:"detail"`
	Connection  string   `json:"connection,omitempty"`
	DatastoreID string   `json:"datastoreId,omitempty"`
	TableID     string   `json:"tableId,omitempty"`
	Columns     []string `json:"columns,omitempty"`
	RunID       string   `json:"runId,omitempty"`
	RaisedAt    string   `json:"raisedAt"`
}

func sendWebhook(ctx context.Context, a Address, m Message) error {
	e := event{Type: "alarm.raised", Timestamp: audit.FormatTime(m.At), Data: []eventData{}}
	if len(m.Alarms) == 0 {
		e.Type = "alarm.test"
	}
	for _, x := range m.Alarms {
		e.Data = append(e.Data, eventData{x.Kind, x.Severity, x.Title, x.Detail, x.Connection, x.DatastoreID,
			x.TableID, x.Columns, x.RunID, audit.FormatTime(x.RaisedAt)})
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	hook, err := standardwebhooks.NewWebhook(a.Secret)
	if err != nil {
		return errors.New("the webhook's secret cannot sign")
	}
	// The id and the body are the message's, the timestamp is the attempt's: a
	// receiver refuses old ones (Standard Webhooks, "Verifying the timestamp").
	signature, err := hook.Sign(m.ID, m.Attempt, body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cxseal")
	req.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(m.Attempt.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	resp, err := webhooks.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %d", resp.StatusCode)
	}
	return nil
}

// webhooks follows no redirect: a signed body goes to the configured address only.
var webhooks = &http.Client{
	Timeout:       sendTime,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// repeated begins a repeated message where no id shows the receiver that it is one.
const repeated = "Repeated: the console did not learn whether this arrived, so you may have it already.\n\n"

// sendByShoutrrr sends to a service that shoutrrr knows. The library takes no context; its own time limit is
// shorter than ours.
func sendByShoutrrr(ctx context.Context, a Address, m Message) error {
	sender, err := shoutrrr.CreateSender(a.URL)
	if err != nil {
		return errors.New("the service's address cannot be read")
	}
	text := m.Subject() + "\n\n" + m.Text()
	if m.Repeated {
		text = repeated + text
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(sender.Send(text, nil)...) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errSilent
	}
}

func sendMail(ctx context.Context, a Address, m Message) error {
	u, err := url.Parse(a.URL)
	if err != nil {
		return errors.New("the address is not a URL")
	}
	to, err := parseMail(u)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(to.host, to.port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	secure := &tls.Config{ServerName: to.host, MinVersion: tls.VersionTLS12}
	if to.implicit {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, to.host)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if !to.implicit && !to.plain {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("the mail server offers no STARTTLS; add starttls=no to the address if that is meant")
		}
		if err := client.StartTLS(secure); err != nil {
			return err
		}
	}
	if to.user != "" {
		if err := client.Auth(smtp.PlainAuth("", to.user, to.password, to.host)); err != nil {
			return err
		}
	}
	return writeMail(client, to, m)
}

func writeMail(client *smtp.Client, to mailTo, m Message) error {
	if err := client.Mail(to.from); err != nil {
		return err
	}
	for _, rcpt := range to.to {
		if err := client.Rcpt(rcpt); err != nil {
			return err
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	domain := to.from[strings.LastIndexByte(to.from, '@')+1:]
	subject := mime.QEncoding.Encode("utf-8", strings.Join(strings.Fields(m.Subject()), " "))
	head := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\n",
		to.from, strings.Join(to.to, ">, <"), subject, m.At.UTC().Format(time.RFC1123Z), m.ID, domain) +
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	_, headErr := io.WriteString(w, head)
	body := quotedprintable.NewWriter(w)
	_, err = io.WriteString(body, m.Text())
	if err = errors.Join(headErr, err, body.Close(), w.Close()); err != nil {
		return err
	}
	_ = client.Quit() // the mail is taken: a server that says no goodbye makes it no failure
	return nil
}
