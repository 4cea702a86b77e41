package main

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"cxseal/internal/fault"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
)

// database are the settings of every command that opens the database.
type database struct {
	DB string `help:"The database file; cxseal.db unless given." default:"cxseal.db" env:"CXSEAL_DB" placeholder:"FILE"`
}

// classifying is what counts as sensitive.
type classifying struct {
	SensitivityRules string `help:"A file with more rules of what is sensitive; see docs/sensitivity.md." env:"CXSEAL_SENSITIVITY_RULES" placeholder:"FILE"`
}

// rules are the built-in rules with those of the file, if one is named.
func (c classifying) rules() (*sensitivity.Rules, error) {
	if c.SensitivityRules == "" {
		return sensitivity.Load(nil)
	}
	f, err := os.Open(c.SensitivityRules)
	if err != nil {
		return nil, usagef("--sensitivity-rules: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	rules, err := sensitivity.Load(f)
	if err != nil {
		return nil, usagef("--sensitivity-rules %s: %s", c.SensitivityRules, fault.MessageOf(err))
	}
	return rules, nil
}

// logging is how the process says what it does.
type logging struct {
	LogFormat string `help:"How to log: text or json." default:"text" env:"CXSEAL_LOG_FORMAT" enum:"text,json"`
}

func (l logging) logger(w io.Writer) *slog.Logger {
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// listening is where a command answers HTTP.
type listening struct {
	Addr      string `help:"The address to listen on; 127.0.0.1:8080 unless given." default:"127.0.0.1:8080" env:"CXSEAL_ADDR" placeholder:"HOST:PORT"`
	PublicURL string `help:"The address under which browsers and CXone reach this console." env:"CXSEAL_PUBLIC_URL" placeholder:"URL"`
}

func (l *listening) validate() error {
	if _, _, err := net.SplitHostPort(l.Addr); err != nil {
		return usagef("--addr %q is not HOST:PORT: %w", l.Addr, err)
	}
	if l.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(l.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return usagef("--public-url %q is not an address like https://seal.example.org", l.PublicURL)
	}
	if u.Path != "" && u.Path != "/" {
		return usagef("--public-url %q has a path: the console is served at the root of its host", l.PublicURL)
	}
	l.PublicURL = strings.TrimRight(l.PublicURL, "/")
	return nil
}

// listen opens the address, so that "it started" is true when it is said.
func listen(addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr) // binding waits for nothing
	if err != nil {
		return nil, usagef("cannot listen on %s (is another program there? name another --addr): %w", addr, err)
	}
	return l, nil
}

// proxies reads a list of addresses or CIDR prefixes.
func proxies(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p)
			continue
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, usagef("--trusted-proxies: %q is not an address or a prefix like 10.0.0.0/8", s)
		}
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out, nil
}

// leadsOf reads --due-soon.
func leadsOf(days []int) (rotation.Leads, error) {
	if len(days) != 2 || days[0] <= days[1] || days[1] < 1 || days[0] > 365 {
		return rotation.Leads{}, usagef("--due-soon must be two numbers of days, the longer first, like 30,7")
	}
	const day = 24 * time.Hour
	return rotation.Leads{First: time.Duration(days[0]) * day, Second: time.Duration(days[1]) * day}, nil
}

// readCSVLine splits one line of comma-separated fields (RFC 4180). A quote in
// the middle of an unquoted field stands for itself.
func readCSVLine(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes = true
	fields, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return fields, err
}
