package connection

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/doctor"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// Manager is the service that changes connections for callers with PermManageConnections, and keeps the
// directory in step. The connection from the environment cannot be changed here.
type Manager struct {
	store     Store
	sealer    *seal.Sealer
	directory *Directory
	now       func() time.Time
	probe     *http.Client // asks callback URLs whether a console answers there

	// isOurs tells this installation's answer at a callback URL from another's; nil: they are not told apart.
	isOurs func(challenge, answer string) bool

	changing sync.Mutex
}

// NewManager returns the service.
func NewManager(store Store, sealer *seal.Sealer, directory *Directory, now func() time.Time) *Manager {
	probe := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Manager{store: store, sealer: sealer, directory: directory, now: now, probe: probe}
}

// TellBy sets how Test tells this installation from another one at a callback URL: isOurs reports whether
// this one gave an answer. It is called before anything runs.
func (m *Manager) TellBy(isOurs func(challenge, answer string) bool) { m.isOurs = isOurs }

// Load reads the connections from the database into the directory.
func (m *Manager) Load(ctx context.Context) error {
	stored, err := m.store.StoredConnections(ctx)
	if err != nil {
		return err
	}
	m.directory.load(ctx, stored, m.open)
	return nil
}

// List returns every connection.
func (m *Manager) List(ctx context.Context, c access.Caller) ([]Known, error) {
	if err := m.require(ctx, c); err != nil {
		return nil, err
	}
	return m.directory.All(), nil
}

// Find returns the connection with the name.
func (m *Manager) Find(ctx context.Context, c access.Caller, name string) (Known, error) {
	all, err := m.List(ctx, c)
	if err != nil {
		return Known{}, err
	}
	i := slices.IndexFunc(all, func(k Known) bool { return k.Settings.Name == name })
	if i < 0 {
		return Known{}, fault.New(fault.NotFound, "There is no such connection.")
	}
	return all[i], nil
}

// Add stores a new connection and puts it to use at once.
func (m *Manager) Add(ctx context.Context, c access.Caller, s Settings, x Secrets) error {
	if err := m.require(ctx, c); err != nil {
		return err
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	if s.Name == Environment {
		return fault.New(fault.Invalid,
			"The name %q is kept for the connection from the environment. Choose another.", Environment)
	}
	if err := check(s, x); err != nil {
		return err
	}
	stored, err := m.store.StoredConnections(ctx)
	if err != nil {
		return err
	}
	if len(stored) >= maxConnections {
		return fault.New(fault.Conflict, "There are %d connections, which is the most.", maxConnections)
	}
	s.AutoRotateBy = c.Name
	now := m.now()
	next := Stored{Settings: s, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := m.seal(&next, x); err != nil {
		return err
	}
	if err := m.store.AddConnection(ctx, next, m.changed(c, s.Name, "Connection added: "+describe(s))); err != nil {
		return err
	}
	return m.Load(ctx)
}

func check(s Settings, x Secrets) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := x.checkFor(s.Mode); err != nil {
		return err
	}
	_, err := Client(s, x, "cxseal", time.Now)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The settings cannot be used: %s.", err)
	}
	return nil
}

// Edit replaces a connection's settings. An empty secret keeps the one that is there, unless the address
// that it is sent to changes.
func (m *Manager) Edit(ctx context.Context, c access.Caller, s Settings, x Secrets, version int64) error {
	return m.change(ctx, c, s.Name, func(now Stored, has Secrets) (Settings, Secrets, bool, string, error) {
		if version != now.Version {
			return s, x, false, "", fault.New(fault.Conflict,
				"Somebody else has changed this connection meanwhile. Look at it again.")
		}
		moved := s.sentTo() != now.Settings.sentTo()
		if moved && (x.ClientSecret == "" || s.Mode == AccessKey && x.AccessKeySecret == "") {
			return s, x, false, "", fault.New(fault.Invalid,
				"The address that the secrets are sent to has changed: enter them again.")
		}
		if x.ClientSecret == "" {
			x.ClientSecret = has.ClientSecret
		}
		if x.AccessKeySecret == "" && s.Mode == AccessKey {
			x.AccessKeySecret = has.AccessKeySecret
		}
		x.KMS = has.KMS
		s.AutoRotateBy = now.Settings.AutoRotateBy
		if s.AutoRotate && !now.Settings.AutoRotate {
			s.AutoRotateBy = c.Name
		}
		return s, x, now.Disabled, "Connection changed: " + describe(s), check(s, x)
	})
}

// SetDisabled disables or enables a connection. Nothing is sent to the tenant of a disabled one; callbacks
// of runs that were sent before still count.
func (m *Manager) SetDisabled(ctx context.Context, c access.Caller, name string, disabled bool) error {
	return m.change(ctx, c, name, func(now Stored, has Secrets) (Settings, Secrets, bool, string, error) {
		detail := "Connection enabled."
		if disabled {
			detail = "Connection disabled."
		}
		return now.Settings, has, disabled, detail, nil
	})
}

// NewCallbackSecret makes a callback secret beside the present one and returns it, to be shown only once.
// Two are accepted at a time; the oldest of three is dropped.
func (m *Manager) NewCallbackSecret(ctx context.Context, c access.Caller, name string) (secret string, err error) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the program instead (crypto/rand)
	secret = "whsec_" + base64.StdEncoding.EncodeToString(b)
	return secret, m.change(ctx, c, name, func(now Stored, has Secrets) (Settings, Secrets, bool, string, error) {
		has.KMS = append([]string{secret}, has.KMS...)
		has.KMS = has.KMS[:min(len(has.KMS), maxKMSSecrets)]
		return now.Settings, has, now.Disabled, "Callback secret made; the one before is still accepted.", nil
	})
}

