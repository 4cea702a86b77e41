package settings

import (
	"testing"

	"cxseal/internal/alarm"
	"cxseal/web"
)

// TestEverySeverityHasItsTone fails when an alarm is drawn calmer than it is meant, or a new severity has no
// tone of its own.
func TestEverySeverityHasItsTone(t *testing.T) {
	want := map[alarm.Severity]web.Tone{alarm.Info: web.ToneInfo, alarm.Warning: web.ToneWarning, alarm.Critical: web.ToneDanger}
	for _, s := range alarm.Severities() {
		if tone := severityTone(s); tone != want[s] || tone == web.ToneNone {
			t.Errorf("%s is drawn in the tone %q, want %q", s, tone, want[s])
		}
	}
}
