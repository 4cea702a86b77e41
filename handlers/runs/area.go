// Package runs holds the pages about runs (dossier, approval, live progress) and campaigns, and answers the KMS
// callback that confirms a run.
package runs

import (
	"context"
	"net/http"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// Area serves the pages under /runs and /campaigns, and the KMS callback.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Runs       Runs
	Encryption Encryption
	Campaigns  Campaigns
	Campaigner Campaigner
	Audit      Audit
	Tables     Tables
	Columns    Columns
	Requests   Requests
}

// Runs reads runs and their dossiers. Pages are newest first: those before a
// Seq (0: from the newest), or those right after one.
type Runs interface {
	Run(ctx context.Context, id string) (encryption.Run, error)
	Runs(ctx context.Context, f encryption.RunFilter, before int64, limit int) ([]encryption.RunLine, error)
	RunsAfter(ctx context.Context, f encryption.RunFilter, after int64, limit int) ([]encryption.RunLine, error)
	RunCounts(ctx context.Context) (map[encryption.State]int64, error)
	RunEvents(ctx context.Context, runID string, afterSeq int64) ([]encryption.Event, error)
	RunVerifications(ctx context.Context, runID string) ([]encryption.Verification, error)
}

// Encryption steers runs and takes the KMS's word; *encryption.Service does.
type Encryption interface {
	Approve(ctx context.Context, caller access.Caller, runID, fingerprint string) error
	Decline(ctx context.Context, caller access.Caller, runID, reason string) error
	Cancel(ctx context.Context, caller access.Caller, runID string) error
	TakeOver(ctx context.Context, caller access.Caller, runID string) error
	Watch(runID string) (moved <-chan struct{}, unwatch func())
	Confirm(ctx context.Context, r encryption.CallbackRequest) (encryption.CallbackAnswer, error)
}

// Campaigns reads campaigns; see campaign.Store.
type Campaigns interface {
	Campaign(ctx context.Context, id string) (campaign.Campaign, error)
	Campaigns(ctx context.Context, before int64, limit int) ([]campaign.Campaign, error)
	CampaignItems(ctx context.Context, id string, after, limit int) ([]campaign.Item, error)
	CampaignOfRun(ctx context.Context, runID string) (string, error)
}

// Campaigner launches and steers campaigns; *campaign.Service does.
type Campaigner interface {
	Preflight(ctx context.Context, caller access.Caller, r campaign.Request) (campaign.Preview, error)
	Launch(ctx context.Context, caller access.Caller, r campaign.Request) (campaign.Campaign, error)
	Refuse(ctx context.Context, caller access.Caller, r campaign.Request, why error) error
	Pause(ctx context.Context, caller access.Caller, id string) error
	Resume(ctx context.Context, caller access.Caller, id string) error
	Cancel(ctx context.Context, caller access.Caller, id string) error
}

// Audit reads the records of a run, newest first.
type Audit interface {
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)
}

// Tables names tables and data stores, as they were last seen.
type Tables interface {
	Table(ctx context.Context, connection, datastoreID, tableID string) (inventory.Table, error)
	Datastores(ctx context.Context, connection string) ([]inventory.Datastore, error)
}

// Columns lists columns by what they hold; see sensitivity.Store.
type Columns interface {
	SensitivityColumns(ctx context.Context, f sensitivity.Filter, after *sensitivity.Key, limit int) ([]sensitivity.Column, error)
}

// Requests lists the decisions about what is sensitive that wait for a second
// person, oldest first: of a connection, or of all when it is empty.
type Requests interface {
	OpenSensitivityRequests(ctx context.Context, connection string) ([]sensitivity.Request, error)
}

// New returns the area, and counts the runs in the metrics. Every dependency
// must be there.
func New(f *frame.Frame, d Deps) (*Area, error) {
	if err := frame.Missing("Runs", map[string]bool{
		"Runs": d.Runs == nil, "Encryption": d.Encryption == nil, "Campaigns": d.Campaigns == nil, "Campaigner": d.Campaigner == nil,
		"Audit": d.Audit == nil, "Tables": d.Tables == nil, "Columns": d.Columns == nil, "Requests": d.Requests == nil,
	}); err != nil {
		return nil, err
	}
	return &Area{f, d}, f.Register(states{d.Runs})
}

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	run, campaign := frame.Named("run"), frame.Named("campaign")
	return []frame.Route{
		{Method: http.MethodPost, Path: frame.KMSCallbackPath, Kind: frame.Machine, Needs: frame.Everyone, Handle: a.kmsCallback},
		{Method: http.MethodPost, Path: frame.KMSCallbackPath + "/", Kind: frame.Machine, Needs: frame.Everyone, Handle: a.kmsCallback}, // some senders append a slash

		frame.Get("/runs", frame.Page, access.PermViewAll, a.runs),
		frame.Get("/runs/:run", frame.Page, access.PermViewAll, a.run),
		frame.Get("/runs/:run/events", frame.Stream, access.PermViewAll, a.runEvents),
		frame.Post("/runs/:run/approve", access.PermApproveRun,
			frame.Change(a.Frame, run, a.approve, "The run is approved and queued. Your name is on the record.", web.RunPath)),
		frame.Post("/runs/:run/decline", access.PermApproveRun,
			frame.Change(a.Frame, run, a.decline, "The run is declined. Nothing was sent to CXone.", web.RunPath)),
		frame.Post("/runs/:run/take", access.PermLaunchRun,
			frame.Change(a.Frame, run, frame.Of(a.Encryption.TakeOver), "You have taken the run over. Your name is on the record.", web.RunPath)),
		frame.Post("/runs/:run/cancel", access.PermCancelRun,
			frame.Change(a.Frame, run, frame.Of(a.Encryption.Cancel), "The run is cancelled. Nothing was sent to CXone.", web.RunPath)),

		frame.Get("/approvals", frame.Page, access.PermViewAll, a.approvals),

		frame.Get("/campaigns", frame.Page, access.PermViewAll, a.campaigns),
		frame.Post("/campaigns", access.PermLaunchRun, a.launchCampaign).OrDeny(a.launchCampaignDenied),
		frame.Get("/campaigns/preflight", frame.Page, access.PermViewAll, a.backToCampaigns),
		frame.Post("/campaigns/preflight", access.PermLaunchRun, a.preflightCampaign),
		frame.Get("/campaigns/:campaign", frame.Page, access.PermViewAll, a.campaign),
		frame.Get("/campaigns/:campaign/progress", frame.Page, access.PermViewAll, a.campaignProgress),
		frame.Get("/campaigns/:campaign/export.csv", frame.Stream, access.PermExport, a.campaignCSV).OrDeny(a.ExportDenied("Campaign")),
		frame.Post("/campaigns/:campaign/pause", access.PermLaunchRun,
			frame.Change(a.Frame, campaign, frame.Of(a.Campaigner.Pause), "Paused. Runs that were launched go on.", web.CampaignPath)),
		frame.Post("/campaigns/:campaign/resume", access.PermLaunchRun,
			frame.Change(a.Frame, campaign, frame.Of(a.Campaigner.Resume), "Resumed.", web.CampaignPath)),
		frame.Post("/campaigns/:campaign/cancel", access.PermCancelRun,
			frame.Change(a.Frame, campaign, frame.Of(a.Campaigner.Cancel), "Cancelled. Runs at work go on to their end.", web.CampaignPath)),
	}
}
