package cookie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestRenewalBoundaries has the rules of each framework, with tickets that live
// for an hour: exactly when it renews, and until when the ticket is good.
func TestRenewalBoundaries(t *testing.T) {
	never := time.Duration(-1)
	for _, test := range []struct {
		kind    string
		sliding cookie.Toggle
		// due is the first age at which the ticket is renewed, and step the
		// smallest step before it.
		due, step time.Duration
		// last is the last age at which it is valid.
		last time.Duration
	}{
		{"token", 0, never, 0, 65 * time.Minute},
		{"token", cookie.On, 32*time.Minute + 30*time.Second, 100, 65 * time.Minute},
		{"token", cookie.Off, never, 0, 65 * time.Minute},
		{"forms", 0, 30 * time.Minute, 100, time.Hour},
		{"forms", cookie.On, 30 * time.Minute, 100, time.Hour},
		{"forms", cookie.Off, never, 0, time.Hour},
		{"katana", 0, 30*time.Minute + time.Second, 1, time.Hour + time.Second - 1},
		{"katana", cookie.Off, never, 0, time.Hour + time.Second - 1},
		{"core", 0, 30*time.Minute + 1, 1, time.Hour},
		{"core", cookie.Off, never, 0, time.Hour},
	} {
		t.Run(fmt.Sprint(test.kind, test.sliding), func(t *testing.T) {
			at := func(age time.Duration) (name string, renewed bool) {
				n := newFarmNode(t)
				s := opener(t, test.kind)(n, &cookie.SessionsOptions{Sliding: test.sliding})
				b := new(browser)
				b.signIn(t, s, user("bob"), nil)
				n.clock.Move(age)
				old := b.clone()
				name, renewed = b.visit(s)
				if renewed {
					one, err := s.Session(b.request())
					if err != nil ||
						!one.Expires().Equal(n.clock.Now().Truncate(resolution(test.kind)).Add(time.Hour)) {
						t.Errorf("at %v renewed until %v, %v", age, one.Expires(), err)
					}
					old.wants(t, s, "bob") // another tab may still send it
				}
				// Check renews nothing and says the same.
				if p, err := guardOf(s).Check(old.request()); (err == nil) != (name == "bob") {
					t.Errorf("at %v Check says %q, %v", age, p.Name(), err)
				}
				return name, renewed
			}
			if test.due != never {
				for _, age := range []time.Duration{test.due, test.due + time.Second,
					59 * time.Minute} {
					if name, renewed := at(age); name != "bob" || !renewed {
						t.Errorf("at %v: %q, renewed: %v", age, name, renewed)
					}
				}
				if name, renewed := at(test.due - test.step); name != "bob" || renewed {
					t.Errorf("just before %v: %q, renewed: %v", test.due, name, renewed)
				}
			}
			for _, age := range []time.Duration{0, time.Minute, 29 * time.Minute} {
				if name, renewed := at(age); name != "bob" || renewed {
					t.Errorf("at %v: %q, renewed: %v", age, name, renewed)
				}
			}
			if name, renewed := at(test.last); name != "bob" || test.due == never && renewed {
				t.Errorf("at the end: %q, renewed: %v", name, renewed)
			}
			if name, renewed := at(test.last + 100); name != "" || renewed {
				t.Errorf("after the end: %q, renewed: %v", name, renewed)
			}
		})
	}
}

// resolution is that of the times of a ticket.
func resolution(kind string) time.Duration {
	if kind == "katana" || kind == "core" {
		return time.Second
	}
	return 100
}

