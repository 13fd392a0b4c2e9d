package farmtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// elements returns the names and elements of a repository.
func elements(t *testing.T, r dataprotection.Repository) (names, list []string) {
	t.Helper()
	err := r.Elements(t.Context(), func(name string, xml []byte) error {
		names, list = append(names, name), append(list, string(xml))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, list
}

// KeyRing wants a repository to keep key rings. Open returns an empty one, and
// add adds elements to it as a .NET node does.
func KeyRing(
	t *testing.T, open func(t *testing.T) (r dataprotection.Repository, add func(xml ...string)),
) {
	t.Run("recorded rings", func(t *testing.T) {
		var file struct {
			Rings []struct {
				Name     string
				Elements []string
			}
		}
		testkit.JSON(t, "dataprotection_keyring.json", &file)
		if len(file.Rings) == 0 {
			t.Fatal("no rings")
		}
		for _, ring := range file.Rings {
			r, add := open(t)
			for i, xml := range ring.Elements { // .NET's and ours, by turns
				if i%2 == 0 || slices.Contains(ring.Elements[:i], xml) {
					add(xml)
				} else if err := r.Store(t.Context(), fmt.Sprintf("key-%d",
					i), []byte(xml)); err != nil {
					t.Fatal(err)
				}
			}
			names, list := elements(t, r)
			if !slices.Equal(list, ring.Elements) {
				t.Errorf("%s: %q, want %q", ring.Name, list, ring.Elements)
			}
			slices.Sort(names)
			if len(slices.Compact(names)) != len(list) {
				t.Errorf("%s: names %q", ring.Name, names)
			}
		}
	})
	t.Run("bounds", func(t *testing.T) { bounds(t, open) })
	t.Run("ten keepers", func(t *testing.T) { keepers(t, open) })
	t.Run("errors", func(t *testing.T) {
		r, add := open(t)
		add("<a/>", "<b/>")
		calls, stop := 0, errors.New("stop")
		err := r.Elements(t.Context(), func(string, []byte) error { calls++; return stop })
		if calls != 1 || err != stop {
			t.Errorf("%d calls, %v", calls, err)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		never := func(string, []byte) error { t.Error("an element"); return nil }
		for _, err := range []error{r.Elements(over, never), r.Store(over, "key", []byte("<c/>")),
			storeIf(over, r)} {
			if !errors.Is(err, context.Canceled) || !errors.Is(err, dataprotection.ErrUnavailable) {
				t.Errorf("cancelled: %v", err)
			}
		}
		if _, list := elements(t, r); !slices.Equal(list, []string{"<a/>", "<b/>"}) {
			t.Errorf("then %q", list)
		}
	})
}

// storeIf asks a repository to store an element if it has no other.
func storeIf(ctx context.Context, r dataprotection.Repository) error {
	c := r.(interface {
		StoreIf(ctx context.Context, name string, xml []byte, count int) (bool, error)
	})
	_, err := c.StoreIf(ctx, "key", []byte("<key/>"), 0)
	return err
}

// keepers wants ten keepers at once to leave one new key, in an empty ring and in
// one whose key ends.
func keepers(t *testing.T, open func(t *testing.T) (dataprotection.Repository, func(...string))) {
	const day = 24 * time.Hour
	r, add := open(t)
	add("<note/>")
	var rings [10]*dataprotection.Ring
	ahead := 14 * day
	for round, o := range []dataprotection.RingOptions{
		{Interval: -1},
		{Interval: -1, Now: func() time.Time { return time.Now().Add(80 * day) }},
	} {
		for i := range rings {
			var err error
			if rings[i], err = dataprotection.Open(t.Context(), r, &o); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		var keys atomic.Int32
		for _, ring := range rings {
			wg.Go(func() {
				id, err := ring.Keep(t.Context(), ahead, 0)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				if id != "" {
					keys.Add(1)
				}
			})
		}
		wg.Wait()
		_, list := elements(t, r)
		if keys.Load() != 1 || len(list) != 2+round {
			t.Errorf("round %d: %d keys made, %d elements", round, keys.Load(), len(list))
		}
	}
	ring := rings[0]
	if err := ring.Revoke(t.Context(), "*", "test"); err != nil {
		t.Error(err)
	}
	if err := rings[1].Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, k := range rings[1].Keys() {
		if !k.Revoked || k.Err != nil {
			t.Errorf("%+v", k)
		}
	}
}

// bounds wants a ring at the bounds to load, and one over them to be refused.
func bounds(t *testing.T, open func(t *testing.T) (dataprotection.Repository, func(...string))) {
	note := func(size int) string {
		return "<note>" + strings.Repeat("x", size-len("<note></note>")) + "</note>"
	}
	const megabyte = 1 << 20
	for _, tt := range []struct {
		name        string
		count, size int
		want        string
	}{
		{"10,000 elements", 10_000, 20, ""},
		{"10,001 elements", 10_001, 20, "10000 elements"},
		{"1 MB", 1, megabyte, ""},
		{"over 1 MB", 1, megabyte + 1, "more than 1048576 bytes"},
		{"1 MB of other letters", 1, -megabyte, "more than 1048576 bytes"},
		{"16 MB", 16, megabyte, ""},
		{"17 MB", 17, megabyte, "more than "},
		{"40 MB", 40, megabyte, "more than "},
		{"40 MB in one", 1, 40 * megabyte, "more than "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, add := open(t)
			xml := note(max(tt.size, -tt.size))
			if tt.size < 0 {
				xml = strings.ReplaceAll(xml, "x", "€")
			}
			add(slices.Repeat([]string{xml}, tt.count)...)
			_, err := dataprotection.Open(t.Context(), r, nil)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var at *dataprotection.RingError
			if !errors.As(err, &at) || errors.Is(err, dataprotection.ErrUnavailable) ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			longest := 0
			r.Elements(t.Context(), func(_ string, xml []byte) error {
				longest = max(longest, len(xml))
				return nil
			})
			if longest > 32*megabyte {
				t.Errorf("fetched an element of %d bytes", longest)
			}
		})
	}
}

// KeyRingOutage wants a repository to say that it cannot be read while its
// server is away, and to work again when it is back. The ring goes on meanwhile.
func KeyRingOutage(t *testing.T, r dataprotection.Repository, server *Server) {
	t.Helper()
	var file struct{ Rings []struct{ Elements []string } }
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	if err := r.Store(t.Context(), "key-1", []byte(file.Rings[0].Elements[0])); err != nil {
		t.Fatal(err)
	}
	ring, err := dataprotection.Open(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ring.Protector("a")
	if err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	for call, err := range map[string]error{
		"Elements": r.Elements(t.Context(), func(string, []byte) error { return nil }),
		"Store":    r.Store(t.Context(), "key-2", []byte("<note/>")),
		"StoreIf":  storeIf(t.Context(), r),
		"Refresh":  ring.Refresh(t.Context()),
	} {
		if !errors.Is(err, dataprotection.ErrUnavailable) {
			t.Errorf("%s during the outage: %v", call, err)
		}
	}
	protected, err := p.Protect(nil, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	server.Start(t)
	if err := Eventually(func() error { return ring.Refresh(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	if data, _, err := p.Unprotect(t.Context(), nil, protected); err != nil ||
		string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
	if err := r.Store(t.Context(), "key-3", []byte("<note/>")); err != nil {
		t.Error(err)
	}
}

// Silent returns the address of a server that takes connections and never says
// anything.
func Silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return l.Addr().String()
}

// KeyRingHangs wants a repository whose server hangs to heed the context.
func KeyRingHangs(t *testing.T, r dataprotection.Repository) {
	t.Helper()
	for call, f := range map[string]func(context.Context) error{
		"Elements": func(ctx context.Context) error {
			return r.Elements(ctx, func(string, []byte) error { return nil })
		},
		"Store":   func(ctx context.Context) error { return r.Store(ctx, "key", []byte("<key/>")) },
		"StoreIf": func(ctx context.Context) error { return storeIf(ctx, r) },
		"Open": func(ctx context.Context) error {
			_, err := dataprotection.Open(ctx, r, nil)
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := f(ctx)
		if !errors.Is(err, context.DeadlineExceeded) ||
			!errors.Is(err, dataprotection.ErrUnavailable) {
			t.Errorf("%s: %v", call, err)
		}
		cancel()
	}
}
