package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// sourceNames are names that cookies of one purpose may have on two nodes, or on
// one.
var sourceNames = []string{"FedAuth", "fedauth", "SQSessionFlowtime", ".ASPXAUTH",
	".AspNet.Cookies", ".aspnet.cookies", ".AspNetCore.Cookies"}

// as returns a browser that sends the chunks of a cookie under another name.
func (b *browser) as(from, to string) *browser {
	moved := new(browser)
	for _, c := range b.cookies {
		moved.set(to+strings.TrimPrefix(c.Name, from), c.Value)
	}
	return moved
}

// endings end a session that was issued by one source, with the options of
// those that know of it.
var endings = []struct {
	name string
	o    cookie.SessionsOptions // of the source that issues; the others have OnePerUser only
	end  func(t *testing.T, f *modeFarm, from *cookie.Sessions, b *browser, revoked map[string]bool)
}{
	{"signed out", cookie.SessionsOptions{},
		func(t *testing.T, f *modeFarm, from *cookie.Sessions, b *browser, _ map[string]bool) {
			b.signOut(t, from)
		}},
	{"revoked", cookie.SessionsOptions{},
		func(t *testing.T, f *modeFarm, from *cookie.Sessions, b *browser, revoked map[string]bool) {
			one, err := from.Session(b.request())
			if err != nil {
				t.Fatal(err)
			}
			revoked[one.ID()] = true
		}},
	{"superseded", cookie.SessionsOptions{OnePerUser: true},
		func(t *testing.T, f *modeFarm, from *cookie.Sessions, b *browser, _ map[string]bool) {
			f.clock.Move(time.Second)
			f.signIn(from, "BOB")
		}},
	{"past its end", cookie.SessionsOptions{MaxLifetime: 100 * time.Minute},
		func(t *testing.T, f *modeFarm, from *cookie.Sessions, b *browser, _ map[string]bool) {
		}},
}

// TestSessionIsOneUnderEveryName moves the value of a session to a cookie of
// another name, or the same name in another case, on another node, before and
// after a renewal there: what ended it under its own name ended it there.
func TestSessionIsOneUnderEveryName(t *testing.T) {
	cases, step := 0, share.OneIn(t, 5)
	forModes(t, func(t *testing.T, f *modeFarm) {
		for _, ending := range endings {
			for _, from := range sourceNames {
				for _, to := range sourceNames {
					if cases++; cases%step != 0 {
						continue
					}
					f.store.data = map[string]openEntry{}
					revoked := map[string]bool{}
					hook := func(_ context.Context, s cookie.Session) (bool, error) { return revoked[s.ID()], nil }
					o := ending.o
					o.Cookie, o.Revoked = &http.Cookie{Name: from}, hook
					a := f.node(o)
					b := f.node(cookie.SessionsOptions{Cookie: &http.Cookie{Name: to},
						Revoked: hook, Verified: 4})
					bob := f.signIn(a, "bob")
					moved := bob.as(from, to)
					moved.wants(t, b, "bob")
					f.clock.Move(40 * time.Minute)
					renewed := moved.clone()
					if _, ok := renewed.visit(b); !ok {
						t.Fatal("not renewed")
					}
					ending.end(t, f, a, bob, revoked)
					for range 30 {
						for _, one := range []*browser{moved, renewed} {
							for _, name := range []string{to, strings.ToUpper(to),
								strings.ToLower(to)} {
								sent := one.as(to, name)
								if p, err := guardOf(b).Check(sent.request()); err == nil &&
									ending.name != "past its end" {
									t.Fatalf("%s under %s: %s is signed in as %s", ending.name,
										from, p.Name(), name)
								} else if errors.Is(err, cookie.ErrUnavailable) {
									t.Fatal(err)
								}
							}
						}
						renewed.visit(b)
						if ending.name != "past its end" {
							break
						}
						f.clock.Move(5 * time.Minute)
						// 40 minutes have passed, and these.
					}
					if p, err := guardOf(b).Check(renewed.request()); err == nil {
						t.Fatalf("%s under %s: %s is signed in as %s", ending.name,
							from, p.Name(), to)
					}
				}
			}
		}
	})
	if want := len(storeModes) * len(endings) * len(sourceNames) * len(sourceNames); cases != want {
		t.Errorf("%d cases, want %d", cases, want)
	}
}

// TestAbsoluteEndIsExact visits a node without MaxLifetime until the end that
// another one gave the session.
func TestAbsoluteEndIsExact(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		const max = 3*time.Hour + 7*time.Minute
		a := f.node(cookie.SessionsOptions{MaxLifetime: max})
		b := f.node(cookie.SessionsOptions{Cookie: &http.Cookie{Name: "Other"}})
		bob := f.signIn(a, "bob")
		moved := bob.as(a.CookieName(), "Other")
		end := f.clock.Now().Add(max)
		for f.clock.Now().Before(end) {
			if name, _ := moved.visit(b); name != "bob" {
				t.Fatalf("ended %v early", end.Sub(f.clock.Now()))
			}
			f.clock.Move(time.Minute)
		}
		moved.wants(t, b, "bob")
		f.clock.Move(time.Second)
		if p, err := guardOf(b).Check(moved.request()); !errors.Is(err, sessiontoken.ErrExpired) &&
			!errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("after the end: %s, %v", p.Name(), err)
		}
	})
}

