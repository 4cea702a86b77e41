package store

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// blockRecords is how many records share a row of each term in audit_terms: a
// block. A set of a block's records then takes 512 bytes at the most, eight of
// which fit on a page of the database.
const blockRecords = 4096

// blockOf is the block of a record, and placeIn its place there.
func blockOf(seq int64) int64 { return (seq - 1) / blockRecords }

func placeIn(seq int64) int { return int((seq - 1) % blockRecords) }

// seqAt is the record at a place of a block.
func seqAt(block int64, place int) int64 { return block*blockRecords + int64(place) + 1 }

// recordSet is a set of the records of one block, a bit a place.
type recordSet [blockRecords / 64]uint64

func (s *recordSet) add(place int)      { s[place>>6] |= 1 << (place & 63) }
func (s *recordSet) has(place int) bool { return s[place>>6]>>(place&63)&1 != 0 }
func (s *recordSet) remove(place int)   { s[place>>6] &^= 1 << (place & 63) }

func (s *recordSet) and(o *recordSet) {
	if o == nil {
		*s = recordSet{}
		return
	}
	for i := range s {
		s[i] &= o[i]
	}
}

func (s *recordSet) or(o *recordSet) {
	for i := 0; o != nil && i < len(s); i++ {
		s[i] |= o[i]
	}
}

func (s *recordSet) andNot(o *recordSet) {
	for i := 0; o != nil && i < len(s); i++ {
		s[i] &^= o[i]
	}
}

func (s *recordSet) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s *recordSet) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// common is how many records two sets share.
func (s *recordSet) common(o *recordSet) (n int) {
	for i, w := range s {
		n += bits.OnesCount64(w & o[i])
	}
	return n
}

// between keeps the places from and up to to.
func (s *recordSet) between(from, to int) {
	for i := range s {
		low, high := from-i*64, to-i*64 // of this word
		mask := ^uint64(0)
		if low > 0 {
			mask &^= 1<<min(low, 64) - 1
		}
		if high < 63 {
			mask &= 1<<max(high+1, 0) - 1
		}
		s[i] &= mask
	}
}

// places lists the set's places, in rising order.
func (s *recordSet) places(to []int) []int {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			to = append(to, i<<6+bits.TrailingZeros64(w))
		}
	}
	return to
}

// packed is the set as it is stored: the distances from each place to the next
// as varints, which take a byte or two; after a 0 those of the places that are
// not in it; or all bits, whichever is shortest.
func (s *recordSet) packed() []byte {
	const whole = blockRecords / 8
	n := s.count()
	if min(n, blockRecords-n) < whole {
		var out []byte
		of := *s
		if n > blockRecords/2 {
			out = append(out, 0)
			for i := range of {
				of[i] = ^of[i]
			}
		}
		last := -1
		for i, w := range of {
			for ; w != 0 && len(out) < whole; w &= w - 1 {
				place := i<<6 + bits.TrailingZeros64(w)
				out = binary.AppendUvarint(out, uint64(place-last)) //nolint:gosec // G115: it rises
				last = place
			}
		}
		if len(out) < whole {
			return out
		}
	}
	out := make([]byte, 0, whole)
	for _, w := range s {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

var errPacked = errors.New("a set of records in the index of terms cannot be read")

// addPacked adds a stored set.
func (s *recordSet) addPacked(b []byte) error {
	if len(b) == blockRecords/8 {
		for i := range s {
			s[i] |= binary.LittleEndian.Uint64(b[i*8:])
		}
		return nil
	}
	without := len(b) > 0 && b[0] == 0
	if without {
		b = b[1:]
	}
	var listed recordSet
	place := -1
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step == 0 || step > blockRecords || place+int(step) >= blockRecords {
			return errPacked
		}
		place += int(step)
		listed.add(place)
		b = b[n:]
	}
	for i, w := range listed {
		if without {
			w = ^w
		}
		s[i] |= w
	}
	return nil
}
