package sessiontoken

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Defaults of MemoryOptions. The number of entries is WIF's (MruSessionSecurityTokenCache).
const (
	defaultMemoryEntries = 20_000
	defaultMemoryBytes   = 256 << 20 // of entries, and of notes

	// memoryOverhead is what an entry or a note takes besides its key and data,
	// in bytes: the struct, its place in the map, and rounding up.
	memoryOverhead = 200
	// sweepStep is how many entries each call looks at in search of expired
	// ones. Two, where a call adds one at most, so that the sweep gets round.
	sweepStep = 2
)

// errMemoryEntry is for an entry that would push all others out.
var errMemoryEntry = errors.New("sessiontoken: memory store: entry is larger than MemoryOptions.MaxBytes")

// MemoryOptions are the settings of a [MemoryStore]. MaxEntries is what Cora
// SeQuence calls cacheMaxSize, where 0 means no bound.
type MemoryOptions struct {
	// MaxEntries bounds the number of entries. Zero means 20,000, a negative value no
	// bound. One entry more, and the least recently used leave until 4/5 of the bound
	// are left, as in MruSessionSecurityTokenCache.
	MaxEntries int
	// MaxBytes bounds keys, data and about 200 bytes for each entry, as MaxEntries does. Zero
	// means 256 MiB, a negative value no bound. An entry that exceeds it alone is refused.
	MaxBytes int64
	// MaxNoteBytes bounds the notes (see [Store]), counted as for MaxBytes. Zero means
	// 256 MiB, room for half a million notes of package cookie; a negative value means
	// no bound. Where it is used up, Put of one more note fails with [ErrStoreFull].
	MaxNoteBytes int64
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// MemoryStore is a [Store] in the memory of this process: the embedded default
// for a single node, and the front of [NewTwoLevelStore]. It is bounded and has
// no goroutine: each call looks at two entries and drops them if they have
// expired, so that expired ones leave after as many calls as there are entries.
//
// An entry that leaves for want of room is a session that is gone: its user has to
// sign in again. Where the store is the only one, its bounds should exceed the number
// of sessions that live at a time. A note stays until it expires. A restart of the
// process ends all sessions in the store, and forgets all notes: a copy of a cookie
// that was signed out is good again until it expires.
// Only NewMemoryStore makes one; the zero value is of no use.
type MemoryStore struct {
	o  MemoryOptions
	mu sync.Mutex
	*memoryBox
}

// memoryBox holds what mu guards behind a second pointer: package fmt follows one and
// prints the keys of maps, and the key of a session is as good as its cookie.
type memoryBox struct{ *memoryTable }

type memoryTable struct {
	entries map[string]*memoryEntry // and notes
	// root is the ring of entries: next is the most recently used one, prev the least.
	root memoryEntry
	// hand is where the sweep goes on, towards the more recently used.
	hand  *memoryEntry
	bytes int64 // of entries
	// notes leave by expiring and in no other way. The one that expires first is on
	// top, so that no expired note takes the room of a new one.
	notes     noteHeap
	noteBytes int64
}

// memoryEntry is an entry or a note; data is never changed once it is in here.
type memoryEntry struct {
	prev, next *memoryEntry // of an entry, in the ring
	place      int          // of a note, in the heap
	key        string
	data       []byte
	expires    time.Time
	until      time.Time // when it leaves: at expires, or earlier in front of another store
}

func (e *memoryEntry) size() int64 { return int64(len(e.key)) + int64(len(e.data)) + memoryOverhead }

// NewMemoryStore returns an empty store. Nil options are the zero options.
func NewMemoryStore(opts *MemoryOptions) *MemoryStore {
	m := &MemoryStore{o: *cmp.Or(opts, new(MemoryOptions)),
		memoryBox: &memoryBox{&memoryTable{entries: map[string]*memoryEntry{}}}}
	m.o.MaxEntries = cmp.Or(m.o.MaxEntries, defaultMemoryEntries)
	m.o.MaxBytes = cmp.Or(m.o.MaxBytes, defaultMemoryBytes)
	m.o.MaxNoteBytes = cmp.Or(m.o.MaxNoteBytes, defaultMemoryBytes)
	m.o.Now = clock(m.o.Now)
	m.root.prev, m.root.next = &m.root, &m.root
	m.hand = &m.root
	return m
}

// Usage returns the number of entries and notes, expired ones that are not yet
// swept included; what counts towards MaxBytes; and what counts towards
// MaxNoteBytes. Watch the last: where it gets there, sign-outs fail.
func (m *MemoryStore) Usage() (count int, bytes, noteBytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries), m.bytes, m.noteBytes
}

// Get implements [Store]. The data is the caller's own copy.
func (m *MemoryStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, memoryError(err)
	}
	data, expires, ok := m.get(key)
	if !ok {
		return nil, time.Time{}, ErrNotInStore
	}
	return bytes.Clone(data), expires, nil
}

// Put implements [Store]. It keeps a copy of the data.
func (m *MemoryStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return memoryError(err)
	}
	return m.put(key, data, expires, expires)
}

