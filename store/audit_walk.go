package store

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// auditWalk goes through the blocks of the log that may hold records that match a
// query, and finds them.
type auditWalk struct {
	s      *Store
	q      *auditQuery
	search reading
	mark   int64      // the last record that audit_terms covers
	size   int64      // the last record there is
	tail   *tailTerms // the terms of those between
	runs   []int64
	not    []int64 // of the runs that are not wanted
}

// windows are how many blocks are read at a time: few at first, because a page is
// mostly full then.
var windows = [...]int{1, 4, 16, 32}

// newWalk looks how far the log and its index go.
func (s *Store) newWalk(search reading, q *auditQuery) (*auditWalk, error) {
	w := &auditWalk{s: s, q: q, search: search}
	var err error
	if w.mark, w.size, w.tail, err = s.unindexed(search); err != nil {
		return nil, err
	}
	if w.runs, err = s.runSeqs(search.ctx, search, q.runs); err != nil {
		return nil, err
	}
	w.not, err = s.runSeqs(search.ctx, search, q.notRuns)
	return w, err
}

// blocks are those to look at, in rising order.
func (w *auditWalk) blocks() (list []int64) {
	first, last := w.bounds()
	if w.q.nothing || first > last {
		return nil
	}
	if w.q.byRun {
		for _, seq := range w.runs {
			if b := blockOf(seq); seq >= first && seq <= last && (len(list) == 0 || list[len(list)-1] != b) {
				list = append(list, b)
			}
		}
		return list
	}
	for b := blockOf(first); b <= blockOf(last); b++ {
		list = append(list, b)
	}
	return list
}

func (w *auditWalk) bounds() (first, last int64) {
	first, last = w.q.above+1, w.size
	if w.q.below > 0 {
		last = min(last, w.q.below-1)
	}
	return first, last
}

// each calls fn with the records that match, a block at a time, newest first or
// with rising oldest first, until fn answers that it has enough. most is how many
// records fn wants of all blocks together: no more are looked at.
func (w *auditWalk) each(rising bool, most int, fn func(block int64, set *recordSet) (more bool, err error)) error {
	blocks := w.blocks()
	if !rising {
		slices.Reverse(blocks)
	}
	for i := 0; len(blocks) > 0; i++ {
		n := min(windows[min(i, len(windows)-1)], len(blocks))
		window, err := w.read(blocks[:n])
		if err != nil {
			return err
		}
		for _, block := range blocks[:n] {
			set, stopped := window.match(block, rising, most)
			if !set.empty() {
				most -= set.count()
				if more, err := fn(block, &set); err != nil || !more {
					return err
				}
			}
			if stopped != nil {
				return stopped
			}
		}
		blocks = blocks[n:]
	}
	return nil
}

// list is each as a list of seqs, in the order in which they are found.
func (w *auditWalk) list(rising bool, limit int) (seqs []int64, err error) {
	err = w.each(rising, limit, func(block int64, set *recordSet) (bool, error) {
		places := set.places(nil)
		if !rising {
			slices.Reverse(places)
		}
		for _, place := range places {
			if len(seqs) < limit {
				seqs = append(seqs, seqAt(block, place))
			}
		}
		return len(seqs) < limit, nil
	})
	return seqs, err
}

// auditWindow is what the index has about the terms of a query in some blocks.
type auditWindow struct {
	w     *auditWalk
	held  map[int64][]*recordSet // by block and term
	hours map[int64]*hoursHeld
}

// hoursHeld are the records of a block that lie in the hours of a period, and
// those of them whose hour is only partly in it.
type hoursHeld struct{ in, edge recordSet }

// read reads the terms of some blocks.
func (w *auditWalk) read(blocks []int64) (*auditWindow, error) {
	window := &auditWindow{w: w, held: make(map[int64][]*recordSet, len(blocks)), hours: map[int64]*hoursHeld{}}
	for _, b := range blocks {
		window.held[b] = make([]*recordSet, len(w.q.terms))
	}
	hours, bounded := w.q.hours()
	if bounded {
		partly, err := w.within(window, blocks, hours)
		if err != nil {
			return nil, err
		}
		err = w.s.eachTerm(w.search, partly, []termRange{hours}, w.mark, w.tail, func(block int64, _ int, term string, set *recordSet) {
			h := window.hours[block]
			if h == nil {
				h = &hoursHeld{}
				window.hours[block] = h
			}
			h.in.or(set)
			if slices.Contains(w.q.edges, term[len(termHour):]) {
				h.edge.or(set)
			}
		})
		if err != nil {
			return nil, err
		}
		blocks = slices.DeleteFunc(slices.Clone(blocks), func(b int64) bool { return window.hours[b] == nil })
	}
	return window, w.s.eachTerm(w.search, blocks, w.q.terms, w.mark, w.tail, func(block int64, t int, _ string, set *recordSet) {
		held := window.held[block]
		if held[t] == nil {
			held[t] = &recordSet{}
		}
		held[t].or(set)
	})
}

