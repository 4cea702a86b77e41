package alarm

import (
	"encoding/json"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr"

	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// Address is where a route sends to. All of it is a secret.
type Address struct {
	Way    Way    `json:"way"`
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"` // whsec_…, signs a webhook
}

// Way is the protocol that an address is sent by.
type Way string

// The ways.
const (
	Email    Way = "email"   // smtp://user:password@host:587/?from=a@x&to=b@y,c@z, or smtps:// on 465
	Webhook  Way = "webhook" // an https address that takes Standard Webhooks
	Shoutrrr Way = "service" // any URL that shoutrrr knows: slack://, teams://, ntfy://, …
)

// Ways returns every way, in the order in which a form offers them.
func Ways() []Way { return []Way{Email, Webhook, Shoutrrr} }

const maxAddressBytes = 2048

// Check returns a hint that names the address without its secrets, or a fault.Invalid that says what is wrong
// with it.
func (a Address) Check() (hint string, err error) {
	if len(a.URL) > maxAddressBytes {
		return "", fault.New(fault.Invalid, "The address is longer than %d bytes.", maxAddressBytes)
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme == "" {
		return "", fault.New(fault.Invalid, "The address is not a URL.")
	}
	switch a.Way {
	case Email:
		m, err := parseMail(u)
		if err != nil {
			return "", err
		}
		return "mail to " + strings.Join(m.to, ", ") + " by " + u.Hostname(), nil
	case Webhook:
		if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) || u.Host == "" || u.User != nil {
			return "", fault.New(fault.Invalid, "A webhook's address begins with https:// and names a host, without a user. Plain http:// is for this machine only.")
		}
		if err := seal.CheckSigningSecret(a.Secret); err != nil {
			return "", err
		}
		return u.Scheme + "://" + u.Host + "/…, signed", nil
	case Shoutrrr:
		if strings.HasPrefix(u.Scheme, "logger") {
			return "", fault.New(fault.Invalid, "A line in the console's own log reaches nobody. Name a service.")
		}
		if _, err := shoutrrr.CreateSender(a.URL); err != nil {
			return "", fault.New(fault.Invalid, "No service speaks this address. See shoutrrr's list of services for its form.")
		}
		return u.Scheme + "://…", nil
	}
	return "", fault.New(fault.Invalid, "An alarm goes out by email, webhook or service.")
}

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (a Address) encode() []byte {
	raw, err := json.Marshal(a) //nolint:gosec // G117: it is sealed before it goes anywhere
	if err != nil {
		panic(err) // three strings
	}
	return raw
}

func decode(raw []byte) (a Address, err error) {
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, fault.New(fault.Internal, "The route's address cannot be read. Delete the route and make it again.")
	}
	return a, nil
}

// secrets returns the parts of the address that must not appear in an error.
func (a Address) secrets() []string {
	list := []string{a.URL, a.Secret}
	u, err := url.Parse(a.URL)
	if err != nil {
		return list
	}
	if password, ok := u.User.Password(); ok {
		list = append(list, password)
	}
	if a.Way == Shoutrrr {
		list = append(list, u.User.Username(), u.Host)
	}
	if a.Way != Email {
		list = append(list, u.Path, u.RawQuery)
		list = append(list, strings.Split(u.Path, "/")...)
		for _, values := range u.Query() {
			list = append(list, values...)
		}
	}
	return list
}

// redact removes the address's secrets from a text that a service answered, and cuts it to 300 bytes.
func (a Address) redact(text string) string {
	for _, s := range a.secrets() {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, "••••")
		}
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// mailTo holds the parts of an SMTP address.
type mailTo struct {
	host, port     string
	user, password string
	implicit       bool // TLS from the first byte
	plain          bool // STARTTLS is not asked for
	from           string
	to             []string
}

func parseMail(u *url.URL) (m mailTo, err error) {
	m = mailTo{host: u.Hostname(), port: u.Port(), implicit: u.Scheme == "smtps", plain: u.Query().Get("starttls") == "no"}
	if (u.Scheme != "smtp" && u.Scheme != "smtps") || m.host == "" {
		return m, fault.New(fault.Invalid, "A mail address looks like smtp://user:password@mail.example.org:587/?from=seal@example.org&to=team@example.org.")
	}
	if m.port == "" {
		m.port = "587"
		if m.implicit {
			m.port = "465"
		}
	}
	m.user = u.User.Username()
	m.password, _ = u.User.Password()
	from, err := mail.ParseAddress(u.Query().Get("from"))
	if err != nil {
		return m, fault.New(fault.Invalid, "The mail's from= is not a mail address.")
	}
	to, err := mail.ParseAddressList(u.Query().Get("to"))
	if err != nil || len(to) > 50 {
		return m, fault.New(fault.Invalid, "The mail's to= must be 1 to 50 mail addresses with commas between.")
	}
	m.from = from.Address
	for _, t := range to {
		m.to = append(m.to, t.Address)
	}
	return m, nil
}
