package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// replayOptions are those that have the store remember something.
var replayOptions = []cookie.SessionsOptions{
	{}, {MaxLifetime: 5 * time.Hour}, {OnePerUser: true}, {OnePerUser: true, MaxLifetime: 5 * time.Hour},
	{MaxLifetime: 70 * time.Minute}, // the renewed ticket is cut short
}

// TestReplayCostsNothing sends one cookie again and again, to two nodes, with
// the clock moving in between, until it expires. However often that is, a
// constant number of entries is left.
func TestReplayCostsNothing(t *testing.T) {
	steps := []time.Duration{time.Minute, 13 * time.Second}
	steps = steps[:len(steps)/share.OneIn(t, len(steps))]
	forModes(t, func(t *testing.T, f *modeFarm) {
		for _, o := range replayOptions {
			for _, step := range steps {
				f.store.data = map[string]openEntry{}
				nodes := []*cookie.Sessions{f.node(o), f.node(o)}
				bob := f.signIn(nodes[0], "bob")
				after := len(f.store.data)
				renewals := 0
				for i := range int(time.Hour / step) {
					f.clock.Move(step)
					copied := bob.clone()
					name, renewed := copied.visit(nodes[i%2])
					if name != "bob" && i < int(time.Hour/step)-1 {
						t.Fatalf("request %d: %q", i, name)
					}
					if renewed {
						renewals++
						copied.wants(t, nodes[(i+1)%2], "bob")
					}
				}
				if n := len(f.store.data); n > after+4 || renewals == 0 ||
					renewals < 10 && !f.reference {
					t.Errorf("MaxLifetime %v, OnePerUser %v: %d renewals, %d entries, after sign-in %d", o.MaxLifetime, o.OnePerUser, renewals, n, after)
				}
			}
		}
	})
}

// TestReplayOfEndedSession sends a cookie again that was signed out, or is of a
// session that another one took the place of, and signs out with it.
func TestReplayOfEndedSession(t *testing.T) {
	step := time.Duration(share.OneIn(t, 3)) * 10 * time.Second
	forModes(t, func(t *testing.T, f *modeFarm) {
		for _, o := range replayOptions {
			for _, superseded := range []bool{false, true} {
				if superseded && !o.OnePerUser {
					continue
				}
				f.store.data = map[string]openEntry{}
				nodes := []*cookie.Sessions{f.node(o), f.node(o)}
				bob := f.signIn(nodes[0], "bob")
				copied := bob.clone()
				f.clock.Move(time.Second)
				if superseded {
					f.signIn(nodes[1], "bob")
				} else {
					bob.signOut(t, nodes[1])
				}
				after := len(f.store.data)
				for i := range int(59 * time.Minute / step) {
					f.clock.Move(step)
					if name, _ := copied.clone().visit(nodes[i%2]); name != "" {
						t.Fatalf("MaxLifetime %v: %s is back at request %d", o.MaxLifetime, name, i)
					}
					if i%10 == 0 {
						copied.clone().signOut(t, nodes[i%2])
					}
				}
				if n := len(f.store.data); n > after+1 {
					t.Errorf("MaxLifetime %v, OnePerUser %v: %d entries, after the end %d",
						o.MaxLifetime, o.OnePerUser, n, after)
				}
			}
		}
	})
}

// TestReplayAtOnce sends one cookie many times at once while the clock runs:
// all get one successor.
func TestReplayAtOnce(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{})
		bob := f.signIn(s, "bob")
		after := len(f.store.data)
		f.clock.Move(40 * time.Minute)
		copies := make([]*browser, 64)
		var wg sync.WaitGroup
		for i := range copies {
			copies[i] = bob.clone()
			wg.Go(func() {
				f.clock.Move(100)
				copies[i].visit(s)
			})
		}
		wg.Wait()
		if n := len(f.store.data); n > after+2 {
			t.Errorf("%d entries, after sign-in %d", n, after)
		}
		for _, b := range copies {
			b.wants(t, s, "bob")
		}
		copies[5].signOut(t, s)
		for _, b := range append(copies, bob) {
			if p, err := guardOf(s).Check(b.request()); err == nil {
				t.Fatalf("%s is back", p.Name())
			}
		}
	})
}

