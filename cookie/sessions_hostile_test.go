package cookie_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// A store that goes down in the middle of a sign-out leaves the response as it
// was: half of the cookies deleted would be a user who is signed in by the
// others.
func TestSiteSignOutIsWholeWithAStoreThatGoesDown(t *testing.T) {
	n := newFarmNode(t)
	store := n.open()
	s := loadSite(t, freshSite(t, formsMode, handlerOf(machineKey45)), &cookie.SiteOptions{
		Credentials: []cookie.Credential{{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}}, Now: n.clock.Now,
		Sessions: cookie.SessionsOptions{Store: store}})
	for calls := range 100 {
		var headers []string
		for _, name := range []string{"FedAuth", ".ASPXAUTH", ".AspNet.ApplicationCookie"} {
			one, _ := s.SessionsOf(name)
			header, _ := signIn(t, one, "bob", nil)
			headers = append(headers, header)
		}
		down := store.failFrom(calls)
		w := httptest.NewRecorder()
		err := s.SignOut(w, request(strings.Join(headers, "; ")))
		store.before = nil
		if !*down {
			if lines := w.Header()["Set-Cookie"]; err != nil || len(lines) != 3 || calls == 0 {
				t.Errorf("after %d calls: %v, %q", calls, err, lines)
			}
			return
		}
		if !errors.Is(err, cookie.ErrUnavailable) || len(w.Header()) != 0 {
			t.Errorf("down from call %d on: %v, %v", calls, err, w.Header())
		}
	}
	t.Error("sign-out asks the store for ever")
}

// failFrom makes all calls from number n on fail, and reports whether there
// was one.
func (s *openStore) failFrom(n int) (reached *bool) {
	reached = new(bool)
	calls := 0
	s.before = func(string, string) error {
		if calls++; calls > n {
			*reached = true
			return errDown
		}
		return nil
	}
	return reached
}

// Users who share a session see each other's identity, so they must be one
// user: a name that another issuer gave, or that only looks alike, is not.
func TestSQSessionReuseTellsUsersApart(t *testing.T) {
	from := func(name, issuer, original string) *sessiontoken.Principal {
		p := user(name)
		p.Identities[0].Claims[0].Issuer, p.Identities[0].Claims[0].OriginalIssuer = issuer, original
		return p
	}
	for _, test := range []struct {
		what   string
		a, b   *sessiontoken.Principal
		shared bool
	}{
		{"case", user("kim"), user("Kim"), true},
		{"the default issuer", user("kim"), from("kim", dotnet.LocalAuthority, dotnet.LocalAuthority), true},
		{"Kelvin sign", user("kim"), user("\u212aim"), false},
		{"issuer", user("kim"), from("kim", "https://sts.example", ""), false},
		{"original issuer", from("kim", "https://sts.example", "https://a.example"),
			from("kim", "https://sts.example", "https://b.example"), false},
		{"moved boundary", from("kim", "a b", "c"), from("kim", "a", "b c"), false},
	} {
		n := newFarmNode(t)
		q := n.newSQ(t, cookie.Credential{}, n.open())
		a, b := new(browser), new(browser)
		a.signIn(t, q, test.a, nil)
		b.signIn(t, q, test.b, nil)
		if shared := a.cookies[0] == b.cookies[0]; shared != test.shared {
			t.Errorf("%s: shared %v", test.what, shared)
		}
		p, err := guardOf(q).Check(a.request())
		if err != nil || !test.shared && (p.Name() != test.a.Name() ||
			p.Identities[0].Claims[0].Issuer == test.b.Identities[0].Claims[0].Issuer &&
				strings.HasPrefix(test.what, "issuer")) {
			t.Errorf("%s: the first is now %v, %v", test.what, p, err)
		}
		// Signed out, a user does not join the old session again.
		thief := a.clone()
		a.signOut(t, q)
		n.clock.Move(6 * time.Second)
		a.signIn(t, q, test.a, nil)
		if a.cookies[0] == thief.cookies[0] {
			t.Errorf("%s: an ended session was joined", test.what)
		}
		if _, err := guardOf(q).Check(thief.request()); err == nil {
			t.Errorf("%s: an ended session came back", test.what)
		}
	}
}

// More minutes than a time.Duration holds are many and not few, and no end is
// not taken for one.
func TestSiteSQSessionWithEndlessMinutes(t *testing.T) {
	const section = `<sequence.engine><web><session application="F" lifetime="%1" maxLifetime="%2" cacheItemFade="%1"/></web></sequence.engine>`
	for _, minutes := range []string{"153722868", "200000000", "307445735",
		"307445736", "2147483647"} {
		for _, lifetime := range []string{"5", minutes} {
			text := strings.NewReplacer("%1", lifetime, "%2", minutes).Replace(section)
			s, err := cookie.LoadSite(freshSite(t, "", handlerOf(machineKey45)+text),
				&cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindSQSession}},
					Now: on2026})
			if err != nil {
				t.Errorf("%s, %s: %v", lifetime, minutes, err)
				continue
			}
			if !strings.Contains(s.String(), "at most 36500d") {
				t.Errorf("%s, %s:\n%s", lifetime, minutes, s)
			}
			one, _ := s.SessionsOf("SQSessionF")
			header, _ := signIn(t, one, "bob", nil)
			if status, name := answer(s, request(header)); status != http.StatusOK ||
				name != "bob" {
				t.Errorf("%s, %s: %d %q", lifetime, minutes, status, name)
			}
		}
	}
}

