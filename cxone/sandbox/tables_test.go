package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

func TestEveryTableIsListedOncePageByPage(t *testing.T) {
	tn := start(t, sandbox.Config{Tables: 23})
	var stores struct {
		TotalRecords int
		Datastores   []cxone.DataStore
	}
	if err := json.Unmarshal([]byte(tn.get("/api/v2/datastores?skip=0&top=100").body), &stores); err != nil {
		t.Fatal(err)
	}
	if stores.TotalRecords != len(stores.Datastores) || stores.TotalRecords < 3 {
		t.Fatalf("data stores: %+v", stores)
	}
	seen := map[string]bool{}
	for _, ds := range stores.Datastores {
		for skip, total := 0, 1; skip < total; skip += 2 {
			var page struct {
				TotalRecords int
				Tables       []cxone.TableRef
			}
			g := tn.get(fmt.Sprintf("/api/v2/datastores/%s/tables?skip=%d&top=2", ds.ID, skip))
			if err := json.Unmarshal([]byte(g.body), &page); err != nil {
				t.Fatal(err)
			}
			total = page.TotalRecords
			for _, ref := range page.Tables {
				if seen[ref.ID] || ref.DatastoreID != ds.ID || ref.Name == "" {
					t.Fatalf("listing: %+v", ref)
				}
				seen[ref.ID] = true
				g := tn.get("/api/v2/datastores/" + ds.ID + "/tables/" + ref.ID)
				contains(t, g, 200, encode(t, ref.Name))
			}
		}
	}
	if len(seen) != 24 || !seen["tbl-contacts"] || !seen["tbl-0001"] || !seen["tbl-0023"] {
		t.Fatalf("%d tables: %v", len(seen), seen)
	}
	contains(t, tn.get("/api/v2/datastores?skip=999"), 200, `"datastores":[]`)
	contains(t, tn.get("/api/v2/datastores/ds-customers/tables?skip=999"), 200, `"tables":[]`, `"totalRecords":1`)
	contains(t, tn.get("/api/v2/datastores?skip=-1"), 400, "skip")
	contains(t, tn.get("/api/v2/datastores?top=0"), 400, "top")
	contains(t, tn.get("/api/v2/datastores?top=many"), 400, "top")
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	tn := start(t, sandbox.Config{Tables: 10})
	for _, path := range []string{
		"/ds-nowhere/tables", "/ds-customers/tables/tbl-0001", "/ds-nowhere/tables/tbl-contacts",
		"/ds-healthcare/tables/tbl-0000", "/ds-healthcare/tables/tbl-0002", "/ds-healthcare/tables/tbl-0011",
		"/ds-healthcare/tables/tbl-1", "/ds-healthcare/tables/" + url.PathEscape("../x"),
		"/ds-customers/tables/nothing/indexes", "/ds-healthcare/tables/tbl--001",
	} {
		contains(t, tn.get("/api/v2/datastores"+path), 404, "data store or table not found")
	}
	contains(t, tn.get("/api/v3/datastores"), 404, "message")
}

// structure is a tenant's whole content.
func structure(t *testing.T, cfg sandbox.Config) []any {
	cfg.Now = atNoon
	sb := sandbox.New(cfg)
	defer sb.Close()
	var out []any
	for _, ref := range sb.Tables() {
		table, indexes, ok := sb.Table(ref.DatastoreID, ref.ID)
		if !ok {
			t.Fatalf("%v is listed and not there", ref)
		}
		out = append(out, table, indexes)
	}
	return out
}

func TestTheSameSeedGivesTheSameData(t *testing.T) {
	one := structure(t, sandbox.Config{Tables: 60, Seed: 7})
	if diff := cmp.Diff(one, structure(t, sandbox.Config{Tables: 60, Seed: 7})); diff != "" {
		t.Fatal(diff)
	}
	if cmp.Equal(one, structure(t, sandbox.Config{Tables: 60, Seed: 8})) {
		t.Fatal("another seed gives the same data")
	}
}

// A demo or a load test may pick any table: each has something to encrypt.
func TestEveryTableHasAColumnThatCanBeEncryptedAtOnce(t *testing.T) {
	sb := sandbox.New(sandbox.Config{Tables: 400, Now: atNoon})
	defer sb.Close()
	encrypted, noLimit, unsupported, overdue := 0, 0, 0, 0
	for _, ref := range sb.Tables() {
		table, indexes, _ := sb.Table(ref.DatastoreID, ref.ID)
		limit := table.Metadata.MaxEncryptedFields
		if limit == cxone.DefaultMaxEncryptedFields {
			noLimit++ // or one of just that number, which is rarer
		}
		used := map[string]bool{}
		free, sealed := 0, 0
		for _, c := range table.Columns {
			if used[c.Name] {
				t.Fatalf("%s has %s twice", ref.ID, c.Name)
			}
			used[c.Name] = true
			indexed := slices.ContainsFunc(indexes, func(ix cxone.Index) bool { return slices.Contains(ix.Columns, c.Name) })
			switch {
			case c.Encrypted:
				sealed++
				if c.EncryptionConfiguration.KeyRotationDirective.NextRotationEpoch < noon.Unix() {
					overdue++
				}
			case c.Type == "string" && !indexed:
				free++
			case c.Type == "binary" || c.Type == "blob" || c.Type == "image" || c.Type == "file":
				unsupported++
			}
		}
		if free == 0 || sealed >= limit {
			t.Errorf("%s/%s: %d free columns, %d of %d encrypted", ref.DatastoreID, ref.ID, free, sealed, limit)
		}
		encrypted += sealed
	}
	if encrypted == 0 || noLimit == 0 || noLimit == 401 || unsupported == 0 || overdue == 0 {
		t.Fatalf("no variety: %d encrypted, %d without limit, %d unsupported, %d overdue", encrypted, noLimit, unsupported, overdue)
	}
}

func TestTenThousandTablesAreCheapToOffer(t *testing.T) {
	began := time.Now()
	tn := start(t, sandbox.Config{Tables: 10_000})
	g := tn.get("/api/v2/datastores/ds-retail/tables?skip=1200&top=1000")
	contains(t, g, 200, `"totalRecords":1250`)
	last := tn.Tables()[10_000]
	contains(t, tn.get("/api/v2/datastores/"+last.DatastoreID+"/tables/"+last.ID), 200, last.ID)
	if spent := time.Since(began); spent > 2*time.Second {
		t.Fatalf("took %v", spent)
	}
}

func TestATenantWithOtherHabitsCanBePlayed(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	contains(t, tn.patch("k", encode(t, asking(unheard, "ssn"))), 200, `"keyVersion":1`, `"nextRotationEpoch"`)
	contains(t, tn.get(contacts), 200, `"encryptionConfiguration":{"algorithm":"AES-256-GCM","keyVersion":1,"keyRotationDirective":{"strategy":"AUTOMATIC","intervalDays":90,`)
	contains(t, tn.control("POST", "/settings", `{"hideEncryption":true,"noListings":true}`), 200)
	if g := tn.get(contacts); g.status != 200 || strings.Contains(g.body, "encryptionConfiguration") {
		t.Fatalf("still shown: %s", g.body)
	}
	contains(t, tn.get("/api/v2/datastores"), 404)
	contains(t, tn.get("/api/v2/datastores/ds-customers/tables"), 404)
}
