package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
)

// Long reads call the SQL function cxseal_emit, which passes each row to Go
// without copying it: half the time of reading a million rows through database/sql.
//
//	SELECT count(cxseal_emit(?, a, b)) FROM (SELECT a, b FROM … ORDER BY seq LIMIT 1000)
//
// The inner LIMIT keeps SQLite from merging the two, so rows arrive in order.

// sink takes the rows of one read. The arguments of row are SQLite's own
// memory: they may not be kept.
type sink interface{ row(args []driver.Value) }

var (
	sinks    sync.Map // int64 → sink
	lastSink atomic.Int64
)

func init() {
	sqlite.MustRegisterFunction("cxseal_emit", &sqlite.FunctionImpl{
		NArgs:        -1,
		VolatileArgs: true,
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			id, _ := args[0].(int64)
			to, ok := sinks.Load(id)
			if !ok {
				return nil, fmt.Errorf("cxseal_emit: there is no reader %v", args[0])
			}
			to.(sink).row(args[1:])
			return int64(1), nil
		},
	})
}

func (e *sqliteEngine) emit(ctx context.Context, p *pool, to sink, list, inner string, args ...any) (int64, error) {
	id := lastSink.Add(1)
	sinks.Store(id, to)
	defer sinks.Delete(id)
	var rows int64
	err := firstRow(reading{ctx, p}, `SELECT count(cxseal_emit(?, `+list+`)) FROM (`+inner+`)`, append([]any{id}, args...)...).Scan(&rows)
	return rows, err
}

// bytesOf is a text or blob argument, or what else stands there as text: a
// column that someone else wrote may hold anything.
func bytesOf(dst []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case nil:
		return dst
	case string:
		return append(dst, v...)
	case []byte:
		return append(dst, v...)
	}
	return fmt.Append(dst, v)
}
