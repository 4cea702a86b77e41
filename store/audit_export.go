package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"sync"

	"cxseal/internal/audit"
)

// Bounds of one chunk of a long read: its rows, and the bytes that it keeps.
const (
	chunkRows  = 1000
	chunkBytes = 2 << 20
)

// ExportCSV writes the records that match as CSV (contract §4), header first,
// oldest first, and answers how many. It covers what was there when it began.
// Each chunk is its own short read, so a slow w holds no snapshot and the
// write-ahead log stays small; an error leaves w with whole rows only.
func (s *Store) ExportCSV(ctx context.Context, f audit.Filter, w io.Writer) (int64, error) {
	if _, err := w.Write(audit.AppendCSVHeader(nil)); err != nil {
		return 0, err
	}
	const list = `seq, audit_id, timestamp, operation, outcome, actor, actor_role, actor_ip,
		connection, datastore_id, table_id, columns, run_id,
		latency_ms, coverage_rate, fields_encrypted, total_fields, query_degradation_risk,
		gdpr_aligned, algorithm, key_rotation_enabled,
		key_version, permission_hash, kms_status, detail, leaf_hash`
	return s.export(ctx, f, w, list, func(out *exportSink, args []driver.Value) {
		for i := range out.cells {
			out.cells[i] = csvCell(i, args[i])
		}
		out.buf = audit.AppendCSVRow(out.buf, &out.cells)
	})
}

// ExportJSONL writes the exact bytes of the records that match, one a line,
// oldest first, and answers how many. It reads as ExportCSV does.
func (s *Store) ExportJSONL(ctx context.Context, f audit.Filter, w io.Writer) (int64, error) {
	return s.export(ctx, f, w, jsonlColumns, formatJSONL)
}

const jsonlColumns = `seq, record`

func formatJSONL(out *exportSink, args []driver.Value) {
	out.buf = append(bytesOf(out.buf, args[1]), '\n')
}

// exportSink gathers one chunk.
type exportSink struct {
	buf    []byte
	last   int64 // seq of the last row in buf
	rows   int64 // in buf
	full   bool  // the rows that follow are for the next chunk
	format func(*exportSink, []driver.Value)
	cells  [audit.CSVColumns]audit.Cell
}

func (e *exportSink) row(args []driver.Value) {
	if e.full {
		return
	}
	e.last, _ = args[0].(int64)
	e.rows++
	e.format(e, args)
	e.full = len(e.buf) >= chunkBytes
}

func (s *Store) export(ctx context.Context, f audit.Filter, w io.Writer, list string, format func(*exportSink, []driver.Value)) (int64, error) {
	end, err := s.TreeSize(ctx)
	if err != nil {
		return 0, err
	}
	q, err := newAuditQuery(f)
	if err != nil {
		return 0, err
	}
	q.before(end + 1)
	r := exportReader{s: s, q: q, list: list, format: format}
	return r.writeTo(ctx, w)
}

// exportReaders is how many read at a time. Reading takes most of an export,
// and the rest (w hashes, and waits for a network) little beside it.
const exportReaders = 2

// exportReader reads the records of an export: the log in windows of a fixed
// number of sequence numbers, each in one or more chunks.
type exportReader struct {
	s      *Store
	q      auditQuery
	list   string
	format func(*exportSink, []driver.Value)
}

// exportChunk is a chunk that was read, and whether its window has more.
type exportChunk struct {
	*exportSink
	more bool
	err  error
}

// exportWindow is how many records a reader reads before it is another's turn, or
// under a filter looks for.
func (r exportReader) window() int64 {
	if r.q.filtered() {
		return 16 * blockRecords
	}
	return chunkRows
}

