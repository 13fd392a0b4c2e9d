package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestSessionsTogether has 64 goroutines, each with a user of its own, sign in,
// read, renew and sign out on two nodes that share a store, while keys rotate
// and time passes. Nobody is ever taken for somebody else, no live session is
// refused and no ended one accepted.
func TestSessionsTogether(t *testing.T) {
	const rounds = 4
	users := 64 / share.OneIn(t, 2)
	for _, m := range storeModes {
		t.Run(fmt.Sprintf("%s reference=%v", m.kind, m.reference), func(t *testing.T) {
			n := newFarmNode(t)
			store := n.memory()
			if m.reference {
				n.inStore = store
			}
			var events atomic.Int64
			o := &cookie.SessionsOptions{Store: store, Sliding: cookie.On,
				MaxLifetime: 1000 * time.Hour, Verified: 40, OnePerUser: true,
				Observer: countEvents{&events}.Observe}
			nodes := []*cookie.Sessions{opener(t, m.kind)(n, o), opener(t, m.kind)(n, o)}

			// Keys are kept for two rotations, and time stands still while
			// the users rotate them: a session that nobody visits meanwhile may
			// lose its key, so each user visits before the next rotation.
			keys := make([]*machinekey.Key, rounds)
			for i := range keys {
				keys[i] = newTestKey(t)
			}
			workers := make([]*together, users)
			for i := range workers {
				workers[i] = &together{t: t, name: fmt.Sprintf("user-%d", i), nodes: nodes,
					clock: n.clock, reference: m.reference && m.kind == "token",
					random: rand.New(rand.NewPCG(seed.Of(t).Uint64(), uint64(i)))}
			}
			for round := range rounds {
				var wg sync.WaitGroup
				wg.Go(func() { // in the middle of it all
					old := n.ring.Keys()
					if err := n.ring.Replace(keys[round], old[:min(2, len(old))]...); err != nil {
						t.Error(err)
					}
					n.clock.Move(11 * time.Minute)
				})
				for _, w := range workers {
					wg.Go(w.round)
				}
				wg.Wait()
				if t.Failed() {
					return
				}
			}
			if events.Load() < int64(users*rounds) {
				t.Errorf("%d events", events.Load())
			}
		})
	}
}

type countEvents struct{ n *atomic.Int64 }

func (c countEvents) Observe(context.Context, cookie.Event) { c.n.Add(1) }

// together is one user, who has one browser and keeps copies of what it held.
type together struct {
	t         *testing.T
	name      string
	nodes     []*cookie.Sessions
	clock     *testkit.Clock
	reference bool
	random    *rand.Rand

	b     browser
	live  bool
	ended []*browser // copies of sessions that were ended, the latest few
}

func (u *together) node() *cookie.Sessions { return u.nodes[u.random.IntN(len(u.nodes))] }

// round is what a user does between two rotations: always a visit, and some of
// the rest.
func (u *together) round() {
	u.visit()
	for range 4 {
		switch u.random.IntN(5) {
		case 0:
			u.signIn()
		case 1:
			u.signOut()
		default:
			u.visit()
		}
		u.checkEnded()
	}
}

func (u *together) signIn() {
	if u.live {
		u.ended = append(u.ended, u.b.clone()) // OnePerUser
	}
	u.clock.Move(time.Microsecond) // forms tickets of one moment are one
	w := httptest.NewRecorder()
	err := u.node().SignIn(w, u.b.request(), user(u.name),
		&cookie.SignInOptions{Reference: u.reference})
	if err != nil {
		u.t.Errorf("%s: sign-in: %v", u.name, err)
		return
	}
	u.b.take(w.Header())
	u.live = true
}

func (u *together) signOut() {
	copied := u.b.clone()
	w := httptest.NewRecorder()
	if err := u.node().SignOut(w, u.b.request()); err != nil {
		u.t.Errorf("%s: sign-out: %v", u.name, err)
		return
	}
	u.b.take(w.Header())
	if len(u.b.cookies) != 0 {
		u.t.Errorf("%s: %d cookies after sign-out", u.name, len(u.b.cookies))
	}
	if u.live {
		u.ended = append(u.ended, copied)
	}
	u.live = false
}

func (u *together) visit() {
	seen, status := "", 0
	w := u.b.do(guardOf(u.node()).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		seen = p.Name()
	})))
	status = w.Code
	switch {
	case u.live && (seen != u.name || status != 200):
		u.t.Errorf("%s: live, and seen as %q, status %d", u.name, seen, status)
	case !u.live && (seen != "" || status != 401):
		u.t.Errorf("%s: signed out, and seen as %q, status %d", u.name, seen, status)
	}
}

func (u *together) checkEnded() {
	if len(u.ended) > 3 {
		u.ended = u.ended[len(u.ended)-3:]
	}
	for _, old := range u.ended {
		p, err := guardOf(u.node()).Check(old.request())
		if err == nil {
			u.t.Errorf("%s: an ended session is accepted, as %q", u.name, p.Name())
		} else if errors.Is(err, cookie.ErrUnavailable) &&
			!strings.Contains(err.Error(), machinekey.ErrUnprotect.Error()) {
			u.t.Errorf("%s: %v", u.name, err)
		}
	}
}
