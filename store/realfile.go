package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"cxseal/internal/fault"
)

// RealFile returns the file that a database's path names, with symbolic links
// followed, in the folders too. The lock, the keys and the write-ahead log of a
// database lie beside that file, so that a database has one of each however it
// is called. A path that names nothing yet is returned with its folder resolved.
//
// A file with a second name (a hard link) is fault.Conflict: SQLite would keep a
// write-ahead log for each name, and either reader would miss what is in the
// other's. A symbolic link that leads nowhere is fault.Invalid.
func RealFile(path string) (string, error) {
	link, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			return filepath.Join(folder, filepath.Base(path)), nil
		}
		return path, nil
	}
	if err != nil {
		return path, fault.Wrap(err, fault.Invalid, "The database %s cannot be opened: check the permissions of its folder.", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil && link.Mode()&fs.ModeSymlink != 0 {
		return path, fault.Wrap(err, fault.Invalid, "The database %s is a symbolic link to a file that is not there: mend the link, or name another file with --db.", path)
	}
	if err != nil {
		return path, fault.Wrap(err, fault.Invalid, "The database %s cannot be opened.", path)
	}
	info, err := os.Stat(real)
	if err != nil {
		return path, fault.Wrap(err, fault.Invalid, "The database %s cannot be opened.", path)
	}
	names, err := linksOf(real, info)
	if err != nil {
		return path, fault.Wrap(err, fault.Invalid, "The database %s cannot be opened.", path)
	}
	if info.Mode().IsRegular() && names > 1 && (names > 2 || keptLink(real, info) == "") {
		return path, fault.New(fault.Conflict, "The database %s has a second name on this disk (a hard link): two consoles could open it as two databases. Remove the other name, or use a copy.", path)
	}
	return real, nil
}

// keptLink is the dated name that a restore gave to the database in info and
// was killed before it put the backup in its place, empty when there is none.
func keptLink(real string, info fs.FileInfo) string {
	list, _ := filepath.Glob(escapeGlob(real) + replacedMark + "*") // fails for no pattern that escapeGlob makes
	for _, name := range list {
		if other, err := os.Lstat(name); err == nil && os.SameFile(info, other) {
			return name
		}
	}
	return ""
}

// replacedMark stands in the name under which a restore keeps the database that
// it replaced, between the database's name and the date.
const replacedMark = ".replaced-"

// escapeGlob makes a pattern of filepath.Glob that matches the text alone.
func escapeGlob(text string) string {
	if os.PathSeparator == '\\' {
		return text // Windows has no escape, and refuses most of these in names
	}
	var out []rune
	for _, r := range text {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}