// writeTo copies what is read to w, in order, and answers how many records.
func (r exportReader) writeTo(ctx context.Context, w io.Writer) (total int64, err error) {
	var readers sync.WaitGroup
	defer readers.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var read [exportReaders]chan exportChunk
	for i := range read {
		read[i] = make(chan exportChunk)
		readers.Go(func() { r.run(ctx, int64(i), read[i]) })
	}
	for i := 0; ; i++ { // a window from each reader in turn
		for more := true; more; {
			chunk, open := <-read[i%exportReaders]
			if !open {
				return total, ctx.Err()
			}
			if chunk.err != nil {
				return total, fmt.Errorf("export audit records: %w", chunk.err)
			}
			if _, err := w.Write(chunk.buf); err != nil {
				return total, err
			}
			total, more = total+chunk.rows, chunk.more
		}
	}
}

// run reads every exportReaders-th window, beginning with the first-th, and
// closes to at the end. Two chunks take turns: who has received one may use it
// until receiving the next.
func (r exportReader) run(ctx context.Context, first int64, to chan<- exportChunk) {
	defer close(to)
	into, other := &exportSink{format: r.format}, &exportSink{format: r.format}
	window := r.window()
	for after := r.q.above + first*window; after+1 < r.q.below; after += exportReaders * window {
		before := min(after+window+1, r.q.below)
		read, err := r.reading(ctx, after, before)
		for at, more := after, true; more; {
			chunk := exportChunk{exportSink: into, err: err}
			if err == nil {
				into.buf, into.rows, into.full, into.last = into.buf[:0], 0, false, at
				chunk.more, chunk.err = read(into, at)
			}
			select {
			case to <- chunk:
			case <-ctx.Done():
				return
			}
			if chunk.err != nil {
				return
			}
			at, more = chunk.last, chunk.more
			into, other = other, into
		}
	}
}

// reading returns what reads a chunk of the records between two sequence
// numbers, after a third, and answers whether there are more.
func (r exportReader) reading(ctx context.Context, after, before int64) (func(into *exportSink, at int64) (bool, error), error) {
	if !r.q.filtered() {
		text := `SELECT ` + r.list + ` FROM audit_records r WHERE r.seq > ? AND r.seq < ? ORDER BY r.seq LIMIT ?`
		return func(into *exportSink, at int64) (bool, error) {
			seen, err := r.s.engine.emit(ctx, r.s.long, into, r.list, text, at, before, chunkRows)
			return (seen >= chunkRows || into.full) && into.last+1 < before, err
		}, nil
	}
	part := r.q
	part.after(after)
	part.before(before)
	search := reading{ctx, r.s.long}
	walk, err := r.s.newWalk(search, &part)
	if err != nil {
		return nil, err
	}
	seqs, err := walk.list(true, int(before-after))
	return func(into *exportSink, at int64) (bool, error) {
		from, _ := slices.BinarySearch(seqs, at+1)
		chunk := seqs[from:min(len(seqs), from+chunkRows)]
		if len(chunk) == 0 {
			return false, nil
		}
		text, args := bySeq(r.list, chunk)
		_, err := r.s.engine.emit(ctx, r.s.long, into, r.list, text, args...)
		return into.last < seqs[len(seqs)-1], err
	}, err
}

// csvCell is the value of one column of the export. The columns are generated
// from the record, so a value's own type tells nearly everything: only true
// and false, the list of columns and the hash look like something else.
func csvCell(column int, v driver.Value) audit.Cell {
	const columns, gdprAligned, keyRotationEnabled, leafHash = 11, 18, 20, 25
	switch v := v.(type) {
	case int64:
		if column == gdprAligned || column == keyRotationEnabled {
			return audit.BoolCell(v != 0)
		}
		return audit.IntCell(v)
	case float64:
		return audit.FloatCell(v)
	case string:
		if column == columns {
			return audit.ListCell(v)
		}
		return audit.TextCell(v)
	case []byte:
		if column == leafHash {
			return audit.HashCell(string(v))
		}
		return audit.TextCell(string(v))
	}
	return audit.Cell{}
}
