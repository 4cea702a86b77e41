package audit

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	maxPackDirectory = 1 << 20 // a ZIP's list of files; ours takes under 1 KiB
	maxPackFile      = 4 << 20 // the files that are read whole
)

// openPack opens an untrusted ZIP and returns its files by name. It accepts exactly the files of a pack, each
// once, so no path is ever interpreted and no two files share a name. Problems go into the report; a file
// that is missing or unusable is absent from the map.
func openPack(r io.ReaderAt, size int64, rep *Report) map[string]*zip.File {
	limited := &directoryReader{r: r, left: maxPackDirectory}
	z, err := zip.NewReader(limited, size)
	if errors.Is(err, errDirectory) {
		rep.addf(FileDamaged, 0, 0, "The ZIP lists far more files than an evidence pack has")
		return nil
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		rep.addf(FileDamaged, 0, 0, "The file is not a whole ZIP: it is cut off, damaged, or something else")
		return nil
	}
	limited.open = true
	files := map[string]*zip.File{}
	for _, f := range z.File {
		switch {
		case !slices.Contains(packFiles, f.Name):
			rep.addf(FileDamaged, 0, 0, "The pack holds a file that does not belong there: %s", oneLine(f.Name))
		case files[f.Name] != nil:
			rep.addf(FileDamaged, 0, 0, "The pack holds two files named %s", f.Name)
		case f.Method != zip.Deflate && f.Method != zip.Store:
			rep.addf(FileDamaged, 0, 0, "%s is compressed in a way that packs are not", f.Name)
			files[f.Name] = nil
		default:
			files[f.Name] = f
		}
	}
	if rep.OK() { // of the files of a pack and no others, each once
		if err := checkLayout(r, size, z.File); err != nil {
			rep.addf(FileDamaged, 0, 0, "The ZIP is not as the console wrote it: %s. If somebody packed it again, ask for the file as it was downloaded", err)
		}
	}
	for _, name := range packFiles {
		if f, there := files[name]; !there {
			rep.addf(FileDamaged, 0, 0, "%s is missing from the pack", name)
		} else if f == nil {
			delete(files, name)
		}
	}
	return files
}

// readPackFile reads one of the small files whole.
func readPackFile(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, maxPackFile+1))
	if err == nil && len(b) > maxPackFile {
		err = fmt.Errorf("it is over %d bytes", maxPackFile)
	}
	return b, err
}

var errDirectory = errors.New("audit: the ZIP's directory is too long")

// directoryReader bounds what is read before the files are opened. archive/zip
// builds its whole list of files in memory, and a hostile file can list
// millions.
type directoryReader struct {
	r    io.ReaderAt
	left int
	open bool // the list was read: no bound any more
}

func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	if d.open {
		return d.r.ReadAt(p, off)
	}
	if d.left -= len(p); d.left < 0 {
		return 0, errDirectory
	}
	return d.r.ReadAt(p, off)
}
