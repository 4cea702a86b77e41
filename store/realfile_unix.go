//go:build !windows

package store

import (
	"io/fs"
	"syscall"
)

// linksOf is how many names the file has.
func linksOf(_ string, info fs.FileInfo) (uint64, error) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink), nil //nolint:unconvert // it has other types on other systems
	}
	return 1, nil
}
