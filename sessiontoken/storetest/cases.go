package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

func (s *suite) basics() {
	s.hasNot("k")
	s.delete("k")
	s.put("k", "one", s.hour())
	s.has("k", "one")
	s.has("k", "one")
	s.put("k", "two", s.hour())
	s.has("k", "two")
	s.put("other", "three", s.hour())
	s.delete("k")
	s.hasNot("k")
	s.delete("k")
	s.has("other", "three")
	s.put("k", "four", s.hour())
	s.has("k", "four")
}

func (s *suite) expiry() {
	at := s.soon()
	s.put("k", "data", at)
	s.put("stays", "data", at.Add(time.Hour))
	if s.o.Advance != nil {
		_, told, err := s.store.Get(context.Background(), "k")
		if err != nil || told.After(at) || at.Sub(told) > s.o.Resolution {
			s.t.Errorf("Get tells that an entry is good until %v, want %v; %v", told, at, err)
		}
		s.waitUntil(at.Add(-s.o.Resolution - 1))
		s.has("k", "data")
		s.waitUntil(at)
	} else {
		got, _, err := s.store.Get(context.Background(), "k")
		if time.Now().Before(at.Add(-s.o.Resolution)) && (err != nil || string(got) != "data") {
			s.t.Errorf("before its time: %q, %v", got, err)
		}
		s.waitUntil(at)
	}
	s.hasNot("k")
	s.has("stays", "data")
	s.put("k", "again", s.hour())
	s.has("k", "again")
}

func (s *suite) newDeadline() {
	at := s.soon()
	s.put("longer", "a", at)
	s.put("longer", "b", at.Add(time.Hour))
	s.put("shorter", "a", at.Add(time.Hour))
	s.put("shorter", "b", at)
	s.waitUntil(at)
	s.has("longer", "b")
	s.hasNot("shorter")
}

func (s *suite) putExpired() {
	for _, expires := range []time.Time{
		s.now(),
		s.now().Add(-1),
		s.now().Add(-time.Second),
		time.Unix(0, 0),
		{},
		time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		s.put("k", "was there", s.hour())
		s.put("k", "too late", expires)
		s.hasNot("k")
		s.put("fresh", "too late", expires)
		s.hasNot("fresh")
	}
}

// farDeadlines has .NET's last moment, which some tokens really have.
func (s *suite) farDeadlines() {
	for i, expires := range []time.Time{
		s.now().AddDate(300, 0, 0),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC),
	} {
		key := fmt.Sprint("k", i)
		s.put(key, "data", expires)
		s.has(key, "data")
	}
}

func (s *suite) anyData() {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, data := range [][]byte{
		{},
		nil,
		{0},
		every,
		[]byte("'); DROP TABLE x; --\r\n$-1\r\n"),
		[]byte("\\x00 \\000 %s %d ?1 $1 @p1 \xff\xfe"),
		bytes.Repeat([]byte{0}, 1000),
		bytes.Repeat(every, 1<<20/256),
	} {
		key := fmt.Sprint("k", i)
		if err := s.store.Put(context.Background(), key, data, s.hour()); err != nil {
			s.t.Fatalf("data %d: %v", i, err)
		}
		s.has(key, string(data))
	}
}

