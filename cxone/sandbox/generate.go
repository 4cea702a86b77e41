package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"cxseal/cxone"
)

// The table that always exists.
const (
	ContactsDataStore = "ds-customers"
	ContactsTable     = "tbl-contacts"
)

// tablesPerStore is how many tables a data store has before another one is
// opened; past len(industries) data stores they all grow.
const tablesPerStore = 5

// store is one data store. Its extra tables are not kept in a list: the n-th
// is the number first + n×step of the whole tenant.
type store struct {
	id, name    string
	industry    *industry // nil: ds-customers
	first, step int
	count       int
}

// storesFor spreads n extra tables over the data stores.
func storesFor(n int) []store {
	stores := []store{{id: ContactsDataStore, name: "Customers", count: 1}}
	open := min(len(industries), (n+tablesPerStore-1)/tablesPerStore)
	for i := range open {
		in := &industries[i]
		stores = append(stores, store{
			id: in.id, name: in.name, industry: in,
			first: i + 1, step: open, count: (n - i + open - 1) / open,
		})
	}
	return stores
}

func (s *Sandbox) store(id string) *store {
	for i := range s.stores {
		if s.stores[i].id == id {
			return &s.stores[i]
		}
	}
	return nil
}

// tableRef names a data store's n-th table, from 0, without making it.
func (s *Sandbox) tableRef(st *store, n int) cxone.TableRef {
	if st.industry == nil {
		return cxone.TableRef{ID: ContactsTable, Name: "Contacts", DatastoreID: st.id}
	}
	subjects := st.industry.subjects
	name := subjects[n%len(subjects)]
	if round := n / len(subjects); round > 0 {
		name += " " + strconv.Itoa(round+1)
	}
	return cxone.TableRef{ID: tableID(st.first + n*st.step), Name: name, DatastoreID: st.id}
}

func tableID(number int) string { return fmt.Sprintf("tbl-%04d", number) }

// find gives a table, making it when it is asked for the first time; nil when
// there is none. The caller holds s.mu.
func (s *Sandbox) find(datastore, id string) *table {
	id = plainID(id)
	key := datastore + "/" + id
	if t := s.tables[key]; t != nil {
		return t
	}
	st := s.store(datastore)
	if st == nil {
		return nil
	}
	var t *table
	if st.industry == nil {
		if id != ContactsTable {
			return nil
		}
		t = contacts()
	} else {
		number, err := strconv.Atoi(strings.TrimPrefix(id, "tbl-"))
		n := number - st.first
		if err != nil || id != tableID(number) || n < 0 || n%st.step != 0 || n/st.step >= st.count {
			return nil
		}
		t = s.generate(st, number, s.tableRef(st, n/st.step))
	}
	s.tables[key] = t
	return t
}

func contacts() *table {
	t := &table{ds: ContactsDataStore, id: ContactsTable, name: "Contacts", maxEncrypted: cxone.DefaultMaxEncryptedFields}
	for _, f := range contactFields {
		t.columns = append(t.columns, column{name: f.name, kind: f.kind})
	}
	t.indexes = []cxone.Index{
		{Name: "idx_contacts_email", Columns: []string{"email"}},
		{Name: "idx_contacts_name", Columns: []string{"last_name", "first_name"}},
		{Name: "pk_contacts", Columns: []string{"id"}, ReadOnly: true},
	}
	return t
}

// generate makes an extra table out of the seed and its number alone. At least
// one sensitive string column of every table is free: unencrypted, unindexed
// and within the limit, so that any table can serve as a run's target.
func (s *Sandbox) generate(st *store, number int, ref cxone.TableRef) *table {
	rng := rand.New(rand.NewPCG(uint64(s.cfg.Seed), uint64(number))) //nolint:gosec // G115, G404: reproducible sample data
	t := &table{ds: st.id, id: ref.ID, name: ref.Name}
	t.columns = append(t.columns, column{name: st.industry.key, kind: "string"})
	t.indexes = append(t.indexes, cxone.Index{Name: "pk_" + st.industry.key, Columns: []string{st.industry.key}, ReadOnly: true})

	var fields []field
	for i, f := range st.industry.fields {
		// The first field of every industry is a sensitive string: the free one.
		if i == 0 || rng.IntN(4) > 0 {
			fields = append(fields, f)
		}
	}
	encrypted := 0
	for i, f := range fields {
		c := column{name: f.name, kind: f.kind}
		switch chance := rng.IntN(100); {
		case i == 0 || !encryptable(f.kind):
		case f.sensitive && number%3 == 0 && encrypted < 3 && chance < 40:
			encrypted++
			s.preEncrypt(&c, rng)
		case f.sensitive && chance < 6:
			t.indexes = append(t.indexes, cxone.Index{Name: "uq_" + f.name, Columns: []string{f.name}, ReadOnly: true})
		case chance < 18:
			t.indexes = append(t.indexes, cxone.Index{Name: "idx_" + f.name, Columns: []string{f.name}})
		}
		t.columns = append(t.columns, c)
	}
	if rng.IntN(2) == 0 {
		t.maxEncrypted = encrypted + 2 + rng.IntN(10)
	}
	return t
}

// preEncrypt makes a column one that was encrypted before our time. Its
// rotation date lies around the day the sandbox was started, some in the past.
func (s *Sandbox) preEncrypt(c *column, rng *rand.Rand) {
	interval := []int{30, 90, 180, 365}[rng.IntN(4)]
	next := s.born.AddDate(0, 0, rng.IntN(interval+10)-10)
	c.encrypted = true
	c.keyVersion = 1 + rng.Int64N(4)
	c.directive = &cxone.KeyRotationDirective{
		Strategy: "AUTOMATIC", IntervalDays: interval, NextRotationEpoch: next.Add(3 * time.Hour).Unix(),
	}
}

// encryptable says whether the tenant can encrypt a column of this type. Types
// that hold files are stored elsewhere and have no column encryption.
func encryptable(kind string) bool {
	switch kind {
	case "string", "text", "number", "integer", "decimal", "date", "datetime", "boolean", "email", "phone", "json", "uuid":
		return true
	}
	return false
}
