package sensitivity

import "testing"

// Fails when "not sensitive" is guessed of a column of a person's table whose name nobody can read.
func TestANameThatSaysNothingInATableOfPersonsIsAskedAbout(t *testing.T) {
	r := mustLoad(t, "")
	dob := []string{"dob date"}
	for _, c := range []struct {
		table, name, columnType string
		want                    State
		others                  []string
	}{
		{"patients", "xqz", "varchar(10)", Undecided, nil},
		{"patients", "xqz", "jsonb", Undecided, nil},
		{"patients", "xqz", "bytea", Undecided, nil},
		{"patients", "json", "text", Undecided, nil},      // a name that only says how it is written
		{"entries", "xqz", "text", Undecided, dob},        // a column that only persons have
		{"entries", "lxq_data", "text", Undecided, dob},   // a word that means nothing beside one that nobody knows
		{"entries", "nr_xqz", "text", Undecided, dob},     // the number of something
		{"entries", "manager", "varchar", Undecided, dob}, // a person, by name or by login
		{"entries", "xqz", "decimal(10,2)", NotSensitive, dob},
		{"entries", "xqz", "text", Undecided, []string{"customer_id int"}},
		{"entries", "xqz", "text", Undecided, []string{"email text", "phone text", "size int"}},

		{"products", "xqz", "text", NotSensitive, nil},
		{"entries", "xqz", "text", NotSensitive, []string{"email text", "size int"}},                // one address makes no person
		{"entries", "xqz", "text", NotSensitive, []string{"iban text", "api_key text", "size int"}}, // nor do a firm's account and a machine's key
		{"hospitals", "xqz", "text", NotSensitive, []string{"patient_id int"}},                      // an institution that has patients
		{"entries", "xqz", "timestamp", NotSensitive, dob},
		{"entries", "xqz", "uuid", NotSensitive, dob},
		{"entries", "xqz", "int", NotSensitive, []string{"dob date", "a int", "b int"}},
		{"entries", "xqz", "boolean", NotSensitive, []string{"dob date", "a int", "b int"}},
		{"entries", "xqz_id", "text", NotSensitive, dob},
		{"entries", "xqz_at", "text", NotSensitive, dob},
		{"entries", "is_xqz", "text", NotSensitive, dob},
		{"entries", "xqz_status", "text", NotSensitive, dob},
		{"entries", "product_xqz", "text", NotSensitive, dob},
		{"entries", "cod_xqz", "text", NotSensitive, dob},
		{"entries", "customer_ref", "text", NotSensitive, dob},
		{"entries", "checksum", "text", NotSensitive, dob},
	} {
		proposedAs(t, r, c.table, c.name, c.columnType, c.want, "", c.others...)
	}
}

// Fails when the illness itself is passed over because it is kept as a yes or no.
func TestNumbersAndFlagsAreAskedAboutWhereTheyMayBeIllnesses(t *testing.T) {
	r := mustLoad(t, "")
	for _, columnType := range []string{"int", "boolean", "enum('a','b')"} {
		proposedAs(t, r, "patients_diagnoses", "xqz", columnType, Undecided, "", "dob date")
		proposedAs(t, r, "entries", "xqz", columnType, NotSensitive, "", "dob date", "sex text", "last_name text")
	}
}

// Fails when officers are asked about the names of products and settings.
func TestANameIsNobodysWhereNothingSpeaksOfAPerson(t *testing.T) {
	r := mustLoad(t, "")
	for _, name := range []string{"name", "label", "display_name", "denominazione"} {
		proposedAs(t, r, "settings", name, "text", NotSensitive, "", "value text")
		proposedAs(t, r, "settings", name, "text", Undecided, "", "value text", "customer_id int")
		proposedAs(t, r, "", name, "text", Undecided, "")
	}
	proposedAs(t, r, "settings", "notes", "text", Undecided, "", "value text")
}

// Fails when a person is asked and not told why.
func TestAReasonSaysWhyAPersonIsAsked(t *testing.T) {
	r := mustLoad(t, "")
	const end = ": what stands in the rows decides."
	for _, c := range []struct {
		table, name, want string
		others            []string
	}{
		{"patients", "xqz_data", "The rules do not know “xqz”, in a table about persons (its name tells)" + end, nil},
		{"patients", "json", "The name does not say what it holds, in a table about persons (its name tells)" + end, nil},
		{"entries", "xqz", "The rules do not know “xqz”, in a table about persons (the column “dob” tells)" + end, []string{"dob date"}},
		{"entries", "xqz", "The rules do not know “xqz”, in a table with 2 columns of persons" + end, []string{"email text", "phone text"}},
		{"entries", "xqz", "The rules do not know “xqz”, in a table that refers to a person (the column “customer_id” tells)" + end, []string{"customer_id int"}},
		{"settings", "name", "Nothing in the table speaks of a person whose “name” it could be.", []string{"value text"}},
	} {
		if p := one(t, r, c.table, c.name, "text", c.others...); p.Reason != c.want {
			t.Errorf("%s.%s: %q, want %q", c.table, c.name, p.Reason, c.want)
		}
	}
}

// Fails when an organisation cannot say of a word of its own that it is nobody's.
func TestAnOrganisationsOwnWordsAreNotAskedAbout(t *testing.T) {
	proposedAs(t, mustLoad(t, "dull xqz"), "patients", "xqz_data", "text", NotSensitive, "")
	proposedAs(t, mustLoad(t, "not 90 xqz"), "patients", "xqz_data", "text", NotSensitive, "")
}

// Fails when a word that only says what nobody need be asked about changes what is proposed as sensitive.
func TestADullWordMakesNoCompoundAndNoAbbreviation(t *testing.T) {
	r := mustLoad(t, "dull zetaqqqqq")
	if r.known("zetaqqqqq") || len(r.parts("zetaqqqqqphone")) != 1 || r.expand("zetaqqqq") != "zetaqqqq" {
		t.Error("a dull word is cut out of others, or expanded to")
	}
	shared := []string{"dull_zip text", "dull_street text", "dull_no text"}
	proposedAs(t, mustLoad(t, "dull dull"), "patients", "dull_email", "text", Sensitive, Contact, shared...)
}
