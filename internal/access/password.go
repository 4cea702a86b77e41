package access

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/fault"
)

// Bounds of passwords. The rules are those of NIST SP 800-63B: a least length and a list of common
// passwords, no required kinds of character, no expiry.
//
// A password is taken as it was typed, byte for byte: neither trimmed nor Unicode-normalised, so a person
// who types é in two different ways has typed two passwords. Browsers send the composed form on every
// platform we know.
const (
	// MinPasswordLength is the least length, in characters, of a password that is chosen in the console. SP
	// 800-63B revision 3 and OWASP ASVS 5 (6.2.1) ask for 8; we ask for more because a second factor is a
	// person's choice.
	MinPasswordLength = 12

	// MinOperatorPasswordLength holds for passwords that the operator of the machine sets on the command
	// line or in the environment.
	MinOperatorPasswordLength = 8

	// MaxPasswordBytes bounds what is hashed (SP 800-63B: at least 64 characters must be allowed).
	MaxPasswordBytes = 256
)

//go:embed common_passwords.txt
var commonPasswordList string

var commonPasswords = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(commonPasswordList) {
		set[word] = true
	}
	return set
})

// CheckPassword is nil when the password may be used for the account, and otherwise fault.Invalid with what
// to change. minLength is one of the constants above.
func CheckPassword(accountName, password string, minLength int) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return fault.New(fault.Invalid, "The password has characters that cannot be read. Type another.")
	case n < minLength:
		return fault.New(fault.Invalid,
			"The password is too short: use at least %d characters. A few words in a row are good.", minLength)
	case len(password) > MaxPasswordBytes:
		return fault.New(fault.Invalid, "The password is too long: use at most %d bytes.", MaxPasswordBytes)
	}
	folded := strings.ToLower(password)
	name := strings.ToLower(accountName)
	switch {
	case commonPasswords()[folded], monotonous(folded):
		return fault.New(fault.Invalid,
			"This password is among the first that are tried. Choose one that nobody would guess.")
	case name != "" && (folded == name || folded == name+name || folded == reversed(name)):
		return fault.New(fault.Invalid, "The password must not be the account's name.")
	case strings.TrimSpace(password) == "":
		return fault.New(fault.Invalid, "The password must not be blank.")
	}
	return nil
}

// monotonous reports whether s repeats one character, or counts up or down through the alphabet:
// "aaaaaaaaaaaa", "23456789", "zyxwvutsrqpo".
func monotonous(s string) bool {
	var step, previous rune
	for i, r := range []rune(s) {
		switch {
		case i == 1:
			step = r - previous
		case i > 1 && r-previous != step:
			return false
		}
		previous = r
	}
	return step >= -1 && step <= 1
}

func reversed(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

// reservedNames are the names that the ledger uses for the console's own parts.
var reservedNames = map[string]bool{
	"system": true, "scheduler": true, "runner": true, "console": true, "cli": true, "kms": true, "setup": true, "anonymous": true,
	"rotation": true, "inventory": true,
}

// MaxNameLength bounds an account's name, in characters.
const MaxNameLength = 64

// NameKey returns the text by which account names are compared: names with the same key are the same
// account.
func NameKey(name string) string { return strings.ToLower(name) }

// CheckName is nil when the name may be given to an account, and otherwise fault.Invalid with what to
// change. A name that reads like another, or like a part of the console, would make the ledger ambiguous.
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return fault.New(fault.Invalid, "An account needs a name.")
	case n > MaxNameLength:
		return fault.New(fault.Invalid, "The name is too long: use at most %d characters.", MaxNameLength)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fault.New(fault.Invalid, "The name has characters that cannot be printed.")
	case strings.TrimSpace(name) != name || strings.Contains(name, "  "):
		return fault.New(fault.Invalid, "The name must not begin or end with a space, or have two in a row.")
	case reservedNames[NameKey(name)], strings.HasPrefix(NameKey(name), "cli:"):
		return fault.New(fault.Invalid, "The name %q is kept for the console's own parts. Choose another.", name)
	}
	return nil
}

// typedName returns a name that an unknown person typed, made safe to record: bounded and without control
// characters.
func typedName(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if !unicode.IsPrint(r) {
			continue // control characters, line separators, direction marks
		}
		if n++; n > MaxNameLength {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
