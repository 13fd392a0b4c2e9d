package coreticket_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/coreticket"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// recorded returns the bytes of all recorded tickets, good and bad.
func recorded(t testing.TB) (list [][]byte) {
	t.Helper()
	var file struct {
		Tickets, Serialized []struct{ Serialized string }
	}
	testkit.JSON(t, "aspnetcore_tickets.json", &file)
	for _, v := range append(file.Tickets, file.Serialized...) {
		b, err := hex.DecodeString(v.Serialized)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	if len(list) != 663 {
		t.Fatalf("%d tickets, want 663", len(list))
	}
	return list
}

// rewrite writes what r has read of data.
func rewrite(r *coreticket.Reader, data []byte) ([]byte, error) {
	all := string(data)
	w := coreticket.NewWriter(nil)
	pairs := func(s coreticket.Span) {
		for _, p := range r.Pairs[s.From:s.To] {
			w.Pair(p.Key.In(all), p.Value.In(all))
		}
	}
	var identity func(i coreticket.Identity)
	identity = func(i coreticket.Identity) {
		w.Identity(i.AuthenticationType.In(all), i.NameClaimType.In(all), i.RoleClaimType.In(all),
			i.Claims.To-i.Claims.From)
		for _, c := range r.Claims[i.Claims.From:i.Claims.To] {
			w.Claim(c.Type.In(all), c.Value.In(all), c.ValueType.In(all), c.Issuer.In(all),
				c.OriginalIssuer.In(all), c.Properties.To-c.Properties.From)
			pairs(c.Properties)
		}
		w.EndIdentity(i.Bootstrap.In(all), i.Actor >= 0)
		if i.Actor >= 0 {
			identity(r.Actors[i.Actor])
		}
	}
	w.Begin(r.Scheme.In(all), len(r.Identities))
	for _, i := range r.Identities {
		identity(i)
	}
	w.Properties(r.Properties.To - r.Properties.From)
	pairs(r.Properties)
	return w.End()
}

// FuzzRead writes what it has read, which then reads and writes the same.
// Errors say where, within the data.
func FuzzRead(f *testing.F) {
	for _, seed := range recorded(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r coreticket.Reader
		if err := r.Read(data); err != nil {
			var at *layer.Error
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(data) {
				t.Fatalf("error %v of %d bytes", err, len(data))
			}
			if !errors.Is(err, coreticket.ErrVersion) && !errors.Is(err, coreticket.ErrMalformed) &&
				!errors.Is(err, coreticket.ErrUnsupported) {
				t.Errorf("error %v", err)
			}
			return
		}
		if r.Size() > 100*len(data)+10_000 {
			t.Errorf("%d bytes of memory for %d", r.Size(), len(data))
		}
		written, err := rewrite(&r, data)
		if err != nil {
			t.Fatalf("what was read is not written: %v", err)
		}
		var again coreticket.Reader
		if err := again.Read(written); err != nil {
			t.Fatal(err)
		}
		if twice, err := rewrite(&again, written); err != nil || !bytes.Equal(twice, written) {
			t.Errorf("%x is written as %x the second time, %v", written, twice, err)
		}
	})
}