// TestFedAuthIsNoSQSession sends the value of each cookie of a site under the
// name of every other one. FedAuth and SQSession are session tokens under one
// key, and two credentials.
func TestFedAuthIsNoSQSession(t *testing.T) {
	for _, withStore := range []bool{false, true} {
		n := newFarmNode(t)
		store := n.memory()
		endpoints := []string{"", "/", "/;SQSESSIONFLOWTIME;/"}
		if !withStore { // in a store, this is the place of SQSession's entries
			endpoints = append(endpoints, "SQSESSIONFLOWTIME;/")
		}
		for _, endpoint := range endpoints {
			so := &sessiontoken.SessionOptions{Endpoint: endpoint, Lifetime: time.Hour,
				Now: n.clock.Now}
			var stored sessiontoken.Store
			if withStore {
				so.Store, stored = store, store
			}
			codec, err := sessiontoken.NewSessionCodec(n.ring, so)
			if err != nil {
				t.Fatal(err)
			}
			fed, err := cookie.NewSessions(codec,
				&cookie.SessionsOptions{Cookie: &http.Cookie{Path: "/"}})
			if err != nil {
				t.Fatal(err)
			}
			q := n.newSQ(t, cookie.Credential{}, stored)
			sqs := q
			for _, reference := range []bool{false, withStore} {
				f, s := new(browser), new(browser)
				f.signIn(t, fed, user("bob"), &cookie.SignInOptions{Reference: reference})
				s.signIn(t, q, user("bob"), nil)
				f.wants(t, fed, "bob")
				s.wants(t, q, "bob")
				for _, c := range []struct {
					value string
					to    *cookie.Sessions
				}{{f.cookies[0].Value, sqs}, {s.cookies[0].Value, fed}} {
					for _, name := range []string{c.to.CookieName(),
						strings.ToLower(c.to.CookieName())} {
						moved := new(browser)
						moved.set(name, c.value)
						if p, err := guardOf(c.to).Check(moved.request()); !errors.Is(err,
							sessiontoken.ErrInvalid) &&
							!errors.Is(err, sessiontoken.ErrNotInStore) {
							t.Errorf("endpoint %q, store %v: %s, %v as %s", endpoint, withStore,
								p.Name(), err, name)
						}
					}
				}
			}
		}
	}
}

// TestSQSessionNameInAnyCase has two nodes whose files write the name of the
// cookie in two ways: it is one session, and one end.
func TestSQSessionNameInAnyCase(t *testing.T) {
	sqStores(t, func(t *testing.T, n *farmNode, store sessiontoken.Store) {
		a := n.newSQ(t, cookie.Credential{NoReuse: store != nil}, store)
		b := n.newSQ(t, cookie.Credential{Name: "sqsessionFLOWTIME", NoReuse: store != nil,
			MaxLifetime: -1}, store)
		bob := new(browser)
		bob.signIn(t, a, user("bob"), nil)
		moved := new(browser)
		moved.set(b.CookieName(), bob.cookies[0].Value)
		moved.wants(t, b, "bob")
		end := n.clock.Now().Add(1440 * time.Minute)
		for n.clock.Now().Before(end) {
			if name, _ := moved.visit(b); name != "bob" {
				t.Fatalf("ended %v early", end.Sub(n.clock.Now()))
			}
			n.clock.Move(10 * time.Minute)
		}
		n.clock.Move(2 * time.Minute)
		if p, err := guardOf(b).Check(moved.request()); err == nil {
			t.Errorf("%s is signed in after maxLifetime of the other node", p.Name())
		}
		if store == nil {
			return
		}
		bob.signIn(t, a, user("bob"), nil)
		moved.set(b.CookieName(), bob.cookies[0].Value)
		moved.wants(t, b, "bob")
		n.clock.Move(time.Second)
		next := new(browser)
		next.signIn(t, b, user("BOB"), nil)
		n.clock.Move(5 * time.Second)
		bob.refused(t, a, cookie.ErrRevoked)
		moved.refused(t, b, cookie.ErrRevoked)
		copied := next.clone()
		next.signOut(t, b)
		n.clock.Move(5 * time.Second)
		back := new(browser)
		back.set(a.CookieName(), copied.cookies[0].Value)
		if p, err := guardOf(a).Check(back.request()); err == nil {
			t.Errorf("%s is back", p.Name())
		}
	})
}

// TestSQSessionForEveryApplication refuses a token that names no application.
func TestSQSessionForEveryApplication(t *testing.T) {
	n := newFarmNode(t)
	s := n.newSQ(t, cookie.Credential{}, nil)
	codec, err := sessiontoken.NewSessionCodec(n.ring,
		&sessiontoken.SessionOptions{Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	token, err := codec.NewToken(*user("bob"))
	if err != nil {
		t.Fatal(err)
	}
	b := new(browser)
	b.do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { err = s.Issue(w, r, token) }))
	if err != nil {
		t.Fatal(err)
	}
	b.refused(t, s, sessiontoken.ErrEndpoint)
}

