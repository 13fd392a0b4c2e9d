package cookie_test

import (
	"slices"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestBridgeThief has a thief steal one cookie while the user is at work, and
// have the bridge make copies of it and of its copies. They all end with the
// session of the user.
func TestBridgeThief(t *testing.T) {
	random := seed.Of(t)
	carried := 0
	for _, old := range bridgeKinds {
		for n := range 8 {
			original, stolen, goSignsOut := n&1, n>>1&1, n&4 != 0
			var clock func() time.Time
			o := cookie.SiteOptions{}
			o.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{
				Now: func() time.Time { return clock() }})
			clock = on2026
			f := newBridgeFarm(t, old, o)
			clock = f.clock.Now
			var user, thief browser
			f.signIn(t, &user, original, "bob")
			name := nameOfHalf(f, stolen)
			thief.cookies = slices.DeleteFunc(user.clone().cookies,
				func(p pair) bool { return p.Name != name })
			loot := slices.Clone(thief.cookies)
			for range 20 {
				f.clock.Move(time.Duration(random.IntN(12)) * time.Minute)
				f.visit(t, &user, random.IntN(2))
				f.visit(t, &thief, random.IntN(2))
				loot = append(loot, thief.cookies...)
				carried += len(thief.cookies) / 3
				if random.IntN(2) == 0 && len(thief.cookies) > 0 {
					c := loot[random.IntN(len(loot))]
					thief.cookies = []pair{c}
				}
			}
			if goSignsOut {
				user.signOut(t, f.site)
			} else {
				f.signOut(t, &user, random.IntN(2))
			}
			for half := range 2 {
				for i, c := range loot {
					f.do(t, &browser{[]pair{c}}, half)
					if f.seen != [2]string{} {
						t.Fatalf("%s, original %d, stolen %d, Go %t: with %s (%d of %d) the thief is %q",
							old.Kind, original, stolen, goSignsOut, c.Name, i, len(loot), f.seen)
					}
				}
			}
		}
	}
	if carried < 100 {
		t.Errorf("the thief had both cookies and a marker %d times", carried)
	}
}
