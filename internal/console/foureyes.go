package console

import (
	"context"
	"strconv"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/store"
)

// fourEyesSetting is the name under which it is stored whether the environment's connection asks for a second person.
const fourEyesSetting = "four_eyes"

// settleFourEyes stores what the environment says of four eyes, on the record when it changes, and otherwise has
// the tenant take what is stored (contract, CXONE_FOUR_EYES).
func settleFourEyes(ctx context.Context, s *store.Store, t *Tenant, now func() time.Time) error {
	if t == nil {
		return nil
	}
	stored, found, err := storedFourEyes(ctx, s)
	if err != nil {
		return err
	}
	if t.FourEyesUnset {
		t.FourEyes = stored
		return nil
	}
	if found && stored == t.FourEyes {
		return nil
	}
	var records []audit.Record
	if stored != t.FourEyes {
		r := audit.NewRecord(now(), audit.SettingsChanged, audit.Success, audit.Actor{Name: "console", Role: "system"})
		r.Connection = connection.Environment
		r.Detail = "Four eyes changed from " + onOff(stored) + " to " + onOff(t.FourEyes) + ", as CXONE_FOUR_EYES says."
		records = append(records, r)
	}
	return s.SetSetting(ctx, fourEyesSetting, strconv.FormatBool(t.FourEyes), records...)
}

// obeyFourEyes returns the tenant as a command that is no console must use it: with four eyes where it is stored, or
// the environment asks for it.
func obeyFourEyes(ctx context.Context, s *store.Store, t *Tenant) (*Tenant, error) {
	if t == nil {
		return nil, nil
	}
	stored, _, err := storedFourEyes(ctx, s)
	if err != nil {
		return nil, err
	}
	strict := *t
	strict.FourEyes = stored || t.FourEyes
	return &strict, nil
}

func storedFourEyes(ctx context.Context, s *store.Store) (on, found bool, err error) {
	value, found, err := s.Setting(ctx, fourEyesSetting)
	return value == strconv.FormatBool(true), found, err
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
