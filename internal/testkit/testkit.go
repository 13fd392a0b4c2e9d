// Package testkit is what the tests of most packages share: the recorded
// vectors, a clock that stands still, and a log that several goroutines write.
package testkit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/testvectors"
)

// File returns a recorded file.
func File(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := testvectors.Read(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// JSON reads a recorded file into v. A test may leave out fields that are not
// its business.
func JSON(tb testing.TB, name string, v any) {
	tb.Helper()
	if err := json.Unmarshal(File(tb, name), v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// StrictJSON reads a recorded file into v, which must have all its fields.
func StrictJSON(tb testing.TB, name string, v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(File(tb, name)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// Unhex returns the bytes of hex digits, which vectors have.
func Unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

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