// TestRenewalKeeps wants everything but the times kept.
func TestRenewalKeeps(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{})
		f.in.Persistent = true
		switch f.kind {
		case "token", "wif10":
			f.in.Context = "(module)rm=1"
		case "forms":
			f.in.UserData = "admin,editor"
		case "katana", "core":
			f.in.Properties = sessiontoken.Properties{{"site", "x"}}
		}
		f.in.Lifetime = 2 * time.Hour
		b := f.signIn(s, "bob")
		first, err := s.Session(b.request())
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Move(100 * time.Minute)
		w := b.do(guardOf(s).Handler(http.NotFoundHandler()))
		second, err := s.Session(b.request())
		if err != nil {
			t.Fatal(err)
		}
		expires := "; Expires=" + f.clock.Now().Add(2*time.Hour).Format(http.TimeFormat)
		if line := w.Header().Get("Set-Cookie"); !strings.Contains(strings.ToLower(line),
			strings.ToLower(expires)) {
			t.Errorf("no %s in %.40s…", expires, line)
		}
		if !second.Expires().Equal(first.Expires().Add(100 * time.Minute)) {
			t.Errorf("%v, then %v", first, second)
		}
		if second.ID() != first.ID() || !second.SignedIn().Equal(first.SignedIn()) {
			t.Errorf("id %q, then %q; %v, then %v", first.ID(), second.ID(), first, second)
		}
		switch t2 := second.Ticket().(type) {
		case *sessiontoken.Token:
			t1 := first.Ticket().(*sessiontoken.Token)
			if !t1.ContextID.Equal(t2.ContextID) || t1.ID != t2.ID || t1.Context != t2.Context ||
				t2.Context != "(module)rm=1" ||
				t2.EndpointID != "/" || t2.ReferenceMode != f.reference || !t2.Persistent ||
				!t1.Key.Equal(t2.Key) {
				t.Errorf("%+v, then %+v", t1, t2)
			}
		case *sessiontoken.FormsTicket:
			if t2.UserData != "admin,editor" || t2.CookiePath != "/" || t2.Version != 2 ||
				t2.Name != "bob" {
				t.Errorf("%+v", t2)
			}
		case *sessiontoken.KatanaTicket:
			if v, _ := t2.Properties.Get("site"); v != "x" ||
				!t2.SessionKey.Equal(first.Ticket().(*sessiontoken.KatanaTicket).SessionKey) ||
				(t2.SessionKey.Len() > 0) != f.reference {
				t.Errorf("%+v", t2)
			}
		}
	})
}

// TestMaxLifetimeSurvivesRenewals visits every few minutes: the session ends
// at MaxLifetime, no earlier and no later.
func TestMaxLifetimeSurvivesRenewals(t *testing.T) {
	const max = 5*time.Hour + 7*time.Minute
	forModes(t, func(t *testing.T, f *modeFarm) {
		nodes := []*cookie.Sessions{f.node(cookie.SessionsOptions{MaxLifetime: max, Verified: 3}),
			f.node(cookie.SessionsOptions{MaxLifetime: max})}
		b := f.signIn(nodes[0], "bob")
		began := f.clock.Now()
		thief := b.clone()
		renewals := 0
		for i := 0; f.clock.Now().Before(began.Add(max)); i++ {
			name, renewed := b.visit(nodes[i%2])
			if name != "bob" {
				t.Fatalf("ended after %v", f.clock.Now().Sub(began))
			}
			if renewed {
				renewals++
				thief = b.clone()
			}
			f.clock.Move(time.Minute)
		}
		if renewals < 5 {
			t.Errorf("%d renewals", renewals)
		}
		b.wants(t, nodes[1], "bob")
		f.clock.Move(time.Second)
		for _, b := range []*browser{b, thief} {
			for _, s := range nodes {
				if p, err := guardOf(s).Check(b.request()); !errors.Is(err,
					sessiontoken.ErrExpired) && !errors.Is(err, sessiontoken.ErrNotInStore) {
					t.Errorf("after MaxLifetime: %q, %v", p.Name(), err)
				}
			}
		}
	})
}

