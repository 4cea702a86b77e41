package store

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/access"
	"cxseal/internal/connection"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEndedSessionStaysEnded(t *testing.T) {
	now := noon
	s := open(t)
	s.now = func() time.Time { return now }
	u := addUser(t, s, "eve", access.Officer)
	sessions := s.Sessions(func(data []byte) (x access.Session) {
		check(t, json.Unmarshal(data, &x))
		return x
	})
	begin := func(id string) []byte {
		t.Helper()
		raw, err := json.Marshal(access.Session{ID: id, UserID: u.ID, CreatedAt: now})
		check(t, err)
		check(t, sessions.CommitCtx(t.Context(), "token-"+id, raw, now.Add(time.Hour)))
		return raw
	}
	first := begin("a")
	now = now.Add(2 * time.Minute)
	begin("b")
	list, err := sessions.ListSessions(t.Context(), u.ID)
	check(t, err)
	if len(list) != 2 || list[0].ID != "b" {
		t.Fatalf("%+v", list)
	}
	wantCode(t, sessions.EndSession(t.Context(), u.ID+1, "a", record(now)), fault.NotFound)
	wantCode(t, sessions.EndSession(t.Context(), u.ID, "", record(now)), fault.NotFound)
	check(t, sessions.EndSession(t.Context(), u.ID, "a", record(now)))
	// A request that was under way writes its session once more.
	check(t, sessions.CommitCtx(t.Context(), "token-a", first, now.Add(time.Hour)))
	if _, found, _ := sessions.FindCtx(t.Context(), "token-a"); found {
		t.Error("an ended session came back")
	}
	begin("c")
	if n, err := sessions.EndSessions(t.Context(), u.ID, "b", record(now)); n != 1 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
	if list, _ := sessions.ListSessions(t.Context(), u.ID); len(list) != 1 || list[0].ID != "b" {
		t.Errorf("%+v", list)
	}
}

func TestACodeIsSpentOnce(t *testing.T) {
	s := open(t)
	u := addUser(t, s, "eve", access.Officer)
	_, err := s.Factor(t.Context(), u.ID)
	wantCode(t, err, fault.NotFound)
	want := access.Factor{UserID: u.ID, Seed: []byte("sealed"), Confirmed: true, LastStep: 7, Recovery: []string{"h1", "h2"}, CreatedAt: noon}
	check(t, s.SaveFactor(t.Context(), want, record(noon)))
	got, err := s.Factor(t.Context(), u.ID)
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantCode(t, s.UseStep(t.Context(), u.ID, 7), fault.Conflict)
	check(t, s.UseStep(t.Context(), u.ID, 8))
	wantCode(t, s.UseStep(t.Context(), u.ID, 8), fault.Conflict)
	check(t, s.UseRecoveryCode(t.Context(), u.ID, "h1"))
	wantCode(t, s.UseRecoveryCode(t.Context(), u.ID, "h1"), fault.Conflict)
	if on, err := s.FactorUsers(t.Context()); err != nil || !on[u.ID] {
		t.Errorf("%v, %v", on, err)
	}
	check(t, s.RemoveFactor(t.Context(), u.ID, access.Touch{}, record(noon)))
	wantCode(t, s.RemoveFactor(t.Context(), u.ID, access.Touch{}, record(noon)), fault.NotFound)
	wantCode(t, s.UseRecoveryCode(t.Context(), u.ID, "h2"), fault.Conflict)
}

