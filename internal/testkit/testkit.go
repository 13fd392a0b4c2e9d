// Package testkit is what the tests of most packages share: the recorded
// vectors, a clock that stands still, and a log that several goroutines write.
package testkit

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct{ nanos atomic.Int64 }

// NewClock returns a clock that shows a time.
func NewClock(at time.Time) *Clock {
	c := new(Clock)
	c.nanos.Store(at.UnixNano())
	return c
}

// Now returns the clock's time in UTC.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanos.Load()).UTC() }

// Move moves the clock, back if by is negative.
func (c *Clock) Move(by time.Duration) { c.nanos.Add(int64(by)) }

// Log keeps what programs and servers write. It is safe for concurrent use, and
// its zero value is empty.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
