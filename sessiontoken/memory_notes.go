package sessiontoken

import (
	"container/heap"
	"fmt"
	"strings"
	"time"
)

// memoryNotes are the notes of a [MemoryStore]. They leave by expiring and in
// no other way. A heap has the one that expires first on top, so that no
// expired note takes the room of a new one.
type memoryNotes struct {
	max   int64 // negative: no bound
	byKey map[string]*memoryEntry
	heap  noteHeap
	bytes int64
}

func isNote(key string) bool { return strings.HasPrefix(key, NotePrefix) }

func (s *memoryNotes) get(key string, now time.Time) ([]byte, time.Time, bool) {
	n := s.byKey[key]
	if n == nil || !n.until.After(now) {
		return nil, time.Time{}, false
	}
	return n.data, n.expires, true
}

// put stores a note, or changes nothing.
func (s *memoryNotes) put(n *memoryEntry, now time.Time) error {
	old := s.byKey[n.key]
	grows := n.size()
	if old != nil {
		grows -= old.size()
	}
	for s.max >= 0 && grows > 0 && grows > s.max-s.bytes {
		top := s.expired(now)
		if top == nil {
			return fmt.Errorf("%w: memory store: MemoryOptions.MaxNoteBytes is %d", ErrStoreFull, s.max)
		}
		s.drop(top)
		if top == old {
			old, grows = nil, n.size()
		}
	}
	if old != nil {
		s.drop(old)
	}
	s.byKey[n.key] = n
	s.bytes += n.size()
	heap.Push(&s.heap, n)
	return nil
}

func (s *memoryNotes) drop(n *memoryEntry) {
	heap.Remove(&s.heap, n.place)
	delete(s.byKey, n.key)
	s.bytes -= n.size()
}

// sweep drops the next notes that have expired.
func (s *memoryNotes) sweep(now time.Time) {
	for range sweepStep {
		n := s.expired(now)
		if n == nil {
			return
		}
		s.drop(n)
	}
}

// expired returns a note that has expired, if there is one.
func (s *memoryNotes) expired(now time.Time) *memoryEntry {
	if len(s.heap) == 0 || s.heap[0].until.After(now) {
		return nil
	}
	return s.heap[0]
}

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