// DropOldCallbackSecrets ends every callback secret but the newest.
func (m *Manager) DropOldCallbackSecrets(ctx context.Context, c access.Caller, name string) error {
	return m.change(ctx, c, name, func(now Stored, has Secrets) (Settings, Secrets, bool, string, error) {
		if len(has.KMS) < 2 {
			return now.Settings, has, now.Disabled, "", fault.New(fault.Conflict,
				"There is no older callback secret to end.")
		}
		has.KMS = has.KMS[:1]
		return now.Settings, has, now.Disabled, "Older callback secret ended.", nil
	})
}

// change makes one change to one managed connection: it reads the connection, calls decide for what it
// becomes, seals the secrets, stores it with a compare-and-swap and loads the directory.
func (m *Manager) change(ctx context.Context, c access.Caller, name string,
	decide func(now Stored, has Secrets) (Settings, Secrets, bool, string, error)) error {
	if err := m.require(ctx, c); err != nil {
		return err
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	stored, err := m.store.StoredConnections(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(stored, func(s Stored) bool { return s.Settings.Name == name })
	if i < 0 {
		if name == Environment {
			return fault.New(fault.Conflict,
				"This connection comes from the environment: change it there and restart.")
		}
		return fault.New(fault.NotFound, "There is no such connection.")
	}
	now := stored[i]
	has, err := m.open(ctx, now)
	if err != nil {
		if _, trouble := m.directory.find(name); trouble == nil {
			return err // it opened before: this is the key's source, not the secrets
		}
		// Secrets that do not open must be entered anew; the callback secrets are lost.
		has = Secrets{}
	}
	settings, secrets, disabled, detail, err := decide(now, has)
	if err != nil {
		return err
	}
	next := now
	next.Settings, next.Disabled, next.Version, next.UpdatedAt = settings, disabled, now.Version+1, m.now()
	if err := secrets.checkFor(settings.Mode); err != nil {
		return err
	}
	if err := m.seal(&next, secrets); err != nil {
		return err
	}
	if err := m.store.ReplaceConnection(ctx, next, now.Version, m.changed(c, name, detail)); err != nil {
		return err
	}
	return m.Load(ctx)
}

// Test examines a connection live, as doctor does. It changes nothing, here or at the tenant.
func (m *Manager) Test(ctx context.Context, c access.Caller, name string) ([]doctor.Finding, error) {
	known, err := m.Find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	e, err := m.directory.find(name)
	if err != nil {
		return nil, err
	}
	s := known.Settings
	findings := doctor.Examine(ctx, doctor.Target{Tenant: e.client, BaseURL: s.BaseURL, CallbackURL: known.callback,
		Signed: known.Secrets > 0, Managed: known.Source == FromConsole, DatastoreID: s.DatastoreID, TableID: s.TableID, HTTP: m.probe,
		IsOurs: m.isOurs})
	return findings, ctx.Err()
}

func (m *Manager) seal(c *Stored, x Secrets) error {
	var kms []byte
	if len(x.KMS) > 0 {
		var err error
		if kms, err = json.Marshal(x.KMS); err != nil {
			return err
		}
	}
	for _, v := range []struct {
		to     *[]byte
		column string
		secret []byte
	}{
		{&c.Sealed.ClientSecret, clientColumn, []byte(x.ClientSecret)},
		{&c.Sealed.AccessKeySecret, accessKeyColumn, []byte(x.AccessKeySecret)},
		{&c.Sealed.KMSSecrets, kmsColumn, kms},
	} {
		*v.to = nil
		if len(v.secret) == 0 {
			continue
		}
		sealed, err := m.sealer.Seal(v.secret, place(v.column, c.Settings.Name))
		if err != nil {
			return err
		}
		*v.to = sealed
	}
	return nil
}

func (m *Manager) open(ctx context.Context, c Stored) (x Secrets, err error) {
	var kms string
	for _, v := range []struct {
		to     *string
		column string
		sealed []byte
	}{
		{&x.ClientSecret, clientColumn, c.Sealed.ClientSecret},
		{&x.AccessKeySecret, accessKeyColumn, c.Sealed.AccessKeySecret},
		{&kms, kmsColumn, c.Sealed.KMSSecrets},
	} {
		if v.sealed == nil {
			continue
		}
		secret, err := m.sealer.Open(ctx, v.sealed, place(v.column, c.Settings.Name))
		if err != nil {
			return Secrets{}, err
		}
		*v.to = string(secret)
	}
	if kms != "" {
		err = json.Unmarshal([]byte(kms), &x.KMS)
	}
	return x, err
}

func (m *Manager) require(ctx context.Context, c access.Caller) error {
	denied := access.Require(c, access.PermManageConnections)
	if denied == nil {
		return nil
	}
	if err := m.store.AppendRecords(ctx, access.DenialRecord(m.now(), c, access.PermManageConnections)); err != nil {
		return err
	}
	return denied
}

func (m *Manager) changed(c access.Caller, name, detail string) audit.Record {
	r := audit.NewRecord(m.now(), audit.SettingsChanged, audit.Success, c.Actor())
	r.Connection, r.Detail = name, detail
	return r
}

// describe returns the settings as text for an audit record; none of them is a secret.
func describe(s Settings) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return s.Mode
	}
	return strings.TrimSpace(string(raw))
}
