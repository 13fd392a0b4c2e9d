// Package seed makes repeatable what tests draw at random, so that they fail
// only when something is wrong. What a test asserts must follow from:
//
//	[Of]     the test's own stream. Its seed is fixed, unless WEBFARM_SEED varies it
//	[Fresh]  a seed of its own for each run, for tests that look for the unknown:
//	         the differential ones. WEBFARM_SEED repeats a run
//
// Both print the seed of a test that fails. What the library itself draws,
// such as IVs and ids, stays random: no test may depend on it.
package seed

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

const variable = "WEBFARM_SEED"

// streams holds the stream of each test that runs, as helpers draw from it one
// after the other.
var streams = new(sync.Map)

// Stream is what one test draws at random. It is safe for concurrent use,
// though the order of draws then decides who gets what.
type Stream struct {
	*rand.Rand
	source *source
}

// source is a locked ChaCha8.
type source struct {
	mu    sync.Mutex
	chaos *rand.ChaCha8
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chaos.Uint64()
}

// Of returns the stream of a test, the same one each time. It follows from the
// seed and the test's name alone, whatever runs before or beside it.
func Of(tb testing.TB) *Stream {
	tb.Helper()
	if s, ok := streams.Load(tb); ok {
		return s.(*Stream)
	}
	seed := from(tb, 1)
	h := fnv.New64a()
	h.Write([]byte(tb.Name()))
	var key [32]byte
	for i, n := range [4]uint64{seed, h.Sum64()} {
		for k := range 8 {
			key[8*i+k] = byte(n >> (8 * k))
		}
	}
	src := &source{chaos: rand.NewChaCha8(key)}
	s := &Stream{Rand: rand.New(src), source: src}
	streams.Store(tb, s)
	tb.Cleanup(func() { streams.Delete(tb) })
	return s
}

// Read fills b and never fails.
func (s *Stream) Read(b []byte) (int, error) {
	s.source.mu.Lock()
	defer s.source.mu.Unlock()
	return s.source.chaos.Read(b)
}

// Bytes returns n random bytes, such as a key.
func (s *Stream) Bytes(n int) []byte {
	b := make([]byte, n)
	s.Read(b)
	return b
}

// Fresh returns a seed that no run had before, or that of WEBFARM_SEED.
func Fresh(tb testing.TB) uint64 {
	tb.Helper()
	return from(tb, uint64(time.Now().UnixNano()))
}

// from returns the seed of the environment, or the given one, and prints it.
func from(tb testing.TB, seed uint64) uint64 {
	tb.Helper()
	if text := os.Getenv(variable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			tb.Fatalf("%s: %v", variable, err)
		}
	}
	tb.Logf("%s=%d", variable, seed)
	return seed
}
