package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"

	"cxseal/internal/audit"
)

// A chunk of a long read: so many rows, and no more than so many bytes kept.
const (
	chunkRows  = 1000
	chunkBytes = 4 << 20
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
	return s.export(ctx, f, w, `seq, record`, func(out *exportSink, args []driver.Value) {
		out.buf = append(bytesOf(out.buf, args[1]), '\n')
	})
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
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return 0, err
	}
	end, err := s.TreeSize(ctx)
	if err != nil {
		return 0, err
	}
	q.before(end + 1)
	read := func(into *exportSink, after int64) exportChunk {
		into.buf, into.rows, into.full, into.last = into.buf[:0], 0, false, after
		chunk := q
		chunk.after(after)
		inner, args := chunk.rows(list, `ASC`, chunkRows)
		seen, err := s.emit(ctx, into, list, inner, args...)
		return exportChunk{into, seen >= chunkRows || into.full, err}
	}
	// The next chunk is read while this one is on its way: w hashes, and waits
	// for a network.
	var total int64
	spare := &exportSink{format: format}
	for chunk := read(&exportSink{format: format}, 0); ; {
		if chunk.err != nil {
			return total, fmt.Errorf("export audit records: %w", chunk.err)
		}
		next := make(chan exportChunk, 1) // has room, so that no reader is left behind
		if chunk.more {
			go func(into *exportSink, after int64) { next <- read(into, after) }(spare, chunk.last)
		}
		_, err := w.Write(chunk.buf)
		if err == nil {
			total += chunk.rows
		}
		if !chunk.more {
			return total, err
		}
		spare = chunk.exportSink
		if chunk = <-next; err != nil {
			return total, err
		}
	}
}

// exportChunk is a chunk that was read, and whether more may follow.
type exportChunk struct {
	*exportSink
	more bool
	err  error
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
