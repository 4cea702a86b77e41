package cxone

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
)

const (
	pageSize   = 100       // "top" (contract §1)
	maxEntries = 1_000_000 // of one listing; more is a tenant that never ends
	maxPages   = 20_000    // of one listing, where they hold an entry or two each
	maxDoubts  = 5         // reasons that are kept of one listing
)

// head is what a page says beside its entries.
type head struct {
	size   int  // entries on the page, unreadable ones too
	total  int  // -1 where none is named, or none that can be read
	more   bool // it says that there is more
	doubts []string
}

// entry is one entry of a listing, with the id by which it is known.
type entry[T any] struct {
	id    string
	value T
}

// entryReader reads one entry; its id is "" where it cannot be read.
type entryReader[T any] func(p *places, in fields, path string) entry[T]

// list pages through a listing with skip and top until a page is empty or
// brings nothing new, whatever the total says: some tenants cap their pages,
// name no total, or name the page's own. Entries met twice are given once: a
// listing that changes while it is read may shift.
//
// Where there is doubt whether that was all, an *IncompleteError comes last.
func list[T any](ctx context.Context, c *Client, path, key string, reader entryReader[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seed := maphash.MakeSeed()
		seen := map[uint64]struct{}{} // hashes: ten thousand tables are not kept in memory for this
		so := progress{named: -1}
		for {
			in := c.read(path)
			in.query = fmt.Sprintf("skip=%d&top=%d", so.skip, pageSize)
			in.listing = true
			ans, err := c.do(ctx, in)
			if err != nil {
				yield(none, err)
				return
			}
			page, entries, err := decodePage(ans.body, key, so.skip, reader)
			if err != nil {
				yield(none, c.undecodable(in, err))
				return
			}
			fresh := 0
			for _, e := range entries {
				h := maphash.String(seed, e.id)
				if _, ok := seen[h]; ok {
					continue
				}
				seen[h] = struct{}{}
				fresh++
				if !yield(e.value, nil) {
					return
				}
			}
			if so.turn(page, fresh) {
				if len(so.doubts) > 0 {
					yield(none, c.incomplete(in, so))
				}
				return
			}
		}
	}
}

// progress is how far a listing has been read.
type progress struct {
	pages   int
	entries int // distinct ones
	skip    int // entries on the pages so far
	named   int // the highest total that was named, -1: none
	doubts  []string
}

func (so *progress) doubt(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); len(so.doubts) < maxDoubts && !slices.Contains(so.doubts, text) {
		so.doubts = append(so.doubts, text)
	}
}

// turn takes a page into account and reports whether it was the last one.
func (so *progress) turn(page head, fresh int) (last bool) {
	so.pages++
	so.entries += fresh
	so.skip += page.size
	so.named = max(so.named, page.total)
	for _, text := range page.doubts {
		so.doubt("%s", text)
	}
	switch {
	case page.size > 0 && fresh > 0 && so.skip > maxEntries:
		so.doubt("the list has more than %d entries", maxEntries)
	case page.size > 0 && fresh > 0 && so.pages >= maxPages:
		so.doubt("the list has not ended after %d pages", maxPages)
	case page.size > 0 && fresh > 0:
		// A total larger than the page that names it is no page's own count. A
		// round one is where some services stop counting.
		return page.total > page.size && page.total%1000 != 0 && so.entries >= so.named && !page.more
	case page.more:
		so.doubt("CXone says that there is more and gives nothing new")
	case so.named > so.entries:
		so.doubt("CXone names %d entries and gave %d", so.named, so.entries)
	case page.size > 0 && so.entries%10 == 0:
		// It ignores skip. What it gave may be all, unless it stopped at a
		// number at which services stop.
		so.doubt("CXone repeats the same entries instead of going on after %d", so.entries)
	}
	return true
}

// decodePage reads {totalRecords, <key>: […]}, or the bare array; nothing at
// all is an empty page. An entry that cannot be read is a doubt about the list.
func decodePage[T any](body []byte, key string, skip int, reader entryReader[T]) (head, []entry[T], error) {
	page := head{total: -1}
	if len(withoutMark(body)) == 0 {
		return page, nil, nil
	}
	raw, err := checkJSON(body)
	if err != nil {
		return page, nil, err
	}
	if raw[0] != '[' {
		top, ok := readFields(raw)
		if !ok || raw[0] != '{' {
			return page, nil, errors.New("it is neither a list nor an object that holds one")
		}
		if !top.has(key) {
			return page, nil, withReported(fmt.Errorf("it holds no %q", key), raw)
		}
		items, clear := top.get(key)
		if raw = items; !clear {
			return page, nil, fmt.Errorf("%s is there twice, with different values", key)
		}
		page.readTotal(top)
	}
	list, ok := readList(raw)
	if !ok {
		return page, nil, fmt.Errorf("%s is %s and not a list", key, found(raw))
	}
	page.size = len(list)
	p := &places{}
	entries := make([]entry[T], 0, len(list))
	for i, one := range list {
		path := fmt.Sprintf("%s[%d]", key, skip+i)
		in, ok := readFields(one)
		if !ok {
			page.doubts = append(page.doubts, path+" is "+found(one))
			continue
		}
		e := reader(p, in, path)
		if e.id == "" {
			page.doubts = append(page.doubts, path+" has no id that can be read")
			continue
		}
		entries = append(entries, e)
	}
	return page, entries, nil
}

// readTotal reads what a page says of the whole list. A total that cannot be
// read is none: the list is read to its end.
func (page *head) readTotal(top fields) {
	if raw, clear := top.get("totalRecords"); raw != nil && clear {
		if n, ok := readWhole(raw); ok && n >= 0 && n <= 1<<31-1 {
			page.total = int(n)
		}
	}
	for _, key := range []string{"hasMore", "has_more", "nextPageToken", "nextLink", "@odata.nextLink"} {
		raw, _ := top.get(key)
		text, isText := readString(raw)
		yes, isBool := readBool(raw)
		if isText && strings.TrimSpace(text) != "" && !isBool || isBool && yes {
			page.more = true
		}
	}
}

func (c *Client) incomplete(in call, so progress) error {
	for i, text := range so.doubts {
		so.doubts[i] = shorten(c.Redact(clean(text)), maxMessage)
	}
	return &IncompleteError{Path: c.Redact(c.cfg.prefix + in.path), Read: so.entries, Named: so.named, Reasons: so.doubts}
}
