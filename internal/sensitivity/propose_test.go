package sensitivity

import (
	"strings"
	"testing"

	"cxseal/internal/fault"
)

func mustLoad(t *testing.T, own string) *Rules {
	t.Helper()
	r, err := Load(strings.NewReader(own))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// proposal is what is proposed for a column of which nothing else is known.
func proposal(r *Rules, name, columnType string) Proposal {
	return r.Propose(Table{Columns: []Header{{name, columnType}}})[0]
}

func TestColumnsAreFoundInFourLanguagesAndAnySpelling(t *testing.T) {
	r := mustLoad(t, "")
	for name, want := range map[string]Category{
		"ssn": NationalID, "socialSecurityNumber": NationalID, "numero_securite_sociale": NationalID, "numéro_sécurité_sociale": NationalID,
		"Steuer-ID": NationalID, "pasaporte": NationalID, "REISEPASSNUMMER": NationalID, "tax_id": NationalID,
		"credit_card": Card, "cardNumber": Card, "kreditkartennummer": Card, "tarjeta_credito": Card, "ccNum": Card, "cvv2": Card,
		"iban": BankAccount, "bankIban": BankAccount, "compte_bancaire": BankAccount, "Kontonummer": BankAccount, "bank_account": BankAccount,
		"medical_record_number": Health, "diagnosis_code": Health, "blood_type": Health, "allergies": Health,
		"api_key": Secret, "PasswordHash": Secret, "mot_de_passe": Secret, "contraseña": Secret, "security_answer": Secret,
		"dateOfBirth": BirthDate, "geburtsdatum": BirthDate, "date_naissance": BirthDate, "fecha_nacimiento": BirthDate, "dob": BirthDate,
		"email_addr": Contact, "teléfono": Contact, "straße": Contact, "courriel": Contact, "correo_electronico": Contact, "apellidos": Contact,
		"prénom": Contact, "msisdn": Contact, "salary": Personal,
	} {
		got := proposal(r, name, "string")
		if got.State != Sensitive || got.Category != want {
			t.Errorf("%s is proposed as %s %s (%s), want %s", name, got.State, got.Category, got.Reason, want)
		}
		if got.Reason == "" || got.Confidence < sure {
			t.Errorf("%s is proposed with confidence %d and the reason %q", name, got.Confidence, got.Reason)
		}
	}
}

func TestATypeKeepsFlagsAndKeysOutOfTheProposals(t *testing.T) {
	r := mustLoad(t, "")
	for name, columnType := range map[string]string{
		"email_verified": "boolean", "patient_id": "integer", "password_changed_at": "datetime", "card_type": "string", "phone_type": "varchar(20)",
	} {
		if got := proposal(r, name, columnType); got.State != NotSensitive {
			t.Errorf("%s of type %s is proposed as %s: %s", name, columnType, got.State, got.Reason)
		}
	}
	if got := proposal(r, "disability", "boolean"); got.State != Sensitive {
		t.Errorf("disability is proposed as %s", got.State)
	}
	if got := proposal(r, "notes", "text"); got.State != Undecided {
		t.Errorf("notes are proposed as %s: a person should look", got.State)
	}
}

func TestAnOrganisationsRulesWinOverTheBuiltInOnes(t *testing.T) {
	r := mustLoad(t, "# ours\nnot 99 ssn\nnational_id 95 gadget ref | =kdnr\n")
	if got := proposal(r, "ssn", "string"); got.State != NotSensitive {
		t.Errorf("ssn stays %s", got.State)
	}
	for _, name := range []string{"gadgetRef", "KDNR"} {
		if got := proposal(r, name, "string"); got.Category != NationalID {
			t.Errorf("%s is proposed as %q", name, got.Category)
		}
	}
	if proposal(r, "kdnr_alt", "string").State != NotSensitive {
		t.Error("a phrase for the whole name matches a part of one")
	}
	r2 := mustLoad(t, "not 10 phone\npersonal 61 zeta")
	if got := proposal(r2, "phone_number", "string"); got.State != NotSensitive {
		t.Errorf("an own phrase loses to a longer one that is built in: %s", got.Reason)
	}
	if got := proposal(r2, "zeta_iban", "string"); got.Category != Personal {
		t.Errorf("an own phrase loses to a surer one that is built in: %s", got.Reason)
	}
	if r.Version() == mustLoad(t, "").Version() {
		t.Error("other rules have the same version: columns would not be looked at again")
	}
}

func TestARuleThatCannotBeUnderstoodIsNamed(t *testing.T) {
	for _, own := range []string{"cards 90 visa", "card much visa", "card 101 visa", "card 90", "card 90 visa | | x", "card 90 visa if ,"} {
		_, err := Load(strings.NewReader("\n" + own))
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.MessageOf(err), "Line 2") {
			t.Errorf("%q is answered with %v", own, err)
		}
	}
	if _, err := Load(strings.NewReader(strings.Repeat("#", maxRulesBytes+1))); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("a file over the bound is answered with %v", err)
	}
}

func FuzzPropose(f *testing.F) {
	rules, err := Load(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ssn", "string")
	f.Add("\xff’é 日本", "")
	f.Fuzz(func(t *testing.T, name, columnType string) {
		p := proposal(rules, name, columnType)
		if p.Reason == "" || p.State == "" || (p.State == Sensitive) != (p.Confidence >= sure && p.Category != "") {
			t.Errorf("%q: %+v", name, p)
		}
	})
}
