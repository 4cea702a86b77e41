package access

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// memFactors is a FactorStore in memory.
type memFactors struct {
	mu     sync.Mutex
	ledger *memStore
	rows   map[int64]Factor
	asked  func()
}

func (m *memFactors) Factor(_ context.Context, userID int64) (Factor, error) {
	if m.asked != nil {
		m.asked()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.rows[userID]
	if !ok {
		return f, fault.New(fault.NotFound, "no factor")
	}
	return f, nil
}

func (m *memFactors) SaveFactor(ctx context.Context, f Factor, records ...audit.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows[f.UserID] = f
	return m.ledger.AppendRecords(ctx, records...)
}

func (m *memFactors) UseStep(_ context.Context, userID, step int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.rows[userID]
	if step <= f.LastStep {
		return fault.New(fault.Conflict, "used")
	}
	f.LastStep = step
	m.rows[userID] = f
	return nil
}

func (m *memFactors) UseRecoveryCode(_ context.Context, userID int64, hash string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.rows[userID]
	i := slices.Index(f.Recovery, hash)
	if i < 0 {
		return fault.New(fault.Conflict, "no such code")
	}
	f.Recovery = slices.Delete(slices.Clone(f.Recovery), i, i+1)
	m.rows[userID] = f
	return nil
}

func (m *memFactors) RemoveFactor(ctx context.Context, userID int64, _ Touch, records ...audit.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[userID]; !ok {
		return fault.New(fault.NotFound, "no factor")
	}
	delete(m.rows, userID)
	return m.ledger.AppendRecords(ctx, records...)
}

type factorFixture struct {
	*Accounts
	factor   *SecondFactor
	store    *memFactors
	ledger   *memStore
	clock    *clock
	secret   string
	recovery []string
	olga     Caller
}

// withFactor returns accounts in which olga has a confirmed second factor.
func withFactor(t *testing.T) *factorFixture {
	t.Helper()
	_, ledger, c := newAccounts(t)
	h := &factorFixture{ledger: ledger, clock: c, store: &memFactors{ledger: ledger, rows: map[int64]Factor{}}}
	h.olga = Caller{UserID: 2, Name: "olga", Role: Officer, IP: "10.0.0.2"}
	sealer, err := seal.Open(t.Context(), seal.Source{File: filepath.Join(t.TempDir(), "seal.key"), MayCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	h.factor = NewSecondFactor(h.store, sealer, c.Now)
	h.Accounts = NewAccounts(ledger, c.Now, cheap, WithSecondFactor(h.factor))
	e, err := h.factor.Begin(t.Context(), h.olga)
	if err != nil {
		t.Fatal(err)
	}
	h.secret = e.Secret
	// Not asked for before it is confirmed: a page left half way locks nobody out.
	if _, err := h.Authenticate(t.Context(), "olga", goodPassword, ""); err != nil {
		t.Fatal(err)
	}
	_, err = h.factor.Confirm(t.Context(), h.olga, "000000x")
	wantCode(t, err, fault.Invalid)
	if h.recovery, err = h.factor.Confirm(t.Context(), h.olga, h.code(t, 0)); err != nil || len(h.recovery) != recoveryCodes {
		t.Fatal(h.recovery, err)
	}
	c.Add(time.Minute)
	ledger.records = nil
	return h
}

func (h *factorFixture) code(t *testing.T, off time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(h.secret, h.clock.Now().Add(off))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// pending is olga after her password.
func (h *factorFixture) pending(t *testing.T) CodeNeededError {
	t.Helper()
	_, err := h.Authenticate(t.Context(), "olga", goodPassword, "10.0.0.2")
	var need *CodeNeededError
	if !errors.As(err, &need) || fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatalf("let in without a code: %v", err)
	}
	return *need
}

// TestACodeIsNeededAndWorksOnce fails when Authenticate does not ask On, and when step does not compare with
// LastStep while UseStep is not checked either.
func TestACodeIsNeededAndWorksOnce(t *testing.T) {
	h := withFactor(t)
	p := h.pending(t)
	if len(h.ledger.records) != 0 {
		t.Errorf("a half login is on the record as a whole one: %q", h.ledger.log())
	}
	code := h.code(t, 0)
	if c, err := h.AuthenticateCode(t.Context(), p, code[:3]+" "+code[3:], "10.0.0.2"); err != nil || c.Name != "olga" {
		t.Fatal(c, err)
	}
	_, err := h.AuthenticateCode(t.Context(), h.pending(t), code, "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated) // replayed
	_, err = h.AuthenticateCode(t.Context(), h.pending(t), h.code(t, -30*time.Second), "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated) // older than the newest used
	if _, err := h.AuthenticateCode(t.Context(), h.pending(t), h.code(t, 30*time.Second), "10.0.0.2"); err != nil {
		t.Errorf("a clock that is a step ahead: %v", err)
	}
	h.clock.Add(time.Hour)
	for _, off := range []time.Duration{-time.Minute, time.Minute, 24 * time.Hour} {
		_, err := h.AuthenticateCode(t.Context(), h.pending(t), h.code(t, off), "10.0.0.2")
		wantCode(t, err, fault.Unauthenticated)
	}
	want := "LOGIN SUCCESS olga: With a second factor."
	if got := h.ledger.log(); got[0] != want || got[1] != "LOGIN FAILURE olga: Wrong code of the second factor." {
		t.Errorf("ledger %q", got)
	}
}

func TestOneCodeTypedTwiceAtOnceLetsOneIn(t *testing.T) {
	h := withFactor(t)
	p, code := h.pending(t), h.code(t, 0)
	errs := make(chan error, 4)
	for range 4 {
		go func() { _, err := h.AuthenticateCode(t.Context(), p, code, "10.0.0.2"); errs <- err }()
	}
	in := 0
	for range 4 {
		if <-errs == nil {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d got in", in)
	}
}

func TestRecoveryCodesWorkOnceAndStandHashed(t *testing.T) {
	h := withFactor(t)
	f := h.store.rows[2]
	for i, code := range h.recovery {
		if slices.Contains(f.Recovery, code) || strings.Contains(string(f.Seed), h.secret) {
			t.Error("stored in the clear")
		}
		if slices.Contains(h.recovery[:i], code) {
			t.Error("two alike")
		}
	}
	typed := strings.ToUpper(strings.ReplaceAll(h.recovery[3], "-", " "))
	if _, err := h.AuthenticateCode(t.Context(), h.pending(t), typed, "10.0.0.2"); err != nil {
		t.Fatal(err)
	}
	if got := h.ledger.log()[0]; got != "LOGIN SUCCESS olga: With a recovery code; 9 are left." {
		t.Errorf("ledger %q", got)
	}
	_, err := h.AuthenticateCode(t.Context(), h.pending(t), h.recovery[3], "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
	fresh, err := h.factor.NewRecoveryCodes(t.Context(), h.olga, h.code(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.AuthenticateCode(t.Context(), h.pending(t), h.recovery[4], "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
	if _, err := h.AuthenticateCode(t.Context(), h.pending(t), fresh[0], "10.0.0.2"); err != nil {
		t.Error(err)
	}
}

// TestGuessingCodesSlowsDownInEveryForm fails when check does not count failures.
func TestGuessingCodesSlowsDownInEveryForm(t *testing.T) {
	h := withFactor(t)
	p := h.pending(t)
	for range pairLimit.free + 1 {
		_, err := h.AuthenticateCode(t.Context(), p, "", "10.0.0.2")
		wantCode(t, err, fault.Unauthenticated)
	}
	_, err := h.AuthenticateCode(t.Context(), p, h.code(t, 0), "10.0.0.2")
	wantCode(t, err, fault.TooMany)
	wantCode(t, h.factor.TurnOff(t.Context(), h.olga, h.code(t, 0)), fault.TooMany)
	if got := h.ledger.log(); !strings.HasPrefix(got[len(got)-1], "LOGIN DENIED olga") {
		t.Errorf("ledger %q", got)
	}
	h.clock.Add(time.Second)
	if _, err := h.AuthenticateCode(t.Context(), p, h.code(t, 0), "10.0.0.2"); err != nil {
		t.Error(err)
	}
}

// TestABurstOfCodesGetsNoMoreThanTheFreeTries fails when check does not try codes one at a time.
func TestABurstOfCodesGetsNoMoreThanTheFreeTries(t *testing.T) {
	h := withFactor(t)
	p := h.pending(t)
	var tried atomic.Int64
	h.store.asked = func() {
		tried.Add(1)
		for range 1000 { // let the others come as far as they can
			runtime.Gosched()
		}
	}
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() { _, _ = h.AuthenticateCode(t.Context(), p, "", "10.0.0.2") })
	}
	wg.Wait()
	if n := tried.Load(); n != int64(pairLimit.free+1) {
		t.Errorf("%d of 60 codes at once were tried, want %d", n, pairLimit.free+1)
	}
}

func TestAHalfLoginDoesNotWaitForEver(t *testing.T) {
	h := withFactor(t)
	p := h.pending(t)
	h.clock.Add(codeTime + time.Second)
	_, err := h.AuthenticateCode(t.Context(), p, h.code(t, 0), "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
	_, err = h.AuthenticateCode(t.Context(), CodeNeededError{UserID: 2}, h.code(t, 0), "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
	p = h.pending(t)
	if err := h.SetDisabled(t.Context(), ada, 2, true); err != nil {
		t.Fatal(err)
	}
	_, err = h.AuthenticateCode(t.Context(), p, h.code(t, 0), "10.0.0.2")
	wantCode(t, err, fault.Unauthenticated)
}

// TestASeedThatWasNeverConfirmedProvesNothing fails when spend takes an unconfirmed factor.
func TestASeedThatWasNeverConfirmedProvesNothing(t *testing.T) {
	h := withFactor(t)
	e, err := h.factor.Begin(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	h.secret = e.Secret
	_, err = h.AuthenticateCode(t.Context(), CodeNeededError{UserID: 1, Since: h.clock.Now()}, h.code(t, 0), "10.0.0.1")
	wantCode(t, err, fault.Unauthenticated)
	wantCode(t, h.factor.TurnOff(t.Context(), ada, h.code(t, 0)), fault.Invalid)
}

func TestOnlyTheOwnerWithACodeOrAnAdminTurnsItOff(t *testing.T) {
	h := withFactor(t)
	wantCode(t, h.factor.TurnOff(t.Context(), h.olga, "123456x"), fault.Invalid)
	_, err := h.factor.Begin(t.Context(), h.olga)
	wantCode(t, err, fault.Conflict) // a thief of the session cannot put their own in its place
	token := h.olga
	token.Scope = &Scope{Permissions: Permissions()}
	wantCode(t, h.factor.TurnOff(t.Context(), token, h.code(t, 0)), fault.Denied)
	wantCode(t, h.RemoveSecondFactor(t.Context(), h.olga, 2), fault.Denied)
	if err := h.RemoveSecondFactor(t.Context(), ada, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), "olga", goodPassword, ""); err != nil {
		t.Error(err)
	}
	if !slices.Contains(h.ledger.log(), "USER_CHANGED SUCCESS ada: Second factor of olga removed.") {
		t.Errorf("ledger %q", h.ledger.log())
	}
}