func TestATokenBelongsToItsOwner(t *testing.T) {
	s := open(t)
	u := addUser(t, s, "eve", access.Officer)
	want := access.APIToken{UserID: u.ID, Label: "nightly", Hint: "cxs_abcd", Hash: sha256.Sum256([]byte("secret")),
		Scopes: []access.Permission{access.PermExport}, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	added, err := s.AddToken(t.Context(), want, record(noon))
	check(t, err)
	want.ID = added.ID
	check(t, s.TouchToken(t.Context(), added.ID, noon.Add(time.Minute)))
	want.LastUsedAt = noon.Add(time.Minute)
	got, err := s.TokenByHash(t.Context(), want.Hash)
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = s.TokenByHash(t.Context(), sha256.Sum256([]byte("other")))
	wantCode(t, err, fault.NotFound)
	wantCode(t, s.RemoveToken(t.Context(), u.ID+1, added.ID, record(noon)), fault.NotFound)
	check(t, s.RemoveToken(t.Context(), u.ID, added.ID, record(noon)))
	if list, err := s.ListTokens(t.Context(), u.ID); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestAPersonIsFoundByWhatTheProviderCallsThem(t *testing.T) {
	s := open(t)
	link := access.LinkedIdentity{Issuer: "https://idp", Subject: "42", LastLoginAt: noon}
	u, err := s.AddLinkedUser(t.Context(), access.User{Name: "eve", Role: access.Officer, CreatedAt: noon, UpdatedAt: noon}, link, record(noon))
	check(t, err)
	link.UserID = u.ID
	got, err := s.UserByIdentity(t.Context(), "https://idp", "42")
	if err != nil || got.ID != u.ID {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = s.UserByIdentity(t.Context(), "https://other", "42")
	wantCode(t, err, fault.NotFound)
	_, err = s.AddLinkedUser(t.Context(), access.User{Name: "EVE", Role: access.Officer, CreatedAt: noon, UpdatedAt: noon},
		access.LinkedIdentity{Issuer: "https://idp", Subject: "43"}, record(noon))
	wantCode(t, err, fault.Conflict)
	check(t, s.TouchIdentity(t.Context(), "https://idp", "42", noon.Add(time.Hour)))
	link.LastLoginAt = noon.Add(time.Hour)
	list, err := s.ListIdentities(t.Context())
	check(t, err)
	if diff := cmp.Diff([]access.LinkedIdentity{link}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConnectionsAreSwappedNotOverwritten(t *testing.T) {
	s := open(t)
	c := connection.Stored{Settings: connection.Settings{Name: "eu", BaseURL: "https://eu.example"}, Version: 1, CreatedAt: noon, UpdatedAt: noon,
		Sealed: connection.Sealed{ClientSecret: []byte("one")}}
	check(t, s.AddConnection(t.Context(), c, record(noon)))
	wantCode(t, s.AddConnection(t.Context(), c, record(noon)), fault.Conflict)
	next := c
	next.Version, next.Disabled, next.Sealed.KMSSecrets = 2, true, []byte("two")
	check(t, s.ReplaceConnection(t.Context(), next, 1, record(noon)))
	wantCode(t, s.ReplaceConnection(t.Context(), next, 1, record(noon)), fault.Conflict)
	list, err := s.StoredConnections(t.Context())
	check(t, err)
	if diff := cmp.Diff([]connection.Stored{next}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEverySealedValueIsFoundOnceAndSwapped(t *testing.T) {
	s := open(t)
	for _, name := range []string{"b", "a"} {
		u := addUser(t, s, name, access.Officer)
		check(t, s.SaveFactor(t.Context(), access.Factor{UserID: u.ID, Seed: []byte("seed-" + name), CreatedAt: noon}, record(noon)))
		check(t, s.AddConnection(t.Context(), connection.Stored{Settings: connection.Settings{Name: name}, CreatedAt: noon, UpdatedAt: noon,
			Sealed: connection.Sealed{ClientSecret: []byte("id-" + name), KMSSecrets: []byte("kms-" + name)}}, record(noon)))
	}
	var places []seal.Place
	var after seal.Place
	for {
		list, err := s.SealedValues(t.Context(), after, 2)
		check(t, err)
		if len(list) == 0 {
			break
		}
		for _, v := range list {
			places = append(places, v.At)
		}
		after = list[len(list)-1].At
	}
	want := []seal.Place{
		{Table: "connections", Column: "client_secret", Row: "a"}, {Table: "connections", Column: "client_secret", Row: "b"},
		{Table: "connections", Column: "kms_secrets", Row: "a"}, {Table: "connections", Column: "kms_secrets", Row: "b"},
		access.SeedPlace(1), access.SeedPlace(2),
	}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, at := range places {
		if ok, err := s.ReplaceSealed(t.Context(), at, []byte("no"), []byte("new")); ok || err != nil {
			t.Errorf("%v: swapped a value that had changed: %v", at, err)
		}
	}
	if ok, err := s.ReplaceSealed(t.Context(), access.SeedPlace(1), []byte("seed-b"), []byte("new")); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if f, _ := s.Factor(t.Context(), 1); string(f.Seed) != "new" {
		t.Errorf("seed %q", f.Seed)
	}
	if _, err := s.ReplaceSealed(t.Context(), seal.Place{Table: "users", Column: "name", Row: "1"}, nil, nil); err == nil {
		t.Error("a column that holds nothing sealed was taken")
	}
}

func TestAPermitLinksOneIdentityOnce(t *testing.T) {
	s := open(t)
	u, err := s.AddUser(t.Context(), access.User{Name: "olga", Role: access.Officer, CreatedAt: noon, UpdatedAt: noon}, access.Touch{}, record(noon))
	check(t, err)
	link := access.LinkedIdentity{UserID: u.ID, Issuer: "https://idp", Subject: "42", LastLoginAt: noon}
	wantCode(t, s.LinkIdentity(t.Context(), link, "acme", record(noon)), fault.Conflict)
	check(t, s.PermitLink(t.Context(), access.LinkPermit{UserID: u.ID, Provider: "acme", ExpiresAt: noon}, access.Touch{}, record(noon)))
	wantCode(t, s.LinkIdentity(t.Context(), link, "acme", record(noon)), fault.Conflict) // expired
	permit := access.LinkPermit{UserID: u.ID, Provider: "acme", ExpiresAt: noon.Add(time.Hour)}
	check(t, s.PermitLink(t.Context(), permit, access.Touch{}, record(noon)))
	if list, err := s.LinkPermits(t.Context()); err != nil || len(list) != 1 || list[0] != permit {
		t.Errorf("%+v, %v", list, err)
	}
	wantCode(t, s.LinkIdentity(t.Context(), link, "other", record(noon)), fault.Conflict)
	check(t, s.LinkIdentity(t.Context(), link, "acme", record(noon)))
	if got, err := s.UserByIdentity(t.Context(), "https://idp", "42"); err != nil || got.ID != u.ID {
		t.Errorf("%+v, %v", got, err)
	}
	link.Subject = "43"
	wantCode(t, s.LinkIdentity(t.Context(), link, "acme", record(noon)), fault.Conflict) // spent
}

func TestTouchesOfAccountsAreKeptWithTheirChangeAndLifted(t *testing.T) {
	s := open(t)
	by := access.Touch{Kind: access.TouchMade, By: access.Party{UserID: 7, Name: "ada"}, At: noon}
	u, err := s.AddUser(t.Context(), access.User{Name: "anna", Role: access.Approver, CreatedAt: noon, UpdatedAt: noon}, by, record(noon))
	check(t, err)
	by.UserID, by.Kind, by.At = u.ID, access.TouchPassword, noon.Add(time.Hour)
	check(t, s.SetPassword(t.Context(), u.ID, "x", noon, by, record(noon)))
	list, err := s.Touches(t.Context(), noon.Add(-time.Second))
	check(t, err)
	if len(list) != 2 || list[0].Kind != access.TouchPassword || list[1].UserID != u.ID || list[1].Name != "anna" || list[1].By != by.By || !list[1].At.Equal(noon) {
		t.Fatalf("%+v", list)
	}
	check(t, s.LiftTouches(t.Context(), []int64{list[0].ID}, access.Party{UserID: 8, Name: "zoe"}, noon, record(noon)))
	if list, err = s.Touches(t.Context(), noon.Add(-time.Second)); err != nil || len(list) != 1 || list[0].Kind != access.TouchMade {
		t.Errorf("%v %+v", err, list)
	}
	if list, err = s.Touches(t.Context(), noon); err != nil || len(list) != 0 {
		t.Errorf("older ones: %v %+v", err, list)
	}
}
