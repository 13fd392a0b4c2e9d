package farm

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
)

// bothFaults are what happens to a farm, one in each round. The last two start
// Kestrel anew, which takes a second, and are for the whole.
var bothFaults = []string{"", "old", "store", "front", "old keys", "core", "core keys"}

// TestBothWorlds has users walk over the three nodes of a farm that moves from
// one world to the other, while nodes and the store go away, keys change and
// hours pass. All nodes must know the same user all the time. In the end Kestrel
// and Go are compared as in [TestCoreFarm].
func TestBothWorlds(t *testing.T) {
	t.Parallel()
	rounds, faults, step := 3*7, bothFaults, share.OneIn(t, 10)
	if step > 1 {
		rounds, faults = 2, bothFaults[:5]
	}
	f, counts, start := startBothFarm(t), new(bothCounts), time.Now()
	for i, of := range []cookie.Credential{
		{Kind: cookie.KindForms},
		{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"},
		{Kind: cookie.KindFedAuth, ClockSkew: -1},
		{Kind: cookie.KindFedAuth, ClockSkew: -1, Sliding: cookie.On},
	} {
		f.serve(of)
		f.walk(i*rounds, rounds, faults, counts)
	}
	turned := time.Duration(f.offset.Load())
	t.Logf("%s, and %s by the clock: %s", time.Since(start).Round(time.Second),
		turned.Round(time.Minute), counts)
	for _, n := range []*atomic.Int64{&counts.ended, &counts.faults, &counts.down, &counts.away,
		&counts.stolen} {
		if n.Load() == 0 || turned < 3*time.Hour {
			t.Fatal("something did not happen")
		}
	}
	newCoreFarm(t, f.nodes["core"], f.keys, &dataprotection.RingOptions{ApplicationName: "both"},
		cookie.Credential{}).compare(t, defaultCookie(), step)
}

// walk lets four users make some rounds, from the given one on. It makes sure of
// what its caller counts: in each round the first user meets the fault, signed
// in, and a round without one signs him out.
func (f *bothFarm) walk(from, rounds int, faults []string, counts *bothCounts) {
	t := f.t
	random := seed.Of(t)
	users := make([]*bothUser, 4)
	for i := range users {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		users[i] = &bothUser{bothFarm: f, bothCounts: counts, jar: jar}
	}
	each := func(do func(i int, u *bothUser)) {
		var wg sync.WaitGroup
		for i, u := range users {
			wg.Go(func() { do(i, u) })
		}
		wg.Wait()
	}
	for round := from; round < from+rounds; round++ {
		fault := faults[round%len(faults)]
		step := 5*time.Minute + time.Duration(random.Int64N(int64(35*time.Minute)))
		if round%7 == 4 || round > 0 && round%7 == 0 {
			step += time.Hour // who has not come since is signed out
		}
		f.turnClock(step, users)
		plans := make([][]func(*bothUser), len(users))
		for i := range plans {
			plans[i] = planWalk(random, fmt.Sprintf("u%d.%d", i, round), i%2 == 0)
		}
		var broken sync.WaitGroup
		broken.Go(func() { f.inject(fault, counts) })
		each(func(i int, u *bothUser) {
			u.fault = fault
			u.pass()
			for _, do := range plans[i] {
				do(u)
			}
		})
		broken.Wait()
		first := users[0]
		if first.name == "" {
			first.signIn("go", "old", fmt.Sprint("first.", round), 0, 0)
		}
		for _, node := range []string{"old", "core", "go"} {
			first.who(node)
		}
		if fault == "" {
			first.signOut("go")
		}
		f.mend(fault)
		each(func(_ int, u *bothUser) {
			u.fault = ""
			for _, node := range []string{"old", "core", "go"} {
				u.who(node)
			}
			for _, node := range []string{"core", "old", "go"} {
				if set := u.who(node); len(set) > 0 {
					u.loops.Add(1)
					t.Errorf("%s: once more at %s: %.300q", f.kind, node, set)
				}
			}
			for _, jar := range u.thieves {
				for _, node := range []string{"old", "core", "go"} {
					u.stolen.Add(1)
					if status, name, _ := u.get(jar,
						"/"+node+"/whoami"); status != http.StatusUnauthorized {
						u.outlived.Add(1)
						t.Errorf("%s: %s takes a stolen jar after sign-out: %d %q\n%s", f.kind,
							node, status, name, strings.Join(u.story, "\n"))
					}
				}
			}
		})
		if t.Failed() {
			t.Fatalf("round %d, fault %q", round, fault)
		}
	}
}

// turnClock moves all clocks by about d, to a moment at which nothing is due.
func (f *bothFarm) turnClock(d time.Duration, users []*bothUser) {
	d = d.Truncate(time.Second)
	for slices.ContainsFunc(users, func(u *bothUser) bool { return !u.calm(f.now().Add(d)) }) {
		d += 11 * time.Second
	}
	to := time.Duration(f.offset.Load()) + d
	f.offset.Store(int64(to))
	for name := range f.nodes {
		f.setClock(name)
	}
}

// planWalk returns what a user does in a round. One who does not change stays
// signed in mostly.
func planWalk(random *seed.Stream, name string, changes bool) (plan []func(u *bothUser)) {
	step := func(do func(u *bothUser)) { plan = append(plan, do) }
	for i := range 4 {
		node, half := []string{"old", "core", "go"}[random.IntN(3)], []string{"old",
			"core"}[random.IntN(2)]
		if node != "go" {
			half = node
		}
		persistent, claims, same := random.IntN(2), 30*random.IntN(2), random.IntN(4) == 0
		switch n := random.IntN(12); {
		case n < 3:
			step(func(u *bothUser) {
				switch {
				case u.name == "":
					u.signIn(node, half, fmt.Sprint(name, ".", i), persistent, claims)
				case changes && same: // once more
					u.signIn(node, half, u.name, persistent, claims)
				case changes:
					u.signIn(node, half, fmt.Sprint(name, ".", i), persistent, claims)
				default:
					u.who(node)
				}
			})
		case n == 3 && (changes || same):
			step(func(u *bothUser) {
				if u.name != "" {
					u.signOut(node)
				}
			})
		case n < 6: // a page with what belongs to it
			step(func(u *bothUser) {
				if u.kind == "fedauth" {
					// The page comes alone. WIF's chunks say nothing of their number: sets
					// of two and of three that are written at once would mix.
					u.who(node)
				}
				var wg sync.WaitGroup
				for _, node := range []string{"old", "core", "go", "old", "core"} {
					wg.Go(func() { u.who(node) })
				}
				wg.Wait()
			})
		default:
			step(func(u *bothUser) { u.who(node) })
		}
	}
	return plan
}

// inject breaks something while requests run.
func (f *bothFarm) inject(fault string, counts *bothCounts) {
	if fault == "" {
		return
	}
	counts.faults.Add(1)
	time.Sleep(time.Millisecond)
	switch fault {
	case "old", "core":
		f.kill(fault)
	case "store":
		f.store.away.Store(true)
	case "front":
		for i := range f.fronts {
			f.build(i, "")
		}
	case "old keys":
		f.rollOld()
	case "core keys":
		f.rollCore()
	}
}

// mend ends a fault.
func (f *bothFarm) mend(fault string) {
	switch fault {
	case "old", "core":
		f.start(fault)
	case "store":
		f.store.away.Store(false)
	}
}

// rollOld changes the machine key: the fronts read with the next one first, then
// the node in C# gets it, and the fronts write with it.
func (f *bothFarm) rollOld() {
	f.writeConfig("next.config")
	for i := range f.fronts {
		f.build(i, "next.config")
	}
	f.recycle.Lock()
	defer f.recycle.Unlock()
	config := filepath.Join(f.dir, "web.config")
	older := filepath.Join(f.dir, fmt.Sprintf("older%d.config", len(f.older)))
	for _, move := range [][2]string{{config, older},
		{filepath.Join(f.dir, "next.config"), config}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			f.t.Error(err)
		}
	}
	f.older = append([]string{older}, f.older...)
	for i := range f.fronts {
		f.build(i, "")
	}
}

// rollCore has Go make a key of the ring and Kestrel start anew with it, and
// revokes the key before the last, which protects nothing any more.
func (f *bothFarm) rollCore() {
	ctx := f.t.Context()
	id, err := f.keeper.NewKey(ctx, time.Now(), time.Time{})
	if err != nil {
		f.t.Error(err)
		return
	}
	if f.coreKey[0] != "" {
		if err := f.keeper.Revoke(ctx, f.coreKey[0], "two keys ago"); err != nil {
			f.t.Error(err)
		}
	}
	f.coreKey = [2]string{f.coreKey[1], id}
	f.kill("core")
	f.start("core")
	for _, ring := range f.rings {
		if err := ring.Refresh(ctx); err != nil {
			f.t.Error(err)
		}
	}
	if got, _ := f.rings[0].Resolve(time.Now()); got != id {
		f.t.Errorf("Go protects with %s, want %s", got, id)
	}
}
