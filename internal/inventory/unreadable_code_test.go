package inventory_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
)

// Fails when the advice beside a synchronisation's error is for another error. The tenant's answers are
// played over HTTP, and their codes are those that a run would get.
func TestASynchronisationsErrorHasItsCode(t *testing.T) {
	token := func(status int, body string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointToken, Status: status, Body: body}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		want  fault.Code
	}{
		"wrong credentials":        {token(401, ""), fault.TenantAuth},
		"a client that is locked":  {token(200, `{"error":"invalid_client"}`), fault.TenantAuth},
		"a refused grant":          {token(400, `{"error":"invalid_scope"}`), fault.TenantAuth},
		"a page for a token":       {token(200, "<html>Sign in</html>"), fault.TenantAuth},
		"no token endpoint":        {token(404, ""), fault.TenantAuth},
		"a token that is none":     {token(200, `{"token":"x"}`), fault.TenantAuth},
		"a redirect for a token":   {token(302, ""), fault.TenantAuth},
		"a token that is refused":  {sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointDataStores, Status: 401}, fault.TenantAuth},
		"a scope that is missing":  {sandbox.Fault{Kind: sandbox.FaultReplace, Endpoint: sandbox.EndpointToken, Field: "scope", Value: `"openid"`}, fault.TenantScope},
		"a tenant that hangs up":   {sandbox.Fault{Kind: sandbox.FaultDropBefore}, fault.TenantDown},
		"a tenant that fails":      {sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointDataStores, Status: 500}, fault.TenantDown},
		"a tenant that throttles":  {sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointDataStores, Status: 429}, fault.TenantDown},
		"a page instead of a list": {sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointDataStores, Status: 200, Body: "<html>"}, fault.TenantUnreadable},
	} {
		box := sandbox.New(sandbox.Config{})
		server := httptest.NewServer(box)
		test.fault.Times = -1
		box.Fail(test.fault)
		client, err := cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{BaseURL: server.URL, ClientID: sandbox.DefaultClientID,
			ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm}), cxone.WithBackoff(0, 0), cxone.WithRetries(1))
		if err != nil {
			t.Fatal(err)
		}
		var failure error
		for _, failure = range client.DataStores(t.Context()) {
			break
		}
		if failure == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		code := inventory.Sync{Error: failure.Error(), StartedAt: time.Now()}.FaultCode()
		if code != test.want || code != fault.CodeOf(encryption.Explain(failure)) {
			t.Errorf("%s: %q has the code %q, want %q", name, failure, code, test.want)
		}
		box.Close()
		server.Close()
	}
	for says, want := range map[string]fault.Code{
		"CXone's list may be incomplete (data stores): 3": fault.TenantUnreadable, "CXone answered 418.": "", "": "",
	} {
		if code := (inventory.Sync{Error: says}).FaultCode(); code != want {
			t.Errorf("%q has the code %q, want %q", says, code, want)
		}
	}
}