// What no constructor made says so, or recognises nobody.
func TestZeroSessionsDoNotPanic(t *testing.T) {
	var s cookie.Sessions
	w, r := httptest.NewRecorder(), request("FedAuth=AAAA; SQSession=AAAA")
	if err := s.SignIn(w, r, user("bob"), nil); err == nil {
		t.Error("signed in")
	}
	if err := s.SignOut(w, r); err == nil || len(w.Header()["Set-Cookie"]) != 0 {
		t.Errorf("%v, %v", err, w.Header())
	}
	var q cookie.SQSession
	if cookie.SessionsOf(&q) != nil {
		t.Error("SQSession has sessions")
	}
	q.SignOut(httptest.NewRecorder(), request("SQSession=AAAA"))
	if _, err := s.Session(request("FedAuth=AAAA")); err == nil {
		t.Error("a session of nobody")
	}
	if err := s.Issue(httptest.NewRecorder(), request(""),
		new(sessiontoken.FormsTicket)); err == nil {
		t.Error("issued")
	}
}

// JSON shows what a log shows.
func TestSessionInJSONHasNoID(t *testing.T) {
	n := newFarmNode(t)
	n.inStore = n.memory()
	s := opener(t, "token")(n, nil)
	b := new(browser)
	b.signIn(t, s, user("bob.secret"), &cookie.SignInOptions{Reference: true})
	one, err := s.Session(b.request())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{one, &one, map[string]any{"s": one}})
	if err != nil || strings.Contains(string(text), "secret") ||
		strings.Contains(string(text), strings.TrimPrefix(one.ID(), "urn:uuid:")) {
		t.Errorf("%s, %v", text, err)
	}
}

// A role is none the less a role for the case of its claim type, which .NET
// does not look at: a forms ticket must not lose it in silence.
func TestFormsSignInLosesNoRole(t *testing.T) {
	s := opener(t, "forms")(newFarmNode(t), nil)
	p := user("bob")
	p.Identities[0].Claims = append(p.Identities[0].Claims,
		sessiontoken.Claim{Type: strings.ToUpper(sessiontoken.ClaimTypeRole), Value: "Sales"})
	if !p.HasRole("Sales") {
		t.Fatal("not a role")
	}
	if err := s.SignIn(httptest.NewRecorder(), request(""), p, nil); err == nil {
		t.Error("signed in without the role")
	}
}

// With a clock skew that has no end, a session has none, and neither has its
// sign-out.
func TestSignOutOutlastsAnyClockSkew(t *testing.T) {
	for _, skew := range []time.Duration{0, time.Hour, 150 * 365 * 24 * time.Hour, 1<<63 - 1} {
		n := newFarmNode(t)
		codec, err := sessiontoken.NewSessionCodec(n.ring,
			&sessiontoken.SessionOptions{ClockSkew: skew, Now: n.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		s, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Store: n.open()})
		if err != nil {
			t.Fatal(err)
		}
		b := new(browser)
		b.signIn(t, s, user("bob"), nil)
		thief := b.clone()
		b.signOut(t, s)
		for range 100 {
			thief.refused(t, s, cookie.ErrRevoked)
			n.clock.Move(time.Hour)
			if p, err := guardOf(s).Check(thief.request()); err == nil {
				t.Fatalf("skew %v: the ended session of %s came back", skew, p.Name())
			} else if !errors.Is(err, cookie.ErrRevoked) {
				break // it has expired
			}
		}
	}
}

// A node that renews nothing still knows the sessions that others renew: when
// they began, when they ended, and whose key opens them.
func TestNodesThatSlideAndNodesThatDoNot(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(n *farmNode, o *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			store := n.open()
			slides := open(n, &cookie.SessionsOptions{Store: store, Sliding: cookie.On,
				MaxLifetime: 3 * time.Hour})
			fixed := open(n, &cookie.SessionsOptions{Store: store, Sliding: cookie.Off,
				MaxLifetime: 3 * time.Hour})
			session := func() (b, old *browser) {
				n.clock.Move(time.Second) // a forms ticket is named by its times
				b = new(browser)
				b.signIn(t, slides, user("bob"), nil)
				old = b.clone()
				n.clock.Move(40 * time.Minute)
				if _, renewed := b.visit(slides); !renewed {
					t.Fatal("not renewed")
				}
				return b, old
			}

			b, _ := session()
			thief := b.clone()
			b.signOut(t, slides)
			thief.refused(t, fixed, cookie.ErrRevoked)

			b, old := session()
			b.signOut(t, fixed)
			old.refused(t, slides, cookie.ErrRevoked)

			b, _ = session() // began 40 minutes ago
			for range 4 {
				n.clock.Move(40 * time.Minute)
				b.visit(slides)
			}
			b.refused(t, fixed, sessiontoken.ErrExpired)

			b, _ = session()
			thief = b.clone()
			primary := n.ring.Primary()
			if err := n.ring.Replace(newTestKey(t), primary); err != nil {
				t.Fatal(err)
			}
			if _, renewed := b.visit(fixed); !renewed {
				t.Error("not issued again with the new key")
			}
			if err := n.ring.Replace(n.ring.Primary()); err != nil {
				t.Fatal(err)
			}
			b.wants(t, fixed, "bob")
			b.signOut(t, fixed)
			if p, err := guardOf(slides).Check(thief.request()); err == nil {
				t.Errorf("the session of %s came back", p.Name())
			}
		})
}
