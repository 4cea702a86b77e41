package frame

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

const (
	sessionCookie = "cxseal_session"
	sessionTouch  = time.Minute // how often a request is noted: not every page is a write
)

var (
	sessionLifetime = access.DefaultSessionLimits.Absolute
	sessionIdle     = access.DefaultSessionLimits.Idle
)

// Keys of a session's data.
const (
	keyUser    = "user"    // int64
	keySession = "session" // string: the public id, which signs nobody in
	keySince   = "since"   // int64, Unix seconds: the sign-in
	keySeen    = "seen"    // int64, Unix seconds: the newest request, about
	keyIP      = "ip"      // string
	keyAgent   = "agent"   // string, as the browser calls itself
	keyCSRF    = "csrf"    // []byte
	keyFlashes = "flashes" // []byte, JSON

	keyFederated = "federated" // bool: signed in through a provider, which asks for its own factors
)

// Keys of echo's context.
const (
	ctxCaller = "caller" // access.Caller
	ctxEnded  = "ended"  // int64: the account whose session is over
	ctxRoute  = "route"  // route
	ctxReqID  = "request-id"
	ctxDenied = "denied" // bool: the denial of this request is on record
)

// cookieName returns the cookie's name. Behind https it gets the prefix __Host-, so that no other host of the
// domain can set it (RFC 6265bis §4.1.3.2).
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func newSessions(store scs.Store, secure bool) *scs.SessionManager {
	// scs.New is not used: its default store starts a goroutine that cannot be stopped reliably. signedIn
	// implements the idle timeout: the manager's own would write to the database on every request.
	return &scs.SessionManager{
		Store: store, Codec: scs.GobCodec{}, Lifetime: sessionLifetime, HashTokenInStore: true,
		Cookie: scs.SessionCookie{
			Name: cookieName(sessionCookie, secure), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
			Persist: false, // closing the browser signs out
		},
	}
}

// withSession loads the session that the cookie names. save, which every answer calls before it sends its header,
// stores changes to it.
func (f *Frame) withSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Add(echo.HeaderVary, "Cookie")
		token := ""
		if cookie, err := c.Cookie(cookieName(sessionCookie, f.secure)); err == nil &&
			len(cookie.Value) <= 128 && !sessionless(c.Request()) {
			token = cookie.Value
		}
		ctx, err := f.sessions.Load(c.Request().Context(), token)
		if err != nil { // the error's page needs a session too: an empty one
			empty, emptyErr := f.sessions.Load(c.Request().Context(), "")
			if emptyErr != nil {
				return emptyErr
			}
			ctx = empty
		}
		c.SetRequest(c.Request().WithContext(ctx))
		if err != nil {
			return err
		}
		return next(c)
	}
}

// sessionless reports whether a request needs no session. Such requests are answered while the database cannot
// be read.
func sessionless(r *http.Request) bool {
	path := r.URL.Path
	if _, token := bearer(r); token {
		return true // a request with a token must not also act with a browser's session
	}
	return strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/kms/callback/") || slices.Contains(unchecked, path)
}

// bearer returns the API token of the request, if it has one (RFC 6750 §2.1).
func bearer(r *http.Request) (secret string, ok bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	return secret, ok && strings.EqualFold(scheme, "Bearer")
}

// save stores the session and sets its cookie if the session was changed. It must be called before the response's
// header is sent.
func (f *Frame) save(c echo.Context) error {
	ctx, w := c.Request().Context(), c.Response()
	switch f.sessions.Status(ctx) {
	case scs.Modified:
		token, expiry, err := f.sessions.Commit(ctx)
		if err != nil {
			return err
		}
		f.sessions.WriteSessionCookie(ctx, w, token, expiry)
	case scs.Destroyed:
		f.sessions.WriteSessionCookie(ctx, w, "", time.Time{})
	default:
		return nil
	}
	w.Header().Set(echo.HeaderCacheControl, "no-store") // the manager adds a weaker one
	return nil
}

// signedIn returns the caller of the session or of the API token, as their account is now. The error is
// fault.Unauthenticated when there is no session, or it has ended.
func (f *Frame) signedIn(c echo.Context) (access.Caller, error) {
	if caller, ok := c.Get(ctxCaller).(access.Caller); ok {
		return caller, nil
	}
	ctx := c.Request().Context()
	if secret, ok := bearer(c.Request()); ok {
		caller, err := f.cfg.Tokens.Authenticate(ctx, secret, c.RealIP())
		if err != nil {
			return access.Caller{}, err
		}
		c.Set(ctxCaller, caller)
		return caller, nil
	}
	id := f.sessions.GetInt64(ctx, keyUser)
	if id == 0 {
		return access.Caller{}, fault.New(fault.Unauthenticated, "Sign in first.")
	}
	c.Set(ctxEnded, id)
	now := f.cfg.Now()
	if now.Sub(time.Unix(f.sessions.GetInt64(ctx, keySince), 0)) >= sessionLifetime {
		// The token of a session may be renewed meanwhile, which moves the row's own end.
		if err := f.sessions.Destroy(ctx); err != nil {
			return access.Caller{}, err
		}
		return access.Caller{}, fault.New(fault.Unauthenticated, "You were signed in for %d hours. Sign in again.", int(sessionLifetime.Hours()))
	}
	idle := now.Sub(time.Unix(f.sessions.GetInt64(ctx, keySeen), 0))
	if idle > sessionIdle {
		if err := f.sessions.Destroy(ctx); err != nil {
			return access.Caller{}, err
		}
		return access.Caller{}, fault.New(fault.Unauthenticated,
			"You were signed out after %d minutes without activity. Sign in again.", int(sessionIdle.Minutes()))
	}
	caller, err := f.cfg.Accounts.Current(ctx, id, c.RealIP())
	if err != nil {
		return access.Caller{}, err
	}
	if idle > sessionTouch {
		f.sessions.Put(ctx, keySeen, now.Unix())
	}
	caller.SessionID = f.sessions.GetString(ctx, keySession)
	c.Set(ctxCaller, caller)
	return caller, nil
}

