package web

import "github.com/a-h/templ"

// pollCampaign has the moving part ask for itself while the campaign may move.
func pollCampaign(v CampaignView) templ.Attributes {
	if !v.Live() {
		return nil
	}
	return templ.Attributes{"hx-get": CampaignPath(v.ID) + "/progress", "hx-trigger": "every 2s", "hx-swap": "outerHTML"}
}
