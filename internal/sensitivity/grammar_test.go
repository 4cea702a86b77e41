package sensitivity

import (
	"strings"
	"testing"
)

// one is a column of a table that has other columns too.
func one(t *testing.T, r *Rules, table, name, columnType string, others ...string) Proposal {
	t.Helper()
	shape := Table{Name: table, Columns: []Header{{name, columnType}}}
	for _, other := range others {
		n, ty, _ := strings.Cut(other, " ")
		shape.Columns = append(shape.Columns, Header{n, ty})
	}
	return r.Propose(shape)[0]
}

func TestAFactAboutASensitiveThingIsNotTheThing(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct{ name, columnType, because string }{
		{"phone_number_type", "text", "“type”"}, {"emailCount", "integer", "“count”"}, {"max_emails", "integer", "“max”"},
		{"password_policy_id", "uuid", "“policy”"}, {"password_last_used_at", "text", "“used”"}, {"passport_required", "text", "“required”"},
		{"email_sent", "text", "“sent”"}, {"ssn_format", "text", "“format”"}, {"has_phone", "text", "“has”"}, {"phone", "tinyint(1)", "yes or no"},
		{"email", "boolean", "yes or no"}, {"passport", "date", "an event"}, {"email", "bigint", "refers to it"}, {"first_name", "uuid", "refers to it"},
		{"tipo_documento_identidad", "text", "“tipo”"}, {"fecha_pasaporte", "text", "“fecha”"}, {"date_permis_conduire", "text", "“date”"},
	} {
		p := one(t, r, "", c.name, c.columnType)
		if p.State != NotSensitive || !strings.Contains(p.Reason, c.because) {
			t.Errorf("%s of type %s is proposed as %s: %s", c.name, c.columnType, p.State, p.Reason)
		}
	}
}

func TestAThingStaysOneWhateverStandsBesideIt(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct {
		name, columnType string
		want             Category
	}{
		{"home_phone_number_2", "varchar(20)", Contact}, {"email_verification_token", "text", Secret}, {"password_reset_token", "text", Secret},
		{"diabetes", "boolean", Health}, {"is_pregnant", "bit", Health}, {"date_of_birth", "date", BirthDate}, {"card_expiry_date", "date", Card},
		{"deceased_date", "date", Personal}, {"sex", "smallint", Personal}, {"zip", "integer", Contact}, {"face_embedding", "vector(512)", Biometric},
		{"voice_print", "bytea", Biometric}, {"telefonnummerprivat", "text", Contact}, {"phonenumber", "text", Contact}, {"mothersmaidenname", "text", Contact},
		{"data_di_nascita", "text", BirthDate}, {"numero_de_seguridad_social", "text", NationalID},
	} {
		if p := one(t, r, "", c.name, c.columnType); p.State != Sensitive || p.Category != c.want {
			t.Errorf("%s of type %s is proposed as %s %s: %s", c.name, c.columnType, p.State, p.Category, p.Reason)
		}
	}
}

func TestAWordInsideAWordIsNotThatWord(t *testing.T) {
	r := mustLoad(t, "")
	for _, name := range []string{"headphone", "microphone", "cancelled", "sextant", "spinner", "therapist_count", "hashtag", "raceway", "compass", "tinted", "stage", "percentage"} {
		if p := one(t, r, "", name, "text"); p.State == Sensitive {
			t.Errorf("%s is proposed as sensitive: %s", name, p.Reason)
		}
	}
}

