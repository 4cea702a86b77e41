package access

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cxseal/internal/fault"
)

// claims are what a provider said about one person: in the ID token and, where that lacks a claim that is
// asked for, at the userinfo endpoint. The ID token is signed for this login, so its claims come first.
type claims struct {
	token    map[string]any
	userinfo map[string]any // nil when it was not asked, or not readable
	err      error          // why userinfo could not be read
}

// find returns the claim with the name, or at the path, and whether there is one. A claim that is null counts
// as absent.
func (c claims) find(name string) (any, bool) {
	if v, ok := claimAt(c.token, name); ok {
		return v, true
	}
	return claimAt(c.userinfo, name)
}

// claimAt looks up a claim. The whole name comes first, so that a claim whose name holds dots
// (https://acme.example/groups) is found; otherwise each dot may part an object from a claim inside it
// (realm_access.roles).
func claimAt(object map[string]any, name string) (any, bool) {
	if v := object[name]; v != nil {
		return v, true
	}
	for i, r := range name {
		if r != '.' {
			continue
		}
		if inner, ok := object[name[:i]].(map[string]any); ok {
			if v, ok := claimAt(inner, name[i+1:]); ok {
				return v, true
			}
		}
	}
	return nil, false
}

// names returns the names of the claims that were sent, without their values, for the log.
func (c claims) names() string {
	all := maps.Clone(c.token)
	maps.Copy(all, c.userinfo)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(names) == maxClaimNames {
			names = append(names, "…")
			break
		}
		names = append(names, typedName(name))
	}
	return strings.Join(names, ", ")
}

const maxClaimNames = 60

// overage reports whether the provider left out the groups because they are too many for a token: Entra ID
// then sends _claim_names with the claim's name, or hasgroups.
func (c claims) overage(name string) bool {
	elsewhere, _ := c.token["_claim_names"].(map[string]any)
	return elsewhere[name] != nil || c.token["hasgroups"] == true || c.token["hasgroups"] == "true"
}

// askUserinfo reads the claims at the provider's userinfo endpoint (OpenID Connect Core §5.3). What it says
// of another subject than the ID token is refused (§5.3.2).
func (o *OIDC) askUserinfo(ctx context.Context, p *oidc.Provider, token *oauth2.Token, subject string) (map[string]any, error) {
	if !safeEndpoint(p.UserInfoEndpoint()) {
		return nil, errors.New("the userinfo endpoint is not https")
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, errors.New("userinfo: " + typedName(err.Error())) // the error may hold a whole page
	}
	if info.Subject != subject {
		return nil, errors.New("userinfo is about another subject than the ID token")
	}
	var said map[string]any
	return said, info.Claims(&said)
}

// roleFrom returns the groups of the claim and the most trusted role that they have. A person who gets none
// is told why by the error: their groups have no role here, or it is the provider that did not send them.
func (o *OIDC) roleFrom(c claims) (groups []string, role Role, err error) {
	name, label := o.config.GroupsClaim, o.config.Label
	denied := func(format string, args ...any) error {
		cause := errors.New("the claims that were sent: " + c.names())
		return fault.Wrap(errors.Join(cause, c.err), fault.Denied, format, args...)
	}
	claim, sent := c.find(name)
	groups, readable := groupsOf(claim)
	switch {
	case sent && !readable:
		return nil, "", denied("%s sent the claim %q, but not as a list of names of groups. "+
			"Ask an admin: the claim in groups_claim may be the wrong one.", label, name)
	case !sent && c.overage(name):
		return nil, "", denied("You are in more groups than %s puts into a sign-in, so it sent none (claim %q). "+
			"Ask an admin: there, only the groups assigned to this application must be sent, or app roles.", label, name)
	case !sent && c.err != nil:
		return nil, "", denied("%s sent no claim %q, and its userinfo could not be read. "+
			"Try again later, or ask an admin.", label, name)
	case !sent:
		return nil, "", denied("%s sent no claim %q, which should name your groups. "+
			"Ask an admin: %s must be set up to send it, or groups_claim to name another claim.", label, name, label)
	}
	for _, r := range Roles() { // the later is the more trusted
		if slices.ContainsFunc(groups, func(g string) bool { return o.config.Roles[g] == r }) {
			role = r
		}
	}
	if role == "" {
		err = fault.New(fault.Denied, "None of your groups has a role here. Ask an admin.")
	}
	return groups, role, err
}

// groupsOf reads a groups claim: a list of strings, or one string, which some providers send. Other things in
// the list are left out; ok is false when nothing but those is there, or the claim is no list.
func groupsOf(claim any) (groups []string, ok bool) {
	switch v := claim.(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, g := range v[:min(len(v), maxGroups)] {
			if s, ok := g.(string); ok {
				groups = append(groups, s)
			}
		}
		return groups, len(groups) > 0 || len(v) == 0
	}
	return nil, false
}

// nameFrom returns the name for a new account, or why there is none.
func (o *OIDC) nameFrom(c claims) (string, error) {
	claim, sent := c.find(o.config.NameClaim)
	name, _ := claim.(string)
	if !sent {
		return "", fault.Wrap(errors.Join(errors.New("the claims that were sent: "+c.names()), c.err), fault.Denied,
			"%s sent no claim %q, from which a new account gets its name. "+
				"Ask an admin: %s must be set up to send it, or name_claim to name another claim.",
			o.config.Label, o.config.NameClaim, o.config.Label)
	}
	return name, nil
}

// lacks reports whether the ID token lacks a claim that is asked for.
func (o *OIDC) lacks(c claims) bool {
	_, groups := c.find(o.config.GroupsClaim)
	_, name := c.find(o.config.NameClaim)
	return !groups || !name
}
