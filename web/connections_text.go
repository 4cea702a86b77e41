package web

func (r ManagedConnection) label() label {
	switch {
	case r.Trouble != "":
		return label{"Cannot be used", ToneDanger, "x"}
	case r.Disabled:
		return label{"Disabled", ToneWarning, "ban"}
	}
	return label{"In use", ToneSuccess, "check"}
}

func (r ManagedConnection) eyes() string {
	if r.FourEyes {
		return "two people"
	}
	return "one person"
}

// verdicts is the vocabulary of the findings of a connection's examination.
var verdicts = vocabulary{
	{"ok", label{"Good", ToneSuccess, "check"}},
	{"warning", label{"Look at it", ToneWarning, "warning"}},
	{"problem", label{"Problem", ToneDanger, "x"}},
	{"skipped", label{"Not examined", ToneNone, "circle"}},
}

func (f Finding) label() label { return verdicts.label(f.Verdict) }

var modeOptions = []Option{{"client-credentials", "Client credentials"}, {"access-key", "Access key"}}

func signedText(secrets int) string {
	switch secrets {
	case 0:
		return "need no signature"
	case 1:
		return "must be signed"
	}
	return "must be signed; " + FormatNumber(int64(secrets)) + " secrets are live"
}
