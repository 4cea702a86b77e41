// Package protection says how far a column is protected (contract §3, "A
// column's state"): a pure rule over what was seen of the column and what the
// KMS said of it. It reads and keeps nothing. Every page, figure and export
// that names a column's state takes it from here.
package protection

import "time"

// State is how far a column is protected.
type State string

// The states.
const (
	// Verified: encrypted, the newest KMS verdict is a yes, and the column was
	// seen encrypted ever since.
	Verified State = "verified"
	// Unverified: encrypted, and no KMS verdict on that encryption yet.
	Unverified State = "unverified"
	// Refused: encrypted, and the newest KMS verdict is a no.
	Refused State = "refused"
	// Unprotected: not encrypted.
	Unprotected State = "unprotected"
)

// States returns every state, best protected first.
func States() []State { return []State{Verified, Unverified, Refused, Unprotected} }

// Answer is what a KMS verdict says.
type Answer string

// The answers.
const (
	None Answer = "" // there is no verdict
	Yes  Answer = "yes"
	No   Answer = "no"
)

// Answers returns every answer.
func Answers() []Answer { return []Answer{None, Yes, No} }

// Verdict is what the KMS said of a change to a column, as checked by the run
// that made the change.
type Verdict struct {
	Answer     Answer
	KeyVersion int64     // that a yes confirmed; 0 for a no, whose version nothing vouches for
	KeyID      string    // that, where it is no number
	RunID      string    // the run that was judged
	At         time.Time // when it was given
	ChangedAt  time.Time // when the change that it is about was seen made; the time of the verdict if it was not
}

// Column is what is known of a column's protection.
type Column struct {
	Encrypted  bool      // as it was last seen
	KeyVersion int64     // as it was last seen; 0: the tenant does not show it, or as no number
	KeyID      string    // that, where it is no number
	OpenAt     time.Time // when it was last seen not encrypted or not there; zero: never
	Verdict    Verdict   // the newest; the zero value: none
}

// See takes in that the column was seen at that time, encrypted or not. A
// verdict does not outlast a sighting of the column without its encryption:
// what is encrypted afterwards is another encryption.
func (c *Column) See(at time.Time, encrypted bool, keyVersion int64, keyID string) {
	c.Encrypted, c.KeyVersion, c.KeyID = encrypted, keyVersion, keyID
	if !encrypted {
		c.open(at)
	}
}

// Gone takes in that the column was no longer there at that time.
func (c *Column) Gone(at time.Time) {
	c.Encrypted, c.KeyVersion, c.KeyID = false, 0, ""
	c.open(at)
}

// open drops the verdict unless its change was made after that time. A change
// made at that very time was told of earlier, so it came first.
func (c *Column) open(at time.Time) {
	if at.After(c.OpenAt) {
		c.OpenAt = at
	}
	if !c.Verdict.ChangedAt.After(at) {
		c.Verdict = Verdict{}
	}
}

// Judge takes in a verdict. The newest verdict is that on the newest change: a
// late yes to an earlier change does not undo the no to a later one. A verdict
// on a change that was seen undone since is about nothing any more.
func (c *Column) Judge(v Verdict) {
	if v.ChangedAt.Before(c.OpenAt) || v.ChangedAt.Before(c.Verdict.ChangedAt) {
		return
	}
	c.Verdict = v
}

// State is how far the column is protected.
func (c Column) State() State {
	switch {
	case !c.Encrypted:
		return Unprotected
	case c.Verdict.Answer == Yes:
		return Verified
	case c.Verdict.Answer == No:
		return Refused
	}
	return Unverified
}

// Observed reports whether the tenant shows a later key version than the one
// that the KMS confirmed: the column stays verified, and the later version was
// only observed. Such columns are counted apart. Versions that are no numbers
// can be told apart, not ordered: another one is taken for a later one.
func (c Column) Observed() bool {
	if c.State() != Verified {
		return false
	}
	v := c.Verdict
	return v.KeyVersion > 0 && c.KeyVersion > v.KeyVersion || v.KeyID != "" && c.KeyID != "" && c.KeyID != v.KeyID
}
