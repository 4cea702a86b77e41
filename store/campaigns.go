package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

var _ campaign.Store = (*Store)(nil)

const campaignColumns = `seq, id, connection, datastore_id, target, interval_days, mask_indexes, state, reason,
	requested_by, requested_role, requested_ip, requested_id, requested_at, finished_at, taken_by`

func scanCampaign(row scanner) (c campaign.Campaign, err error) {
	err = row.Scan(&c.Seq, &c.ID, &c.Connection, &c.DatastoreID, &c.Target, &c.IntervalDays, &c.MaskIndexes, &c.State, &c.Reason,
		&c.RequestedBy.Name, &c.RequestedBy.Role, &c.RequestedBy.IP, &c.RequestedBy.UserID, stamp{&c.RequestedAt}, stamp{&c.FinishedAt}, &c.TakenBy)
	return c, err
}

// AddCampaign stores a campaign with its items and its record.
func (s *Store) AddCampaign(ctx context.Context, c campaign.Campaign, items []campaign.Item, record audit.Record) error {
	raw, err := canonical([]audit.Record{record})
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO campaigns (id, connection, datastore_id, target, interval_days, mask_indexes, state, reason,
			requested_by, requested_role, requested_ip, requested_id, requested_at) VALUES (`+placeholders(13)+`)`,
			c.ID, c.Connection, c.DatastoreID, string(c.Target), c.IntervalDays, c.MaskIndexes, string(c.State), c.Reason,
			c.RequestedBy.Name, string(c.RequestedBy.Role), c.RequestedBy.IP, c.RequestedBy.UserID, micros(c.RequestedAt))
		if err != nil {
			return fmt.Errorf("add campaign: %w", err)
		}
		for _, i := range items {
			_, err := t.exec(`INSERT INTO campaign_items (campaign_id, position, datastore_id, table_id, table_name, columns, left_out, run_id, refused)
				VALUES (`+placeholders(9)+`)`, c.ID, i.Position, i.DatastoreID, i.TableID, i.TableName, names(i.Columns), names(i.LeftOut), i.RunID, i.Refused)
			if err != nil {
				return fmt.Errorf("add table %s to the campaign: %w", i.TableID, err)
			}
		}
		return t.append(raw)
	})
}

// Campaign returns one campaign with its progress, or fault.NotFound.
func (s *Store) Campaign(ctx context.Context, id string) (campaign.Campaign, error) {
	c, err := scanCampaign(s.queryRow(ctx, `SELECT `+campaignColumns+` FROM campaigns WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return c, fault.New(fault.NotFound, "There is no such campaign.")
	}
	if err != nil {
		return c, fmt.Errorf("read campaign: %w", err)
	}
	c.Progress, err = s.progress(ctx, id)
	return c, err
}

var campaignList = numbered[campaign.Campaign]{"campaigns", `SELECT ` + campaignColumns + ` FROM campaigns`, `seq`, scanCampaign}

// Campaigns lists campaigns, newest first: those before the given Seq (0: from
// the newest).
func (s *Store) Campaigns(ctx context.Context, before int64, limit int) ([]campaign.Campaign, error) {
	list, err := campaignList.before(ctx, s, where{}, before, limit)
	if err != nil {
		return nil, err
	}
	return s.withProgress(ctx, list)
}

