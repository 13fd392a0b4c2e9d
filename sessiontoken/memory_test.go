package sessiontoken

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/share"
)

// testClock stands still until now is changed.
type testClock struct{ now time.Time }

func newTestClock() *testClock { return &testClock{now: katanaStart} }

func (c *testClock) Now() time.Time { return c.now }

func mustPut(t testing.TB, s Store, key string, size int, expires time.Time) {
	t.Helper()
	if err := s.Put(ctx, key, make([]byte, size), expires); err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
}

func holds(s Store, key string) bool {
	_, _, err := s.Get(ctx, key)
	return err == nil
}

func TestMemoryTrimsToFourFifths(t *testing.T) {
	clock := newTestClock()
	for max, left := range map[int]int{0: 16_000, 10: 8, 7: 5, 2: 1, 1: 1} {
		m := NewMemoryStore(&MemoryOptions{MaxEntries: max, Now: clock.Now})
		full := max
		if max == 0 {
			full = defaultMemoryEntries
		}
		for i := range full {
			mustPut(t, m, strconv.Itoa(i), 1, clock.now.Add(time.Hour))
		}
		if m.len() != full || !holds(m, "0") {
			t.Fatalf("max %d: %d entries before", max, m.len())
		}
		mustPut(t, m, "new", 1, clock.now.Add(time.Hour))
		if m.len() != left || !holds(m, "new") || left > 1 && !holds(m, "0") ||
			full > 2 && holds(m, "1") {
			t.Errorf("max %d: %d entries left, want %d; or not the most recently used",
				max, m.len(), left)
		}
	}
}

func TestMemoryBoundInBytes(t *testing.T) {
	clock := newTestClock()
	later := clock.now.Add(time.Hour)
	m := NewMemoryStore(&MemoryOptions{MaxBytes: 100_000, MaxEntries: -1, Now: clock.Now})
	for i := range 10_000 {
		mustPut(t, m, strconv.Itoa(i), i%1000, later)
		if m.size() > 100_000 || !holds(m, strconv.Itoa(i)) {
			t.Fatalf("%d bytes after %d entries", m.size(), i)
		}
	}
	if m.size() < 70_000 {
		t.Errorf("%d bytes, nearly empty", m.size())
	}
	mustPut(t, m, "k", 100_000-memoryOverhead-1, later)
	if m.len() != 1 || m.size() != 100_000 {
		t.Errorf("the largest entry: %d entries, %d bytes", m.len(), m.size())
	}
	if err := m.Put(ctx, "k", make([]byte, 100_000-memoryOverhead), later); err != errMemoryEntry ||
		!holds(m, "k") {
		t.Errorf("one byte more: %v, there: %v", err, holds(m, "k"))
	}
	if err := m.Delete(ctx, "k"); err != nil || m.size() != 0 || m.len() != 0 {
		t.Errorf("%v, %d bytes, %d entries", err, m.size(), m.len())
	}
	free := NewMemoryStore(&MemoryOptions{MaxBytes: -1, MaxEntries: -1, Now: clock.Now})
	for i := range defaultMemoryEntries + 100 {
		mustPut(t, free, strconv.Itoa(i), 0, later)
	}
	if free.len() != defaultMemoryEntries+100 {
		t.Errorf("without bounds: %d", free.len())
	}
}

func (m *MemoryStore) len() int        { n, _, _ := m.Usage(); return n }
func (m *MemoryStore) size() int64     { _, n, _ := m.Usage(); return n }
func (m *MemoryStore) noteSize() int64 { _, _, n := m.Usage(); return n }

// TestMemorySweep wants expired entries gone after as many calls as there are
// entries, whatever the calls are.
func TestMemorySweep(t *testing.T) {
	const n = 1000
	for name, call := range map[string]func(m *MemoryStore, i int, later time.Time){
		"Get of no entry": func(m *MemoryStore, i int, _ time.Time) { holds(m, "none") },
		"Get of one":      func(m *MemoryStore, i int, _ time.Time) { holds(m, "stays") },
		"Put of new ones": func(m *MemoryStore, i int, later time.Time) { mustPut(t, m, fmt.Sprint("new", i), 1, later) },
		"Put of one":      func(m *MemoryStore, i int, later time.Time) { mustPut(t, m, "new", 1, later) },
		"Delete":          func(m *MemoryStore, i int, later time.Time) { _ = m.Delete(ctx, "none") },
	} {
		clock := newTestClock()
		m := NewMemoryStore(&MemoryOptions{Now: clock.Now})
		later := clock.now.Add(24 * time.Hour)
		mustPut(t, m, "stays", 1, later)
		for i := range n {
			mustPut(t, m, strconv.Itoa(i), 1, clock.now.Add(time.Hour))
		}
		clock.now = clock.now.Add(time.Hour)
		for i := range n + 1 {
			call(m, i, later)
		}
		left := 0
		for key := range m.entries {
			if len(key) <= 3 && key != "new" {
				left++
			}
		}
		if left != 0 || !holds(m, "stays") {
			t.Errorf("%s: %d expired entries left; the other one is there: %v", name, left,
				holds(m, "stays"))
		}
	}
}

