package frame

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// A form that arrives after its session's end is kept while its person signs in again: in a cookie of their own
// browser, compressed and sealed, so that nothing is stored here, nobody can plant one, and it survives the way
// through a provider. After the sign-in it is shown, and sent only when the person confirms it, with a token of
// the new session. A form that holds a password or another secret is never kept.

// KeptPath is the page that shows a kept form.
const KeptPath = "/kept"

const (
	keptCookie = "cxseal_kept"
	keptLife   = 30 * time.Minute
	keptField  = "kept" // marks a form that the page /kept has sent

	// maxKept bounds the cookie's value in bytes: browsers take 4096 with its name and attributes (RFC 6265 §6.1).
	maxKept = 3800
)

// FormSealer seals the forms that browsers keep. Sealed bytes open only where the same key is.
type FormSealer interface {
	SealForm(form []byte) ([]byte, error)
	OpenForm(sealed []byte) ([]byte, error)
}

// keptForm is a form as it was sent.
type keptForm struct {
	Path   string
	Fields url.Values
	User   int64 // the account whose session had ended; 0 when that is not known
	Until  int64 // Unix seconds
}

// secretWords are parts of the names of fields that hold secrets.
var secretWords = []string{"password", "present", "again", "secret", "token", "code", "key"}

// HoldsSecret reports whether a field of a form holds a secret, by its name.
func HoldsSecret(field string) bool {
	field = strings.ToLower(field)
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(field, w) })
}

// signInAgain answers a form of a person whose session is over: with a page that leads to the sign-in and back,
// with status 401 (contract §3). The form is kept where it may be.
func (f *Frame) signInAgain(c echo.Context, rt Route, why error) error {
	if readForm(c) != nil {
		return why // there is nothing that could be kept
	}
	view := web.SessionEndedView{Message: fault.MessageOf(why)}
	ended, _ := c.Get(ctxEnded).(int64)
	view.Kept, view.NotKept = f.keep(c, rt, ended)
	c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Cookie realm="cxseal"`)
	view.Chrome = f.Chrome(c, "Signed out", web.NavNone)
	return f.Render(c, http.StatusUnauthorized, web.SessionEndedPage(view))
}

// keep has the browser keep the form. When it does not, why says so in a sentence.
func (f *Frame) keep(c echo.Context, rt Route, user int64) (kept bool, why string) {
	fields := maps.Clone(c.Request().PostForm)
	delete(fields, csrfField)
	delete(fields, keptField)
	filled := func(values []string) bool { return strings.Join(values, "") != "" }
	for name, values := range fields {
		if HoldsSecret(name) && filled(values) || rt.Secret {
			return false, "The form may hold a password or another secret, so it was not kept. Fill it in again."
		}
	}
	value, err := f.sealKept(keptForm{Path: c.Request().URL.RequestURI(), Fields: fields, User: user,
		Until: f.cfg.Now().Add(keptLife).Unix()})
	if err != nil {
		f.cfg.Logger.WarnContext(c.Request().Context(), "a form could not be kept", "request_id", RequestID(c), "err", err)
		return false, "The form could not be kept. Go back in your browser to copy what you typed."
	}
	if len(value) > maxKept {
		return false, "The form is too long to be kept. Go back in your browser to copy what you typed."
	}
	f.setKept(c, value, int(keptLife.Seconds()))
	return true, ""
}

func (f *Frame) setKept(c echo.Context, value string, maxAge int) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // G124: see csrfToken
		Name: cookieName(keptCookie, f.secure), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (f *Frame) sealKept(form keptForm) (string, error) {
	raw, err := json.Marshal(form)
	if err != nil {
		return "", err
	}
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, flate.BestCompression)
	if err != nil {
		return "", err
	}
	_, err = w.Write(raw)
	if err := errors.Join(err, w.Close()); err != nil {
		return "", err
	}
	if small.Len() > maxKept {
		return strings.Repeat("x", maxKept+1), nil // longer still when it is sealed
	}
	sealed, err := f.cfg.Forms.SealForm(small.Bytes())
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// openKept returns the form that the browser keeps for the person; ok is false without one.
func (f *Frame) openKept(c echo.Context, who access.Caller) (form keptForm, ok bool) {
	cookie, err := c.Cookie(cookieName(keptCookie, f.secure))
	if err != nil {
		return keptForm{}, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return keptForm{}, false
	}
	small, err := f.cfg.Forms.OpenForm(sealed)
	if err != nil {
		return keptForm{}, false
	}
	err = json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(small)), 4*maxForm)).Decode(&form)
	if err != nil || f.cfg.Now().Unix() >= form.Until || form.User != 0 && form.User != who.UserID {
		return keptForm{}, false
	}
	return form, true
}

// Kept returns the address and the fields of the form that the caller's browser keeps; ok is false without one.
func (f *Frame) Kept(c echo.Context) (path string, fields url.Values, ok bool) {
	form, ok := f.openKept(c, Caller(c))
	return form.Path, form.Fields, ok
}

// ForgetKept has the browser forget the form that it keeps.
func (f *Frame) ForgetKept(c echo.Context) { f.setKept(c, "", -1) }

// sentKept takes the mark of the page /kept out of a form, and has the browser forget what it kept.
func (f *Frame) sentKept(c echo.Context) {
	r := c.Request()
	if !r.PostForm.Has(keptField) {
		return
	}
	r.PostForm.Del(keptField)
	r.Form.Del(keptField)
	f.ForgetKept(c)
}

// confirmStale answers a form of a signed-in person whose token is of a session that is over: they have signed
// in again meanwhile, in another tab. Where the browser vouches that the form came from a page of this console
// it is kept and shown for confirmation; otherwise it is refused with why.
func (f *Frame) confirmStale(c echo.Context, rt Route, who access.Caller, why error) error {
	r := c.Request()
	if who.UserID == 0 || r.Header.Get("Sec-Fetch-Site") != "same-origin" || IsHTMX(r) || WantsJSON(r) {
		return why
	}
	if kept, _ := f.keep(c, rt, who.UserID); !kept {
		return why
	}
	return f.Redirect(c, KeptPath)
}
