package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"cxseal/internal/encryption"
)

// callbackFinding examines the callback URL's address and asks there, with a
// token of no run: a console answers that with its own 404, its own code and a
// proof of which installation it is of. Any other server's 404 is not taken for
// one.
func callbackFinding(ctx context.Context, t Target) Finding {
	f := Finding{Name: "callback URL", Verdict: Good}
	target := encryption.CallbackURL(t.CallbackURL, encryption.ChallengeToken)
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		f.Verdict, f.Detail = Bad, fmt.Sprintf("%q is not an http or https address", t.CallbackURL)
		f.Mend = "Set " + t.setting("callback URL", "KMS_CALLBACK_URL") + " or --public-url to the address under which CXone reaches this console."
		return f
	}
	f.Detail = "CXone is asked to call " + u.Scheme + "://" + u.Host + u.Path
	if isLoopback(u.Hostname()) && !isLoopback(hostOf(t.BaseURL)) {
		f.Verdict = Bad
		f.Detail += ", which CXone cannot reach"
		f.Mend = "Set --public-url (CXSEAL_PUBLIC_URL) or " + t.setting("callback URL", "KMS_CALLBACK_URL") + " to an address that CXone can reach."
		return f
	}
	if !isLoopback(hostOf(t.BaseURL)) {
		switch {
		case isPrivate(u.Hostname()):
			f.Verdict = Warning
			f.Detail += ", a private address that CXone reaches only through a network of yours"
			f.Mend = "Set --public-url (CXSEAL_PUBLIC_URL) or " + t.setting("callback URL", "KMS_CALLBACK_URL") + " to an address that CXone can reach."
			return f
		case u.Scheme == "http":
			f.Verdict = Warning
			f.Detail += " without encryption: who listens on the way learns the run's URL"
			f.Mend = "Put the console behind https and set --public-url (CXSEAL_PUBLIC_URL) to that address."
			return f
		}
	}
	if t.HTTP == nil {
		return f
	}
	if target == t.CallbackURL {
		f.Verdict = Warning
		f.Detail += ", which is not this console's own"
		f.Mend = "A verdict can then only arrive inline, in CXone's answer. Unset " + t.setting("callback URL", "KMS_CALLBACK_URL") + " to have this console confirm."
		return f
	}
	return askCallback(ctx, t, f, target)
}

// askCallback asks a callback URL which console answers there.
func askCallback(ctx context.Context, t Target, f Finding, target string) Finding {
	var nonce [32]byte
	_, _ = rand.Read(nonce[:]) // never fails, by crypto/rand's contract
	challenge := hex.EncodeToString(nonce[:])
	body, err := json.Marshal(encryption.Challenge{Challenge: challenge})
	if err != nil {
		panic(err) // one string
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		f.Verdict, f.Detail = Bad, err.Error()
		return f
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := t.HTTP.Do(request)
	if err != nil {
		f.Verdict = Warning
		f.Detail += "; nothing answers there from this machine"
		f.Mend = "Start `cxseal serve`, or check the reverse proxy. `cxseal encrypt` answers callbacks itself while it runs."
		return f
	}
	defer response.Body.Close() //nolint:errcheck // read only for its status
	var said struct {
		Code  string `json:"code"`
		Proof string `json:"proof"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 4<<10)).Decode(&said)
	switch {
	case response.StatusCode != http.StatusNotFound || err != nil || said.Code != encryption.UnknownRun:
		f.Verdict = Warning
		f.Detail += fmt.Sprintf("; it answered %d, and not as this console does", response.StatusCode)
		f.Mend = "Something else answers there: check the reverse proxy's route to /kms/callback/."
	case t.IsOurs == nil:
		f.Detail += "; a console answers there. Whether it is this installation's was not proved: that needs its database (--db) and the log's key beside it"
	case !t.IsOurs(challenge, said.Proof):
		f.Verdict = Warning
		f.Detail += "; a console answers there, and does not prove that it is this installation's"
		f.Mend = "Another installation answers there, or an older version of this one: check the reverse proxy's route to /kms/callback/ and --db."
	default:
		f.Detail += "; this installation answers there"
	}
	return f
}

func signatureFinding(t Target) Finding {
	mend := "Set CXONE_KMS_SECRET (whsec_…) here and at the sender, so that callbacks must be signed."
	if t.Managed {
		mend = "Make one with the button “New callback secret” on the connection's page, and give it to the sender."
	}
	if t.Signed {
		return Finding{Name: "callback signature", Verdict: Good, Detail: "callbacks must be signed"}
	}
	return Finding{Name: "callback signature", Verdict: Warning,
		Detail: "callbacks are told apart only by their unguessable URL",
		Mend:   mend}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func isPrivate(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