// TestMemoryRingHolds compares the store with a plain model under random calls.
func TestMemoryRingHolds(t *testing.T) {
	clock := newTestClock()
	m := NewMemoryStore(&MemoryOptions{MaxEntries: -1, Now: clock.Now})
	model := map[string]time.Time{}
	x := uint32(1)
	for range 20_000 {
		x = x*1664525 + 1013904223
		key, r := strconv.Itoa(int(x>>8%64)), x>>24
		switch {
		case r < 100:
			expires := clock.now.Add(time.Duration(r) * time.Second)
			mustPut(t, m, key, int(r), expires)
			model[key] = expires
		case r < 130:
			_ = m.Delete(ctx, key)
			delete(model, key)
		case r < 150:
			clock.now = clock.now.Add(time.Second)
		default:
			if want := model[key].After(clock.now); holds(m, key) != want {
				t.Fatalf("%s is there: %v", key, !want)
			}
		}
		n, size := 0, int64(0)
		for e := m.root.next; e != &m.root; e = e.next {
			if e.next.prev != e || m.entries[e.key] != e {
				t.Fatal("the ring is broken")
			}
			n++
			size += e.size()
		}
		if n != m.len() || size != m.size() ||
			m.hand != &m.root && m.entries[m.hand.key] != m.hand {
			t.Fatalf("%d of %d entries, %d of %d bytes, or the hand is lost", n,
				m.len(), size, m.size())
		}
	}
}

// TestMemoryHostileKeys wants made-up keys to take no memory, and new entries
// only as much as is allowed.
func TestMemoryHostileKeys(t *testing.T) {
	m := NewMemoryStore(&MemoryOptions{MaxEntries: 100, MaxBytes: 1 << 20})
	later := time.Now().Add(time.Hour)
	long := bytes.Repeat([]byte("k"), 100<<10)
	for i := range 2000 / share.OneIn(t, 8) {
		key := string(strconv.AppendInt(long, int64(i), 10))
		if _, _, err := m.Get(ctx, key); !errors.Is(err, ErrNotInStore) {
			t.Fatal(err)
		}
		if m.len() > 100 || m.size() > 1<<20 {
			t.Fatalf("%d entries, %d bytes", m.len(), m.size())
		}
		mustPut(t, m, key, 10, later)
	}
	if m.len() < 7 {
		t.Errorf("%d entries", m.len())
	}
}

func TestMemoryAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m, data, later := NewMemoryStore(nil), make([]byte, 1000), time.Now().Add(time.Hour)
	mustPut(t, m, "k", 1000, later)
	if n := testing.AllocsPerRun(100, func() { holds(m, "k") }); n > 1 {
		t.Errorf("Get: %v allocations, want the copy", n)
	}
	if n := testing.AllocsPerRun(100, func() { holds(m, "none") }); n > 0 {
		t.Errorf("Get of no entry: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = m.Put(ctx, "k", data, later) }); n > 2 {
		t.Errorf("Put: %v allocations, want the entry and the copy", n)
	}
}

// BenchmarkMemoryStore runs in parallel, beside the floor.
func BenchmarkMemoryStore(b *testing.B) {
	const n = 4096
	later, data := time.Now().Add(time.Hour), make([]byte, 1500)
	keys := make([]string, n)
	m, least := NewMemoryStore(nil), floor.NewStore()
	for i := range keys {
		keys[i] = fmt.Sprintf("/;uuid-%032d;", i)
		mustPut(b, m, keys[i], len(data), later)
		least.Put(keys[i], data)
	}
	for _, c := range []struct {
		name string
		call func(key string)
	}{
		{"Get", func(key string) { holds(m, key) }},
		{"Get/floor", func(key string) { least.Get(key) }},
		{"Put", func(key string) { _ = m.Put(ctx, key, data, later) }},
		{"Put/floor", func(key string) { least.Put(key, data) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var next atomic.Uint32
			b.RunParallel(func(pb *testing.PB) {
				for i := next.Add(1) * 997; pb.Next(); i++ {
					c.call(keys[i%n])
				}
			})
		})
	}
}
