package cxone

import (
	"context"
	"fmt"
	"iter"
)

// DataStores lists the tenant's data stores, page by page. After an error,
// which comes last, the list is not complete. A tenant without this listing
// yields ErrNoListing.
func (c *Client) DataStores(ctx context.Context) iter.Seq2[DataStore, error] {
	return list(ctx, c, "/datastores", "datastores", func(d DataStore) string { return d.ID })
}

// Tables lists the tables of a data store, like DataStores.
func (c *Client) Tables(ctx context.Context, datastoreID string) iter.Seq2[TableRef, error] {
	store, err := escapeID("data store", datastoreID)
	if err != nil {
		return func(yield func(TableRef, error) bool) { yield(TableRef{}, err) }
	}
	tables := list(ctx, c, "/datastores/"+store+"/tables", "tables", func(t TableRef) string { return t.ID })
	return func(yield func(TableRef, error) bool) {
		for t, err := range tables {
			if err == nil && t.DatastoreID == "" {
				t.DatastoreID = datastoreID
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// Table reads a table's columns and limits.
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
	return t, nil
}

// Indexes reads a table's indexes.
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
