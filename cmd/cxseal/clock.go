package main

import (
	"sync/atomic"
	"time"
)

// movedClock runs as fast as the machine's, some way off it: the demo lives
// half a year of history with it and ends at now.
type movedClock struct{ offset atomic.Int64 }

func (c *movedClock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// moveTo sets the clock. It never goes back.
func (c *movedClock) moveTo(t time.Time) {
	if offset := time.Until(t); offset > time.Duration(c.offset.Load()) {
		c.offset.Store(int64(offset))
	}
}

// catchUp ends the journey: from here on it is the machine's clock.
func (c *movedClock) catchUp() { c.offset.Store(0) }
