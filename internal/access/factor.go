package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// Factor is a person's second factor, as stored.
type Factor struct {
	UserID    int64
	Seed      []byte   // sealed for SeedPlace(UserID)
	Confirmed bool     // a code was shown once; before that it is not asked for
	LastStep  int64    // the newest 30 s step whose code was used
	Recovery  []string // hashes of the recovery codes that are left
	CreatedAt time.Time
}

// SeedPlace is the place in the database that a person's seed is sealed for. A FactorStore must use these
// names of table and column.
func SeedPlace(userID int64) seal.Place {
	return seal.Place{Table: "second_factors", Column: "seed", Row: strconv.FormatInt(userID, 10)}
}

// FactorStore is what second factors need of a database. An absent factor is fault.NotFound.
type FactorStore interface {
	Factor(ctx context.Context, userID int64) (Factor, error)

	// SaveFactor inserts the factor or replaces the person's whole.
	SaveFactor(ctx context.Context, f Factor, records ...audit.Record) error

	// UseStep sets LastStep when the step is greater than it, and is fault.Conflict otherwise: of two
	// logins with one code one fails.
	UseStep(ctx context.Context, userID, step int64) error

	// UseRecoveryCode removes the hash, and is fault.Conflict when it is not there.
	UseRecoveryCode(ctx context.Context, userID int64, hash string) error

	RemoveFactor(ctx context.Context, userID int64, by Touch, records ...audit.Record) error
}

// SecondFactor is the service of second factors: time-based codes (RFC 6238 with SHA-1, 6 digits and 30 s,
// which every authenticator app supports) and recovery codes.
type SecondFactor struct {
	store  FactorStore
	sealer *seal.Sealer
	now    func() time.Time

	// Codes are throttled like passwords, with counters of their own, and tried one at a time, so that the
	// failures of a burst count before its next try.
	trying   sync.Mutex
	throttle *Throttle
}

// NewSecondFactor returns the service.
func NewSecondFactor(store FactorStore, sealer *seal.Sealer, now func() time.Time) *SecondFactor {
	return &SecondFactor{store: store, sealer: sealer, now: now, throttle: NewThrottle(now)}
}

const (
	totpIssuer    = "cxseal"
	totpStep      = 30 // seconds
	totpSkew      = 1  // steps to either side, for clocks that are off
	recoveryCodes = 10
)

var totpOptions = totp.ValidateOpts{Period: totpStep, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// Enrolment is what an authenticator app needs, shown once.
type Enrolment struct {
	Secret string // base32, to type
	URL    string // otpauth://, to scan
}

// On reports whether the person has a confirmed second factor.
func (s *SecondFactor) On(ctx context.Context, userID int64) (bool, error) {
	f, err := s.store.Factor(ctx, userID)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	return f.Confirmed, err
}

// Begin makes a new seed for the caller. Logins ask for its codes only after Confirm.
func (s *SecondFactor) Begin(ctx context.Context, c Caller) (Enrolment, error) {
	if err := ownAccount(c); err != nil {
		return Enrolment{}, err
	}
	on, err := s.On(ctx, c.UserID)
	if err != nil {
		return Enrolment{}, err
	}
	if on {
		return Enrolment{}, fault.New(fault.Conflict, "You have a second factor already. Turn it off first.")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: c.Name, Period: totpStep, SecretSize: 20})
	if err != nil {
		return Enrolment{}, err
	}
	seed, err := s.sealer.Seal([]byte(key.Secret()), SeedPlace(c.UserID))
	if err != nil {
		return Enrolment{}, err
	}
	err = s.store.SaveFactor(ctx, Factor{UserID: c.UserID, Seed: seed, CreatedAt: s.now()})
	return Enrolment{Secret: key.Secret(), URL: key.URL()}, err
}

// Confirm turns the factor on after a first right code and returns the recovery codes, which are shown only
// once.
func (s *SecondFactor) Confirm(ctx context.Context, c Caller, code string) ([]string, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	f, err := s.store.Factor(ctx, c.UserID)
	if err != nil {
		return nil, err
	}
	if f.Confirmed {
		return nil, fault.New(fault.Conflict, "Your second factor is on already.")
	}
	step, err := s.step(ctx, f, code)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, fault.New(fault.Invalid,
			"The code is not right. Check the clock of your device and type the newest code.")
	}
	f.Confirmed, f.LastStep = true, step
	return s.newRecovery(ctx, c, f, "Second factor turned on.")
}

// NewRecoveryCodes replaces the caller's recovery codes after a right code.
func (s *SecondFactor) NewRecoveryCodes(ctx context.Context, c Caller, code string) ([]string, error) {
	if err := s.proveOwn(ctx, c, code); err != nil {
		return nil, err
	}
	f, err := s.store.Factor(ctx, c.UserID)
	if err != nil {
		return nil, err
	}
	return s.newRecovery(ctx, c, f, "Recovery codes replaced.")
}

func (s *SecondFactor) newRecovery(ctx context.Context, c Caller, f Factor, detail string) ([]string, error) {
	codes := make([]string, recoveryCodes)
	f.Recovery = make([]string, recoveryCodes)
	for i := range codes {
		codes[i] = randomRecoveryCode()
		f.Recovery[i] = recoveryHash(f.UserID, codes[i])
	}
	return codes, s.store.SaveFactor(ctx, f, newRecord(s.now(), audit.UserChanged, audit.Success, c.Actor(), detail))
}

