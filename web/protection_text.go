package web

// protectionStates are how far a column is protected.
var protectionStates = vocabulary{
	{"verified", label{"Verified", ToneSuccess, "seal"}},
	{"unverified", label{"Encrypted, not verified", ToneWarning, "lock"}},
	{"refused", label{"Refused by the KMS", ToneDanger, "alert"}},
	{"unprotected", label{"Not encrypted", ToneNone, "unlock"}},
}

func protectionLabel(state string) label { return protectionStates.label(state) }

var protectionOptions = protectionStates.options()

// keyText says which key version a column has, and which of them was verified.
func (c ColumnRow) keyText() string {
	now, verified := firstOf(c.KeyID, versionNumber(c.KeyVersion)), firstOf(c.VerifiedID, versionNumber(c.VerifiedVersion))
	switch {
	case c.Observed:
		return "verified at version " + verified + ", now " + now + ", observed"
	case now != "":
		return "key version " + now
	case verified != "" && c.Protection == "verified":
		return "verified at version " + verified + "; the tenant shows no key version"
	}
	return "key version not shown"
}

// versionNumber is a key version as it is read, empty for none.
func versionNumber(version int64) string {
	if version <= 0 {
		return ""
	}
	return FormatNumber(version)
}

// protectionAdvice says what a state that a person must not rely on means.
func protectionAdvice(state string) string {
	switch state {
	case "refused":
		return "Do not rely on it: the KMS check refused the newest change."
	case "unverified":
		return "No KMS verdict yet."
	}
	return ""
}
