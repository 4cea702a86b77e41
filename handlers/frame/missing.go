package frame

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Missing is an error that names each field of a configuration's part that is
// absent, nil when none is.
func Missing(part string, absent map[string]bool) error {
	var errs []error
	for _, field := range slices.Sorted(maps.Keys(absent)) {
		if absent[field] {
			errs = append(errs, fmt.Errorf("handlers: Config.%s.%s is missing", part, field))
		}
	}
	return errors.Join(errs...)
}
