package audit

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// packStream reads one of a pack's long files line by line and hashes it. Its memory is bounded by one line.
type packStream struct {
	name string
	file io.ReadCloser
	in   *bufio.Reader
	sum  hash.Hash
	row  []byte
	err  error // why reading ended; io.EOF at the end of the file
}

var (
	errLongLine = errors.New("a line is longer than any record's")
	errCutLine  = errors.New("it ends in the middle of a line")
)

// maxCSVRow is more than any row takes: each byte of a record at most doubles
// when quoted, and the fixed columns take little.
const maxCSVRow = 2*MaxRecordBytes + 4096

func openStream(name string, f *zip.File) (*packStream, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	return &packStream{name: name, file: r, sum: sum, in: bufio.NewReaderSize(io.TeeReader(r, sum), MaxRecordBytes+1)}, nil
}

// line returns the next line without its break, false at the end or on damage
// (then err says which). The bytes are valid until the next call.
func (s *packStream) line() ([]byte, bool) {
	if s.err != nil {
		return nil, false
	}
	b, err := s.in.ReadSlice('\n')
	switch {
	case err == nil:
		return b[:len(b)-1], true
	case errors.Is(err, bufio.ErrBufferFull):
		s.err = errLongLine
	case errors.Is(err, io.EOF) && len(b) > 0:
		s.err = errCutLine
	default:
		s.err = err
	}
	return nil, false
}

// csvRow returns the next row with its CRLF: to the first CRLF outside quotes
// (RFC 4180).
func (s *packStream) csvRow() ([]byte, bool) {
	if s.err != nil {
		return nil, false
	}
	s.row = s.row[:0]
	quotes := 0
	for {
		b, err := s.in.ReadSlice('\n')
		if len(s.row)+len(b) > maxCSVRow {
			s.err = errLongLine
			return nil, false
		}
		s.row = append(s.row, b...)
		for _, c := range b {
			if c == '"' {
				quotes++
			}
		}
		n := len(s.row)
		switch {
		case err == nil && quotes%2 == 0 && n >= 2 && s.row[n-2] == '\r':
			return s.row, true
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && n > 0:
			s.err = errCutLine
		default:
			s.err = err
		}
		return nil, false
	}
}

// hashed returns the file's SHA-256, if it was read to its proper end.
func (s *packStream) hashed() ([32]byte, bool) {
	if !errors.Is(s.err, io.EOF) {
		return [32]byte{}, false
	}
	return [32]byte(s.sum.Sum(nil)), true
}
