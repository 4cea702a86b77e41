package sensitivity

import "slices"

// Category is what a sensitive column is about.
type Category string

// Every category. Not is what rules say of a column that only sounds sensitive.
const (
	NationalID  Category = "national_id"
	Card        Category = "card"
	BankAccount Category = "bank_account"
	Health      Category = "health"
	Biometric   Category = "biometric"
	Secret      Category = "secret"
	BirthDate   Category = "birth_date"
	Contact     Category = "contact"
	Location    Category = "location"
	Content     Category = "content"
	Personal    Category = "personal"
	Not         Category = "not"
)

// Categories lists what a sensitive column can be, most serious first.
func Categories() []Category {
	return []Category{NationalID, Card, BankAccount, Health, Biometric, Secret,
		BirthDate, Contact, Location, Content, Personal}
}

// The kinds of type that rules tell apart.
const (
	text    = "text"
	number  = "number"
	amount  = "amount" // a number with a fraction: money, a measurement; no key of a row
	boolean = "boolean"
	choice  = "choice" // one of a few values: an enum
	date    = "date"
	binary  = "binary" // also vectors, and arrays of numbers
	unique  = "uuid"
)

// carriers are the kinds of type in which a category is looked for where a
// phrase does not say "if". A yes or no is a fact about an address, but may be
// the illness itself; a date is an event unless it is that of birth; a number
// is a reference to a name, but may be the code of a religion.
var carriers = map[Category][]string{
	NationalID:  {text, number, binary},
	Card:        {text, number, binary},
	BankAccount: {text, number, binary},
	Health:      {text, number, boolean, choice, binary},
	Biometric:   {text, binary},
	Secret:      {text, binary, unique},
	BirthDate:   {text, number, date, binary},
	Contact:     {text, binary},
	Location:    {text, number, binary},
	Content:     {text, binary},
	Personal:    {text, number, boolean, choice, binary},
}

// carries reports whether a column of this kind and type can hold what the
// phrase speaks of.
func (p *phrase) carries(kind, columnType string) bool {
	if len(p.types) > 0 {
		return slices.Contains(p.types, kind) || slices.Contains(p.types, columnType) || slices.Contains(p.types, "any") ||
			kind == number && slices.Contains(p.types, amount) && hasFraction(columnType)
	}
	return p.category == Not || slices.Contains(carriers[p.category], kind)
}

// isNumber reports whether the thing is often kept as a number: phone, zip.
func (m match) isNumber(name []token) bool {
	return m.category == Contact && slices.ContainsFunc(name[m.from:m.to], func(w token) bool { return w.role&coded != 0 })
}