// TestKelvinSign wants kate's session not ended by whoever has U+212A for a K.
func TestKelvinSign(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		for i, names := range [][2]string{{"kate", "\u212Aate"}, {"ian", "ıan"}, {"sam", "ſam"}} {
			honest := f.signIn(s, names[0])
			f.clock.Move(time.Second)
			f.signIn(s, names[1])
			honest.wants(t, s, names[0])
			f.clock.Move(time.Second)
			f.signIn(s, strings.ToUpper(names[0]))
			if p, err := guardOf(s).Check(honest.request()); err == nil {
				t.Errorf("%d: %s has two sessions", i, p.Name())
			}
		}
	})
}

// TestKatanaPurposesMakeTheKind wants a codec with the purposes of a cookie to
// have its sessions, too.
func TestKatanaPurposesMakeTheKind(t *testing.T) {
	f := newModeFarm(t, "katana", false)
	a := f.node(cookie.SessionsOptions{OnePerUser: true})
	codec, err := sessiontoken.NewKatanaCodec(f.ring,
		sessiontoken.Purposes("Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware",
			"Cookies", "v1"), &sessiontoken.KatanaOptions{Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	b, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Store: f.store, OnePerUser: true})
	if err != nil {
		t.Fatal(err)
	}
	bob := f.signIn(a, "bob")
	f.clock.Move(time.Second)
	next := f.signIn(b, "bob")
	bob.refused(t, a, cookie.ErrRevoked)
	bob.refused(t, b, cookie.ErrRevoked)
	copied := next.clone()
	next.signOut(t, b)
	copied.refused(t, a, cookie.ErrRevoked)
	if other := fmt.Sprint(a.CookieName(),
		b.CookieName()); other != ".AspNet.Cookies.AspNet.Cookies" {
		t.Error(other)
	}
}

// TestKeyTimesForWIF10 reads the cookies of a session as WIF 1.0 does: the times
// of the key are within those of the token, also after a renewal and with
// MaxLifetime. WIF 4.5 does not look, and there they carry the session.
func TestKeyTimesForWIF10(t *testing.T) {
	for _, kind := range []string{"wif10", "token"} {
		f := newModeFarm(t, kind, false)
		s := f.node(cookie.SessionsOptions{MaxLifetime: 3 * time.Hour})
		bob := f.signIn(s, "bob")
		began := f.clock.Now()
		for i := range 6 {
			one, err := s.Session(bob.request())
			if err != nil {
				t.Fatal(err)
			}
			token := one.Ticket().(*sessiontoken.Token)
			within := !token.KeyEffective.Before(token.ValidFrom) &&
				!token.KeyExpires.After(token.ValidTo)
			if within != (kind == "wif10") || !one.SignedIn().Equal(began) {
				t.Errorf("%s, renewal %d: key %v to %v, token %v to %v, began %v", kind, i,
					token.KeyEffective, token.KeyExpires, token.ValidFrom,
					token.ValidTo, one.SignedIn())
			}
			f.clock.Move(35 * time.Minute)
			if name, _ := bob.visit(s); i < 5 && name != "bob" {
				t.Fatalf("%s: ended after %v", kind, f.clock.Now().Sub(began))
			}
		}
		if p, err := guardOf(s).Check(bob.request()); err == nil {
			t.Errorf("%s: %s is signed in after MaxLifetime", kind, p.Name())
		}
	}
	n := newFarmNode(t)
	if _, err := wif10.make(n, &cookie.SessionsOptions{Sliding: cookie.On,
		MaxLifetime: time.Hour}); err == nil || !strings.Contains(err.Error(), "Store") {
		t.Errorf("without a store: %v", err)
	}
}

// TestRecordsFollowTheKey has sessions whose beginning is in the store issued
// again under a new key, and the old one leave.
func TestRecordsFollowTheKey(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		for _, o := range []cookie.SessionsOptions{{}, {MaxLifetime: 10 * time.Hour}} {
			s := f.node(o)
			root, renewed := f.signIn(s, "root"), f.signIn(s, "renewed")
			f.clock.Move(40 * time.Minute)
			renewed.visit(s)
			f.signIn(s, "other")
			if err := f.ring.Replace(newTestKey(t), f.ring.Primary()); err != nil {
				t.Fatal(err)
			}
			f.clock.Move(time.Second)
			for _, b := range []*browser{root, renewed} {
				if _, again := b.visit(s); !again {
					t.Error("not issued again")
				}
			}
			if err := f.ring.Replace(f.ring.Primary()); err != nil {
				t.Fatal(err)
			}
			root.wants(t, s, "root")
			renewed.wants(t, s, "renewed")
			f.clock.Move(35 * time.Minute)
			for i, b := range []*browser{root, renewed} {
				if name, again := b.visit(s); name == "" || !again {
					t.Errorf("%d: %q, renewed: %v", i, name, again)
				}
			}
		}
	})
}