// TestSuccessorIsGoodForHalfItsLife takes the successor of a ticket at the last
// moment at which it can be asked for: no session is cut short by being sent
// the one that was made at the first.
func TestSuccessorIsGoodForHalfItsLife(t *testing.T) {
	f := newModeFarm(t, "forms", false)
	s := f.node(cookie.SessionsOptions{})
	bob := f.signIn(s, "bob")
	f.clock.Move(30 * time.Minute)
	bob.clone().visit(s)
	f.clock.Move(30*time.Minute - 100) // the last moment
	if name, renewed := bob.visit(s); name != "bob" || !renewed {
		t.Fatalf("%q, renewed: %v", name, renewed)
	}
	one, err := s.Session(bob.request())
	if err != nil || one.Expires().Sub(f.clock.Now()) != 30*time.Minute+100 {
		t.Errorf("expires %v from now, %v", one.Expires().Sub(f.clock.Now()), err)
	}
	f.clock.Move(30 * time.Minute)
	if name, renewed := bob.visit(s); name != "bob" || !renewed {
		t.Errorf("%q, renewed: %v", name, renewed)
	}
}

// TestFullStore has a store without room for one more note: the sign-out fails,
// nothing is written, and who was signed out stays so.
func TestFullStore(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: 50,
			MaxNoteBytes: 4 << 10, Now: f.clock.Now})
		if f.reference {
			f.inStore = memory
		}
		var events eventList
		s := opener(t, f.kind)(f.farmNode, &cookie.SessionsOptions{Store: memory,
			Sliding: cookie.On, Observer: events.Observe})
		var out []*browser
		for i := range 100 {
			f.clock.Move(time.Microsecond)
			b := f.signIn(s, fmt.Sprint("user", i))
			copied := b.clone()
			events = eventList{}
			w := httptest.NewRecorder()
			err := s.SignOut(w, b.request())
			if err == nil {
				out = append(out, copied)
				continue
			}
			if !errors.Is(err, cookie.ErrUnavailable) ||
				!errors.Is(err, sessiontoken.ErrStoreFull) || len(w.Header()) > 0 {
				t.Fatalf("sign-out %d: %v, %v", i, err, w.Header())
			}
			if last := events.events[len(events.events)-1]; last.Kind != "sign_out_failed" ||
				!errors.Is(last.Err, sessiontoken.ErrStoreFull) {
				t.Fatalf("event %v", last)
			}
			cookie.Deny(w, b.request(), err)
			if w.Code != http.StatusServiceUnavailable {
				t.Fatalf("status %d", w.Code)
			}
			copied.wants(t, s, fmt.Sprint("user", i))
		}
		if len(out) < 5 || len(out) > 10 {
			t.Errorf("%d sign-outs", len(out))
		}
		for _, b := range out {
			if p, err := guardOf(s).Check(b.request()); err == nil {
				t.Errorf("%s is back", p.Name())
			}
		}
		f.clock.Move(2 * time.Hour) // the notes have expired, and the cookies
		f.signIn(s, "late").signOut(t, s)
	})
}

// otherNode renews as a .NET node does, which knows of no store: what it does
// not know it keeps.
func (f *modeFarm) otherNode(t *testing.T, b *browser) {
	t.Helper()
	switch f.kind {
	case "katana":
		codec, err := sessiontoken.NewKatanaCodec(f.ring, sessiontoken.Cookie("Cookies"),
			&sessiontoken.KatanaOptions{Lifetime: time.Hour, Now: f.clock.Now})
		renewAlone(t, b, codec, err,
			func(ticket *sessiontoken.KatanaTicket) (*sessiontoken.KatanaTicket, bool) {
				return codec.Traits().Renew(ticket, f.clock.Now())
			})
	case "core":
		codec, err := sessiontoken.NewCoreCodec(coreKeys{f.ring}, sessiontoken.Cookie("Cookies"),
			&sessiontoken.CoreOptions{Lifetime: time.Hour, Now: f.clock.Now})
		renewAlone(t, b, codec, err,
			func(ticket *sessiontoken.CoreTicket) (*sessiontoken.CoreTicket, bool) {
				return codec.Traits().Renew(ticket, f.clock.Now())
			})
	case "forms":
		codec, err := sessiontoken.NewFormsCodec(f.ring,
			&sessiontoken.FormsOptions{Lifetime: time.Hour, Now: f.clock.Now})
		renewAlone(t, b, codec, err,
			func(ticket *sessiontoken.FormsTicket) (*sessiontoken.FormsTicket, bool) {
				return codec.Traits().Renew(ticket, f.clock.Now())
			})
	case "token": // sliding code of the site's own that keeps the ids
		codec, err := sessiontoken.NewSessionCodec(f.ring,
			&sessiontoken.SessionOptions{Endpoint: "/", Lifetime: time.Hour, Now: f.clock.Now})
		renewAlone(t, b, codec, err, func(ticket *sessiontoken.Token) (*sessiontoken.Token, bool) {
			return codec.Traits().Renew(ticket, f.clock.Now())
		})
	default:
		t.Fatalf("no .NET node renews kind %q", f.kind)
	}
}

