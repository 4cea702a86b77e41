package web

import "time"

// AccountView is a person's own page. Seed, Codes and NewToken are shown once and are empty otherwise.
type AccountView struct {
	Chrome
	Name        string
	RoleText    string // what the role is trusted with
	HasPassword bool

	Wrong string // name of the form that was refused: password, factor or token
	Error string // why, in one sentence

	FactorOn  bool
	Enrolling bool     // ask for the first code
	Seed      string   // base32, to type; empty when only the code is asked for again
	SeedURL   string   // otpauth://
	QR        QR       // the same, to scan
	Codes     []string // recovery codes

	Sessions []SessionRow
	Tokens   []TokenRow
	Scopes   []Option // what a new token may be used for

	NewToken      string
	NewTokenLabel string
}

// QR is a QR code: Path draws its dark squares on Size by Size units.
type QR struct {
	Size int
	Path string
}

// SessionRow is one browser in which somebody is signed in.
type SessionRow struct {
	ID    string
	IP    string
	Agent string // as the browser called itself
	Since time.Time
	Seen  time.Time
	Own   bool // the session of the reader's browser
}

// TokenRow is one API token.
type TokenRow struct {
	ID         int64
	Label      string
	Hint       string // its first characters
	Scopes     string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time
	Expired    bool
}

func (v AccountView) wrong(form string) string {
	if v.Wrong == form {
		return v.Error
	}
	return ""
}