// RunningCampaigns lists those that are to go on, oldest first.
func (s *Store) RunningCampaigns(ctx context.Context) ([]campaign.Campaign, error) {
	// The state is a literal, for the partial index to be used.
	list, err := collect(ctx, s, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns WHERE state = `+literals(campaign.Running)+` ORDER BY seq LIMIT ?`, maxPage)
	if err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	return s.withProgress(ctx, list)
}

// withProgress fills in how far each campaign came.
func (s *Store) withProgress(ctx context.Context, list []campaign.Campaign) (_ []campaign.Campaign, err error) {
	for i := range list {
		if list[i].Progress, err = s.progress(ctx, list[i].ID); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// progress counts items by their outcome.
func (s *Store) progress(ctx context.Context, id string) (campaign.Progress, error) {
	p := campaign.Progress{Ended: map[encryption.State]int{}}
	type part struct {
		refused bool
		state   encryption.State
		n       int
	}
	parts, err := collect(ctx, s, func(row scanner) (v part, err error) {
		return v, row.Scan(&v.refused, &v.state, &v.n)
	}, `SELECT i.refused <> '', coalesce(r.state, ''), count(*) FROM campaign_items i LEFT JOIN runs r ON r.id = i.run_id
		WHERE i.campaign_id = ? GROUP BY 1, 2`, id)
	if err != nil {
		return p, fmt.Errorf("count a campaign's items: %w", err)
	}
	for _, v := range parts {
		p.Add(v.refused, v.state, v.n)
	}
	return p, nil
}

const itemColumns = `i.position, i.datastore_id, i.table_id, i.table_name, i.columns, i.left_out, i.run_id, i.refused,
	coalesce(r.state, ''), coalesce(r.error_message, '')`

const itemSource = ` FROM campaign_items i LEFT JOIN runs r ON r.id = i.run_id WHERE i.campaign_id = ?`

func scanItem(row scanner) (i campaign.Item, err error) {
	return i, row.Scan(&i.Position, &i.DatastoreID, &i.TableID, &i.TableName, jsonText{&i.Columns}, jsonText{&i.LeftOut}, &i.RunID, &i.Refused,
		&i.RunState, &i.RunError)
}

// CampaignItems lists items in their order: those after a position (-1: from
// the first).
func (s *Store) CampaignItems(ctx context.Context, id string, after, limit int) ([]campaign.Item, error) {
	return s.items(ctx, itemSource+` AND i.position > ? ORDER BY i.position LIMIT ?`, id, after, pageSize(limit))
}

// PendingItems are the next to launch.
func (s *Store) PendingItems(ctx context.Context, id string, limit int) ([]campaign.Item, error) {
	return s.items(ctx, itemSource+` AND i.refused = '' AND r.id IS NULL ORDER BY i.position LIMIT ?`, id, pageSize(limit))
}

func (s *Store) items(ctx context.Context, from string, args ...any) ([]campaign.Item, error) {
	list, err := collect(ctx, s, scanItem, `SELECT `+itemColumns+from, args...)
	if err != nil {
		return nil, fmt.Errorf("list a campaign's items: %w", err)
	}
	return list, nil
}

// RunsIn lists the ids of the campaign's runs that are in one of the states.
func (s *Store) RunsIn(ctx context.Context, id string, states ...encryption.State) ([]string, error) {
	args := []any{id}
	for _, state := range states {
		args = append(args, string(state))
	}
	list, err := collect(ctx, s, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT r.id FROM campaign_items i JOIN runs r ON r.id = i.run_id
			WHERE i.campaign_id = ? AND r.state IN (`+placeholders(len(states))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("list a campaign's runs: %w", err)
	}
	return list, nil
}

// CampaignOfRun is the id of the campaign that a run belongs to, empty for none.
func (s *Store) CampaignOfRun(ctx context.Context, runID string) (string, error) {
	var id string
	err := s.queryRow(ctx, `SELECT campaign_id FROM campaign_items WHERE run_id = ? AND run_id <> ''`, runID).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find a run's campaign: %w", err)
	}
	return id, nil
}

// SetItem keeps an item's columns, run and refusal.
func (s *Store) SetItem(ctx context.Context, id string, i campaign.Item) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE campaign_items SET columns = ?, left_out = ?, run_id = ?, refused = ? WHERE campaign_id = ? AND position = ?`,
			names(i.Columns), names(i.LeftOut), i.RunID, i.Refused, id, i.Position)
		if err != nil {
			return fmt.Errorf("keep table %s of the campaign: %w", i.TableID, err)
		}
		return nil
	})
}

// SetCampaignState moves a campaign from one state to another with its records,
// or answers fault.Conflict.
func (s *Store) SetCampaignState(ctx context.Context, id string, from, to campaign.State, reason string, at time.Time, records ...audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	var finished any
	if to.Ended() {
		finished = micros(at)
	}
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE campaigns SET state = ?, reason = ?, finished_at = ? WHERE id = ? AND state = ?`,
			string(to), reason, finished, id, string(from))
		if err != nil {
			return fmt.Errorf("change campaign: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "The campaign is no longer %s: look at it again.", from)
		}
		return t.append(raw)
	})
}

// ResumeCampaign moves a paused campaign on with its records, or answers
// fault.Conflict. takenBy is who took it over, empty for nobody.
func (s *Store) ResumeCampaign(ctx context.Context, id, takenBy string, records ...audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE campaigns SET state = ?, reason = '', taken_by = CASE WHEN ? = '' THEN taken_by ELSE ? END WHERE id = ? AND state = ?`,
			string(campaign.Running), takenBy, takenBy, id, string(campaign.Paused))
		if err != nil {
			return fmt.Errorf("resume campaign: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "The campaign is no longer %s: look at it again.", campaign.Paused)
		}
		return t.append(raw)
	})
}
