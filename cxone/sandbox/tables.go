package sandbox

import (
	"net/http"
	"slices"
	"strconv"

	"cxseal/cxone"
)

// maxPage is the largest page a listing gives; a larger top is cut to it.
const maxPage = 1000

// column is the truth about one column. The key version outlives decryption,
// so that it only ever moves forward.
type column struct {
	name, kind string
	encrypted  bool
	keyVersion int64
	directive  *cxone.KeyRotationDirective
}

type table struct {
	ds, id, name string
	columns      []column
	indexes      []cxone.Index
	maxEncrypted int // 0: the metadata names none

	shown []column // what the API shows of the columns while the truth is newer; nil: the truth
}

func (t *table) limit() int {
	if t.maxEncrypted == 0 {
		return cxone.DefaultMaxEncryptedFields
	}
	return t.maxEncrypted
}

func (t *table) column(name string) *column {
	for i := range t.columns {
		if t.columns[i].name == name {
			return &t.columns[i]
		}
	}
	return nil
}

// shape is a table as the API tells it. TableID stands in the PATCH's answer
// only.
type shape struct {
	ID          string         `json:"id"`
	TableID     string         `json:"tableId,omitempty"`
	DatastoreID string         `json:"datastoreId"`
	Name        string         `json:"name"`
	Columns     []cxone.Column `json:"columns"`
	Metadata    metadata       `json:"metadata"`
	KMSPayload  any            `json:"externalKmsPayload,omitempty"`
}

type metadata struct {
	MaxEncryptedFields int `json:"maxEncryptedFields,omitempty"`
}

// asShown is the table as the API shows it now, which under FaultLateTable is
// older than the truth.
func (t *table) asShown() *table {
	if t.shown == nil {
		return t
	}
	older := *t
	older.columns = t.shown
	return &older
}

// shape tells the table. The caller holds the sandbox's lock.
func (t *table) shape(bare bool) shape {
	out := shape{
		ID: t.id, DatastoreID: t.ds, Name: t.name,
		Columns:  make([]cxone.Column, len(t.columns)),
		Metadata: metadata{t.maxEncrypted},
	}
	for i, c := range t.columns {
		out.Columns[i] = cxone.Column{Name: c.name, Type: c.kind, Encrypted: c.encrypted}
		if c.encrypted && !bare {
			out.Columns[i].EncryptionConfiguration = &cxone.ColumnEncryption{
				Algorithm: cxone.Algorithm, KeyVersion: c.keyVersion, KeyRotationDirective: c.directive,
			}
		}
	}
	return out
}

func (s *Sandbox) listDataStores(c call) answer {
	if a := s.noListings(); a != nil {
		return *a
	}
	skip, top, refusal := paging(c.Request)
	if refusal != nil {
		return *refusal
	}
	all := s.DataStores()
	return reply(http.StatusOK, struct {
		TotalRecords int               `json:"totalRecords"`
		Datastores   []cxone.DataStore `json:"datastores"`
	}{len(all), window(all, skip, top)})
}

func (s *Sandbox) listTables(c call) answer {
	if a := s.noListings(); a != nil {
		return *a
	}
	skip, top, refusal := paging(c.Request)
	if refusal != nil {
		return *refusal
	}
	st := s.store(c.PathValue("ds"))
	if st == nil {
		return notFound()
	}
	page := []cxone.TableRef{}
	for i := skip; i < min(st.count, skip+top); i++ {
		page = append(page, s.tableRef(st, i))
	}
	return reply(http.StatusOK, struct {
		TotalRecords int              `json:"totalRecords"`
		Tables       []cxone.TableRef `json:"tables"`
	}{st.count, page})
}

func (s *Sandbox) getTable(c call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(c.PathValue("ds"), c.PathValue("table"))
	if t == nil {
		return notFound()
	}
	return reply(http.StatusOK, t.asShown().shape(s.settings.HideEncryption))
}

func (s *Sandbox) getIndexes(c call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(c.PathValue("ds"), c.PathValue("table"))
	if t == nil {
		return notFound()
	}
	return reply(http.StatusOK, t.copyIndexes())
}

func (t *table) copyIndexes() []cxone.Index {
	out := make([]cxone.Index, len(t.indexes))
	for i, ix := range t.indexes {
		ix.Columns = slices.Clone(ix.Columns)
		out[i] = ix
	}
	return out
}

func (s *Sandbox) noListings() *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settings.NoListings {
		return nil
	}
	a := refuse(http.StatusNotFound, "not_found", "", "there is no such resource")
	return &a
}

func notFound() answer {
	return refuse(http.StatusNotFound, "not_found", "", "data store or table not found")
}

// paging reads skip (from 0) and top (from 1, 100 when absent).
func paging(r *http.Request) (skip, top int, refusal *answer) {
	query := r.URL.Query()
	number := func(name string, value, least int) int {
		text := query.Get(name)
		if text == "" || refusal != nil {
			return value
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > 1_000_000_000 {
			a := refuse(http.StatusBadRequest, "bad_request", name, "must be a whole number from "+strconv.Itoa(least))
			refusal = &a
		}
		return n
	}
	skip = number("skip", 0, 0)
	top = min(number("top", 100, 1), maxPage)
	return skip, top, refusal
}

func window[T any](all []T, skip, top int) []T {
	skip = min(skip, len(all))
	return all[skip:min(len(all), skip+top)]
}

// DataStores lists every data store, in the order of the API.
func (s *Sandbox) DataStores() []cxone.DataStore {
	out := make([]cxone.DataStore, len(s.stores))
	for i, st := range s.stores {
		out[i] = cxone.DataStore{ID: st.id, Name: st.name}
	}
	return out
}

// Tables lists every table of every data store, in the order of the API.
func (s *Sandbox) Tables() []cxone.TableRef {
	var out []cxone.TableRef
	for i := range s.stores {
		for n := range s.stores[i].count {
			out = append(out, s.tableRef(&s.stores[i], n))
		}
	}
	return out
}

// Table tells the truth about one table, whatever the settings hide from the
// API; false when there is none. MaxEncryptedFields is the limit that holds
// where the metadata names none.
func (s *Sandbox) Table(datastore, id string) (cxone.Table, []cxone.Index, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(datastore, id)
	if t == nil {
		return cxone.Table{}, nil, false
	}
	sh := t.shape(false)
	return cxone.Table{
		ID: sh.ID, DatastoreID: sh.DatastoreID, Name: sh.Name, Columns: sh.Columns,
		Metadata: cxone.TableMetadata{MaxEncryptedFields: t.limit()},
	}, t.copyIndexes(), true
}
