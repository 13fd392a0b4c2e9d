package cookie_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// ticketOf returns the ticket of a new session of a user.
func ticketOf(t testing.TB, s *cookie.Sessions, name string) cookie.Ticket {
	t.Helper()
	b := new(browser)
	b.signIn(t, s, user(name), nil)
	one, err := s.Session(b.request())
	if err != nil {
		t.Fatal(err)
	}
	return one.Ticket()
}

// issue gives a browser a ticket that the caller made.
func (b *browser) issue(s *cookie.Sessions, ticket cookie.Ticket) error {
	w := httptest.NewRecorder()
	err := s.Issue(w, b.request(), ticket)
	b.take(w.Header())
	return err
}

// TestIssueCountsUsers wants the name in a ticket to count as in SignIn.
func TestIssueCountsUsers(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		older := f.signIn(s, "bob")
		f.clock.Move(time.Second)
		ticket := ticketOf(t, opener(t, f.kind)(f.farmNode, nil), "bob")
		b := new(browser)
		if err := b.issue(s, ticket); err != nil {
			t.Fatal(err)
		}
		b.wants(t, s, "bob")
		older.refused(t, s, cookie.ErrRevoked)
	})
}

// TestIssueHonoursMaxLifetime wants no session longer than MaxLifetime, and
// none that has ended before it begins.
func TestIssueHonoursMaxLifetime(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{MaxLifetime: 30 * time.Minute})
		ticket := ticketOf(t, opener(t, f.kind)(f.farmNode, nil), "bob")
		b := new(browser)
		if err := b.issue(s, ticket); err != nil {
			t.Fatal(err)
		}
		one, err := s.Session(b.request())
		if err != nil || !one.Expires().Equal(one.SignedIn().Add(30*time.Minute)) {
			t.Errorf("%v, %v", one, err)
		}
		f.clock.Move(30*time.Minute + time.Second)
		late := new(browser)
		if err := late.issue(s, ticket); !errors.Is(err, sessiontoken.ErrExpired) ||
			len(late.cookies) > 0 {
			t.Errorf("%v, %d cookies", err, len(late.cookies))
		}
	})
}

