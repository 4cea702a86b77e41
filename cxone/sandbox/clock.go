package sandbox

import "time"

// Now is the tenant's time: the base clock plus the offset.
func (s *Sandbox) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

func (s *Sandbox) nowLocked() time.Time { return s.cfg.Now().Add(s.offset) }

// SetOffset moves the tenant's clock to the base clock plus d.
func (s *Sandbox) SetOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = d
}

// Advance moves the tenant's clock by d, which may be negative.
func (s *Sandbox) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// SetNow moves the tenant's clock to t, from where it goes on.
func (s *Sandbox) SetNow(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = t.Sub(s.cfg.Now())
}

// Offset is how far the tenant's clock stands from the base clock.
func (s *Sandbox) Offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}
