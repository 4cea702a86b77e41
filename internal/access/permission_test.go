package access

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/fault"
)

// The golden file is the decision. A change of the table shows up there as a line that a reviewer can read.
func TestNobodyGainsOrLosesAPermissionUnseen(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s", "")
	roles := append(Roles(), System)
	for _, r := range roles {
		fmt.Fprintf(&b, " %-8s", r)
	}
	b.WriteString("\n")
	for _, p := range Permissions() {
		fmt.Fprintf(&b, "%-22s", p)
		for _, r := range roles {
			mark := "-"
			if Can(r, p) {
				mark = "yes"
			}
			fmt.Fprintf(&b, " %-8s", mark)
		}
		b.WriteString("\n")
	}
	got := trimLines(b.String())
	want, err := os.ReadFile("testdata/permissions.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the table of permissions changed (-golden +now):\n%s", diff)
	}
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestEveryGrantedPermissionIsListedAndDescribed(t *testing.T) {
	for role, perms := range rolePermissions {
		for _, p := range perms {
			if !slices.Contains(Permissions(), p) {
				t.Errorf("%s holds %s, which Permissions does not list", role, p)
			}
		}
	}
	for _, p := range Permissions() {
		if _, ok := actions[p]; !ok {
			t.Errorf("%s has no description", p)
		}
	}
}

func TestUnknownRoleIsTrustedWithNothing(t *testing.T) {
	for _, r := range []Role{"", "root", "ADMIN", "admin "} {
		for _, p := range Permissions() {
			if Can(r, p) {
				t.Errorf("role %q may %s", r, p)
			}
		}
	}
}

func TestTokenNeverReachesBeyondItsOwnerOrItsScopes(t *testing.T) {
	for _, r := range append(Roles(), System) {
		for _, scope := range Permissions() {
			c := Caller{Role: r, Scope: &Scope{Permissions: []Permission{scope}}}
			for _, p := range Permissions() {
				if got, want := c.Can(p), p == scope && Can(r, p); got != want {
					t.Errorf("%s with scope %s: Can(%s) = %v, want %v", r, scope, p, got, want)
				}
			}
		}
	}
}

func TestDenialSaysWhatIsMissingAndNothingAboutTheThing(t *testing.T) {
	err := Require(Caller{Name: "vera", Role: Viewer}, PermLaunchRun)
	if fault.CodeOf(err) != fault.Denied {
		t.Fatalf("code %q", fault.CodeOf(err))
	}
	if got, want := fault.MessageOf(err), "The role viewer may not launch runs. Ask an admin."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	token := Caller{Role: Admin, Scope: &Scope{Permissions: []Permission{PermExport}}}
	if got := fault.MessageOf(Require(token, PermLaunchRun)); !strings.Contains(got, "token") {
		t.Errorf("a token's denial does not mention the token: %q", got)
	}
	if err := Require(Caller{Role: Admin}, PermLaunchRun); err != nil {
		t.Errorf("an admin may not launch: %v", err)
	}
}

func TestParseRole(t *testing.T) {
	for _, s := range []string{"admin", " Admin ", "OFFICER", "viewer", "approver"} {
		if r, err := ParseRole(s); err != nil || !r.Valid() {
			t.Errorf("%q: %v, %v", s, r, err)
		}
	}
	for _, s := range []string{"", "system", "root", "admin\x00"} {
		if r, err := ParseRole(s); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q was read as %q, %v", s, r, err)
		}
	}
	for _, r := range append(Roles(), System, "other") {
		if d := r.Description(); !strings.HasSuffix(d, ".") {
			t.Errorf("%s: %q is not a sentence", r, d)
		}
	}
}
