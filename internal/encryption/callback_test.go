package encryption

import (
	"strings"
	"testing"

	"cxseal/internal/fault"
)

func sample() Run {
	return Run{
		TableID: "tbl-contacts", Columns: []string{"ssn", "credit_card"}, IntervalDays: 90,
		Plan: &Plan{Targets: []ColumnState{{Name: "ssn", Type: "string"}, {Name: "credit_card", Type: "string"}}},
	}
}

const good = `{"tableId":"tbl-contacts","columns":["ssn",{"name":"credit_card"}],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`

func verdict(t *testing.T, run Run, body string) string {
	t.Helper()
	cb, err := ParseCallback([]byte(body))
	if err != nil {
		return "shape"
	}
	if failed := FirstFailure(Judge(Expect(run), cb)); failed != nil {
		if failed.Detail == "" {
			t.Errorf("%s fails without a reason", failed.Name)
		}
		return failed.Name
	}
	return "accepted"
}

func TestACallbackIsAcceptedOnlyWhenEverythingAgrees(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"as asked":               {"", "", "accepted"},
		"extra fields":           {`"keyVersion":1`, `"keyVersion":1,"traceId":"x"`, "accepted"},
		"other table":            {"tbl-contacts", "tbl-other", "table"},
		"a column missing":       {`"ssn",`, "", "columns"},
		"a column more":          {`"ssn",`, `"ssn","email",`, "columns"},
		"a column twice":         {`"ssn",`, `"ssn","ssn",`, "columns"},
		"weaker algorithm":       {"AES-256-GCM", "AES-128-CBC", "algorithm"},
		"no complianceCheck":     {`,"complianceCheck":{"algorithm":"AES-256-GCM"}`, "", "algorithm"},
		"complianceCheck null":   {`{"algorithm":"AES-256-GCM"}`, "null", "algorithm"},
		"key version zero":       {`"keyVersion":1`, `"keyVersion":0`, "key_version"},
		"key version negative":   {`"keyVersion":1`, `"keyVersion":-4`, "key_version"},
		"key version a word":     {`"keyVersion":1`, `"keyVersion":"latest"`, "key_version"},
		"key version a fraction": {`"keyVersion":1`, `"keyVersion":1.5`, "shape"},
		"key version missing":    {`"keyVersion":1,`, "", "shape"},
		"columns a word":         {`["ssn",{"name":"credit_card"}]`, `"ssn"`, "shape"},
		"columns of numbers":     {`"ssn"`, `7`, "shape"},
		"no table":               {`"tableId":"tbl-contacts",`, "", "shape"},
		"not JSON":               {`{"tableId"`, `<xml`, "shape"},
		"two values":             {good, good + good, "shape"},
		"not UTF-8":              {"ssn", "\xff", "shape"},

		"byte-order mark":             {`{"tableId"`, "\ufeff" + `{"tableId"`, "accepted"},
		"key version 1.0":             {`"keyVersion":1`, `"keyVersion":1.0`, "accepted"},
		"key version as text":         {`"keyVersion":1`, `"keyVersion":"1"`, "accepted"},
		"key version 1.0 as text":     {`"keyVersion":1`, `"keyVersion":"1.0"`, "accepted"},
		"key version a hex id":        {`"keyVersion":1`, `"keyVersion":"f09a1c"`, "accepted"},
		"key version an empty text":   {`"keyVersion":1`, `"keyVersion":""`, "shape"},
		"key version of many lines":   {`"keyVersion":1`, `"keyVersion":"a1\nb2"`, "shape"},
		"key version too long":        {`"keyVersion":1`, `"keyVersion":"` + strings.Repeat("a1", 2000) + `"`, "shape"},
		"key version null":            {`"keyVersion":1`, `"keyVersion":null`, "shape"},
		"key version true":            {`"keyVersion":1`, `"keyVersion":true`, "shape"},
		"a bracket after it":          {`-GCM"}}`, `-GCM"}}]`, "shape"},
		"words after it":              {`-GCM"}}`, `-GCM"}} <!-- cached -->`, "shape"},
		"space after it":              {`-GCM"}}`, `-GCM"}}` + "\r\n ", "accepted"},
		"algorithm twice":             {`"AES-256-GCM"`, `"AES-128-CBC","algorithm":"AES-256-GCM"`, "shape"},
		"algorithm twice, good first": {`"AES-256-GCM"`, `"AES-256-GCM","algorithm":"AES-128-CBC"`, "shape"},
		"Algorithm beside algorithm":  {`"AES-256-GCM"`, `"AES-128-CBC","Algorithm":"AES-256-GCM"`, "shape"},
		"Algorithm":                   {`"algorithm"`, `"Algorithm"`, "shape"},
		"complianceCheck twice":       {`,"complianceCheck"`, `,"complianceCheck":{"algorithm":"AES-256-GCM"},"complianceCheck"`, "shape"},
		"ComplianceCheck":             {`"complianceCheck"`, `"ComplianceCheck"`, "shape"},
		"tableId twice":               {`"columns"`, `"tableId":"tbl-contacts","columns"`, "shape"},
		"TABLEID":                     {`"columns"`, `"TABLEID":"tbl-contacts","columns"`, "shape"},
		"a column's name twice":       {`{"name":"credit_card"}`, `{"name":"x","name":"credit_card"}`, "shape"},
		"columns null":                {`["ssn",{"name":"credit_card"}]`, `null`, "columns"},
		"a column null":               {`"ssn"`, `null`, "shape"},
		"a column in another case":    {`"ssn"`, `"SSN"`, "columns"},
	} {
		body := good
		if c.old != "" {
			if !strings.Contains(good, c.old) {
				t.Fatalf("%s: %q is not in the sample", name, c.old)
			}
			body = strings.Replace(good, c.old, c.new, 1)
		}
		if got := verdict(t, sample(), body); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Tenants and their KMS may write "é" as one code point or as two. It is the
// same column unless the table has both; and where it is not, the difference is
// shown, because the names look alike.
func TestACanonicallyEquivalentNameIsTheSameColumn(t *testing.T) {
	const one, two, cyrillic = "caf\u00e9", "cafe\u0301", "\u0441af\u00e9"
	for name, c := range map[string]struct {
		table  []string
		asked  string
		names  string
		passed bool
		says   string
	}{
		"NFC for NFD":              {[]string{two}, two, one, true, ""},
		"NFD for NFC":              {[]string{one}, one, two, true, ""},
		"the table has both":       {[]string{one, two}, two, one, false, "U+0065 U+0301"},
		"both, the right one":      {[]string{one, two}, two, two, true, ""},
		"another letter for c":     {[]string{one}, one, cyrillic, false, "U+0441"},
		"another case":             {[]string{one}, one, "CAF\u00c9", false, "U+00C9"},
		"no table known, the same": {nil, two, one, true, ""},
	} {
		e := Expectation{Columns: []string{c.asked}}
		for _, n := range c.table {
			e.Table = append(e.Table, ColumnState{Name: n})
		}
		check := checkColumns(e, []string{c.names})
		if check.Passed != c.passed || !strings.Contains(check.Detail, c.says) {
			t.Errorf("%s: passed %v: %s", name, check.Passed, check.Detail)
		}
	}
}

func TestAKeyVersionMustMoveForwardAndAgreeWithTheTable(t *testing.T) {
	rotation := sample()
	for i := range rotation.Plan.Targets {
		rotation.Plan.Targets[i].Encrypted, rotation.Plan.Targets[i].KeyVersion = true, 1
	}
	if got := verdict(t, rotation, good); got != "key_version" {
		t.Errorf("a rotation from 1 to 1: %s", got)
	}
	if got := verdict(t, rotation, strings.Replace(good, `"keyVersion":1`, `"keyVersion":2`, 1)); got != "accepted" {
		t.Errorf("a rotation from 1 to 2: %s", got)
	}
	shown := sample()
	shown.After = []ColumnState{{Name: "ssn", Encrypted: true, KeyVersion: 7}}
	if got := verdict(t, shown, good); got != "key_version" {
		t.Errorf("the table shows 7, the callback says 1: %s", got)
	}
}

func TestReadinessIsAFactNotAConstant(t *testing.T) {
	cb, err := ParseCallback([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	run := sample()
	if AcceptedAnswer(run, cb, run.PatchedAt).AuditTrail.DecryptionPipelineReady {
		t.Error("ready although the table was not read since")
	}
	run.After = []ColumnState{{Name: "ssn", Encrypted: true}, {Name: "credit_card"}}
	if AcceptedAnswer(run, cb, run.PatchedAt).AuditTrail.DecryptionPipelineReady {
		t.Error("ready although a column is not encrypted")
	}
	run.After[1].Encrypted = true
	if !AcceptedAnswer(run, cb, run.PatchedAt).AuditTrail.DecryptionPipelineReady {
		t.Error("not ready although every column is encrypted")
	}
	run.IntervalDays = 0
	if AcceptedAnswer(run, cb, run.PatchedAt).AuditTrail.GDPRCompliant {
		t.Error("compliant although the key never rotates")
	}
}

func TestAnOversizedCallbackIsRefusedBeforeItIsRead(t *testing.T) {
	_, err := ParseCallback([]byte(`{"tableId":"` + strings.Repeat("x", MaxCallbackBody) + `"}`))
	if fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestThePermissionHashIsTheGuides(t *testing.T) {
	// printf 'tbl-contacts:1:3' | sha256sum
	const want = "88db3f466270c33f17e0162d9e1d9d8fdf1c104e2a7de9c9e24b7e2a71aea03b"
	if got := PermissionHash("tbl-contacts", "1", 3); got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzCallback(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"tableId":"t","columns":[null,{}],"keyVersion":"9223372036854775808"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		cb, err := ParseCallback(body)
		if err != nil {
			if fault.MessageOf(err) == "Internal error" {
				t.Errorf("no sentence for %q: %v", body, err)
			}
			return
		}
		if FirstFailure(Judge(Expect(sample()), cb)) == nil &&
			(cb.TableID != "tbl-contacts" || len(cb.Columns) != 2 || cb.KeyVersion < 1 || cb.Algorithm != "AES-256-GCM") {
			t.Errorf("accepted %+v", cb)
		}
	})
}

// A key version that is no number is compared as it is given, and never ordered.
func TestAKeyVersionThatIsAnIDIsComparedAsGiven(t *testing.T) {
	column := func(number int64, id string) []ColumnState {
		return []ColumnState{{Name: "ssn", Encrypted: true, KeyVersion: number, KeyID: id}}
	}
	for name, c := range map[string]struct {
		before, after []ColumnState
		got           Callback
		passed        bool
		says          string
	}{
		"what the table shows":          {nil, column(0, "f0a1"), Callback{KeyID: "f0a1"}, true, "the one that the tenant shows"},
		"not what the table shows":      {nil, column(0, "f0a1"), Callback{KeyID: "f0a2"}, false, "shows key version f0a1"},
		"a number where the id is":      {nil, column(0, "f0a1"), Callback{KeyVersion: 3}, false, "shows key version f0a1"},
		"an id where the number is":     {nil, column(3, ""), Callback{KeyID: "f0a1"}, false, "shows key version 3"},
		"the id of before":              {column(0, "f0a1"), nil, Callback{KeyID: "f0a1"}, false, "it is no other one"},
		"another id than before":        {column(0, "f0a1"), column(0, "00b2"), Callback{KeyID: "00b2"}, true, "no order"},
		"an id after a number":          {column(9, ""), column(0, "00b2"), Callback{KeyID: "00b2"}, true, "no order"},
		"a word that the table shows":   {nil, column(0, "deadbeef"), Callback{KeyID: "deadbeef"}, true, "shows"},
		"a word that nobody can check":  {nil, nil, Callback{KeyID: "latest"}, false, "no id with a digit"},
		"an id that nobody can compare": {nil, nil, Callback{KeyID: "f0a1"}, true, "none to compare it with"},
	} {
		check := checkKeyVersion(Expectation{Columns: []string{"ssn"}, Before: c.before, After: c.after}, c.got)
		if check.Passed != c.passed || !strings.Contains(check.Detail, c.says) {
			t.Errorf("%s: %v, %s", name, check.Passed, check.Detail)
		}
	}
}

// A tenant that numbers its tables writes the number as its language does.
func TestANumberedTableIsNamedByItsNumber(t *testing.T) {
	for text, want := range map[string]string{`"7"`: "7", `7`: "7", `7.0`: "7", `7.5`: "", `7e0`: "", `true`: "", `[7]`: ""} {
		callback, err := ParseCallback([]byte(strings.Replace(good, `"tbl-contacts"`, text, 1)))
		if callback.TableID != want || (err == nil) != (want != "") {
			t.Errorf("%s is table %q, %v; want %q", text, callback.TableID, err, want)
		}
	}
}
