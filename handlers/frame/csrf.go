package frame

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
)

// Forms that change something carry a token (contract §3). It is a secret of
// the session; before sign-in, of a cookie that the form must match. It leaves
// masked with fresh random bytes each time, so that a compressed page gives
// nothing of it away (BREACH).
const (
	csrfField  = "csrf_token"
	csrfCookie = "cxseal_csrf"
	csrfBytes  = 32
)

// csrfToken returns the token for the forms of the page that is being made.
func (f *Frame) csrfToken(c echo.Context) string {
	secret := f.csrfSecret(c)
	if secret == nil {
		secret = randomBytes(csrfBytes)
		c.SetCookie(&http.Cookie{ //nolint:gosec // G124: Secure follows the public address, a laptop has no https
			Name: cookieName(csrfCookie, f.secure), Value: base64.RawURLEncoding.EncodeToString(secret), Path: "/",
			HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	return maskToken(secret)
}

// csrfSecret returns the secret that the token of this request must hold, nil when the browser was never
// given one.
func (f *Frame) csrfSecret(c echo.Context) []byte {
	if secret := f.sessions.GetBytes(c.Request().Context(), keyCSRF); len(secret) == csrfBytes {
		return secret
	}
	cookie, err := c.Cookie(cookieName(csrfCookie, f.secure))
	if err != nil {
		return nil
	}
	secret, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(secret) != csrfBytes {
		return nil
	}
	return secret
}

// checkCSRF returns errForged unless the form carries the token of this session.
func (f *Frame) checkCSRF(c echo.Context) error {
	secret := f.csrfSecret(c)
	given := unmaskToken(c.Request().PostForm.Get(csrfField))
	if secret == nil || given == nil || subtle.ConstantTimeCompare(secret, given) != 1 {
		return errForged
	}
	return nil
}

var errForged = fault.New(fault.Denied, "This form was not sent from a page of this console, or the page is too old. Go back, reload it and try again.")

func maskToken(secret []byte) string {
	pad := randomBytes(csrfBytes)
	masked := make([]byte, csrfBytes)
	subtle.XORBytes(masked, secret, pad)
	return base64.RawURLEncoding.EncodeToString(append(pad, masked...))
}

func unmaskToken(token string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 2*csrfBytes {
		return nil
	}
	secret := make([]byte, csrfBytes)
	subtle.XORBytes(secret, raw[:csrfBytes], raw[csrfBytes:])
	return secret
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead (crypto/rand)
	return b
}
