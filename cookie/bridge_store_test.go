package cookie_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// TestBridgeStoreFails has each call of the store fail, one after the other, in
// every step that writes: a refused request changes nothing, and the next one
// does what is left.
func TestBridgeStoreFails(t *testing.T) {
	for _, old := range bridgeKinds {
		for original := range 2 {
			for _, step := range []struct {
				name string
				do   func(f *bridgeFarm, b *browser)
				want string
			}{
				{"sign-in",
					func(f *bridgeFarm, b *browser) { *b = browser{}; b.signIn(t, f.halfs[original], user("bob"), nil) }, "bob"},
				{"renewal", func(f *bridgeFarm, b *browser) { f.clock.Move(40 * time.Minute) }, "bob"},
				{"sign-out of the original",
					func(f *bridgeFarm, b *browser) { b.signOut(t, f.halfs[original]) }, ""},
				{"sign-out of the copy",
					func(f *bridgeFarm, b *browser) { b.signOut(t, f.halfs[1-original]) }, ""},
				{"another user",
					func(f *bridgeFarm, b *browser) { b.signIn(t, f.halfs[1-original], user("eve"), nil) }, "eve"},
			} {
				t.Run(string(old.Kind)+"/"+step.name, func(t *testing.T) {
					for n := 0; ; n++ {
						store := &openStore{data: map[string]openEntry{}}
						o := cookie.SiteOptions{}
						o.Sessions.Store, o.Sessions.MaxLifetime = store, 10*time.Hour
						store.clock = newTestClock()
						f := newBridgeFarm(t, old, o)
						store.clock = f.clock
						var b browser
						f.signIn(t, &b, original, "bob")
						step.do(f, &b)
						reached := store.failAt(n)
						w := httptest.NewRecorder()
						f.site.Optional(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, b.request())
						store.before = nil
						if w.Code == http.StatusServiceUnavailable &&
							len(w.Header()["Set-Cookie"]) > 0 {
							t.Errorf("call %d: 503 with %q", n, w.Header()["Set-Cookie"])
						}
						b.take(w.Header())
						f.visit(t, &b, original)
						for half := range 2 {
							if got, set := f.visit(t, &b, half); got != step.want || set > 0 {
								t.Errorf("call %d, original %d, half %d: %q, want %q, %d lines", n,
									original, half, got, step.want, set)
							}
						}
						if !*reached {
							if n < 1 {
								t.Errorf("%d calls", n)
							}
							return
						}
					}
				})
			}
		}
	}
}
