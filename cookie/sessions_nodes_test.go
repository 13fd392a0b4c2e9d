package cookie_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestNodesWithOtherMaxLifetime has two Go nodes that do not agree, as while
// the setting is being changed: a session that one of them began, and the other
// renewed and ended, stays out on both, however long a .NET node keeps an older
// copy alive.
func TestNodesWithOtherMaxLifetime(t *testing.T) {
	const step = 35 * time.Minute
	ends := map[string]func(t *testing.T, f *modeFarm, bob *browser, a, b *cookie.Sessions){
		"signed out": func(t *testing.T, f *modeFarm, bob *browser, a, b *cookie.Sessions) { bob.signOut(t, b) },
		"superseded": func(t *testing.T, f *modeFarm, bob *browser, a, b *cookie.Sessions) { f.signIn(b, "bob") },
		"signed out, and in again": func(t *testing.T, f *modeFarm, bob *browser, a, b *cookie.Sessions) {
			bob.signOut(t, a)
			f.signIn(b, "bob")
		},
		"superseded, and signed out": func(t *testing.T, f *modeFarm, bob *browser, a, b *cookie.Sessions) {
			f.signIn(a, "bob")
			bob.signOut(t, b)
		},
	}
	lifetimes := []time.Duration{20 * time.Hour, 2 * time.Hour, 0}
	n, every := 0, share.OneIn(t, 4)
	for _, kind := range []string{"token", "wif10", "forms", "katana", "core"} {
		for _, name := range slices.Sorted(maps.Keys(ends)) {
			for _, began := range lifetimes {
				for _, other := range lifetimes {
					if n++; n%every != 0 {
						continue
					}
					f := newModeFarm(t, kind, false)
					a := f.node(cookie.SessionsOptions{MaxLifetime: began, OnePerUser: true})
					b := f.node(cookie.SessionsOptions{MaxLifetime: other, OnePerUser: true})
					bob := f.signIn(a, "bob")
					thief := bob.clone()
					keepsID := kind == "token" || kind == "katana" || kind == "core" // on a .NET node
					f.clock.Move(step)
					if keepsID {
						f.otherNode(t, thief)
					}
					if _, renewed := bob.visit(b); !renewed {
						t.Fatal("not renewed")
					}
					f.clock.Move(time.Second)
					ends[name](t, f, bob, a, b)
					for at := time.Duration(0); at < 24*time.Hour; at += step {
						f.clock.Move(step)
						if keepsID {
							f.otherNode(t, thief)
						}
						// Katana and ASP.NET Core keep the end of the session, Token.Renew when it began.
						if bound := (kind == "katana" || kind == "core") && began > 0 ||
							kind == "token" && began >= other && other > 0; bound &&
							at < 3*time.Hour {
							continue // no Go node sees it
						}
						for i, s := range []*cookie.Sessions{a, b} {
							if p, err := guardOf(s).Check(thief.request()); err == nil {
								t.Fatalf("%s, %s, MaxLifetime %v and %v: %s is back on node %d after %v", kind, name, began, other, p.Name(), i, at)
							}
						}
					}
				}
			}
		}
	}
}

// TestNoteOutlastsLongTicket has a node without MaxLifetime begin a session with
// a long ticket and renew a copy. One with MaxLifetime renews the other, shortly
// before the end there, and signs it out: the note outlasts the copy.
func TestNoteOutlastsLongTicket(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		lax, strict := f.node(cookie.SessionsOptions{}), f.node(cookie.SessionsOptions{MaxLifetime: 12 * time.Hour})
		bob := new(browser)
		f.in.Lifetime = 10 * time.Hour
		bob.signIn(t, lax, user("bob"), &f.in)
		thief := bob.clone()
		f.clock.Move(5*time.Hour + 5*time.Minute)
		if _, renewed := thief.visit(lax); !renewed {
			t.Fatal("not renewed")
		}
		if _, renewed := bob.visit(strict); !renewed && !f.reference {
			t.Fatal("not renewed")
		}
		bob.signOut(t, strict)
		f.clock.Move(8 * time.Hour) // the end on strict is over, the copy has two hours left
		if p, err := guardOf(lax).Check(thief.request()); err == nil {
			t.Errorf("%s is back", p.Name())
		}
	})
}

// TestEndIsThatOfTheFirstNode visits a node with a shorter MaxLifetime: there
// the session ends sooner, and elsewhere when it always did.
func TestEndIsThatOfTheFirstNode(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		long, short := f.node(cookie.SessionsOptions{MaxLifetime: 5 * time.Hour}), f.node(cookie.SessionsOptions{MaxLifetime: 2 * time.Hour})
		lax := f.node(cookie.SessionsOptions{})
		bob := f.signIn(long, "bob")
		for at := time.Duration(0); at < 5*time.Hour-15*time.Minute; at += 15 * time.Minute {
			f.clock.Move(15 * time.Minute)
			name, _ := bob.visit(short)
			if want := at < 2*time.Hour-15*time.Minute+1; want != (name == "bob") {
				t.Fatalf("short, %v: %q", at, name)
			}
			for i, s := range []*cookie.Sessions{long, lax} {
				if name, _ := bob.visit(s); name != "bob" {
					t.Fatalf("node %d, %v: %q", i, at, name)
				}
			}
		}
		f.clock.Move(15*time.Minute + time.Second)
		if p, err := guardOf(lax).Check(bob.request()); err == nil {
			t.Errorf("%s is past the end", p.Name())
		}
	})
}

