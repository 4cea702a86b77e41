package sandbox

import (
	"net/url"
	"time"

	"cxseal/cxone"
)

// patch is what a PATCH asks for, as far as its body alone can be judged.
type patch struct {
	tableID  string
	columns  []wanted
	callback string
	attempts int
	backoff  time.Duration
}

// wanted is one entry of columnTargetMatrix.
type wanted struct {
	path       string // of the entry, for messages
	name, kind string
	mask       bool
	directive  cxone.KeyRotationDirective
}

const (
	maxIntervalDays = 3650
	maxAttempts     = 10
	maxBackoffMs    = 600_000
	maxCallbackURL  = 2048
	maxMatrix       = 1000

	// earliestMillis is where an epoch can only be milliseconds: as seconds it
	// would lie in the year 5138.
	earliestMillis = 100_000_000_000
)

// parsePatch reads the body of the PATCH (contract §1). Every key is required
// and no other is taken. Errors are *fieldError.
func parsePatch(body []byte, now time.Time) (patch, error) {
	v, err := parseJSON(body)
	if err != nil {
		return patch{}, err
	}
	top := openObject("", v, "tableId", "columnTargetMatrix", "externalKmsSync")
	if top.err != nil {
		return patch{}, top.err
	}
	p := patch{tableID: top.text("tableId")}
	matrix := top.list("columnTargetMatrix")
	if top.err == nil && (len(matrix) == 0 || len(matrix) > maxMatrix) {
		top.fail("columnTargetMatrix", "must name 1 to %d columns", maxMatrix)
	}
	if top.err != nil {
		return patch{}, top.err
	}
	seen := map[string]bool{}
	for i, entry := range matrix {
		w, err := parseWanted(at("columnTargetMatrix", i), entry, now)
		if err != nil {
			return patch{}, err
		}
		if seen[w.name] {
			return patch{}, wrong(w.path+".name", "the column %q stands there twice", w.name)
		}
		seen[w.name] = true
		p.columns = append(p.columns, w)
	}
	return p, p.parseSync(top.fields["externalKmsSync"])
}

func parseWanted(path string, v any, now time.Time) (wanted, error) {
	entry := openObject(path, v, "name", "type", "encryptionConfiguration")
	if entry.err != nil {
		return wanted{}, entry.err
	}
	w := wanted{path: path, name: entry.text("name"), kind: entry.text("type")}
	if entry.err != nil {
		return wanted{}, entry.err
	}
	cfg := openObject(join(path, "encryptionConfiguration"), entry.fields["encryptionConfiguration"],
		"enabled", "algorithm", "complianceMode", "keyRotationDirective", "indexMaskingTrigger",
		"decryptionPermissionVerification")
	if cfg.err != nil {
		return wanted{}, cfg.err
	}
	if !cfg.flag("enabled") {
		cfg.fail("enabled", "must be true: this call only encrypts")
	}
	cfg.oneOf("algorithm", cxone.Algorithm)
	cfg.oneOf("complianceMode", "GDPR")
	w.mask = cfg.flag("indexMaskingTrigger")
	cfg.flag("decryptionPermissionVerification")
	if cfg.err != nil {
		return wanted{}, cfg.err
	}
	rotation := openObject(join(cfg.path, "keyRotationDirective"), cfg.fields["keyRotationDirective"],
		"strategy", "intervalDays", "nextRotationEpoch")
	if rotation.err != nil {
		return wanted{}, rotation.err
	}
	w.directive = cxone.KeyRotationDirective{
		Strategy:          rotation.oneOf("strategy", "AUTOMATIC", "MANUAL"),
		IntervalDays:      rotation.within("intervalDays", 1, maxIntervalDays),
		NextRotationEpoch: rotation.whole("nextRotationEpoch"),
	}
	switch next := w.directive.NextRotationEpoch; {
	case next >= earliestMillis:
		rotation.fail("nextRotationEpoch", "must be in seconds; %d looks like milliseconds", next)
	case next <= now.Unix():
		rotation.fail("nextRotationEpoch", "must lie in the future; it is now %d", now.Unix())
	}
	return w, rotation.err
}

func (p *patch) parseSync(v any) error {
	sync := openObject("externalKmsSync", v, "callbackUrl", "syncMode", "retryPolicy")
	if sync.err != nil {
		return sync.err
	}
	p.callback = sync.text("callbackUrl")
	u, err := url.Parse(p.callback)
	if err != nil || len(p.callback) > maxCallbackURL || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		sync.fail("callbackUrl", "must be an absolute http or https URL of at most %d characters", maxCallbackURL)
	}
	sync.oneOf("syncMode", "ASYNC")
	if sync.err != nil {
		return sync.err
	}
	retry := openObject("externalKmsSync.retryPolicy", sync.fields["retryPolicy"], "maxAttempts", "backoffMs")
	if retry.err != nil {
		return retry.err
	}
	p.attempts = retry.within("maxAttempts", 1, maxAttempts)
	p.backoff = time.Duration(retry.within("backoffMs", 1, maxBackoffMs)) * time.Millisecond
	return retry.err
}