// Delete implements [Store].
func (m *MemoryStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return memoryError(err)
	}
	m.remove(key)
	return nil
}

func memoryError(err error) error { return fmt.Errorf("sessiontoken: memory store: %w", err) }

// get returns the store's own data, which the caller copies outside of the lock.
func (m *MemoryStore) get(key string) ([]byte, time.Time, bool) {
	now := m.o.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	e := m.entries[key]
	if e != nil && !e.until.After(now) {
		m.drop(e)
		e = nil
	}
	if e == nil {
		return nil, time.Time{}, false
	}
	if !isNote(key) {
		m.unlink(e)
		m.pushFront(e)
	}
	return e.data, e.expires, true
}

// put stores a copy of data until the earlier of two times. Data that has expired
// leaves nothing under the key; data that is refused changes nothing.
func (m *MemoryStore) put(key string, data []byte, expires, until time.Time) error {
	now := m.o.Now()
	if expires.Before(until) {
		until = expires
	}
	if !until.After(now) {
		m.remove(key)
		return nil
	}
	// Never nil, as Get clones it.
	data = append(make([]byte, 0, len(data)), data...)
	e := &memoryEntry{key: key, data: data, expires: expires, until: until}
	note := isNote(key)
	if !note && m.o.MaxBytes > 0 && e.size() > m.o.MaxBytes {
		return errMemoryEntry
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	if note && !m.noteRoom(e, now) {
		return fmt.Errorf("%w: memory store: MemoryOptions.MaxNoteBytes is %d", ErrStoreFull,
			m.o.MaxNoteBytes)
	}
	if old := m.entries[key]; old != nil {
		m.drop(old)
	}
	m.entries[key] = e
	if note {
		m.noteBytes += e.size()
		heap.Push(&m.notes, e)
		return nil
	}
	m.bytes += e.size()
	m.pushFront(e)
	m.trim()
	return nil
}

func (m *MemoryStore) remove(key string) {
	now := m.o.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	if e := m.entries[key]; e != nil {
		m.drop(e)
	}
}

// noteRoom drops expired notes until there is room for another, and reports whether there
// is. One under the same key makes room for it.
func (m *MemoryStore) noteRoom(e *memoryEntry, now time.Time) bool {
	for {
		grows := e.size()
		if old := m.entries[e.key]; old != nil {
			grows -= old.size()
		}
		if m.o.MaxNoteBytes < 0 || grows <= max(m.o.MaxNoteBytes-m.noteBytes, 0) {
			return true
		}
		if !m.dropExpired(now) {
			return false
		}
	}
}

// dropExpired drops a note that has expired, if there is one.
func (m *MemoryStore) dropExpired(now time.Time) bool {
	expired := len(m.notes) > 0 && !m.notes[0].until.After(now)
	if expired {
		m.drop(m.notes[0])
	}
	return expired
}

// trim makes room when a bound is exceeded. It drops a fifth at a time, so the
// cost for each entry put is constant; the first in the ring always stays.
func (m *MemoryStore) trim() {
	entries, size := m.o.MaxEntries, m.o.MaxBytes
	if (entries < 0 || m.count() <= entries) && (size < 0 || m.bytes <= size) {
		return
	}
	for m.root.prev != m.root.next &&
		(entries >= 0 && m.count() > entries/5*4+entries%5*4/5 ||
			size >= 0 && m.bytes > size/5*4) {
		m.drop(m.root.prev)
	}
}

// sweep looks at the next entries in the ring, and drops what is gone.
func (m *MemoryStore) sweep(now time.Time) {
	for i := 0; i < sweepStep && m.dropExpired(now); i++ {
	}
	for range min(sweepStep, m.count()) {
		e := m.hand
		if e == &m.root {
			e = m.root.prev
		}
		m.hand = e.prev
		if !e.until.After(now) {
			m.drop(e)
		}
	}
}

func (m *MemoryStore) drop(e *memoryEntry) {
	delete(m.entries, e.key)
	if isNote(e.key) {
		heap.Remove(&m.notes, e.place)
		m.noteBytes -= e.size()
		return
	}
	m.unlink(e)
	m.bytes -= e.size()
}

// count is the number of entries.
func (m *MemoryStore) count() int { return len(m.entries) - len(m.notes) }

func (m *MemoryStore) unlink(e *memoryEntry) {
	if m.hand == e {
		m.hand = e.prev
	}
	e.prev.next, e.next.prev = e.next, e.prev
}

func (m *MemoryStore) pushFront(e *memoryEntry) {
	e.prev, e.next = &m.root, m.root.next
	e.prev.next, e.next.prev = e, e
}

func isNote(key string) bool { return strings.HasPrefix(key, NotePrefix) }

// noteHeap implements [heap.Interface].
type noteHeap []*memoryEntry

func (h noteHeap) Len() int           { return len(h) }
func (h noteHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }

func (h noteHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push and Pop are for package heap.
func (h *noteHeap) Push(n any) {
	note := n.(*memoryEntry)
	note.place = len(*h)
	*h = append(*h, note)
}

func (h *noteHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return n
}