// renewAlone replaces the browser's cookie by its renewal, if that is due. The
// error is that of making the codec.
func renewAlone[T any](t *testing.T, b *browser, codec interface {
	Decode(context.Context, string) (T, error)
	Encode(context.Context, T) (string, error)
}, err error, renew func(T) (T, bool)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := codec.Decode(t.Context(), b.cookies[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	renewed, due := renew(ticket)
	if !due {
		return
	}
	text, err := codec.Encode(t.Context(), renewed)
	if err != nil {
		t.Fatal(err)
	}
	b.set(b.cookies[0].Name, text)
}

// TestNoteOutlivesCopies has a .NET node renew a copy of a session that was
// ended, far longer than one lifetime.
func TestNoteOutlivesCopies(t *testing.T) {
	for _, kind := range []string{"token", "katana", "core"} { // which keep the id
		for _, superseded := range []bool{false, true} {
			for _, o := range []cookie.SessionsOptions{{MaxLifetime: 20 * time.Hour}, {}} {
				o.OnePerUser = superseded
				t.Run(fmt.Sprint(kind, " superseded=", superseded, " ", o.MaxLifetime),
					func(t *testing.T) {
						f := newModeFarm(t, kind, false)
						a, b := f.node(o), f.node(o)
						bob := f.signIn(a, "bob")
						thief := bob.clone()
						f.clock.Move(time.Minute)
						if superseded {
							bob = f.signIn(b, "bob")
						} else {
							bob.signOut(t, a)
						}
						for at := time.Duration(0); at < 40*time.Hour; at += 35 * time.Minute {
							f.clock.Move(35 * time.Minute)
							f.otherNode(t, thief)
							if superseded && o.MaxLifetime == 0 {
								bob.visit(a) // in use, which prolongs the record
							}
							// Without an end, the copy must come by now and then.
							if o.MaxLifetime == 0 || at > 18*time.Hour {
								if p, err := guardOf([]*cookie.Sessions{a,
									b}[int(at/time.Minute)%2]).Check(thief.request()); err == nil {
									t.Fatalf("%s is back after %v", p.Name(), at)
								}
							}
						}
					})
			}
		}
	}
}

// TestLatestIsKeptByUse has the copy of a superseded session live at a .NET
// node only, while the user's own session is in use here.
func TestLatestIsKeptByUse(t *testing.T) {
	for _, kind := range []string{"token", "forms", "katana", "core"} {
		f := newModeFarm(t, kind, false)
		a, b := f.node(cookie.SessionsOptions{OnePerUser: true}), f.node(cookie.SessionsOptions{OnePerUser: true})
		thief := f.signIn(a, "bob").clone()
		f.clock.Move(time.Second)
		bob := f.signIn(b, "bob")
		for range 60 {
			f.clock.Move(35 * time.Minute)
			if kind != "forms" { // .NET has no room for the beginning there
				f.otherNode(t, thief)
			}
			if name, _ := bob.visit(a); name != "bob" {
				t.Fatalf("%s: the user is signed out", kind)
			}
		}
		if p, err := guardOf(b).Check(thief.request()); err == nil {
			t.Errorf("%s: %s is back", kind, p.Name())
		}
	}
}

// TestWhatSignOutCannotReach pins what docs/sessions.md says is left: what a
// .NET node renewed where a ticket has no id that it keeps, and copies that
// nobody but .NET nodes saw for longer than a note lasts.
func TestWhatSignOutCannotReach(t *testing.T) {
	fromNET := func(t *testing.T, f *modeFarm) *browser {
		codec, err := sessiontoken.NewKatanaCodec(f.ring, sessiontoken.Cookie("Cookies"),
			&sessiontoken.KatanaOptions{Lifetime: time.Hour, Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		text, err := codec.Encode(context.Background(),
			codec.NewTicket(user("bob").Identities[0], nil))
		if err != nil {
			t.Fatal(err)
		}
		b := new(browser)
		b.set(".AspNet.Cookies", text)
		return b
	}
	for name, begin := range map[string]func(t *testing.T, f *modeFarm, s *cookie.Sessions) *browser{
		"forms":  func(t *testing.T, f *modeFarm, s *cookie.Sessions) *browser { return f.signIn(s, "bob") },
		"katana": func(t *testing.T, f *modeFarm, _ *cookie.Sessions) *browser { return fromNET(t, f) },
		"core": func(t *testing.T, f *modeFarm, _ *cookie.Sessions) *browser {
			codec, err := sessiontoken.NewCoreCodec(coreKeys{f.ring},
				sessiontoken.Cookie("Cookies"),
				&sessiontoken.CoreOptions{Lifetime: time.Hour, Now: f.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			text, err := codec.Encode(context.Background(), codec.NewTicket(user("bob"), nil))
			if err != nil {
				t.Fatal(err)
			}
			b := new(browser)
			b.set(".AspNetCore.Cookies", text)
			return b
		},
	} {
		f := newModeFarm(t, name, false)
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		bob := begin(t, f, s)
		elsewhere, copied := bob.clone(), bob.clone()
		f.clock.Move(40 * time.Minute)
		f.otherNode(t, elsewhere)
		f.clock.Move(time.Second)
		bob.visit(s)
		bob.signOut(t, s)
		copied.refused(t, s, cookie.ErrRevoked)
		elsewhere.wants(t, s, "bob")
		again := elsewhere.clone()
		elsewhere.signOut(t, s)
		again.refused(t, s, cookie.ErrRevoked)

		// OnePerUser takes it for a session that began when it was renewed.
		f.clock.Move(2 * time.Hour)
		older := begin(t, f, s)
		f.clock.Move(time.Second)
		f.signIn(s, "bob")
		f.clock.Move(40 * time.Minute)
		f.otherNode(t, older)
		older.wants(t, s, "bob")
	}
	f := newModeFarm(t, "katana", false)
	s := f.node(cookie.SessionsOptions{})
	bob := f.signIn(s, "bob")
	thief := bob.clone()
	bob.signOut(t, s)
	for range 3 { // longer than a lifetime, without a visit to a Go node
		f.clock.Move(40 * time.Minute)
		f.otherNode(t, thief)
	}
	thief.wants(t, s, "bob")
}

// TestSignOutOfTokenWithNewBeginning has code of a .NET site that keeps the
// context id and nothing else: while the note lasts, each copy that comes
// prolongs it.
func TestSignOutOfTokenWithNewBeginning(t *testing.T) {
	for _, comes := range []bool{true, false} {
		f := newModeFarm(t, "token", false)
		s := f.node(cookie.SessionsOptions{MaxLifetime: 5 * time.Hour})
		bob := f.signIn(s, "bob")
		thief := bob.clone()
		bob.signOut(t, s)
		codec, err := sessiontoken.NewSessionCodec(f.ring,
			&sessiontoken.SessionOptions{Endpoint: "/", Lifetime: time.Hour, Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			f.clock.Move(45 * time.Minute)
			if comes {
				thief.refused(t, s, cookie.ErrRevoked)
			}
			token, err := codec.Decode(context.Background(), thief.cookies[0].Value)
			if err != nil {
				t.Fatal(err)
			}
			token.ValidFrom, token.ValidTo = f.clock.Now(), f.clock.Now().Add(time.Hour)
			token.KeyEffective, token.KeyExpires = token.ValidFrom, token.ValidTo
			text, err := codec.Encode(context.Background(), token)
			if err != nil {
				t.Fatal(err)
			}
			thief.set(thief.cookies[0].Name, text)
		}
		if _, err := guardOf(s).Check(thief.request()); (err == nil) == comes {
			t.Errorf("comes %v: %v", comes, err)
		}
	}
}

// TestCostOfNotes pins what docs/stores.md says: a note of sign-out takes about
// half a kilobyte, and a forms session in use no more than six notes.
func TestCostOfNotes(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: f.clock.Now})
		if f.reference {
			f.inStore = memory
		}
		s := opener(t, f.kind)(f.farmNode, &cookie.SessionsOptions{Store: memory,
			Sliding: cookie.On, MaxLifetime: 10 * time.Hour})
		bob := f.signIn(s, "bob")
		most := int64(0)
		for range 300 {
			f.clock.Move(time.Minute)
			bob.wants(t, s, "bob")
			bob.visit(s)
			_, _, taken := memory.Usage()
			most = max(most, taken)
		}
		_, _, before := memory.Usage()
		bob.signOut(t, s)
		_, _, after := memory.Usage()
		one := after - before
		t.Logf("sign-out: %d bytes; session in use: %d bytes", one, most)
		if one < 400 || one > 600 || f.kind != "forms" && most > 600 ||
			f.kind != "forms" && f.kind != "wif10" && most > 0 || most > 6*600 {
			t.Errorf("sign-out: %d bytes; session in use: %d bytes", one, most)
		}
	})
}