// match narrows a block to the records that match, most at the most. An error
// comes with those that were found until then.
func (v *auditWindow) match(block int64, rising bool, most int) (recordSet, error) {
	var set recordSet
	first, last := v.w.bounds()
	first, last = max(first, seqAt(block, 0)), min(last, seqAt(block, blockRecords-1))
	for i := range set {
		set[i] = ^uint64(0)
	}
	set.between(placeIn(first), placeIn(last))
	if v.w.q.byRun {
		set.and(setOf(block, v.w.runs))
	}
	set.andNot(setOf(block, v.w.not))
	var edge recordSet
	if _, bounded := v.w.q.hours(); bounded {
		h := v.hours[block]
		if h == nil {
			return recordSet{}, nil
		}
		set.and(&h.in)
		edge = h.edge
	}
	held := v.held[block]
	doubt := v.w.q.combine(&set, func(t int) *recordSet { return held[t] })
	edge.and(&set)
	doubt.or(&edge)
	if doubt.empty() {
		return set, nil
	}
	return set, v.w.lookAt(block, &set, &doubt, rising, most)
}

// setOf is the set of those of some seqs, in rising order, that lie in a block.
func setOf(block int64, seqs []int64) *recordSet {
	set := &recordSet{}
	at, _ := slices.BinarySearch(seqs, seqAt(block, 0))
	for _, seq := range seqs[at:] {
		if blockOf(seq) != block {
			break
		}
		set.add(placeIn(seq))
	}
	return set
}

// lookAtOnce is how many doubtful records are read at a time.
const lookAtOnce = 64

// lookAt reads the records that are in doubt and takes those that do not match
// out of the set, until it has as many that match as are wanted; the rest is
// taken out unseen.
func (w *auditWalk) lookAt(block int64, set, doubt *recordSet, rising bool, most int) error {
	places := set.places(nil)
	if !rising {
		slices.Reverse(places)
	}
	for kept := 0; len(places) > 0; {
		if kept >= most {
			for _, place := range places {
				set.remove(place)
			}
			return nil
		}
		n := min(lookAtOnce, len(places))
		var seqs []int64
		for _, place := range places[:n] {
			if doubt.has(place) {
				seqs = append(seqs, seqAt(block, place))
			}
		}
		if len(seqs) > 0 {
			reader := &looker{q: w.q, set: set}
			text, args := bySeq(`seq, timestamp, columns, detail`, seqs)
			if _, err := w.s.engine.emit(w.search.ctx, w.search.pool, reader, `seq, timestamp, columns, detail`, text, args...); err != nil {
				for _, place := range places { // nobody knows about these
					set.remove(place)
				}
				return err
			}
		}
		for _, place := range places[:n] {
			if set.has(place) {
				kept++
			}
		}
		places = places[n:]
	}
	return nil
}

// looker takes records out of a set that do not match.
type looker struct {
	q   *auditQuery
	set *recordSet
}

func (l *looker) row(args []driver.Value) {
	seq, _ := args[0].(int64)
	timestamp, _ := args[1].(string)
	if !l.q.look(timestamp, args[2], args[3]) {
		l.set.remove(placeIn(seq))
	}
}

// bySeq is a SELECT of the records with some sequence numbers, in rising order.
// There are few texts, so that they can be kept prepared.
func bySeq(list string, seqs []int64) (string, []any) {
	n := 16
	for n < len(seqs) {
		n *= 4
	}
	args := make([]any, n)
	for i := range args {
		args[i] = int64(0) // there is no such record
		if i < len(seqs) {
			args[i] = seqs[i]
		}
	}
	return `SELECT ` + list + ` FROM audit_records r WHERE r.seq IN (` + placeholders(n) + `) ORDER BY r.seq`, args
}

// eachTerm calls fn with the records that hold a term, for each of some blocks
// and of some terms; term is valid within the call. Beyond mark the tail knows.
func (s *Store) eachTerm(search reading, blocks []int64, terms []termRange, mark int64, tail *tailTerms,
	fn func(block int64, number int, term string, set *recordSet),
) error {
	if len(blocks) == 0 || len(terms) == 0 {
		return nil
	}
	sink := &termSink{mark: mark, fn: fn, numbers: map[string]int{}}
	var exact []string
	for i, t := range terms {
		if t.to == "" {
			sink.numbers[t.from] = i
			exact = append(exact, t.from)
		}
	}
	const list = `block, term, seqs`
	of, blockArgs := valuesOf(blocks, -1)
	if len(exact) > 0 {
		wanted, args := valuesOf(exact, "")
		text := `WITH b (block) AS (` + of + `), w (term) AS (` + wanted + `)
			SELECT t.block, t.term, t.seqs FROM b CROSS JOIN w CROSS JOIN audit_terms t WHERE t.block = b.block AND t.term = w.term`
		if _, err := s.engine.emit(search.ctx, search.pool, sink, list, text, append(blockArgs, args...)...); err != nil {
			return err
		}
	}
	for i, t := range terms {
		if t.to == "" {
			continue
		}
		sink.number = i
		sink.numbers = nil
		text := `WITH b (block) AS (` + of + `)
			SELECT t.block, t.term, t.seqs FROM b CROSS JOIN audit_terms t WHERE t.block = b.block AND t.term >= ? AND t.term < ?`
		if _, err := s.engine.emit(search.ctx, search.pool, sink, list, text, append(slices.Clone(blockArgs), t.from, t.to)...); err != nil {
			return err
		}
	}
	if sink.err != nil {
		return sink.err
	}
	tail.each(blocks, terms, fn)
	return nil
}

