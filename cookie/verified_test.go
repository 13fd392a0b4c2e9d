package cookie_test

import (
	"context"
	"errors"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestVerifiedRefusesOtherValues warms the cache and then changes every bit of
// the value, cuts it everywhere and puts parts of two together.
func TestVerifiedRefusesOtherValues(t *testing.T) {
	step := share.OneIn(t, 8)
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			plain, s := open(n, nil), open(n, &cookie.SessionsOptions{Verified: 100})
			bob, eve := new(browser), new(browser)
			bob.signIn(t, s, user("bob"), nil)
			eve.signIn(t, s, user("eve"), nil)
			warm := func() {
				bob.wants(t, s, "bob")
				eve.wants(t, s, "eve")
			}
			warm()
			value, other := bob.cookies[0].Value, eve.cookies[0].Value
			name := s.CookieName()
			accepted := 0
			try := func(text string) {
				r := request(name + "=" + text)
				want, wantErr := guardOf(plain).Check(r)
				for range 2 { // the second may be a hit
					p, err := guardOf(s).Check(r)
					if p.Name() != want.Name() || (err == nil) != (wantErr == nil) {
						t.Fatalf("%q, %v; without the cache %q, %v", p.Name(), err,
							want.Name(), wantErr)
					}
				}
				if wantErr == nil {
					accepted++
				}
			}
			for i := range value {
				for bit := range 8 {
					c := value[i] ^ 1<<bit
					if c <= ' ' || c == ';' || c >= 0x7f || (bit+i)%step != 0 {
						continue // no byte of a cookie, or not in the share
					}
					try(value[:i] + string(rune(c)) + value[i+1:])
				}
				try(value[:i])
			}
			for i := range min(len(value), len(other)) {
				try(value[:i] + other[i:])
				try(other[:i] + value[i:])
			}
			warm()
			// What around the protected bytes may change is in the codecs' tests.
			if accepted == 0 || accepted > len(value) {
				t.Errorf("%d values are accepted", accepted)
			}
		})
}

func revokedIf(revoked *bool) func(context.Context, cookie.Session) (bool, error) {
	return func(context.Context, cookie.Session) (bool, error) { return *revoked, nil }
}

// TestVerifiedHonours wants each reason to refuse a session to hold for one
// that is kept.
func TestVerifiedHonours(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			var revoked bool
			start := func() (*farmNode, *cookie.Sessions, *browser) {
				n := newFarmNode(t)
				s := open(n, &cookie.SessionsOptions{Verified: 10, Store: n.memory(),
					MaxLifetime: 10 * time.Hour, Revoked: revokedIf(&revoked)})
				b := new(browser)
				b.signIn(t, s, user("bob"), nil)
				b.wants(t, s, "bob")
				b.wants(t, s, "bob")
				return n, s, b
			}
			n, s, b := start()
			n.clock.Move(2 * time.Hour)
			b.refused(t, s, sessiontoken.ErrExpired)
			n.clock.Move(-2 * time.Hour)
			b.wants(t, s, "bob")
			if kind == "token" { // the others have no beginning
				n.clock.Move(-time.Hour)
				b.refused(t, s, sessiontoken.ErrNotYetValid)
			}

			n, s, b = start()
			old := n.ring.Primary()
			if err := n.ring.Replace(newTestKey(t), old); err != nil {
				t.Fatal(err)
			}
			b.wants(t, s, "bob")
			if err := n.ring.Replace(n.ring.Primary()); err != nil {
				t.Fatal(err)
			}
			b.refused(t, s, sessiontoken.ErrInvalid)
			if err := n.ring.Replace(n.ring.Primary(), old); err != nil {
				t.Fatal(err)
			}
			b.wants(t, s, "bob")

			_, s, b = start()
			revoked = true
			b.refused(t, s, cookie.ErrRevoked)
			revoked = false
			b.wants(t, s, "bob")

			_, s, b = start()
			b.clone().signOut(t, s)
			b.refused(t, s, cookie.ErrRevoked)

			n = newFarmNode(t)
			long := open(n, nil)
			b.signIn(t, long, user("bob"), &cookie.SignInOptions{Lifetime: 100 * time.Hour})
			s = open(n, &cookie.SessionsOptions{Verified: 10, MaxLifetime: 2 * time.Hour,
				Sliding: cookie.Off})
			b.wants(t, s, "bob")
			n.clock.Move(2*time.Hour + time.Second)
			b.refused(t, s, sessiontoken.ErrExpired)
		})
}

// TestVerifiedKeepsNoReference wants tickets in the store read from there.
func TestVerifiedKeepsNoReference(t *testing.T) {
	for _, kind := range []string{"token", "katana"} {
		f := newModeFarm(t, kind, true)
		s := f.node(cookie.SessionsOptions{Verified: 10})
		b := f.signIn(s, "bob")
		b.wants(t, s, "bob")
		for key := range f.store.data {
			delete(f.store.data, key)
		}
		b.refused(t, s, sessiontoken.ErrNotInStore)
	}
}

// TestVerifiedAllocations wants a hit to decode nothing, and reading without
// the cache to allocate no more than the codec and Join do.
func TestVerifiedAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	f := newFarm(t)
	for _, bc := range benchCookies {
		r := f.request(bc.vector)
		allocations := func(call func() error) float64 {
			return testing.AllocsPerRun(200, func() {
				if err := call(); err != nil {
					t.Fatal(err)
				}
			})
		}
		join := allocations(func() error { _, err := chunks.WIF.Join(r, "FedAuth"); return err })
		decode := allocations(func() error {
			text, err := chunks.WIF.Join(r, "FedAuth")
			if err != nil {
				return err
			}
			_, err = f.codec.Decode(r.Context(), text)
			return err
		})
		for s, want := range map[*cookie.Sessions]float64{f.sessions(t, nil): decode,
			f.sessions(t, &cookie.SessionsOptions{Verified: 10}): join} {
			g := guardOf(s)
			if got := allocations(func() error { _, err := g.Check(r); return err }); got > want {
				t.Errorf("%s: Check makes %v allocations, want %v", bc.name, got, want)
			}
		}
	}
}

// TestVerifiedLargeValues reads what is too large to be kept.
func TestVerifiedLargeValues(t *testing.T) {
	n := newFarmNode(t)
	s := opener(t, "token")(n, &cookie.SessionsOptions{Verified: 10, MaxBytes: 1 << 20})
	b := new(browser)
	b.signIn(t, s, crowd(1500), nil)
	if size := len(testkit.Header(b.cookies)); size < 17<<10 {
		t.Fatalf("%d bytes", size)
	}
	b.wants(t, s, "bob")
	b.wants(t, s, "bob")
	// A made-up value is not kept either, and costs no more than elsewhere.
	if _, err := guardOf(s).Check(request("FedAuth=" +
		strings.Repeat("A", chunks.MaxLength))); !errors.Is(err, sessiontoken.ErrInvalid) &&
		!errors.Is(err, layer.ErrTooLong) {
		t.Error(err)
	}
	if err := s.SignOut(httptest.NewRecorder(), b.request()); err != nil {
		t.Error(err)
	}
}
