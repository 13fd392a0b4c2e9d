package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMemoryNotesHold compares the notes with a plain model under random calls:
// a note is there until it expires or is deleted, and one is refused only if
// those that have not expired leave no room.
func TestMemoryNotesHold(t *testing.T) {
	const room = 40 * (memoryOverhead + 10)
	clock := newTestClock()
	m := NewMemoryStore(&MemoryOptions{MaxEntries: 5, MaxBytes: 1500, MaxNoteBytes: room,
		Now: clock.Now})
	type note struct {
		expires time.Time
		size    int64
	}
	model := map[string]note{}
	x, refused := uint32(1), 0
	for range 50_000 {
		x = x*1664525 + 1013904223
		key, r := NotePrefix+fmt.Sprint(x>>8%64), x>>24
		switch {
		case r < 120:
			expires := clock.now.Add(time.Duration(r) * time.Second)
			data := make([]byte, r%50)
			size := int64(len(key)+len(data)) + memoryOverhead
			used := size
			for k, n := range model {
				if k != key && n.expires.After(clock.now) {
					used += n.size
				}
			}
			old, there := model[key]
			grows := !there || !old.expires.After(clock.now) || size > old.size
			err := m.Put(ctx, key, data, expires)
			switch {
			case r == 0: // has expired already
				delete(model, key)
			case used > room && grows:
				refused++
				if !errors.Is(err, ErrStoreFull) {
					t.Fatalf("%d bytes of %d: %v", used, room, err)
				}
				continue
			default:
				model[key] = note{expires, size}
			}
			if err != nil {
				t.Fatalf("%d bytes of %d: %v", used, room, err)
			}
		case r < 130:
			_ = m.Delete(ctx, key)
			delete(model, key)
		case r < 150:
			clock.now = clock.now.Add(time.Second)
		case r < 180: // entries go, and take nothing with them
			mustPut(t, m, fmt.Sprint("entry", x), int(r), clock.now.Add(time.Hour))
		default:
			if want := model[key].expires.After(clock.now); holds(m, key) != want {
				t.Fatalf("%s is there: %v", key, !want)
			}
		}
		size := int64(0)
		for i, n := range m.notes {
			if n.place != i || m.entries[n.key] != n {
				t.Fatal("the heap is broken")
			}
			size += n.size()
		}
		notes := 0
		for key := range m.entries {
			if isNote(key) {
				notes++
			}
		}
		if size != m.noteSize() || size > room || len(m.notes) != notes || m.size() > 1500 {
			t.Fatalf("%d of %d bytes of notes, %d of entries", size, m.noteSize(), m.size())
		}
	}
	if refused < 100 {
		t.Errorf("%d notes were refused", refused)
	}
}

// TestMemoryNotesLeave wants expired notes gone without anybody asking for
// them.
func TestMemoryNotesLeave(t *testing.T) {
	clock := newTestClock()
	m := NewMemoryStore(&MemoryOptions{Now: clock.Now})
	for i := range 100 {
		mustPut(t, m, NotePrefix+fmt.Sprint(i), 10, clock.now.Add(time.Minute))
	}
	clock.now = clock.now.Add(time.Minute)
	for range 50 {
		holds(m, "nothing")
	}
	if m.len() != 0 || m.noteSize() != 0 {
		t.Errorf("%d notes, %d bytes", m.len(), m.noteSize())
	}
}

func TestMemoryNoteAlone(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for room, want := range map[int64]bool{1: false, memoryOverhead + 5 + 9: false,
		memoryOverhead + 5 + 10: true, -1: true} {
		m := NewMemoryStore(&MemoryOptions{MaxNoteBytes: room})
		if err := m.Put(context.Background(), NotePrefix, make([]byte, 10),
			later); (err == nil) != want || err != nil && !errors.Is(err, ErrStoreFull) {
			t.Errorf("room of %d: %v", room, err)
		}
	}
}

// TestNoEntryIsANote wants no codec to put an entry where notes are.
func TestNoEntryIsANote(t *testing.T) {
	ring := testRing(t)
	for _, endpoint := range []string{"note", "note;", "note;/"} {
		o := &SessionOptions{Endpoint: endpoint}
		if _, err := NewSessionCodec(ring, o); err != nil {
			t.Errorf("%q without a store: %v", endpoint, err)
		}
		o.Store = NewMemoryStore(nil)
		if _, err := NewSessionCodec(ring, o); err == nil ||
			!strings.Contains(err.Error(), "Endpoint") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	if _, err := NewSessionCodec(ring, &SessionOptions{Endpoint: "/note;",
		Store: NewMemoryStore(nil)}); err != nil {
		t.Error(err)
	}
}
