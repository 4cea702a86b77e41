package frame

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Missing returns an error that names each absent field of a part of the configuration, nil when none is absent.
func Missing(part string, absent map[string]bool) error {
	var errs []error
	for _, field := range slices.Sorted(maps.Keys(absent)) {
		if absent[field] {
			errs = append(errs, fmt.Errorf("handlers: Config.%s.%s is missing", part, field))
		}
	}
	return errors.Join(errs...)
}
