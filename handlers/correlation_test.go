package handlers_test

import (
	"regexp"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/connection"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// The tenant's support asks for the id of a request: the dossier names the one that the tenant gave, also where
// it refused the change.
func TestTheDossierNamesTheTenantsCorrelationID(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	run := admin.Launch("ssn")
	h.WaitFor(run, encryption.Verified)
	if page := admin.Get(run).Body; !regexp.MustCompile(`PATCH answered 200, CorrelationId [0-9a-f-]{36}`).MatchString(page) {
		t.Errorf("the dossier names no CorrelationId: %s", page)
	}
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointEncrypt, Status: 400, Header: "CorrelationId: support-4711"})
	run = admin.Launch("phone")
	h.WaitFor(run, encryption.Failed)
	if page := admin.Get(run).Body; !strings.Contains(page, "PATCH answered 400, CorrelationId support-4711") {
		t.Errorf("the dossier does not name the tenant's CorrelationId: %s", page)
	}
}

// A government's or a sovereign cloud's tenant is chosen by name, and not typed from memory.
func TestTheFormOffersEveryKnownIssuer(t *testing.T) {
	h := consoletest.Start(t)
	page := h.As(access.Admin).Get("/connections/new").Body
	for _, issuer := range connection.Issuers() {
		if !strings.Contains(page, `value="`+issuer.URL+`"`) || !strings.Contains(page, issuer.Name) {
			t.Errorf("the form does not offer %s, %s", issuer.Name, issuer.URL)
		}
	}
	if n := len(connection.Issuers()); n != 4 {
		t.Errorf("%d issuers", n)
	}
}
