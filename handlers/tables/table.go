package tables

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/web"
)

// tableReadTime is how long a person waits for the tenant before the copy of
// an earlier read is shown instead.
const tableReadTime = 8 * time.Second

const tableRuns = 10

// tableRef names a table as its page's address does.
type tableRef struct{ connection, datastore, table string }

func (a *Area) tableRef(c echo.Context) (tableRef, error) {
	datastore, err := frame.Param(c, "datastore")
	if err != nil {
		return tableRef{}, err
	}
	table, err := frame.Param(c, "table")
	if err != nil {
		return tableRef{}, err
	}
	q := frame.ReadQuery(c)
	name := q.Text("connection")
	if err := q.Err(); err != nil {
		return tableRef{}, err
	}
	if badID(datastore) || badID(table) {
		return tableRef{}, fault.New(fault.NotFound, "No data store or table can have this id.")
	}
	connection, err := a.Connection(name)
	return tableRef{connection, datastore, table}, err
}

// table is one table's page, read from the tenant at this moment where it can
// be.
func (a *Area) table(c echo.Context) error {
	ref, err := a.tableRef(c)
	if err != nil {
		return err
	}
	return a.showTable(c, ref, http.StatusOK, forms{})
}

// forms are the two run forms of a table's page as they were sent; nil for a fresh one.
type forms struct{ encrypt, rotate *web.RunForm }

// showTable draws a table's page with its forms.
func (a *Area) showTable(c echo.Context, ref tableRef, status int, sent forms) error {
	ctx := c.Request().Context()
	v := web.TableView{Connection: ref.connection, DatastoreID: ref.datastore, TableID: ref.table, Name: ref.table}
	if err := a.readTable(ctx, ref, &v); err != nil {
		return err
	}
	if err := a.addHistory(ctx, ref, &v); err != nil {
		return err
	}
	if frame.Caller(c).Can(access.PermLaunchRun) {
		v.Encrypt = &web.RunForm{}
		if sent.encrypt != nil {
			v.Encrypt = sent.encrypt
		}
		if slices.ContainsFunc(v.Columns, func(col web.ColumnRow) bool { return col.Encrypted }) {
			v.Rotate = &web.RunForm{}
		}
		if sent.rotate != nil {
			v.Rotate = sent.rotate
		}
	}
	if err := a.addPolicy(ctx, ref, &v); err != nil {
		return err
	}
	v.Chrome = a.Chrome(c, v.Name, web.NavDatastores, web.Link{Text: "Data stores", Href: "/datastores"})
	return a.Render(c, status, web.TablePage(v))
}

// readTable fills in the table as the tenant shows it, or as it was last seen with the reason why it cannot
// be read now. It fails when it cannot be read and was never seen.
func (a *Area) readTable(ctx context.Context, ref tableRef, v *web.TableView) error {
	reading, cancel := context.WithTimeout(ctx, tableReadTime)
	defer cancel()
	live, readErr := a.Tenants.Read(reading, ref.connection, ref.datastore, ref.table)
	if readErr != nil {
		readErr = explainRead(reading, readErr)
	}
	known, err := a.Tables.Table(ctx, ref.connection, ref.datastore, ref.table)
	switch {
	case fault.CodeOf(err) == fault.NotFound && readErr != nil:
		return readErr
	case err != nil && fault.CodeOf(err) != fault.NotFound:
		return err
	}
	columns, err := a.Tables.Columns(ctx, ref.connection, ref.datastore, ref.table)
	if err != nil {
		return err
	}
	if readErr != nil {
		v.ReadError, v.ReadErrorCode = fault.MessageOf(readErr), string(fault.CodeOf(readErr))
		for _, c := range columns {
			v.Columns = append(v.Columns, columnRow(c))
		}
	} else {
		known.Name, known.ReadAt, known.MaxFields = live.Table.Name, live.Table.ReadAt, live.Table.MaxFields
		columns = live.Shown(columns)
		for i, c := range live.Columns {
			row := columnRow(columns[i])
			if c.EncryptionConfiguration != nil {
				row.Algorithm = c.EncryptionConfiguration.Algorithm
			}
			v.Columns = append(v.Columns, row)
		}
		for _, x := range live.Indexes {
			v.Indexes = append(v.Indexes, web.IndexRow{Name: x.Name, Columns: x.Columns, ReadOnly: x.ReadOnly})
			for i := range v.Columns {
				if slices.Contains(x.Columns, v.Columns[i].Name) {
					v.Columns[i].Indexes = append(v.Columns[i].Indexes, x.Name)
				}
			}
		}
	}
	if known.Name != "" {
		v.Name = known.Name
	}
	v.Protected = rows.ProtectedColumns(columns)
	v.DatastoreName, v.ReadAt, v.MaxFields = known.DatastoreName, known.ReadAt, known.MaxFields
	return nil
}

// explainRead turns the error of reading a tenant into a sentence with a code; a deadline is fault.TenantDown.
func explainRead(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(err, fault.TenantDown, "CXone did not answer within %d seconds.", int(tableReadTime.Seconds()))
	}
	return encryption.Explain(err)
}

func columnRow(c inventory.Column) web.ColumnRow {
	return web.ColumnRow{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion, KeyID: c.KeyID,
		Protection: string(c.Protection.State()), Observed: c.Protection.Observed(),
		VerifiedVersion: c.Protection.Verdict.KeyVersion, VerifiedID: c.Protection.Verdict.KeyID, VerdictRun: c.Protection.Verdict.RunID,
		Unsupported: !encryption.CanEncryptType(c.Type)}
}

// addHistory fills in what this console knows of the table: its runs and the
// rotation dates of its columns.
func (a *Area) addHistory(ctx context.Context, ref tableRef, v *web.TableView) error {
	runs, err := a.Runs.Runs(ctx, encryption.RunFilter{Connection: ref.connection, DatastoreID: ref.datastore, TableID: ref.table}, 0, tableRuns)
	if err != nil {
		return err
	}
	v.Runs = rows.Runs(runs)
	for i := range v.Runs {
		v.Runs[i].TableName = v.Name
	}
	if err := a.addSensitivity(ctx, ref, v); err != nil {
		return err
	}
	dates, err := a.Rotations.Ledger(ctx, rotation.Filter{Connection: ref.connection, DatastoreID: ref.datastore, TableID: ref.table}, nil, 1000)
	if err != nil {
		return err
	}
	for _, d := range dates {
		for i := range v.Columns {
			if v.Columns[i].Name == d.Column {
				v.Columns[i].RotationDue = d.DueAt
			}
		}
	}
	return nil
}

// backToTable redirects to the table's page. A check without JavaScript leaves its own address in the browser,
// which must not be an error when it is reloaded.
func (a *Area) backToTable(c echo.Context) error {
	ref, err := a.tableRef(c)
	if err != nil {
		return err
	}
	return a.Redirect(c, web.TablePath(a.InPath(ref.connection), ref.datastore, ref.table))
}