func TestTheTableTellsWhoseTheNameIs(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct {
		table, name string
		others      []string
		want        State
	}{
		{"patients", "name", nil, Sensitive},
		{"patients", "theme_name", nil, NotSensitive},
		{"products", "name", nil, NotSensitive},
		{"user_roles", "name", nil, NotSensitive},
		{"entries", "name", nil, NotSensitive},
		{"entries", "name", []string{"customer_id integer"}, Undecided},
		{"entries", "name", []string{"date_of_birth date"}, Sensitive},
		{"entries", "customer_name", nil, Sensitive},
		{"hospitals", "email", nil, NotSensitive},
		{"hospital_patients", "email", nil, Sensitive},
		{"visitors", "hospital_email", nil, NotSensitive},
		{"visitors", "hospital_patient_email", nil, Sensitive},
		{"visitors", "patient_hospital_email", nil, NotSensitive},
		{"servers", "latitude", nil, NotSensitive},
		{"positions", "latitude", nil, Sensitive},
		{"user_roles", "name", []string{"date_of_birth date"}, Sensitive},
		{"patients", "theme_name", []string{"theme_size text", "theme_colour text", "a text", "b text", "c text", "d text"}, NotSensitive},
		{"employees", "emp_name", []string{"emp_street text", "emp_zip text", "emp_no text"}, Sensitive},
		{"mitglied", "ktoiname", []string{"ktoistrasse text", "ktoivorname text", "ktoititel text"}, Sensitive},
		{"anagrafica", "cap", []string{"indirizzo text", "cognome text", "comune text"}, Sensitive},
		{"prices", "cap", []string{"lower text", "floor text"}, NotSensitive},
		{"allergies", "comments", []string{"patient_id integer"}, Sensitive},
		{"allergies", "comments", []string{"code text"}, Undecided},
		{"articles", "comments", nil, Undecided},
		{"Gender", "gender", []string{"code text"}, NotSensitive},
		{"countries", "nationality", []string{"code text"}, NotSensitive},
		{"countries", "nationality", []string{"passenger_id integer"}, Sensitive},
		{"diseases", "icd10", []string{"chapter text"}, NotSensitive},
		{"diseases", "icd10", []string{"patient_id integer"}, Sensitive},
		{"lab_results", "xyz_value", []string{"patient_id integer"}, Sensitive},
	} {
		if p := one(t, r, c.table, c.name, "text", c.others...); p.State != c.want {
			t.Errorf("%s.%s beside %v is proposed as %s, want %s: %s", c.table, c.name, c.others, p.State, c.want, p.Reason)
		}
	}
}

func TestAReasonNamesItsEvidence(t *testing.T) {
	r := mustLoad(t, "")
	for _, c := range []struct {
		table, name, columnType, want string
		others                        []string
	}{
		{"", "phone_number", "text", "“phone number” in the name speaks for it.", nil},
		{"patients", "name", "text", "“name” in a table about person speaks for it (its name tells).", nil},
		{"entries", "name", "text", "“name” in a table about person speaks for it (the column “dob” tells).", []string{"dob date"}},
		{"", "phone_type", "text", "“type” makes it a fact about “phone”.", nil},
		{"hospitals", "phone", "text", "“phone” belongs to an institution, says the table's name.", nil},
		{"", "note", "text", "“note” may mean anything; what stands in the rows decides.", nil},
		{"", "zzz", "text", "No rule speaks of this name.", nil},
	} {
		if p := one(t, r, c.table, c.name, c.columnType, c.others...); p.Reason != c.want {
			t.Errorf("%s.%s: %q, want %q", c.table, c.name, p.Reason, c.want)
		}
	}
}

func TestAWordIsKnownByHowDatabasesShortenIt(t *testing.T) {
	r := mustLoad(t, "")
	for name, want := range map[string]Category{"gndr_cd": Personal, "mthr_name": Contact, "religionszugeh": Personal, "hospitaliz": Health} {
		if p := one(t, r, "", name, "text"); p.State != Sensitive || p.Category != want {
			t.Errorf("%s is proposed as %s %s: %s", name, p.State, p.Category, p.Reason)
		}
	}
	for _, name := range []string{"hyper", "custom", "relig", "passenger_count", "strng", "crd", "sozial"} {
		if p := one(t, r, "", name, "text"); p.State == Sensitive {
			t.Errorf("%s is proposed as sensitive: %s", name, p.Reason)
		}
	}
}

func TestWordsWrittenTogetherAreCutIntoKnownOnes(t *testing.T) {
	r := mustLoad(t, "")
	for word, want := range map[string]string{
		"vaterstelefon": "vaters telefon", "kontoinhabername": "kontoinhaber name", "faxnumberhome": "fax number home", "saxophone": "saxophone",
	} {
		if got := strings.Join(r.parts(word), " "); got != want {
			t.Errorf("%s is cut into %q, want %q", word, got, want)
		}
	}
	for plural, singular := range map[string]string{"allergies": "allergy", "addresses": "address", "apellidos": "apellido", "address": "address", "pais": "pais"} {
		if stem(plural) != stem(singular) {
			t.Errorf("%s is %q, %s is %q", plural, stem(plural), singular, stem(singular))
		}
	}
	if stem("pais") == stem("pai") {
		t.Error("a country is a father")
	}
}
