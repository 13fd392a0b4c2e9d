package cookie

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// records are some that a tracker writes.
func records() []record {
	began := time.Date(2026, 11, 21, 9, 0, 0, 123456700, time.UTC)
	return []record{
		{}, {id: "x"}, {id: "urn:uuid:0", began: began},
		{strings.Repeat("é", 200), time.Unix(-1, 5).UTC(), began},
		{id: "\x00\xff", began: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
		{id: "katana:A", ends: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
	}
}

func TestRecord(t *testing.T) {
	want := append([]byte("\x05ended\x02id"), 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
		0, 3, 0, 0, 0, 4)
	if got := (record{"id", time.Unix(1, 2), time.Unix(3, 4)}).append(nil,
		"ended"); !bytes.Equal(got, want) {
		t.Errorf("% x", got)
	}
	for _, r := range records() {
		data := r.append(nil, "key")
		if got, ok := parseRecord(data, "key"); !ok || got.id != r.id ||
			!got.began.Equal(r.began) || !got.ends.Equal(r.ends) ||
			got.ends.IsZero() != r.ends.IsZero() {
			t.Errorf("%+v became %+v, %v", r, got, ok)
		}
		for n := range data {
			if _, ok := parseRecord(data[:n], "key"); ok {
				t.Errorf("%d of %d bytes are read", n, len(data))
			}
		}
		if _, ok := parseRecord(append(slices.Clone(data), 0), "key"); ok {
			t.Error("a byte more is read")
		}
		for _, other := range []string{"", "ke", "keys", "Key"} {
			if _, ok := parseRecord(data, other); ok {
				t.Errorf("read for %q", other)
			}
		}
	}
	for _, bad := range []string{"", "\xff", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\x0f"} {
		if _, ok := parseRecord([]byte(bad), ""); ok {
			t.Errorf("% x is read", bad)
		}
	}
}

func TestTrackerKeys(t *testing.T) {
	tr := &tracker{purpose: "token"}
	for _, one := range [][2]string{{"Bob", "bOB"}, {"änne", "ÄNNE"}, {"kate", "KATE"}} {
		if tr.key("latest", one[0]) != tr.key("latest", one[1]) {
			t.Errorf("%q and %q are two users", one[0], one[1])
		}
	}
	for _, two := range [][2]string{{"bob", "bob "}, {"kate", "\u212Aate"}, {"I", "ı"}, {"i", "İ"},
		{"s", "ſ"}, {"ss", "ß"}, {"å", "\u212B"}} {
		if tr.key("latest", two[0]) == tr.key("latest", two[1]) {
			t.Errorf("%q and %q are one user", two[0], two[1])
		}
	}
	seen := map[string]bool{}
	for _, purpose := range []string{"token", "forms"} {
		tr.purpose = purpose
		for _, kind := range []string{"ended", "first", "next", "latest"} {
			for _, id := range []string{"", "a", "b"} {
				key := tr.key(kind, id)
				if seen[key] || len(key) != len("note;")+len(kind)+len(purpose)+2+2*sha256.Size ||
					!strings.HasPrefix(key, "note;") {
					t.Errorf("%s", key)
				}
				seen[key] = true
			}
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	seeds := 0
	for _, r := range records() {
		f.Add(r.append(nil, "ended;FedAuth;00"), "ended;FedAuth;00")
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		r, ok := parseRecord(data, key)
		if !ok {
			return
		}
		// What is read is written again and says the same. Lengths and
		// nanoseconds have more than one spelling.
		again, ok := parseRecord(r.append(nil, key), key)
		if !ok || again.id != r.id || !again.began.Equal(r.began) || !again.ends.Equal(r.ends) {
			t.Errorf("%+v became %+v, %v", r, again, ok)
		}
	})
}

// TestVerifiedCacheIsBounded puts in more than there is room for, and keeps
// what is used.
func TestVerifiedCacheIsBounded(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 1001} {
		c := newVerifiedCache(n)
		used, ok := c.sum("used")
		if !ok {
			t.Fatal("not kept")
		}
		c.put(used, new(session))
		for i := range 5 * n {
			sum, _ := c.sum(strconv.Itoa(i))
			c.put(sum, new(session))
			if _, ok := c.get(sum); !ok {
				t.Fatalf("n=%d: the last one is not there", n)
			}
			if _, ok := c.get(used); !ok && n > 2 {
				t.Fatalf("n=%d: what is used is not there", n)
			}
			if len(c.young)+len(c.old) > max(n, 2) {
				t.Fatalf("n=%d: %d values", n, len(c.young)+len(c.old))
			}
		}
		c.remove(used)
		if _, ok := c.get(used); ok {
			t.Error("removed and there")
		}
	}
	c := newVerifiedCache(1)
	if _, ok := c.sum(strings.Repeat("x", maxVerified)); !ok {
		t.Error("the largest value is not kept")
	}
	if _, ok := c.sum(strings.Repeat("x", maxVerified+1)); ok {
		t.Error("a larger value is kept")
	}
	if a, _ := c.sum("a"); a != sha256.Sum256([]byte("a")) {
		t.Error("not SHA-256")
	}
}