// termSink takes rows of audit_terms.
type termSink struct {
	mark    int64
	numbers map[string]int // of the terms; nil when there is only one range
	number  int            // of the range
	fn      func(block int64, number int, term string, set *recordSet)
	err     error
}

func (t *termSink) row(args []driver.Value) {
	block, _ := args[0].(int64)
	term, _ := args[1].(string)
	var packed []byte
	switch v := args[2].(type) {
	case []byte:
		packed = v
	case string:
		packed = []byte(v)
	}
	var set recordSet
	if err := set.addPacked(packed); err != nil {
		t.err = fmt.Errorf("block %d: %w", block, err)
		return
	}
	if blockOf(t.mark) <= block { // it may have grown since
		if t.mark < seqAt(block, 0) {
			return
		}
		set.between(0, placeIn(t.mark))
	}
	number := t.number
	if t.numbers != nil {
		number = t.numbers[term]
	}
	t.fn(block, number, term, &set)
}

// valuesOf is a VALUES with a row for each value, filled up with one that is
// nowhere, so that there are few texts, which can be kept prepared.
func valuesOf[T any](list []T, nowhere T) (string, []any) {
	n := 1
	for n < len(list) {
		n *= 4
	}
	args := make([]any, n)
	for i := range args {
		args[i] = nowhere
		if i < len(list) {
			args[i] = list[i]
		}
	}
	return `VALUES ` + strings.TrimSuffix(strings.Repeat(`(?), `, n), `, `), args
}

// hourSpan is the first and the last hour of a block's records, as terms.
type hourSpan struct{ first, last string }

// hourSpans remembers those of the blocks that are full and indexed, which never
// change.
type hourSpans struct {
	mu sync.Mutex
	of map[int64]hourSpan
}

// within notes the blocks of which all records lie in the hours of a period, and
// returns those of which some may.
func (w *auditWalk) within(window *auditWindow, blocks []int64, hours termRange) (partly []int64, err error) {
	spans, err := w.spans(blocks)
	if err != nil {
		return nil, err
	}
	onEdge := func(hour string) bool { return slices.Contains(w.q.edges, hour[len(termHour):]) }
	for _, block := range blocks {
		span, known := spans[block]
		switch {
		case w.tail.has(block):
			partly = append(partly, block)
		case !known || span.last < hours.from || span.first >= hours.to:
		case hours.from <= span.first && span.last < hours.to && !onEdge(span.first) && !onEdge(span.last):
			h := &hoursHeld{}
			for i := range h.in {
				h.in[i] = ^uint64(0)
			}
			window.hours[block] = h
		default:
			partly = append(partly, block)
		}
	}
	return partly, nil
}

// spans are the hours of some blocks, as far as they are indexed.
func (w *auditWalk) spans(blocks []int64) (map[int64]hourSpan, error) {
	spans := make(map[int64]hourSpan, len(blocks))
	kept := &w.s.spans
	kept.mu.Lock()
	for _, b := range blocks {
		if span, ok := kept.of[b]; ok {
			spans[b] = span
		}
	}
	kept.mu.Unlock()
	unknown := slices.DeleteFunc(slices.Clone(blocks), func(b int64) bool { return spans[b] != hourSpan{} })
	if len(unknown) == 0 {
		return spans, nil
	}
	of, args := valuesOf(unknown, -1)
	end := termHour + maxRune
	var block int64
	var first, last sql.NullString
	_, err := collectFrom(w.search, func(row scanner) (struct{}, error) {
		err := row.Scan(&block, &first, &last)
		if first.Valid && last.Valid {
			spans[block] = hourSpan{first.String, last.String}
		}
		return struct{}{}, err
	}, `WITH b (block) AS (`+of+`) SELECT block,
			(SELECT term FROM audit_terms t WHERE t.block = b.block AND t.term >= ? AND t.term < ? ORDER BY term LIMIT 1),
			(SELECT term FROM audit_terms t WHERE t.block = b.block AND t.term >= ? AND t.term < ? ORDER BY term DESC LIMIT 1)
		FROM b`, append(args, termHour, end, termHour, end)...)
	if err != nil {
		return nil, err
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.of == nil {
		kept.of = map[int64]hourSpan{}
	}
	for _, b := range unknown {
		if span, ok := spans[b]; ok && seqAt(b, blockRecords-1) <= w.mark {
			kept.of[b] = span
		}
	}
	return spans, nil
}
