package frame

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// maxSealed bounds a sealed cookie: browsers keep 4096 bytes with name and attributes (RFC 6265 §6.1).
const maxSealed = 3800

// SealCookie has the browser keep a text for so long that only this console can read or make; an empty text is
// forgotten. One that is too long for a cookie is forgotten too.
func (f *Frame) SealCookie(c echo.Context, name string, text []byte, life time.Duration) error {
	value, age := "", -1
	if len(text) > 0 {
		sealed, err := f.cfg.Forms.SealForm(append([]byte(name+"\n"), text...))
		if err != nil {
			return err
		}
		if value = base64.RawURLEncoding.EncodeToString(sealed); len(value) <= maxSealed {
			age = int(life.Seconds())
		} else {
			value = ""
		}
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // G124: see csrfToken
		Name: cookieName(name, f.secure), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// OpenCookie returns the text that SealCookie had the browser keep under the name, nil for none.
func (f *Frame) OpenCookie(c echo.Context, name string) []byte {
	cookie, err := c.Cookie(cookieName(name, f.secure))
	if err != nil || len(cookie.Value) > maxSealed {
		return nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return nil
	}
	text, err := f.cfg.Forms.OpenForm(sealed)
	if err != nil {
		return nil
	}
	text, ok := bytes.CutPrefix(text, []byte(name+"\n"))
	if !ok {
		return nil
	}
	return text
}
