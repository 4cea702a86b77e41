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

func (f Finding) label() label {
	switch f.Verdict {
	case "ok":
		return label{"Good", ToneSuccess, "check"}
	case "warning":
		return label{"Look at it", ToneWarning, "warning"}
	case "problem":
		return label{"Problem", ToneDanger, "x"}
	}
	return label{"Not examined", ToneNone, "circle"}
}

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
