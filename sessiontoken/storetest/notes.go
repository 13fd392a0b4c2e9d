package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// noteKey and noteData are as long as those of package cookie.
func noteKey(i int) string {
	return sessiontoken.NotePrefix + fmt.Sprintf("ended;%0*d",
		80-len(sessiontoken.NotePrefix+"ended;"), i)
}

func noteData(i int) string { return fmt.Sprintf("%-220d", i) }

// notes puts a few notes, and then more entries than many a store keeps: all
// notes are there to the end, and behave as entries do otherwise.
func (s *suite) notes() {
	at := s.soon()
	n := 10
	if s.o.NoteRoom > 0 {
		n = min(n, s.o.NoteRoom)
	}
	for i := range n {
		s.put(noteKey(i), noteData(i), at.Add(time.Hour))
	}
	s.put(noteKey(0), noteData(0), at) // brief
	large := strings.Repeat("x", 1000)
	for i := range 1000 {
		s.put(fmt.Sprint("entry ", i), large, at.Add(time.Hour))
	}
	for i := 1; i < n; i++ {
		s.has(noteKey(i), noteData(i))
	}
	s.waitUntil(at)
	s.hasNot(noteKey(0))
	for i := 1; i < n; i++ {
		s.has(noteKey(i), noteData(i))
	}
	if n > 1 {
		s.delete(noteKey(1))
		s.hasNot(noteKey(1))
	}
	s.hasNot(sessiontoken.NotePrefix)
}

// fullOfNotes puts notes until there is no room. None of them goes; one takes
// the place of another under its key; one that is deleted, or has expired,
// makes room.
func (s *suite) fullOfNotes() {
	n := 300
	if s.o.NoteRoom > 0 {
		n = s.o.NoteRoom
	} else if s.o.Advance == nil {
		n = 100 // a real server, and its real time
	}
	at := s.soon()
	for i := range n {
		expires := at.Add(time.Hour)
		if i == 0 && s.o.NoteRoom > 0 {
			expires = at
		}
		s.put(noteKey(i), noteData(i), expires)
	}
	all := func(from, to int) {
		s.t.Helper()
		for i := from; i < to; i++ {
			s.has(noteKey(i), noteData(i))
		}
	}
	if s.o.NoteRoom == 0 {
		all(0, n)
		return
	}
	full := func(key string) {
		s.t.Helper()
		err := s.store.Put(context.Background(), key, []byte(noteData(0)), at.Add(time.Hour))
		if !errors.Is(err, sessiontoken.ErrStoreFull) ||
			errors.Is(err, sessiontoken.ErrNotInStore) {
			s.t.Errorf("Put of note %d: %v, want ErrStoreFull", n, err)
		}
		s.hasNot(key)
	}
	full(noteKey(n))
	all(1, n)
	s.put(noteKey(1), noteData(1), at.Add(2*time.Hour))
	s.put("entry", "has room", at.Add(time.Hour))
	s.has("entry", "has room")
	s.delete(noteKey(1))
	s.put(noteKey(n), noteData(n), at.Add(time.Hour))
	full(noteKey(n + 1))
	s.waitUntil(at) // the first
	s.put(noteKey(n+1), noteData(n+1), at.Add(time.Hour))
	full(noteKey(n + 2))
	all(2, n+2)
}
