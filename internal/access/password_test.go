package access

import (
	"strings"
	"testing"
	"unicode/utf8"

	"cxseal/internal/fault"
)

func TestWeakPasswordsAreRefusedAndGoodOnesAreNot(t *testing.T) {
	for _, bad := range []string{
		"", "short", "elevenchars", "correcthorsebatterystaple", "Password1234", "P@SSW0RD123!",
		"aaaaaaaaaaaaaaaa", "123456789012", "abcdefghijklmnop", "zyxwvutsrqponm", "            ",
		"ada.lovelace@example.com", "ADA.lovelace@example.com", "moc.elpmaxe@ecalevol.ada",
		strings.Repeat("ab", 129), "nul\x00nul nul nul", "bad \xff utf-8 in it",
	} {
		if err := CheckPassword("ada.lovelace@example.com", bad, MinPasswordLength); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q was taken", bad)
		} else if msg := fault.MessageOf(err); len(bad) > 8 && strings.Contains(msg, bad) {
			t.Errorf("the refusal repeats the password: %q", msg)
		}
	}
	for _, good := range []string{
		"alllowercaseletters", "three grey geese", "прекрасный день", "🐢🐇🐢🐇🐢🐇🐢🐇🐢🐇🐢🐇",
		"  spaces are kept ", strings.Repeat("ab", 128),
	} {
		if err := CheckPassword("ada", good, MinPasswordLength); err != nil {
			t.Errorf("%q was refused: %v", good, err)
		}
	}
	if err := CheckPassword("ada", "8 chars!", MinOperatorPasswordLength); err != nil {
		t.Error(err)
	}
}

// An entry that is shorter than the least length, or not in lower case, would never match and only look
// like protection.
func TestEveryCommonPasswordCanBeHit(t *testing.T) {
	if n := len(commonPasswords()); n < 1000 {
		t.Errorf("only %d", n)
	}
	for p := range commonPasswords() {
		if utf8.RuneCountInString(p) < MinOperatorPasswordLength || strings.ToLower(p) != p {
			t.Errorf("%q", p)
		}
		if CheckPassword("ada", p, MinOperatorPasswordLength) == nil {
			t.Errorf("%q was taken", p)
		}
	}
}

func TestNamesThatWouldMakeTheLedgerAmbiguousAreRefused(t *testing.T) {
	for _, bad := range []string{"", " ada", "ada ", "a  b", "a\tb", "a\nb", "a\u202eb", "a\u00a0b", "bad\xff", "Scheduler", "kms", strings.Repeat("x", 65)} {
		if CheckName(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"a", "ada", "Ada Lovelace", "ada@example.com", "=cmd()", "<b>", "Zoë", strings.Repeat("é", 64)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func FuzzTypedNameIsFitForTheLedger(f *testing.F) {
	for _, s := range []string{"ada", " ada\n", "\xff\x00", "a\u202eb", strings.Repeat("é", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := typedName(s)
		if utf8.RuneCountInString(got) > MaxNameLength || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\r\t\u2028\u202e") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
