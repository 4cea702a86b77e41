package access

import "time"

// User is a person's account in this console.
type User struct {
	ID           int64
	Name         string // 1–64 characters, unique without regard to case
	Role         Role
	PasswordHash string // argon2id in PHC form; empty for an account that only signs on through a provider
	Disabled     bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Caller returns the user as the Caller of a request from the address ip.
func (u User) Caller(ip string) Caller {
	return Caller{UserID: u.ID, Name: u.Name, Role: u.Role, IP: ip}
}