func (s *suite) anyKey() {
	keys := []string{
		"a", "A", "a ", " a", "a\t", "a\x00", "a\x00b", "a\n", "aa",
		"/;uuid-0b0fd7a5;urn:uuid:1", "/;uuid-0B0FD7A5;urn:uuid:1",
		";", ";;", "%", "%41", "_", "*", "?", "[a]", "{a}", "'", "''", `"`, "`", `\`, `\\`, "../a", "NULL", "0",
		"ä", "a\u0308", "Ä", "ß", "ss", "\u212A", "k", "日本語", "\U0001F600", "\xff", "\xff\xfe", "\xc3",
		strings.Repeat("k", 10<<10), strings.Repeat("k", 10<<10) + "1", strings.Repeat("k", 10<<10) + "2",
	}
	for i := range 256 {
		keys = append(keys, "byte-"+string([]byte{byte(i)})+"-")
	}
	seen := map[string]bool{}
	for i, key := range keys {
		if seen[key] {
			s.t.Fatalf("key %d is there twice", i)
		}
		seen[key] = true
		s.put(key, fmt.Sprint("data of ", i), s.hour())
	}
	for i, key := range keys {
		s.has(key, fmt.Sprint("data of ", i))
	}
	for i := 0; i < len(keys); i += 2 {
		s.delete(keys[i])
	}
	for i, key := range keys {
		if i%2 == 0 {
			s.hasNot(key)
		} else {
			s.has(key, fmt.Sprint("data of ", i))
		}
	}
}

func (s *suite) copies() {
	ctx := context.Background()
	data := []byte("mine")
	if err := s.store.Put(ctx, "k", data, s.hour()); err != nil {
		s.t.Fatal(err)
	}
	copy(data, "XXXX")
	s.has("k", "mine")
	for range 2 { // the first may come from elsewhere than the second
		got, _, err := s.store.Get(ctx, "k")
		if err != nil {
			s.t.Fatal(err)
		}
		copy(got, "XXXX")
		_ = append(got, "YYYY"...)
		s.has("k", "mine")
	}
}

func (s *suite) cancelled() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{over, context.Canceled}, {late, context.DeadlineExceeded}} {
		s.put("k", "stays", s.hour())
		got, _, err := s.store.Get(c.ctx, "k")
		_, _, missing := s.store.Get(c.ctx, "missing")
		for call, err := range map[string]error{
			"Get":                err,
			"Get of no entry":    missing,
			"Put":                s.store.Put(c.ctx, "k", []byte("changed"), s.hour()),
			"Put of a new entry": s.store.Put(c.ctx, "new", []byte("data"), s.hour()),
			"Put of the past":    s.store.Put(c.ctx, "k", []byte("data"), s.now().Add(-time.Hour)),
			"Delete":             s.store.Delete(c.ctx, "k"),
		} {
			if !errors.Is(err, c.want) || errors.Is(err, sessiontoken.ErrNotInStore) {
				s.t.Errorf("%s: %v, want %v", call, err, c.want)
			}
		}
		if got != nil {
			s.t.Errorf("Get returned %q", got)
		}
		s.has("k", "stays")
		s.hasNot("new")
	}
}

const goroutines = 32

// parallel runs f in 32 goroutines and reports the first error of each.
func (s *suite) parallel(f func(ctx context.Context, i int) error) {
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			if err := f(context.Background(), i); err != nil {
				s.t.Errorf("goroutine %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func (s *suite) concurrentOwn() {
	expires := s.hour()
	s.parallel(func(ctx context.Context, i int) error {
		key := fmt.Sprint("k", i)
		for round := range 8 {
			want := fmt.Sprint(i, " in round ", round)
			if err := s.store.Put(ctx, key, []byte(want), expires); err != nil {
				return err
			}
			if got, _, err := s.store.Get(ctx, key); err != nil || string(got) != want {
				return fmt.Errorf("read %q, %v; want %q", got, err, want)
			}
			if err := s.store.Delete(ctx, key); err != nil {
				return err
			}
			if got, _, err := s.store.Get(ctx, key); !errors.Is(err, sessiontoken.ErrNotInStore) {
				return fmt.Errorf("deleted and read %q, %v", got, err)
			}
		}
		return nil
	})
}

// concurrentShared wants every Get to return one whole value or none, and the
// last write to hold.
func (s *suite) concurrentShared() {
	expires := s.hour()
	s.parallel(func(ctx context.Context, i int) error {
		whole := bytes.Repeat([]byte{'a' + byte(i%26)}, 1000+i)
		for range 8 {
			if err := s.store.Put(ctx, "k", whole, expires); err != nil {
				return err
			}
			got, _, err := s.store.Get(ctx, "k")
			if errors.Is(err, sessiontoken.ErrNotInStore) {
				continue
			}
			if err != nil {
				return err
			}
			if len(got) < 1000 || len(bytes.Trim(got, string(got[:1]))) != 0 ||
				byte(len(got)-1000)%26 != got[0]-'a' {
				return fmt.Errorf("mixed data of %d bytes", len(got))
			}
			if i%8 == 0 {
				if err := s.store.Delete(ctx, "k"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	s.put("k", "last", s.hour())
	s.has("k", "last")
	s.delete("k")
	s.hasNot("k")
}

// pair has two instances over one backend. Where one may be stale, both clocks
// move on before it is asked.
func pair(a, b *suite) {
	settle := func() {
		if a.o.Staleness > 0 {
			a.o.Advance(a.o.Staleness)
		}
	}
	b.hasNot("k")
	a.put("k", "from a", a.hour())
	b.has("k", "from a") // misses are not remembered
	b.put("k", "from b", a.hour())
	b.has("k", "from b")
	settle()
	a.has("k", "from b")
	a.delete("k")
	a.hasNot("k")
	settle()
	b.hasNot("k")

	// Expiry is not a change: both know it at once.
	at := a.soon()
	a.put("brief", "data", at)
	if a.o.Advance != nil {
		b.has("brief", "data")
		a.waitUntil(at.Add(-a.o.Resolution - 1))
		a.has("brief", "data")
		b.has("brief", "data")
	}
	a.waitUntil(at)
	a.hasNot("brief")
	b.hasNot("brief")
}

// short is a key or data for a message.
func short(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%.40q... (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}