// TurnOff removes the caller's own factor after a right code.
func (s *SecondFactor) TurnOff(ctx context.Context, c Caller, code string) error {
	if err := s.proveOwn(ctx, c, code); err != nil {
		return err
	}
	return s.store.RemoveFactor(ctx, c.UserID, Touch{},
		newRecord(s.now(), audit.UserChanged, audit.Success, c.Actor(), "Second factor turned off."))
}

// RemoveSecondFactor removes the factor of a person who lost their device and their recovery codes. The
// caller needs PermManagePeople; their own factor is fault.Conflict: see SecondFactor.TurnOff.
func (a *Accounts) RemoveSecondFactor(ctx context.Context, c Caller, id int64) error {
	if err := a.require(ctx, c, PermManagePeople); err != nil {
		return err
	}
	if err := notOwn(c, id); err != nil {
		return err
	}
	if a.factors == nil {
		return fault.New(fault.NotFound, "This account has no second factor.")
	}
	u, err := a.store.UserByID(ctx, id)
	if err != nil {
		return err
	}
	return a.factors.store.RemoveFactor(ctx, id, a.touch(c, id, u.Name, TouchFactor), a.changed(c, "Second factor of "+u.Name+" removed."))
}

func ownAccount(c Caller) error {
	if c.Scope != nil || c.UserID == 0 {
		return fault.New(fault.Denied, "A second factor is changed by the person who signed in.")
	}
	return Require(c, PermOwnAccount)
}

func (s *SecondFactor) proveOwn(ctx context.Context, c Caller, code string) error {
	if err := ownAccount(c); err != nil {
		return err
	}
	_, err := s.check(ctx, c.UserID, code, c.IP)
	if fault.CodeOf(err) == fault.Unauthenticated {
		// Invalid and not Unauthenticated: the caller stays signed in and corrects the form.
		return fault.New(fault.Invalid, "The code is not right, or was used before. Wait for the next one.")
	}
	return err
}

// check spends a code of the person and returns a sentence for the audit record that says which kind of
// code it was. A wrong, old or used code is fault.Unauthenticated; a try that comes too early is a
// *WaitError.
func (s *SecondFactor) check(ctx context.Context, userID int64, code, ip string) (how string, err error) {
	s.trying.Lock()
	defer s.trying.Unlock()
	key := strconv.FormatInt(userID, 10)
	if err := s.throttle.mayTry(key, ip); err != nil {
		return "", err
	}
	how, err = s.spend(ctx, userID, code)
	switch fault.CodeOf(err) {
	case "":
		s.throttle.Succeeded(key, ip)
	case fault.Unauthenticated:
		s.throttle.Failed(key, ip)
	}
	return how, err
}

func (s *SecondFactor) spend(ctx context.Context, userID int64, code string) (how string, err error) {
	wrong := fault.New(fault.Unauthenticated, "The code is not right, or was used before. Wait for the next one.")
	f, err := s.store.Factor(ctx, userID)
	if fault.CodeOf(err) == fault.NotFound || (err == nil && !f.Confirmed) {
		return "", wrong
	}
	if err != nil {
		return "", err
	}
	step, err := s.step(ctx, f, code)
	if err != nil {
		return "", err
	}
	if step != 0 {
		err, how = s.store.UseStep(ctx, userID, step), "With a second factor."
	} else {
		err = s.store.UseRecoveryCode(ctx, userID, recoveryHash(userID, code))
		how = fmt.Sprintf("With a recovery code; %d are left.", max(0, len(f.Recovery)-1))
	}
	if fault.CodeOf(err) == fault.Conflict {
		return "", wrong
	}
	return how, err
}

// step returns the 30 s step whose code was typed, if it is the present one or a neighbour and newer than
// the newest used one, and 0 otherwise.
func (s *SecondFactor) step(ctx context.Context, f Factor, code string) (int64, error) {
	seed, err := s.sealer.Open(ctx, f.Seed, SeedPlace(f.UserID))
	if err != nil {
		return 0, err
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now, found := s.now().Unix()/totpStep, int64(0)
	for step := now - totpSkew; step <= now+totpSkew; step++ {
		want, err := totp.GenerateCodeCustom(string(seed), time.Unix(step*totpStep, 0), totpOptions)
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > f.LastStep {
			found = step
		}
	}
	return found, nil
}

// randomRecoveryCode returns a code of 120 random bits. OWASP ASVS 5 (6.5.2) allows a plain hash of it to
// be stored, from 112 bits on.
func randomRecoveryCode() string {
	b := make([]byte, 15)
	_, _ = rand.Read(b) // never fails: it ends the program instead (crypto/rand)
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b))
	return s[:6] + "-" + s[6:12] + "-" + s[12:18] + "-" + s[18:]
}

// recoveryHash returns the hash under which a recovery code is stored. It takes the code as people type it:
// in any case, with or without dashes.
func recoveryHash(userID int64, code string) string {
	if len(code) > 64 {
		code = "" // nothing of ours, and not worth the work
	}
	code = strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code)))
	sum := sha256.Sum256([]byte("cxseal recovery code\n" + strconv.FormatInt(userID, 10) + "\n" + code))
	return hex.EncodeToString(sum[:])
}
