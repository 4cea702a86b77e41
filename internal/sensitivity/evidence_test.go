package sensitivity

import "testing"

// proposedAs fails when a column of a table is not proposed so. Others are the
// table's other columns, as of one.
func proposedAs(t *testing.T, r *Rules, table, name, columnType string, want State, category Category, others ...string) {
	t.Helper()
	p := one(t, r, table, name, columnType, others...)
	if p.State != want || want == Sensitive && p.Category != category {
		t.Errorf("%s.%s of type %s beside %q is proposed as %s %s: %s", table, name, columnType, others, p.State, p.Category, p.Reason)
	}
}

// Fails when pay is passed over because its name is one of the house's own, or
// when days and keys of a payroll are taken for pay.
func TestAnAmountInAPayrollIsPayWhateverItsName(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct {
		name, columnType string
		want             State
	}{
		{"hra_component", "decimal(10,2)", Sensitive}, {"zeta_month_to_date", "Currency", Sensitive}, {"zeta", "double precision", Sensitive},
		{"zeta", "int", NotSensitive}, {"zeta", "decimal(8,0)", NotSensitive}, {"payment_days", "decimal(4,1)", NotSensitive}, {"zeta", "text", NotSensitive},
	} {
		proposedAs(t, r, "payslips", c.name, c.columnType, c.want, Personal)
	}
	proposedAs(t, r, "products", "zeta", "decimal(10,2)", NotSensitive, "")
}

func TestOnlyATypeWithAFractionHasOne(t *testing.T) {
	for columnType, want := range map[string]bool{"money": true, "currency": true, "float8": true, "double precision": true, "real": true, "decimal": true,
		"numeric": true, "decimal(10,2)": true, "number(8, 3)": true, "numeric(10,0)": false, "number(10)": false, "number": false, "int": false, "bigint(20)": false} {
		if got := hasFraction(columnType); got != want {
			t.Errorf("%s has a fraction: %v, want %v", columnType, got, want)
		}
	}
}

// Fails when the number of a religion or a phone that is kept as a number counts
// as a reference to a row.
func TestAThingThatIsKeptAsANumberIsFoundInOne(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct {
		name string
		want State
	}{
		{"religion_id", Sensitive}, {"cd_religiao", Sensitive}, {"tp_estado_civil", Sensitive}, {"phone", Sensitive}, {"fax_number", Sensitive}, {"zip_code", Sensitive}, {"cep", Sensitive},
		{"email", NotSensitive}, {"street_id", NotSensitive}, {"phone_type_id", NotSensitive}, {"salary_id", NotSensitive},
	} {
		if p := one(t, r, "patients", c.name, "bigint", "birth_date date"); p.State != c.want {
			t.Errorf("%s is proposed as %s: %s", c.name, p.State, p.Reason)
		}
	}
}

// Fails when what a list says of nobody is proposed, or when the same words in
// a table about persons are not.
func TestAListOfPlacesOrValuesIsNobodys(t *testing.T) {
	r := mustLoad(t, "")
	proposedAs(t, r, "cities", "zip", "text", NotSensitive, "")
	proposedAs(t, r, "logradouros", "cep", "text", NotSensitive, "")
	proposedAs(t, r, "cities", "zip", "text", Sensitive, Contact, "customer_id int")
	proposedAs(t, r, "addresses", "zip", "text", Sensitive, Contact)
	proposedAs(t, r, "raca", "nm_raca", "text", NotSensitive, "")
	proposedAs(t, r, "tipo_deficiencia", "ds_deficiencia", "text", NotSensitive, "")
	proposedAs(t, r, "alunos", "raca", "text", Sensitive, Personal)
	proposedAs(t, r, "anamnese", "anamnese", "text", Sensitive, Health, "paciente_id int")
	proposedAs(t, r, "venues", "picture", "text", NotSensitive, "")
	proposedAs(t, r, "members", "picture", "text", Sensitive, Personal)
}

// Fails when the person whom one calls at a hospital makes the hospital one.
func TestAContactPersonDoesNotMakeATableOneOfPersons(t *testing.T) {
	r := mustLoad(t, "")
	proposedAs(t, r, "hospitals", "street", "text", NotSensitive, "", "contact_person_first_name text", "name text")
	proposedAs(t, r, "hospitals", "contact_person_first_name", "text", Sensitive, Contact, "street text", "name text")
}

// Fails when what every column begins with is taken for what each of them holds.
func TestWhatAllColumnsHaveInCommonTellsNoneApart(t *testing.T) {
	r := mustLoad(t, "")
	others := []string{"fax_start text", "fax_rule text", "fax_gate text", "fax_zeta text"}
	proposedAs(t, r, "ranges", "fax_lane", "text", NotSensitive, "", others...)
	proposedAs(t, r, "ranges", "fax_number", "text", Sensitive, Contact, others...)
}

func TestAWordThatEndsLikeAnotherIsNotThatOne(t *testing.T) {
	r := mustLoad(t, "")
	for _, name := range []string{"legalidade", "finalidade", "unidade", "regularidade", "velocidad", "coverage", "rabattinformation", "telemedicine", "lgpd", "latinum"} {
		if p := proposal(r, name, "text"); p.State == Sensitive {
			t.Errorf("%s is proposed as sensitive: %s", name, p.Reason)
		}
	}
}

// Fails when letters that no rule knows hide the words after them.
func TestKnownWordsBehindAStrangerAreFound(t *testing.T) {
	r := mustLoad(t, "")
	for name, want := range map[string]Category{"zetafirstname": Contact, "zetalastnamekana": Contact, "causeofdeath": Health} {
		if p := proposal(r, name, "text"); p.State != Sensitive || p.Category != want {
			t.Errorf("%s is proposed as %s %s: %s", name, p.State, p.Category, p.Reason)
		}
	}
	if got := r.parts("zetaphone"); len(got) != 1 {
		t.Errorf("zetaphone is cut into %q: one known word is too little", got)
	}
}

func TestAFileOfRulesNamesItsLanguage(t *testing.T) {
	for file, want := range map[string]string{"rules/es.txt": "es", "rules/es_health.txt": "es", "rules/common.txt": "", "rules/common_health.txt": ""} {
		if got := languageOf(file); got != want {
			t.Errorf("%s is of the language %q, want %q", file, got, want)
		}
	}
}

// Fails when letters of the house are seen before some words and not before
// others of the same table.
func TestLettersThatColumnsShareAreCutOffAllOfThem(t *testing.T) {
	r := mustLoad(t, "")
	others := []string{"zetafirstname text", "zetalastname text", "zetastreet text"}
	proposedAs(t, r, "entries", "zetaphone", "text", Sensitive, Contact, others...)
	proposedAs(t, r, "entries", "zetaphone", "text", NotSensitive, "")
}

// Fails when a person reads of a name what the type says.
func TestAReasonSaysThatTheTypeSpeaks(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct{ table, columnType, want string }{
		{"entries", "email", "Its type (email) speaks for it."},
		{"payslips", "money", "Its type (money) in a table about payroll speaks for it."},
	} {
		if p := one(t, r, c.table, "zeta", c.columnType); p.Reason != c.want {
			t.Errorf("the reason is %q, want %q", p.Reason, c.want)
		}
	}
}
