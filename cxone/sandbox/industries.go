package sandbox

// field is a column an industry's tables may have. Sensitive ones are the
// ones a person would want encrypted.
type field struct {
	name, kind string
	sensitive  bool
}

// industry is what one data store is about. Names follow the habits of
// different houses (snake_case, camelCase, German, French, Spanish), because
// real tenants do, and because a detector of sensitive columns must cope.
type industry struct {
	id, name string
	subjects []string // table names
	key      string   // the identifying column, first in every table
	fields   []field
}

var industries = []industry{
	{"ds-healthcare", "Healthcare", []string{"Patients", "Appointments", "Prescriptions", "Lab Results", "Referrals"}, "patient_id", []field{
		{"ssn", "string", true}, {"medical_record_number", "string", true}, {"diagnosis_code", "string", true},
		{"insurance_policy_no", "string", true}, {"date_of_birth", "date", true}, {"email", "email", true},
		{"home_phone", "phone", true}, {"allergies", "text", true}, {"ward", "string", false},
		{"admitted_at", "datetime", false}, {"is_inpatient", "boolean", false}, {"blood_type", "string", true},
		{"attending_physician", "string", false}, {"scan_image", "binary", false}, {"visit_count", "integer", false},
	}},
	{"ds-bankkunden", "Bankkunden", []string{"Konten", "Kreditkarten", "Darlehen", "Überweisungen"}, "kundennummer", []field{
		{"iban", "string", true}, {"kreditkartennummer", "string", true}, {"steuer_id", "string", true},
		{"geburtsdatum", "date", true}, {"nachname", "string", true}, {"straße", "string", true},
		{"telefon", "phone", true}, {"e_mail", "email", true}, {"kontostand", "decimal", true},
		{"filiale", "string", false}, {"eröffnet_am", "date", false}, {"aktiv", "boolean", false},
		{"betreuer", "string", false}, {"unterschrift", "blob", false}, {"anzahl_buchungen", "integer", false},
	}},
	{"ds-retail", "Retail", []string{"Shoppers", "Orders", "Returns", "Loyalty Cards"}, "customerId", []field{
		{"cardNumber", "string", true}, {"cardExpiry", "string", true}, {"emailAddress", "email", true},
		{"mobilePhone", "phone", true}, {"shippingAddress", "json", true}, {"dateOfBirth", "date", true},
		{"taxId", "string", true}, {"loyaltyTier", "string", false}, {"basketTotal", "decimal", false},
		{"lastOrderAt", "datetime", false}, {"marketingOptIn", "boolean", false}, {"preferredStore", "string", false},
		{"itemCount", "integer", false}, {"giftMessage", "text", false},
	}},
	{"ds-assurance", "Assurance", []string{"Assurés", "Contrats", "Sinistres", "Bénéficiaires"}, "numero_client", []field{
		{"numero_securite_sociale", "string", true}, {"nom_de_famille", "string", true}, {"prénom", "string", true},
		{"date_naissance", "date", true}, {"adresse", "string", true}, {"telephone_portable", "phone", true},
		{"courriel", "email", true}, {"compte_bancaire", "string", true}, {"montant_sinistre", "decimal", false},
		{"agence", "string", false}, {"souscrit_le", "date", false}, {"actif", "boolean", false},
		{"piece_jointe", "file", false}, {"nombre_sinistres", "integer", false},
	}},
	{"ds-hoteles", "Hoteles", []string{"Huéspedes", "Reservas", "Pagos", "Eventos"}, "id_huesped", []field{
		{"pasaporte", "string", true}, {"tarjeta_credito", "string", true}, {"dni", "string", true},
		{"apellidos", "string", true}, {"fecha_nacimiento", "date", true}, {"correo_electronico", "email", true},
		{"teléfono", "phone", true}, {"direccion", "text", true}, {"habitacion", "string", false},
		{"entrada", "datetime", false}, {"salida", "datetime", false}, {"fumador", "boolean", false},
		{"noches", "integer", false}, {"país", "string", false},
	}},
	{"ds-telecom", "Telecom", []string{"Subscribers", "SIM Cards", "Complaints", "Porting Requests"}, "subscriber_id", []field{
		{"msisdn", "phone", true}, {"imei", "string", true}, {"bank_account", "string", true},
		{"national_id", "string", true}, {"billing_address", "text", true}, {"contact_email", "email", true},
		{"security_answer", "string", true}, {"birth_date", "date", true}, {"tariff", "string", false},
		{"activated_at", "datetime", false}, {"is_prepaid", "boolean", false}, {"data_used_gb", "number", false},
		{"voice_sample", "binary", false}, {"dealer_code", "string", false},
	}},
	{"ds-human-resources", "Human Resources", []string{"Employees", "Applicants", "Payroll", "Absences"}, "employeeNo", []field{
		{"socialSecurityNumber", "string", true}, {"salary", "decimal", true}, {"bankIban", "string", true},
		{"passportNumber", "string", true}, {"privateEmail", "email", true}, {"privatePhone", "phone", true},
		{"birthday", "date", true}, {"disability", "boolean", true}, {"medicalNotes", "text", true},
		{"department", "string", false}, {"hiredOn", "date", false}, {"headcount", "integer", false},
		{"profile", "json", false}, {"photo", "image", false},
	}},
	{"ds-public-services", "Public Services", []string{"Citizens", "Permits", "Benefits", "Fines"}, "case_no", []field{
		{"tax_number", "string", true}, {"driver_license", "string", true}, {"full_name", "string", true},
		{"residence", "text", true}, {"dob", "date", true}, {"email_addr", "email", true},
		{"phone_no", "phone", true}, {"vehicle_plate", "string", true}, {"office", "string", false},
		{"filed_at", "datetime", false}, {"approved", "boolean", false}, {"amount_due", "decimal", false},
		{"priority", "integer", false}, {"attachment", "file", false},
	}},
}

// contactFields are the columns of ds-customers/tbl-contacts, in order.
var contactFields = []field{
	{"id", "string", false}, {"first_name", "string", true}, {"last_name", "string", true},
	{"email", "email", true}, {"phone", "phone", true}, {"ssn", "string", true},
	{"credit_card", "string", true}, {"medical_record_number", "string", true}, {"date_of_birth", "date", true},
	{"city", "string", false}, {"loyalty_points", "integer", false}, {"notes", "text", true},
	{"created_at", "datetime", false}, {"updated_at", "datetime", false},
}