// build writes a ticket of one identity.
func build(t testing.TB, claims int, more ...func(w *coreticket.Writer)) []byte {
	t.Helper()
	w := coreticket.NewWriter(nil)
	w.Begin("Cookies", 1)
	w.Identity("Cookies", "", "", claims)
	for i := range claims {
		w.Claim("urn:claim", fmt.Sprintf("value %d", i), "", "", "", 0)
	}
	w.EndIdentity("", false)
	w.Properties(len(more))
	for _, f := range more {
		f(w)
	}
	data, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestLimits reads tickets at a bound and refuses those over it.
func TestLimits(t *testing.T) {
	ticket := func(write func(w *coreticket.Writer)) func() ([]byte, error) {
		return func() ([]byte, error) {
			w := coreticket.NewWriter(nil)
			write(w)
			return w.End()
		}
	}
	end := func(w *coreticket.Writer) { w.Properties(0) }
	claims := func(n int) func() ([]byte, error) {
		return ticket(func(w *coreticket.Writer) {
			w.Begin("", 1)
			w.Identity("", "", "", n)
			for range n {
				w.Claim("", "", "", "", "", 0)
			}
			w.EndIdentity("", false)
			end(w)
		})
	}
	identities := func(n int) func() ([]byte, error) {
		return ticket(func(w *coreticket.Writer) {
			w.Begin("", n)
			for range n {
				w.Identity("", "", "", 0)
				w.EndIdentity("", false)
			}
			end(w)
		})
	}
	properties := func(n int) func() ([]byte, error) {
		return ticket(func(w *coreticket.Writer) {
			w.Begin("", 0)
			w.Properties(n)
			for i := range n {
				w.Pair(fmt.Sprint(i), "")
			}
		})
	}
	length := func(n int) func() ([]byte, error) {
		return ticket(func(w *coreticket.Writer) {
			w.Begin(strings.Repeat("x", n-19), 0)
			end(w)
		})
	}
	for _, tt := range []struct {
		name string
		make func(n int) func() ([]byte, error)
		most int
	}{
		{"claims", claims, 1 << 14}, {"identities", identities, 64},
		{"properties", properties, 1 << 10}, {"length", length, 1 << 20},
	} {
		data, err := tt.make(tt.most)()
		if err != nil {
			t.Errorf("%s: %d are not written: %v", tt.name, tt.most, err)
		}
		var r coreticket.Reader
		if err := r.Read(data); err != nil {
			t.Errorf("%s: %d are not read: %v", tt.name, tt.most, err)
		}
		if data, err := tt.make(tt.most + 1)(); !errors.Is(err, coreticket.ErrUnsupported) ||
			len(data) > 0 {
			t.Errorf("%s: %d are written: %v", tt.name, tt.most+1, err)
		}
	}
	if err := new(coreticket.Reader).Read(make([]byte, 1<<20+1)); !errors.Is(err,
		coreticket.ErrUnsupported) {
		t.Errorf("a ticket that is too long: %v", err)
	}

	actors := func(n int) func() ([]byte, error) {
		return ticket(func(w *coreticket.Writer) {
			w.Begin("", 1)
			for i := range n + 1 {
				w.Identity("", "", "", 0)
				w.EndIdentity("", i < n)
			}
			end(w)
		})
	}
	if data, err := actors(16)(); err != nil || new(coreticket.Reader).Read(data) != nil {
		t.Errorf("16 actors: %v", err)
	}
	if _, err := actors(17)(); !errors.Is(err, coreticket.ErrUnsupported) {
		t.Errorf("17 actors are written: %v", err)
	}
}

// TestHostileCounts has counts of things that are not there: they take no
// memory.
func TestHostileCounts(t *testing.T) {
	good := build(t, 1)
	for at := range len(good) - 3 {
		for _, n := range []string{"\xff\xff\xff\x7f", "\xff\xff\xff\xff", "\x00\x00\x01\x00"} {
			data := append(append(bytes.Clone(good[:at]), n...), good[at+4:]...)
			var r coreticket.Reader
			r.Read(data)
			if r.Size() > 100*len(data) {
				t.Errorf("%q at %d: %d bytes of memory for %d", n, at, r.Size(), len(data))
			}
		}
	}
}

// TestErrors says where.
func TestErrors(t *testing.T) {
	good := build(t, 2, func(w *coreticket.Writer) { w.Pair("key", "v1") })
	change := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want error
		at   int
	}{
		{"version", change("\x05\x00", "\x04\x00"), coreticket.ErrVersion, 4},
		{"cut", good[:len(good)-1], coreticket.ErrMalformed, len(good) - 3},
		{"text", change("value 1", "value \xff"), coreticket.ErrUnsupported,
			bytes.Index(good, []byte("value 1"))},
		{"text that begins inside a character", change("value 1", "\xa0alue 1"),
			coreticket.ErrUnsupported, bytes.Index(good, []byte("value 1"))},
		{"properties", change("\x01\x00\x00\x00\x01\x00\x00\x00\x03key",
			"\x02\x00\x00\x00\x01\x00\x00\x00\x03key"), coreticket.ErrUnsupported, len(good) - 11},
	} {
		var r coreticket.Reader
		err := r.Read(tt.data)
		var at *layer.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &at) || at.Offset != tt.at {
			t.Errorf("%s: %v, want %v at %d", tt.name, err, tt.want, tt.at)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for name, write := range map[string]func(w *coreticket.Writer){
		"text":          func(w *coreticket.Writer) { w.Pair("a", "\xff") },
		"twice":         func(w *coreticket.Writer) { w.Pair("a", "1"); w.Pair("a", "2") },
		"mark":          func(w *coreticket.Writer) { w.Claim("\x00", "", "", "", "", 0) },
		"mark of issue": func(w *coreticket.Writer) { w.Claim("a", "", "", "\x00", "", 0) },
	} {
		w := coreticket.NewWriter([]byte("dst"))
		w.Begin("", 0)
		w.Properties(2)
		write(w)
		w.Pair("b", "")
		if data, err := w.End(); err == nil || string(data) != "dst" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

// TestAllocations keeps the reader, which makes nothing.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations differ")
	}
	var r coreticket.Reader
	dst := make([]byte, 0, 1<<16)
	for _, claims := range []int{1, 40, 400} {
		data := build(t, claims)
		if n := testing.AllocsPerRun(100, func() { r.Read(data) }); n > 0 {
			t.Errorf("%d claims: %v allocations", claims, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			w := coreticket.NewWriter(dst)
			w.Begin("Cookies", 1)
			w.Identity("Cookies", "", "", claims)
			for range claims {
				w.Claim("urn:claim", "value", "", "", "", 0)
			}
			w.EndIdentity("", false)
			w.Properties(0)
			w.End()
		}); n > 1 {
			t.Errorf("writing %d claims: %v allocations", claims, n)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, claims := range []int{2, 40} {
		b.Run(fmt.Sprint(claims), func(b *testing.B) {
			data := build(b, claims)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var r coreticket.Reader
			for b.Loop() {
				if err := r.Read(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadFloor copies the ticket into a string once and looks at it as
// UTF-8, which nobody can do without.
func BenchmarkReadFloor(b *testing.B) {
	for _, claims := range []int{2, 40} {
		b.Run(fmt.Sprint(claims), func(b *testing.B) {
			data := build(b, claims)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if s := string(bytes.ToValidUTF8(data, nil)); len(s) == 0 {
					b.Fatal()
				}
			}
		})
	}
}
