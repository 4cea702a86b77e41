package groupcommit

import (
	"context"
	"database/sql"
	"errors"
)

// Tx is a transaction on the writer's connection. Only its job may use it, and
// only until it returns.
//
// Its statements take no context: after one that was interrupted, the state of the transaction would be unknown.
// Each text is prepared once and kept until the writer closes, so texts must be few and fixed.
type Tx struct {
	conn    *sql.Conn
	rewrite func(string) string
	stmts   map[string]*sql.Stmt // by the text before it was rewritten
}

func (t *Tx) stmt(text string) (*sql.Stmt, error) {
	if st := t.stmts[text]; st != nil {
		return st, nil
	}
	asked := text
	if t.rewrite != nil {
		asked = t.rewrite(text)
	}
	st, err := t.conn.PrepareContext(context.Background(), asked)
	if err != nil {
		return nil, err
	}
	t.stmts[text] = st
	return st, nil
}

// Control runs a statement without arguments or an answer: BEGIN, COMMIT, a
// setting of the connection.
func (t *Tx) Control(text string) error {
	_, err := t.Exec(text)
	return err
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(text string, args ...any) (int64, error) {
	st, err := t.stmt(text) //nolint:sqlclosecheck // kept prepared until the writer closes
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query runs a statement that returns rows. They must be closed before the next statement.
func (t *Tx) Query(text string, args ...any) (*sql.Rows, error) {
	st, err := t.stmt(text) //nolint:sqlclosecheck // kept prepared until the writer closes
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}

func (t *Tx) close() error {
	var err error
	for _, st := range t.stmts {
		err = errors.Join(err, st.Close())
	}
	t.stmts = nil
	if e := t.conn.Close(); !errors.Is(e, sql.ErrConnDone) {
		err = errors.Join(err, e)
	}
	return err
}