// TestIssueKeepsTheSession issues the ticket of a session that lives: it stays
// one session, with the end that it has.
func TestIssueKeepsTheSession(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		long, short := f.node(cookie.SessionsOptions{MaxLifetime: 5 * time.Hour}), f.node(cookie.SessionsOptions{MaxLifetime: 3 * time.Hour})
		bob := f.signIn(long, "bob")
		for range 2 {
			thief := bob.clone()
			f.clock.Move(40 * time.Minute)
			thief.visit(long)
			one, err := long.Session(thief.request())
			if err != nil {
				t.Fatal(err)
			}
			if err := bob.issue(short, one.Ticket()); err != nil {
				t.Fatal(err)
			}
			again, err := long.Session(bob.request())
			if err != nil || again.ID() != one.ID() || !again.SignedIn().Equal(one.SignedIn()) {
				t.Fatalf("another session: %v, %v, %v", one, again, err)
			}
		}
		thief := bob.clone()
		bob.signOut(t, short)
		for range 10 {
			f.clock.Move(30 * time.Minute)
			if p, err := guardOf(long).Check(thief.request()); err == nil {
				t.Fatalf("%s is back", p.Name())
			}
		}
	})
}

// TestSignInFailsWhereNothingEnds has a node whose clock is a minute late, and a
// store that cannot note that the older session of a user has ended, which looks
// newer: nobody is signed in.
func TestSignInFailsWhereNothingEnds(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		bob := f.signIn(s, "bob")
		f.clock.Move(-time.Minute)
		f.store.before = func(op, key string) error {
			if op == "put" && strings.HasPrefix(key, sessiontoken.NotePrefix+"ended;") {
				return errDown
			}
			return nil
		}
		w := httptest.NewRecorder()
		if err := s.SignIn(w, new(browser).request(), user("bob"), nil); !errors.Is(err,
			cookie.ErrUnavailable) || len(w.Header()) > 0 {
			t.Errorf("%v, %v", err, w.Header())
		}
		f.store.before = nil
		bob.wants(t, s, "bob")
		f.signIn(s, "bob").wants(t, s, "bob")
		bob.refused(t, s, cookie.ErrRevoked)
	})
}

// TestSignOutWithRefusedCookie signs out with a cookie that is refused, and not
// for being forged: its session ends for those copies that are good elsewhere.
func TestSignOutWithRefusedCookie(t *testing.T) {
	revoked := false
	hour := cookie.SessionsOptions{MaxLifetime: 20 * time.Hour}
	for name, c := range map[string]struct {
		o      cookie.SessionsOptions // of the node that the user signs out on
		before func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions)
	}{
		"past MaxLifetime": {cookie.SessionsOptions{MaxLifetime: 30 * time.Minute},
			func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions) {
				f.clock.Move(40 * time.Minute)
			}},
		"revoked": {cookie.SessionsOptions{Revoked: revokedIf(&revoked)},
			func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions) {
				revoked = true
			}},
		"while Revoked fails": {cookie.SessionsOptions{Revoked: func(context.Context, cookie.Session) (bool, error) { return false, errStore }}, func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions) {}},
		"expired": {hour, func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions) {
			f.clock.Move(40 * time.Minute)
			thief.visit(elsewhere)
			f.clock.Move(40 * time.Minute)
		}},
		"expired, and verified before": {cookie.SessionsOptions{Verified: 10},
			func(f *modeFarm, bob, thief *browser, elsewhere *cookie.Sessions) {
				f.clock.Move(40 * time.Minute)
				thief.visit(elsewhere)
				f.clock.Move(40 * time.Minute)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			forModes(t, func(t *testing.T, f *modeFarm) {
				revoked = false
				elsewhere, s := f.node(hour), f.node(c.o)
				bob := f.signIn(elsewhere, "bob")
				bob.clone().visit(s)
				thief := bob.clone()
				c.before(f, bob, thief, elsewhere)
				bob.signOut(t, s)
				if p, err := guardOf(elsewhere).Check(thief.request()); err == nil {
					t.Errorf("%s is back", p.Name())
				}
			})
		})
	}
}

// TestSignOutWithTokenOfAnotherTimeOrPlace does the same for what only a session
// token can be refused for.
func TestSignOutWithTokenOfAnotherTimeOrPlace(t *testing.T) {
	n := newFarmNode(t)
	store := n.memory()
	node := func(endpoint string, now func() time.Time) *cookie.Sessions {
		codec, err := sessiontoken.NewSessionCodec(n.ring,
			&sessiontoken.SessionOptions{Endpoint: endpoint, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		s, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := node("/shop/", n.clock.Now)
	for want, s := range map[error]*cookie.Sessions{
		sessiontoken.ErrEndpoint:    node("/", n.clock.Now),
		sessiontoken.ErrNotYetValid: node("/shop/", func() time.Time { return n.clock.Now().Add(-time.Hour) }),
	} {
		b := new(browser)
		b.signIn(t, good, user("bob"), nil)
		b.refused(t, s, want)
		if err := s.SignOut(httptest.NewRecorder(), b.request()); err != nil {
			t.Error(err)
		}
		b.refused(t, good, cookie.ErrRevoked)
	}
}

// TestSignOutWithOldFormsTicket pins what docs/sessions.md says of forms tickets:
// one that expired more than ten minutes ago names its session only if it is
// the first of it.
func TestSignOutWithOldFormsTicket(t *testing.T) {
	for _, late := range []bool{false, true} {
		f := newModeFarm(t, "forms", false)
		s := f.node(cookie.SessionsOptions{})
		b := f.signIn(s, "bob")
		f.clock.Move(40 * time.Minute)
		b.visit(s)
		second := b.clone() // good for an hour
		f.clock.Move(40 * time.Minute)
		b.visit(s)
		f.clock.Move(25 * time.Minute)
		if late {
			f.clock.Move(10 * time.Minute)
		}
		second.signOut(t, s)
		if _, err := guardOf(s).Check(b.request()); (err == nil) != late {
			t.Errorf("late %v: %v", late, err)
		}
	}
}
