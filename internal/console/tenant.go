package console

import (
	"log/slog"
	"time"

	"cxseal/internal/connection"
)

// UserAgent is what tenants see of the program.
func UserAgent(version string) string { return "cxseal/" + version }

// openDirectory returns the connections of a process: the environment's to begin
// with, when there is one.
func openDirectory(env *Tenant, address, userAgent string, now func() time.Time,
	logger *slog.Logger) (*connection.Directory, error) {
	d := connection.NewDirectory(address, userAgent, now, logger)
	if env == nil {
		return d, nil
	}
	if err := d.UseEnvironment(env.Settings, env.Secrets); err != nil {
		return nil, &ConfigError{err}
	}
	return d, nil
}
