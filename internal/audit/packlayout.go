package audit

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// checkLayout accepts a ZIP only if every program reads the same files from it. A ZIP describes each file
// twice, before the file and in the directory at its end: archive/zip reads the directory, programs that
// unpack a stream read the other, and bytes between the files are ignored. So a ZIP that verifies could still
// show other records to another program. checkLayout requires the files one after the other from the first
// byte on, both descriptions equal and as WritePack writes them, then the directory, and nothing else.
func checkLayout(r io.ReaderAt, size int64, files []*zip.File) error {
	at := &layoutReader{r: r, size: size}
	heads := make([][]byte, len(files))
	starts := make([]int64, len(files))
	for i, f := range files {
		starts[i] = at.pos
		head := at.take(30)
		if at.err != nil || string(head[:4]) != "PK\x03\x04" {
			return errors.New("there is something between its files")
		}
		le := binary.LittleEndian
		name, extra := at.take(int64(le.Uint16(head[26:]))), at.take(int64(le.Uint16(head[28:])))
		if at.err != nil || string(name) != f.Name || !sameExtra(extra, f.Extra) || f.CompressedSize64 > math.MaxInt64/2 {
			return errors.New("its directory and what stands before " + oneLine(f.Name) + " differ")
		}
		at.pos += int64(f.CompressedSize64) //nolint:gosec // G115: checked above
		var crcSizes []byte
		if le.Uint16(head[6:])&8 != 0 { // they follow the file, as it was streamed
			if !bytes.Equal(head[14:26], make([]byte, 12)) {
				return errors.New("its directory and what stands before " + oneLine(f.Name) + " differ")
			}
			crcSizes = le.AppendUint32([]byte("PK\x07\x08"), f.CRC32)
			if f.CompressedSize64 >= math.MaxUint32 || f.UncompressedSize64 >= math.MaxUint32 {
				crcSizes = le.AppendUint64(le.AppendUint64(crcSizes, f.CompressedSize64), f.UncompressedSize64)
			} else {
				crcSizes = le.AppendUint32(le.AppendUint32(crcSizes, uint32(f.CompressedSize64)), uint32(f.UncompressedSize64))
			}
			if !bytes.Equal(at.take(int64(len(crcSizes))), crcSizes) {
				return errors.New("its directory and what stands after " + oneLine(f.Name) + " differ")
			}
		}
		heads[i] = head
	}
	directory := at.pos
	for i, f := range files {
		entry := at.take(46 + int64(len(f.Name)) + int64(len(f.Extra)))
		if at.err != nil || !sameHead(entry, heads[i], starts[i]) || f.Comment != "" {
			return errors.New("its directory says something else of " + oneLine(f.Name) + " than the console writes")
		}
	}
	return checkEnd(at, directory, len(files))
}

// sameHead compares an entry of the directory with the header before the file. The fields that only the
// directory has (maker, attributes) must be as WritePack leaves them.
func sameHead(entry, head []byte, start int64) bool {
	le := binary.LittleEndian
	offset := le.Uint32(entry[42:])
	return string(entry[:6]) == "PK\x01\x02\x14\x00" && // made by version 2.0 on no particular system
		(bytes.Equal(entry[6:8], head[4:6]) || string(entry[20:24]) == "\xff\xff\xff\xff") && // version needed; another where a file turned out to be over 4 GiB
		bytes.Equal(entry[8:16], head[6:14]) && // flags, method, time
		(head[6]&8 != 0 || bytes.Equal(entry[16:28], head[14:26])) && // CRC, sizes
		bytes.Equal(entry[32:42], make([]byte, 10)) && // comment, disk, attributes
		(int64(offset) == start || offset == math.MaxUint32 && start >= math.MaxUint32)
}

// sameExtra compares the extra fields; the directory's may end in the one that a file of over 4 GiB adds.
func sameExtra(before, directory []byte) bool {
	rest, ok := bytes.CutPrefix(directory, before)
	return ok && (len(rest) == 0 || len(rest) <= 28 && rest[0] == 1 && rest[1] == 0)
}

// checkEnd compares what follows the directory with what archive/zip writes.
func checkEnd(at *layoutReader, directory int64, files int) error {
	le, length, count := binary.LittleEndian, at.pos-directory, uint16(files) //nolint:gosec // G115: a handful of files
	if directory >= math.MaxUint32 {
		at.take(56 + 20) // the end of a ZIP of over 4 GiB; archive/zip has read it
	}
	want := append([]byte("PK\x05\x06"), 0, 0, 0, 0)
	want = le.AppendUint16(le.AppendUint16(want, count), count)
	want = le.AppendUint32(want, uint32(length))                                //nolint:gosec // G115: bounded by maxPackDirectory
	want = le.AppendUint32(want, uint32(min(directory, int64(math.MaxUint32)))) //nolint:gosec // G115: see min
	want = append(want, 0, 0)
	got := at.take(int64(len(want)))
	if at.err == nil && directory >= math.MaxUint32 {
		copy(got[8:16], want[8:16]) // archive/zip leaves these to the larger record
	}
	if at.err != nil || at.pos != at.size || !bytes.Equal(got, want) {
		return errors.New("there is something behind its directory")
	}
	return nil
}

// layoutReader reads a file forward from its beginning; the caller may skip bytes by moving pos.
type layoutReader struct {
	r         io.ReaderAt
	pos, size int64
	err       error
}

func (l *layoutReader) take(n int64) []byte {
	b := make([]byte, n)
	if l.err == nil && n > l.size-l.pos {
		l.err = io.ErrUnexpectedEOF
	}
	if l.err == nil && n > 0 {
		if got, err := l.r.ReadAt(b, l.pos); int64(got) < n {
			l.err = errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	l.pos += n
	return b
}