// Caller returns the caller that the guard found, the zero value for none.
func Caller(c echo.Context) access.Caller {
	who, _ := c.Get(ctxCaller).(access.Caller)
	return who
}

// Flash keeps a message for the next page of this session.
func (f *Frame) Flash(c echo.Context, tone web.Tone, message string) {
	ctx := c.Request().Context()
	list := append(readFlashes(f.sessions.GetBytes(ctx, keyFlashes)), web.Flash{Tone: tone, Message: message})
	if raw, err := json.Marshal(list); err == nil { // two strings each
		f.sessions.Put(ctx, keyFlashes, raw)
	}
}

// flashes returns the session's messages and removes them.
func (f *Frame) flashes(c echo.Context) []web.Flash {
	ctx := c.Request().Context()
	if !f.sessions.Exists(ctx, keyFlashes) {
		return nil
	}
	return readFlashes(f.sessions.PopBytes(ctx, keyFlashes))
}

func readFlashes(raw []byte) []web.Flash {
	var list []web.Flash
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// DescribeSession decodes a session's stored data, so that a store can list and end a person's sessions. Its
// UserID is 0 when nobody is signed in.
func DescribeSession(data []byte) access.Session {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return access.Session{}
	}
	var s access.Session
	s.UserID, _ = values[keyUser].(int64)
	s.ID, _ = values[keySession].(string)
	s.IP, _ = values[keyIP].(string)
	s.UserAgent, _ = values[keyAgent].(string)
	since, _ := values[keySince].(int64)
	seen, _ := values[keySeen].(int64)
	s.CreatedAt, s.SeenAt = time.Unix(since, 0).UTC(), time.Unix(seen, 0).UTC()
	return s
}

// SignIn signs a person in; federated is true when an SSO provider authenticated them. The session's token is
// renewed, against session fixation, and the data of an earlier session is removed.
func (f *Frame) SignIn(c echo.Context, who access.Caller, federated bool) error {
	ctx := c.Request().Context()
	if err := f.sessions.RenewToken(ctx); err != nil {
		return err
	}
	if err := f.sessions.Clear(ctx); err != nil {
		return err
	}
	now := f.cfg.Now().Unix()
	f.sessions.Put(ctx, keyUser, who.UserID)
	f.sessions.Put(ctx, keySince, now)
	f.sessions.Put(ctx, keySeen, now)
	f.sessions.Put(ctx, keyCSRF, randomBytes(csrfBytes))
	f.sessions.Put(ctx, keySession, uuid.NewString())
	f.sessions.Put(ctx, keyIP, c.RealIP())
	f.sessions.Put(ctx, keyAgent, Clip(strings.ToValidUTF8(c.Request().UserAgent(), "")))
	if federated {
		f.sessions.Put(ctx, keyFederated, true)
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // G124: see csrfToken
		Name: cookieName(csrfCookie, f.secure), Path: "/", MaxAge: -1, HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode})
	return nil
}

// Federated reports whether the session was begun through a provider.
func (f *Frame) Federated(c echo.Context) bool {
	return f.sessions.GetBool(c.Request().Context(), keyFederated)
}

// SignOut ends the session.
func (f *Frame) SignOut(c echo.Context) error { return f.sessions.Destroy(c.Request().Context()) }

// Remember stores values that a sign-in under way needs in the session, whose token is renewed. Values are strings
// and int64s.
func (f *Frame) Remember(c echo.Context, values map[string]any) error {
	ctx := c.Request().Context()
	if err := f.sessions.RenewToken(ctx); err != nil {
		return err
	}
	for key, v := range values {
		f.sessions.Put(ctx, key, v)
	}
	return nil
}

// Remembered returns the value that Remember stored under a key, the zero value for none.
func Remembered[T string | int64](f *Frame, c echo.Context, key string) T {
	v, _ := f.sessions.Get(c.Request().Context(), key).(T)
	return v
}

// Take returns the string that Remember stored under a key and removes it.
func (f *Frame) Take(c echo.Context, key string) string {
	return f.sessions.PopString(c.Request().Context(), key)
}