// TestMaxLifetimeSurvivesKatana renews as a Katana node does, which knows of no
// end.
func TestMaxLifetimeSurvivesKatana(t *testing.T) {
	n := newFarmNode(t)
	s := opener(t, "katana")(n, &cookie.SessionsOptions{MaxLifetime: 4 * time.Hour})
	codec, err := sessiontoken.NewKatanaCodec(n.ring, sessiontoken.Cookie("Cookies"),
		&sessiontoken.KatanaOptions{Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	b := new(browser)
	b.signIn(t, s, user("bob"), nil)
	for range 5 {
		b.wants(t, s, "bob")
		n.clock.Move(45 * time.Minute)
		one, err := codec.Decode(context.Background(), b.cookies[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		renewed, due := codec.Traits().Renew(one, n.clock.Now())
		if !due {
			t.Fatal("not due")
		}
		text, err := codec.Encode(context.Background(), renewed)
		if err != nil {
			t.Fatal(err)
		}
		b.set(b.cookies[0].Name, text)
	}
	b.wants(t, s, "bob") // 3:45
	n.clock.Move(16 * time.Minute)
	b.refused(t, s, sessiontoken.ErrExpired)
}

// TestTicketOfDotNet renews a ticket that another node of the farm issued, and
// signs it out.
func TestTicketOfDotNet(t *testing.T) {
	n := newFarmNode(t)
	tokens, err := sessiontoken.NewSessionCodec(n.ring,
		&sessiontoken.SessionOptions{Lifetime: time.Hour, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	forms, err := sessiontoken.NewFormsCodec(n.ring,
		&sessiontoken.FormsOptions{Lifetime: time.Hour, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	katana, err := sessiontoken.NewKatanaCodec(n.ring, sessiontoken.Cookie("Cookies"),
		&sessiontoken.KatanaOptions{Lifetime: time.Hour, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	issue := map[string]func() (string, error){
		"token": func() (string, error) {
			token, err := tokens.NewToken(*user("bob"))
			if err != nil {
				return "", err
			}
			return tokens.Encode(context.Background(), token)
		},
		"forms": func() (string, error) {
			return forms.Encode(context.Background(), forms.NewTicket("bob", ""))
		},
		"katana": func() (string, error) {
			return katana.Encode(context.Background(),
				katana.NewTicket(user("bob").Identities[0], nil))
		},
	}
	for kind, text := range issue {
		value, err := text()
		if err != nil {
			t.Fatal(err)
		}
		s := opener(t, kind)(n, &cookie.SessionsOptions{Sliding: cookie.On, Store: n.memory(),
			MaxLifetime: 10 * time.Hour, OnePerUser: true})
		b := &browser{[]pair{{Name: s.CookieName(), Value: value}}}
		n.clock.Move(40 * time.Minute)
		old := b.clone()
		if name, renewed := b.visit(s); name != "bob" || !renewed {
			t.Fatalf("%s: %q, renewed: %v", kind, name, renewed)
		}
		b.wants(t, s, "bob")
		b.clone().signOut(t, s)
		b.refused(t, s, cookie.ErrRevoked)
		old.refused(t, s, cookie.ErrRevoked)
	}
}

// TestRenewalFailureKeepsTheUser has a renewal that does not fit.
func TestRenewalFailureKeepsTheUser(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			b := new(browser)
			b.signIn(t, open(n, nil), user("bob"), nil)
			var log bytes.Buffer
			var events eventList
			s := open(n, &cookie.SessionsOptions{Sliding: cookie.On, MaxBytes: 20,
				Logger: slog.New(slog.NewTextHandler(&log, nil)), Observer: events.Observe})
			n.clock.Move(40 * time.Minute)
			before := b.clone()
			name, renewed := b.visit(s)
			if name != "bob" || renewed || len(b.cookies) != 1 ||
				b.cookies[0] != before.cookies[0] {
				t.Errorf("%q, renewed: %v", name, renewed)
			}
			if !strings.Contains(log.String(),
				`level=WARN msg="cookie: session not renewed" cookie=`+
					s.CookieName()+` error=`) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("logged %s", &log)
			}
			if got := events.String(); got != "read renewal_failed:sliding " {
				t.Errorf("events %s", got)
			}
		})
}

// TestRotation re-issues what the former first key wrote, and nothing else.
func TestRotation(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		old, next := f.ring.Primary(), newTestKey(t)
		s := f.node(cookie.SessionsOptions{Verified: 5, OnePerUser: true})
		bob := f.signIn(s, "bob")
		idle := f.signIn(s, "idle")
		gone := f.signIn(s, "gone")
		stolen := gone.clone()
		gone.signOut(t, s)
		one, err := s.Session(bob.request())
		if err != nil {
			t.Fatal(err)
		}

		// The next key is known for reading first, and another node writes with
		// it already: that is left alone.
		if err := f.ring.Replace(old, next); err != nil {
			t.Fatal(err)
		}
		ahead := newModeFarm(t, f.kind, f.reference)
		ahead.store, ahead.clock = f.store, f.clock
		if f.reference {
			ahead.inStore = f.store
		}
		if err := ahead.ring.Replace(next, old); err != nil {
			t.Fatal(err)
		}
		eve := ahead.signIn(ahead.node(cookie.SessionsOptions{}), "eve")
		for _, b := range []*browser{eve, bob} {
			if name, renewed := b.visit(s); name == "" || renewed {
				t.Errorf("%q re-issued for the next key: %v", name, renewed)
			}
		}

		if err := f.ring.Replace(next, old); err != nil {
			t.Fatal(err)
		}
		stolen.refused(t, s, refusedAs(f)) // the note is read with the older key
		f.clock.Move(time.Minute)
		if name, renewed := bob.visit(s); name != "bob" || !renewed {
			t.Errorf("%q re-issued: %v", name, renewed)
		}
		if name, renewed := bob.visit(s); name != "bob" || renewed {
			t.Errorf("%q re-issued again: %v", name, renewed)
		}
		if name, renewed := eve.visit(s); name != "eve" || renewed {
			t.Errorf("%q re-issued: %v", name, renewed)
		}
		again, err := s.Session(bob.request())
		if err != nil || again.ID() != one.ID() || !again.Expires().Equal(one.Expires()) ||
			!again.SignedIn().Equal(one.SignedIn()) || again.Ticket().OpenedBy() != next.ID() {
			t.Errorf("%v became %v, %v", one, again, err)
		}

		// Without the old key, those who came in time stay, and can come back.
		if err := f.ring.Replace(next); err != nil {
			t.Fatal(err)
		}
		if !f.reference || f.kind == "katana" {
			idle.refused(t, s, sessiontoken.ErrInvalid)
		} else if p, err := guardOf(s).Check(idle.request()); err == nil {
			t.Errorf("%s is signed in with a key that is gone", p.Name())
		}
		bob.wants(t, s, "bob")
		idle = f.signIn(s, "idle")
		idle.wants(t, s, "idle")
		bob.signOut(t, s)
	})
}

// TestSessionIDStaysOrIsEmpty renews a session with all that may keep its id:
// there is the same one after it, and a copy can be revoked by it, or none.
func TestSessionIDStaysOrIsEmpty(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			for _, sliding := range []cookie.Toggle{cookie.On, cookie.Off} {
				for _, stored := range []bool{false, true} {
					for _, hook := range []bool{false, true} {
						n := newFarmNode(t)
						revoked := ""
						o := cookie.SessionsOptions{Sliding: sliding}
						if stored {
							o.Store = n.memory()
						}
						if hook {
							o.Revoked = func(_ context.Context, s cookie.Session) (bool, error) { return s.ID() != "" && s.ID() == revoked, nil }
						}
						s := open(n, &o)
						bob := new(browser)
						bob.signIn(t, s, user("bob"), nil)
						first, err := s.Session(bob.request())
						if err != nil {
							t.Fatal(err)
						}
						n.clock.Move(40 * time.Minute)
						renewed := bob.clone()
						if _, ok := renewed.visit(s); ok != (sliding == cookie.On) {
							t.Fatal("renewed: ", ok)
						}
						second, err := s.Session(renewed.request())
						if err != nil || first.ID() != second.ID() {
							t.Errorf("sliding %v, store %v, hook %v: %q, then %q, %v",
								sliding, stored, hook, first.ID(), second.ID(), err)
						}
						kept := sliding == cookie.Off || stored || kind == "token" ||
							kind == "wif10" ||
							(kind == "katana" || kind == "core") && hook
						if kept != (first.ID() != "") {
							t.Errorf("sliding %v, store %v, hook %v: %q", sliding, stored,
								hook, first.ID())
						}
						if revoked = first.ID(); hook && kept {
							bob.refused(t, s, cookie.ErrRevoked)
							renewed.refused(t, s, cookie.ErrRevoked)
						}
					}
				}
			}
		})
}

// refusedAs is the error for a session that was ended.
func refusedAs(f *modeFarm) error {
	if f.reference {
		return sessiontoken.ErrNotInStore
	}
	return cookie.ErrRevoked
}

// eventList is an observer that writes down kinds and reasons.
type eventList struct {
	events []cookie.Event
}

func (l *eventList) Observe(_ context.Context, e cookie.Event) { l.events = append(l.events, e) }

// String returns what happened, and forgets it.
func (l *eventList) String() string {
	var b strings.Builder
	for _, e := range l.events {
		b.WriteString(e.Kind)
		if e.Reason != "" {
			b.WriteString(":" + e.Reason)
		}
		b.WriteByte(' ')
	}
	l.events = nil
	return b.String()
}
