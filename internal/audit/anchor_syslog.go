package audit

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"cxseal/internal/fault"
)

// syslogAnchor sends checkpoints to a syslog server as RFC 5424 messages. A message is one line, so the
// checkpoint's line ends are written as \n, which occurs nowhere else in a checkpoint of this log. UDP and
// local sockets acknowledge nothing, so Put reports that a copy was sent, not that it arrived.
type syslogAnchor struct {
	network, address string
	host             string
}

// localSyslog lists the sockets at which the syslog of common systems listens.
var localSyslog = []string{"/dev/log", "/var/run/syslog", "/var/run/log"}

func newSyslogAnchor(where string) (Anchor, error) {
	host, err := os.Hostname()
	if err != nil || host == "" || strings.ContainsAny(host, " \n") || len(host) > 255 {
		host = "-" // RFC 5424's nil value
	}
	a := &syslogAnchor{host: host}
	if where == "" {
		return a, nil
	}
	u, err := url.Parse(where)
	if err == nil && u.User == nil && u.RawQuery == "" {
		switch {
		case (u.Scheme == "udp" || u.Scheme == "tcp") && u.Hostname() != "" && (u.Path == "" || u.Path == "/"):
			port := u.Port()
			if port == "" {
				port = "514"
			}
			a.network, a.address = u.Scheme, net.JoinHostPort(u.Hostname(), port)
			return a, nil
		case u.Scheme == "unix" && u.Host == "" && u.Path != "":
			a.network, a.address = "unix", u.Path
			return a, nil
		}
	}
	return nil, fault.New(fault.Invalid, "The anchor %q is not understood: write syslog:, syslog:udp://host:514, syslog:tcp://host:514 or syslog:unix:///dev/log", fault.Clip("syslog:"+where))
}

func (a *syslogAnchor) String() string {
	if a.network == "" {
		return "syslog:"
	}
	if a.network == "unix" {
		return "syslog:unix://" + a.address
	}
	return "syslog:" + a.network + "://" + a.address
}

// Put implements Anchor.
func (a *syslogAnchor) Put(ctx context.Context, c KeptCheckpoint) error {
	ctx, cancel := context.WithTimeout(ctx, anchorTimeout)
	defer cancel()
	conn, network, err := a.dial(ctx)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint did not reach %s", a)
	}
	defer func() { _ = conn.Close() }() // an error of a write is what counts
	if err := conn.SetDeadline(deadlineOf(ctx)); err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint did not reach %s", a)
	}
	message := a.message(c)
	switch network {
	case "tcp":
		message = fmt.Sprintf("%d %s", len(message), message) // octet counting, RFC 6587 §3.4.1
	case "unix":
		message += "\n"
	}
	if _, err := conn.Write([]byte(message)); err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint did not reach %s", a)
	}
	return nil
}

func deadlineOf(ctx context.Context) time.Time {
	at, _ := ctx.Deadline() // there is one: Put sets it
	return at
}

// dial opens the connection and returns its network. A local socket takes datagrams or a stream; both are
// tried.
func (a *syslogAnchor) dial(ctx context.Context) (net.Conn, string, error) {
	var d net.Dialer
	if a.network == "udp" || a.network == "tcp" {
		conn, err := d.DialContext(ctx, a.network, a.address)
		return conn, a.network, err
	}
	paths := localSyslog
	if a.address != "" {
		paths = []string{a.address}
	}
	var last error
	for _, path := range paths {
		for _, network := range []string{"unixgram", "unix"} {
			conn, err := d.DialContext(ctx, network, path)
			if err == nil {
				return conn, network, nil
			}
			last = err
		}
	}
	return nil, "", last
}

// message returns the checkpoint as an RFC 5424 message: facility 13 (log audit),
// severity 5 (notice), version 1.
func (a *syslogAnchor) message(c KeptCheckpoint) string {
	const priority = 13*8 + 5
	line := strings.ReplaceAll(c.Note, "\n", `\n`)
	return fmt.Sprintf("<%d>1 %s %s cxseal %d CHECKPOINT - %s",
		priority, FormatTime(c.CreatedAt), a.host, os.Getpid(), line)
}
