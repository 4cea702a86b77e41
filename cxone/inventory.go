package cxone

import (
	"context"
	"fmt"
	"iter"
)

// DataStores lists the tenant's data stores, page by page. After an error,
// which comes last, the list is not complete; after an *IncompleteError it may
// be. A tenant without this listing yields ErrNoListing.
func (c *Client) DataStores(ctx context.Context) iter.Seq2[DataStore, error] {
	return list(ctx, c, "/datastores", "datastores", readDataStore)
}

func readDataStore(p *places, in fields, path string) entry[DataStore] {
	d := DataStore{ID: read(p, in, path, "id", readID), Name: read(p, in, path, "name", readID)}
	return entry[DataStore]{d.ID, d}
}

// Tables lists the tables of a data store, like DataStores.
func (c *Client) Tables(ctx context.Context, datastoreID string) iter.Seq2[TableRef, error] {
	store, err := escapeID("data store", datastoreID)
	if err != nil {
		return func(yield func(TableRef, error) bool) { yield(TableRef{}, err) }
	}
	return list(ctx, c, "/datastores/"+store+"/tables", "tables", tableReader(datastoreID))
}

func tableReader(datastoreID string) entryReader[TableRef] {
	return func(p *places, in fields, path string) entry[TableRef] {
		t := TableRef{ID: read(p, in, path, "id", readID), Name: read(p, in, path, "name", readID),
			DatastoreID: read(p, in, path, "datastoreId", readID)}
		if t.DatastoreID == "" {
			t.DatastoreID = datastoreID
		}
		return entry[TableRef]{t.ID, t}
	}
}

// Table reads a table's columns and limits. What of it cannot be read is listed
// in its Unreadable.
func (c *Client) Table(ctx context.Context, datastoreID, tableID string) (*Table, error) {
	path, err := tablePath(datastoreID, tableID)
	if err != nil {
		return nil, err
	}
	in := c.read(path)
	ans, err := c.do(ctx, in)
	if err != nil {
		return nil, err
	}
	t, err := decodeTable(ans.body, datastoreID, tableID)
	if err != nil {
		return nil, c.undecodable(in, err)
	}
	for i, u := range t.Unreadable {
		t.Unreadable[i].Found = c.Redact(u.Found)
	}
	return t, nil
}

// Indexes reads a table's indexes. One whose columns cannot be read says so in
// its Unreadable.
func (c *Client) Indexes(ctx context.Context, datastoreID, tableID string) ([]Index, error) {
	path, err := tablePath(datastoreID, tableID)
	if err != nil {
		return nil, err
	}
	in := c.read(path + "/indexes")
	ans, err := c.do(ctx, in)
	if err != nil {
		return nil, err
	}
	indexes, err := decodeIndexes(ans.body)
	if err != nil {
		return nil, c.undecodable(in, err)
	}
	for i, index := range indexes {
		indexes[i].Unreadable = c.Redact(index.Unreadable)
	}
	return indexes, nil
}

func tablePath(datastoreID, tableID string) (string, error) {
	store, err := escapeID("data store", datastoreID)
	if err != nil {
		return "", err
	}
	table, err := escapeID("table", tableID)
	if err != nil {
		return "", err
	}
	return "/datastores/" + store + "/tables/" + table, nil
}

func (c *Client) undecodable(in call, err error) error {
	return &DecodeError{
		Method: in.method, Path: c.Redact(c.cfg.prefix + in.path),
		Err: fmt.Errorf("%s", shorten(c.Redact(clean(err.Error())), maxMessage)),
	}
}
