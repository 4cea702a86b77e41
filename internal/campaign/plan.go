package campaign

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// Preview is what a campaign would do.
type Preview struct {
	Request Request
	Items   []PreviewItem
	Live    int // tables that were read for it; the others are as last seen
}

// PreviewItem is one table of a preview.
type PreviewItem struct {
	Item
	Live   bool
	Before encryption.Coverage
	After  encryption.Coverage
}

// previewTime bounds how long tables are read live; the rest is shown as the
// inventory knows it, and checked when its turn comes.
const previewTime = 12 * time.Second

// planners is how many tables are planned at a time.
const planners = 4

// Preflight plans every table without recording or changing anything.
func (s *Service) Preflight(ctx context.Context, caller access.Caller, r Request) (Preview, error) {
	if err := access.Require(caller, access.PermLaunchRun); err != nil {
		return Preview{}, err
	}
	items, err := s.items(ctx, &r)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Request: r, Items: make([]PreviewItem, len(items))}
	reading, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	var wait sync.WaitGroup
	next := make(chan int)
	for range planners {
		wait.Go(func() {
			for i := range next {
				p.Items[i] = s.preview(reading, caller, r, items[i])
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	wait.Wait()
	for _, i := range p.Items {
		if i.Live {
			p.Live++
		}
	}
	return p, ctx.Err()
}

func (s *Service) preview(ctx context.Context, caller access.Caller, r Request, item Item) PreviewItem {
	shown := PreviewItem{Item: item}
	if item.Refused != "" || ctx.Err() != nil {
		return shown
	}
	plan, err := s.plan(ctx, caller, Campaign{Connection: r.Connection, IntervalDays: r.IntervalDays,
		MaskIndexes: r.MaskIndexes}, &shown.Item)
	switch {
	case ctx.Err() != nil:
		shown.Item = item
	case err != nil:
		shown.Refused, shown.Live = fault.MessageOf(err), true
	default:
		shown.Live, shown.Before, shown.After = true, plan.Before, plan.After
	}
	return shown
}

// plan reads a table and leaves out of the item what stands in the way, so that
// one blocked column does not keep the others from being encrypted. The plan it
// answers is of what is left.
func (s *Service) plan(ctx context.Context, caller access.Caller, c Campaign, item *Item) (encryption.Plan, error) {
	request := encryption.Request{Operation: audit.ColumnEncryption, Connection: c.Connection, DatastoreID: item.DatastoreID,
		TableID: item.TableID, Columns: item.Columns, MaskIndexes: c.MaskIndexes, IntervalDays: c.IntervalDays}
	preview, err := s.runs.Preflight(ctx, caller, request)
	if err != nil {
		return encryption.Plan{}, err
	}
	plan := preview.Plan
	var kept []string
	room := plan.MaxFields - plan.Before.Encrypted
	for _, column := range item.Columns {
		blockers := plan.BlockersOf(column)
		switch {
		case len(blockers) > 0:
			for _, b := range blockers {
				item.LeftOut = append(item.LeftOut, b.Message)
			}
		case len(kept) >= room:
			item.LeftOut = append(item.LeftOut,
				fmt.Sprintf("%q is over the table's limit of %d encrypted columns.", column, plan.MaxFields))
		default:
			kept = append(kept, column)
		}
	}
	plan.After = encryption.NewCoverage(plan.Before.Encrypted+len(kept), plan.Before.Total)
	item.Columns = kept
	if len(kept) == 0 {
		item.Columns, item.Refused = []string{}, "Something stands in the way of each of its columns."
	}
	return plan, nil
}