// TestTimesFinerThanTicks issues tickets whose times no ticket can say: the
// session is known by its id all the same, and ends when MaxLifetime says.
func TestTimesFinerThanTicks(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		for _, o := range []cookie.SessionsOptions{{OnePerUser: true},
			{MaxLifetime: 2 * time.Hour}} {
			f.clock.Move(57)
			s, lax := f.node(o), f.node(cookie.SessionsOptions{})
			at := f.clock.Now()
			var ticket cookie.Ticket
			switch one := ticketOf(t, opener(t, f.kind)(f.farmNode, nil), "bob").(type) {
			case *sessiontoken.Token:
				one.ValidFrom, one.KeyEffective = at, at
				one.ValidTo = at.Add(time.Hour)
				one.KeyExpires = one.ValidTo
				ticket = one
			case *sessiontoken.FormsTicket:
				one.IssueDate, one.Expiration = at, at.Add(time.Hour)
				ticket = one
			case *sessiontoken.KatanaTicket:
				one.Properties.SetTime(sessiontoken.PropertyIssued, at)
				one.Properties.SetTime(sessiontoken.PropertyExpires, at.Add(time.Hour))
				ticket = one
			case *sessiontoken.CoreTicket:
				one.Properties.SetTime(sessiontoken.PropertyIssued, at)
				one.Properties.SetTime(sessiontoken.PropertyExpires, at.Add(time.Hour))
				ticket = one
			}
			issued, signedIn := new(browser), new(browser)
			if err := issued.issue(s, ticket); err != nil {
				t.Fatal(err)
			}
			issued.wants(t, s, "bob")
			signedIn.signIn(t, s, user("eve"), &cookie.SignInOptions{Lifetime: time.Hour - 57})
			signedIn.wants(t, s, "eve")
			for range 10 {
				f.clock.Move(40 * time.Minute)
				issued.visit(lax)
				signedIn.visit(lax)
			}
			for _, b := range []*browser{issued, signedIn} {
				p, err := guardOf(lax).Check(b.request())
				if o.MaxLifetime > 0 && err == nil {
					t.Errorf("%s is past MaxLifetime", p.Name())
				} else if o.MaxLifetime == 0 && err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestIssueOfNobody has a good ticket that says that nobody is signed in.
func TestIssueOfNobody(t *testing.T) {
	n := newFarmNode(t)
	s := opener(t, "katana")(n, nil)
	ticket := *ticketOf(t, s, "bob").(*sessiontoken.KatanaTicket)
	ticket.Identity = sessiontoken.Identity{Claims: ticket.Identity.Claims}
	b := new(browser)
	if err := b.issue(s, &ticket); err != nil {
		t.Fatal(err)
	}
	b.refused(t, s, cookie.ErrNotAuthenticated)
	if one, err := s.Session(b.request()); one.Principal() != nil ||
		!errors.Is(err, cookie.ErrNotAuthenticated) {
		t.Error(one, err)
	}
	if _, err := s.Session(new(browser).request()); err != cookie.ErrNoCredential {
		t.Error(err)
	}
	b.signOut(t, s)
	if len(b.cookies) != 0 {
		t.Error("not deleted")
	}
}

// TestSignOutOfTicketWithoutBeginning ends a ticket that has only an end.
func TestSignOutOfTicketWithoutBeginning(t *testing.T) {
	n := newFarmNode(t)
	store := n.open()
	s := opener(t, "katana")(n, &cookie.SessionsOptions{Store: store})
	ticket := &sessiontoken.KatanaTicket{Identity: user("bob").Identities[0]}
	ticket.Properties.SetTime(sessiontoken.PropertyExpires, n.clock.Now().Add(3*time.Hour))
	b := new(browser)
	if err := b.issue(s, ticket); err != nil {
		t.Fatal(err)
	}
	b.clone().signOut(t, s)
	for range 10 {
		if p, err := guardOf(s).Check(b.request()); err == nil {
			t.Fatalf("%s is back", p.Name())
		}
		n.clock.Move(20 * time.Minute)
	}
	for key, e := range store.data { // not for centuries
		if e.expires.After(n.clock.Now().Add(24 * time.Hour)) {
			t.Errorf("%s until %v", key, e.expires)
		}
	}
}

// TestSessionsAmongOthers has sessions in a guard with another credential: each
// counts, and only a session is renewed.
func TestSessionsAmongOthers(t *testing.T) {
	n := newFarmNode(t)
	forms, katana := opener(t, "forms")(n, &cookie.SessionsOptions{ClearInvalid: true}), opener(t,
		"katana")(n, nil)
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), newReader())
	guard.AcceptSessions(forms)
	guard.AcceptSessions(katana)
	ok := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		w.Header().Set("User", p.Name())
	}))
	b := new(browser)
	b.signIn(t, katana, user("eve"), nil)
	n.clock.Move(40 * time.Minute)
	b.signIn(t, forms, user("bob"), nil)
	for _, step := range []struct {
		set, value, user string
		cookies          int // that are set
	}{
		{"", "", "bob", 0},
		{".ASPXAUTH", "forged", "eve", 1}, // renewed
		{"FedAuth", "bob", "bob", 0},
		{"FedAuth", "forged", "eve", 0},
		{".AspNet.Cookies", "forged", "", 1}, // .ASPXAUTH is cleared
	} {
		if step.set != "" {
			b.set(step.set, step.value)
		}
		w := b.do(ok)
		if got := w.Header().Get("User"); got != step.user ||
			len(w.Header()["Set-Cookie"]) != step.cookies {
			t.Errorf("%s=%s: %q, %q", step.set, step.value, got, attributes(w.Header()))
		}
	}
	for _, s := range []*cookie.Sessions{nil, new(cookie.Sessions)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic for sessions that nobody made")
				}
			}()
			guard.AcceptSessions(s)
		}()
	}
}
