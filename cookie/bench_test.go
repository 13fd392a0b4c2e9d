package cookie_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// farm is a guard for key A of the vectors, and the Cookie headers that .NET
// recorded with it.
type farm struct {
	guard   *cookie.Guard
	codec   *sessiontoken.SessionCodec
	floor   *floor.Session
	headers map[string]string // vector name to Cookie header
	texts   map[string]string // vector name to joined text
}

func newFarm(t testing.TB) *farm {
	t.Helper()
	type vectors struct {
		MachineKeys map[string]struct{ ValidationKey, DecryptionKey string }
		Vectors     []struct {
			Name, MachineKey string
			Cookies          []struct{ Name, Value string }
		}
	}
	file := testkit.Parsed[vectors](t, "sessiontoken_45.json")
	validationKey, err := hex.DecodeString(file.MachineKeys["A"].ValidationKey)
	if err != nil {
		t.Fatal(err)
	}
	decryptionKey, err := hex.DecodeString(file.MachineKeys["A"].DecryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := machinekey.New(machinekey.Config{
		ValidationKey: machinekey.NewSecret(validationKey), DecryptionKey: machinekey.NewSecret(decryptionKey),
		Validation: machinekey.HMACSHA1, Decryption: machinekey.AES, AllowKnownKey: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{
		Endpoint: "/",
		Now:      func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &farm{guard: new(cookie.Guard), codec: codec, headers: map[string]string{},
		texts: map[string]string{}}
	f.guard.Accept(cookie.From(cookie.KindFedAuth, ""), codec)
	if f.floor, err = floor.NewSession(validationKey, decryptionKey); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.MachineKey != "A" {
			continue
		}
		pairs := []string{"ASP.NET_SessionId=x", "theme=dark"}
		text := ""
		for _, c := range v.Cookies {
			pairs = append(pairs, c.Name+"="+c.Value)
			text += c.Value
		}
		f.headers[v.Name], f.texts[v.Name] = strings.Join(pairs, "; "), text
	}
	return f
}

// benchCookies are the sizes that benchmarks are quoted for.
var benchCookies = []struct{ name, vector string }{
	{"small", "one-claim"},
	{"typical", "chunk-size-3000"}, // 12 claims, 2 chunks
	{"large", "hundred-claims"},
}

func (f *farm) request(vector string) *http.Request {
	return &http.Request{Header: http.Header{"Cookie": {f.headers[vector]}}}
}

// sessions returns sessions with the cookies of the vectors.
func (f *farm) sessions(t testing.TB, o *cookie.SessionsOptions) *cookie.Sessions {
	t.Helper()
	s, err := cookie.NewSessions(f.codec, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func BenchmarkCheck(b *testing.B) {
	f := newFarm(b)
	for _, bc := range benchCookies {
		b.Run(bc.name, func(b *testing.B) {
			r := f.request(bc.vector)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.guard.Check(r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bc.name+"Floor", func(b *testing.B) {
			text := f.texts[bc.vector]
			for b.Loop() {
				f.floor.Read(text)
			}
		})
	}
}

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header            { return w.header }
func (w *nowhere) Write(data []byte) (int, error) { return len(data), nil }
func (w *nowhere) WriteHeader(int)                {}

func BenchmarkSessionsHandler(b *testing.B) {
	f := newFarm(b)
	for _, bc := range benchCookies[:2] {
		for name, o := range map[string]*cookie.SessionsOptions{"": nil,
			"Verified": {Verified: 1000}} {
			b.Run(bc.name+name, func(b *testing.B) {
				seen := 0
				h := guardOf(f.sessions(b,
					o)).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
				r, w, n := f.request(bc.vector), &nowhere{http.Header{}}, 0
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					h.ServeHTTP(w, r)
					n++
				}
				if seen != n {
					b.Fatalf("%d of %d requests refused", n-seen, n)
				}
			})
		}
		b.Run(bc.name+"Floor", func(b *testing.B) {
			text := f.texts[bc.vector]
			for b.Loop() {
				f.floor.Read(text)
			}
		})
	}
}

func TestCheckDecodeAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	f := newFarm(t)
	for _, bc := range benchCookies {
		r := f.request(bc.vector)
		n := testing.AllocsPerRun(100, func() {
			p, err := f.guard.Check(r)
			if err != nil || !p.IsAuthenticated() {
				t.Fatal(p, err)
			}
		})
		if n > 8 {
			t.Errorf("%s: %v allocations", bc.name, n)
		}
	}
}
