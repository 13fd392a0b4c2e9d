package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// openStore is a store that a test can look into. before is called with each
// call, outside of the lock, and its error is that of the call.
type openStore struct {
	clock  *testkit.Clock
	before func(op, key string) error

	mu   sync.Mutex
	data map[string]openEntry
}

type openEntry struct {
	data    []byte
	expires time.Time
}

func (n *farmNode) open() *openStore {
	return &openStore{clock: n.clock, data: map[string]openEntry{}}
}

func (s *openStore) enter(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.before != nil {
		if err := s.before(op, key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	return nil
}

func (s *openStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if err := s.enter(ctx, "get", key); err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	if e, ok := s.data[key]; ok && e.expires.After(s.clock.Now()) {
		return slices.Clone(e.data), e.expires, nil
	}
	return nil, time.Time{}, sessiontoken.ErrNotInStore
}

func (s *openStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if err := s.enter(ctx, "put", key); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.data[key] = openEntry{slices.Clone(data), expires}
	return nil
}

func (s *openStore) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx, "delete", key); err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.data, key)
	return nil
}

// tickets counts the entries that are no records of Sessions.
func (s *openStore) tickets() (n int) {
	for key := range s.data {
		if !strings.HasPrefix(key, sessiontoken.NotePrefix) {
			n++
		}
	}
	return n
}

var errDown = errors.New("store: connection refused")

// failAt makes the call number n fail, counted from 0, and reports whether
// there was one.
func (s *openStore) failAt(n int) (reached *bool) {
	reached = new(bool)
	calls := 0
	s.before = func(string, string) error {
		if calls++; calls-1 == n {
			*reached = true
			return errDown
		}
		return nil
	}
	return reached
}

// storeModes are the kinds of sessions, each with the ticket in the cookie and,
// where that can be, in the store.
var storeModes = []struct {
	kind      string
	reference bool
}{{"token", false}, {"token", true}, {"wif10", false}, {"forms", false}, {"katana", false},
	{"katana", true}, {"core", false}}

// forModes runs a test for each mode: with a farm, its store, and what makes a
// node of it.
func forModes(t *testing.T, run func(t *testing.T, f *modeFarm)) {
	for _, m := range storeModes {
		t.Run(fmt.Sprintf("%s reference=%v", m.kind, m.reference), func(t *testing.T) {
			run(t, newModeFarm(t, m.kind, m.reference))
		})
	}
}

type modeFarm struct {
	*farmNode
	t         testing.TB
	kind      string
	reference bool
	store     *openStore
	in        cookie.SignInOptions
}

func newModeFarm(t testing.TB, kind string, reference bool) *modeFarm {
	f := &modeFarm{farmNode: newFarmNode(t), t: t, kind: kind, reference: reference}
	f.store = f.farmNode.open()
	if reference {
		f.inStore = f.store
		f.in.Reference = kind == "token"
	}
	return f
}

// node returns another node.
func (f *modeFarm) node(o cookie.SessionsOptions) *cookie.Sessions {
	f.t.Helper()
	o.Store = f.store
	o.Sliding = cookie.On
	return opener(f.t, f.kind)(f.farmNode, &o)
}

func (f *modeFarm) signIn(s *cookie.Sessions, name string) *browser {
	f.t.Helper()
	b := new(browser)
	b.signIn(f.t, s, user(name), &f.in)
	return b
}

func TestSignOutIsSeenByAllNodes(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		a, b := f.node(cookie.SessionsOptions{}), f.node(cookie.SessionsOptions{Verified: 10})
		bob := f.signIn(a, "bob")
		f.clock.Move(time.Microsecond)
		other := f.signIn(b, "bob")
		oldest := bob.clone()
		thieves := []*browser{oldest}
		for i := range 3 { // renewals, also two from the same ticket
			f.clock.Move(33 * time.Minute)
			thief := bob.clone()
			if name, renewed := bob.visit([]*cookie.Sessions{a, b}[i%2]); name != "bob" ||
				!renewed {
				t.Fatalf("visit %d: %q, renewed: %v", i, name, renewed)
			}
			f.clock.Move(time.Second)
			branch := thief.clone()
			branch.visit(b)
			thieves = append(thieves, thief, branch, bob.clone())
			f.clock.Move(time.Second) // forms tickets of one moment are one
			other.visit(b)
		}
		for _, thief := range thieves[len(thieves)-2:] {
			thief.wants(t, a, "bob")
			thief.wants(t, b, "bob")
		}
		thieves[len(thieves)-3].signOut(t, a) // with the older ticket
		for i, thief := range thieves[1:] {
			for _, node := range []*cookie.Sessions{a, b} {
				if p, err := guardOf(node).Check(thief.request()); p != nil ||
					errors.Is(err, cookie.ErrUnavailable) {
					t.Errorf("copy %d after sign-out: %q, %v", i, p.Name(), err)
				}
			}
		}
		if !f.reference { // else the entry is gone
			bob.refused(t, b, cookie.ErrRevoked)
		}
		other.wants(t, a, "bob") // another session of the same user
		// The note outlives every cookie of the session, and is then gone.
		for range 70 {
			f.clock.Move(time.Minute)
			bob.visit(b)
			if p, err := guardOf(b).Check(bob.request()); err == nil {
				t.Fatalf("an ended session is back: %v", p)
			}
		}
	})
}

// TestRenewalRacesSignOut puts a sign-out on another node before each call of
// the store that a renewal makes, and has each later call fail or not. The
// session must not survive.
func TestRenewalRacesSignOut(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		cases := 0
		for at := 0; ; at++ {
			reached := false
			for failing := range 8 {
				a, b := f.node(cookie.SessionsOptions{}), f.node(cookie.SessionsOptions{})
				bob := f.signIn(a, "bob")
				f.clock.Move(40 * time.Minute)
				thief, leaver := bob.clone(), bob.clone()
				calls, busy, done := 0, false, false
				f.store.before = func(string, string) error {
					if busy {
						return nil
					}
					calls++
					if calls-1 == at {
						reached, busy, done = true, true, true
						leaver.signOut(t, b)
						busy = false
					}
					if done && failing > 0 && calls-1 == at+failing-1 {
						return errDown
					}
					return nil
				}
				bob.visit(a) // may be renewed, refused or let in once more
				f.store.before = nil
				if !done {
					continue
				}
				cases++
				for _, left := range []*browser{bob, thief} {
					if p, err := guardOf(b).Check(left.request()); err == nil {
						t.Errorf("sign-out before call %d, failure %d: %s is still signed in", at,
							failing, p.Name())
					}
				}
			}
			if !reached {
				break
			}
		}
		if cases < 8 {
			t.Errorf("%d cases", cases)
		}
	})
}

// TestSignInWithFailingStore has each call of the store fail in turn: nothing
// is written, nothing is left, nobody else is signed out.
func TestSignInWithFailingStore(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		for at := 0; ; at++ {
			s := f.node(cookie.SessionsOptions{OnePerUser: true, MaxLifetime: 10 * time.Hour})
			before := f.signIn(s, "bob")
			tickets := f.store.tickets()
			f.clock.Move(time.Minute)
			reached := f.store.failAt(at)
			w := httptest.NewRecorder()
			err := s.SignIn(w, new(browser).request(), user("bob"), &f.in)
			f.store.before = nil
			if !*reached {
				if err != nil || at < 2 {
					t.Errorf("after %d calls: %v", at, err)
				}
				break
			}
			if err == nil { // the older session is refused all the same
				before.refused(t, s, cookie.ErrRevoked)
				continue
			}
			if !errors.Is(err, cookie.ErrUnavailable) || !errors.Is(err, errDown) ||
				len(w.Header()) > 0 {
				t.Errorf("call %d: %v, header %v", at, err, w.Header())
			}
			if n := f.store.tickets(); n != tickets {
				t.Errorf("call %d: %d tickets in the store, before %d", at, n, tickets)
			}
			before.wants(t, s, "bob")
		}
	})
}

// TestCancelledSignInLeavesNothing wants the entry taken back although the
// request has gone.
func TestCancelledSignInLeavesNothing(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		ctx, cancel := context.WithCancel(context.Background())
		f.store.before = func(op, key string) error {
			if strings.HasPrefix(key, "note;latest;") {
				cancel()
				return ctx.Err()
			}
			return nil
		}
		w := httptest.NewRecorder()
		err := s.SignIn(w, new(browser).request().WithContext(ctx), user("bob"), &f.in)
		if !errors.Is(err, cookie.ErrUnavailable) || len(w.Header()) > 0 || len(f.store.data) != 0 {
			t.Errorf("%v, header %v, %d entries", err, w.Header(), len(f.store.data))
		}
	})
}

// TestOutageSignsNobodyOut has each call fail in turn while a user visits and
// signs out.
func TestOutageSignsNobodyOut(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		for at := 0; ; at++ {
			s := f.node(cookie.SessionsOptions{OnePerUser: true, ClearInvalid: true})
			bob := f.signIn(s, "bob")
			f.clock.Move(40 * time.Minute)
			reached := f.store.failAt(at)
			w := httptest.NewRecorder()
			guardOf(s).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, bob.request())
			f.store.before = nil
			if !*reached {
				break
			}
			if w.Code != 200 && w.Code != 503 ||
				len(w.Header()["Set-Cookie"]) > 0 && w.Code != 200 {
				t.Errorf("visit, call %d: status %d, %q", at, w.Code, attributes(w.Header()))
			}
			bob.wants(t, s, "bob")
			w = httptest.NewRecorder()
			reached = f.store.failAt(at)
			err := s.SignOut(w, bob.request())
			f.store.before = nil
			if !*reached {
				continue
			}
			if !errors.Is(err, cookie.ErrUnavailable) || len(w.Header()) > 0 {
				t.Errorf("sign-out, call %d: %v, %q", at, err, attributes(w.Header()))
			}
			thief := bob.clone()
			bob.signOut(t, s) // again
			if p, err := guardOf(s).Check(thief.request()); err == nil || len(bob.cookies) > 0 {
				t.Errorf("call %d: %s is signed in after the second sign-out, %v",
					at, p.Name(), err)
			}
			if f.store.tickets() > 0 {
				t.Errorf("call %d: %d tickets left", at, f.store.tickets())
			}
		}
		// All calls fail: 503 on each node, Optional too.
		s := f.node(cookie.SessionsOptions{})
		bob := f.signIn(s, "bob")
		f.store.before = func(string, string) error { return errDown }
		for _, h := range []http.Handler{guardOf(s).Handler(http.NotFoundHandler()),
			guardOf(s).Optional(http.NotFoundHandler())} {
			if w := bob.do(h); w.Code != http.StatusServiceUnavailable ||
				w.Header()["Set-Cookie"] != nil {
				t.Errorf("status %d", w.Code)
			}
		}
	})
}

func TestOnePerUserAcrossNodes(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		o := cookie.SessionsOptions{OnePerUser: true, MaxLifetime: 24 * time.Hour}
		a, b := f.node(o), f.node(o)
		first := f.signIn(a, "Bob")
		eve := f.signIn(a, "eve")
		f.clock.Move(40 * time.Minute)
		first.visit(b) // a renewal in between
		older := first.clone()
		f.clock.Move(time.Second)
		second := f.signIn(b, "bOB")
		for _, node := range []*cookie.Sessions{a, b} {
			first.refused(t, node, cookie.ErrRevoked)
			older.refused(t, node, cookie.ErrRevoked)
			second.wants(t, node, "bOB")
			eve.wants(t, node, "eve")
		}
		// The clock of the node where the third signs in is behind.
		f.clock.Move(-time.Minute)
		third := f.signIn(a, "bob")
		second.refused(t, b, cookie.ErrRevoked)
		third.wants(t, b, "bob")
		third.signOut(t, b)
		second.refused(t, a, cookie.ErrRevoked)
		// A short session must not bring a longer one back when it is forgotten.
		f.clock.Move(24 * time.Hour)
		f.in.Lifetime = 20 * time.Hour
		long := f.signIn(a, "bob")
		f.clock.Move(time.Minute)
		f.in.Lifetime = time.Minute
		f.signIn(b, "bob")
		for range 25 {
			f.clock.Move(time.Hour)
			if p, err := guardOf(a).Check(long.request()); err == nil {
				t.Fatalf("%s is back", p.Name())
			}
		}
	})
}

func TestOnePerUserNeedsNamesAndAnEnd(t *testing.T) {
	f := newModeFarm(t, "token", false)
	s := f.node(cookie.SessionsOptions{OnePerUser: true})
	for _, test := range []struct {
		name string
		in   cookie.SignInOptions
	}{{"", cookie.SignInOptions{}}, {"bob", cookie.SignInOptions{Lifetime: time.Hour + 1}}} {
		w := httptest.NewRecorder()
		if err := s.SignIn(w, new(browser).request(), user(test.name), &test.in); err == nil ||
			len(w.Header()) > 0 || len(f.store.data) > 0 {
			t.Errorf("%q %v: %v, %d entries", test.name, test.in.Lifetime, err, len(f.store.data))
		}
	}
}

func TestRevokedHook(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			var seen []cookie.Session
			var revoked bool
			var hookErr error
			n := newFarmNode(t)
			s := open(n, &cookie.SessionsOptions{Verified: 4, Sliding: cookie.On,
				Revoked: func(_ context.Context, one cookie.Session) (bool, error) {
					seen = append(seen, one)
					return revoked, hookErr
				}})
			bob := new(browser)
			bob.signIn(t, s, user("bob"), nil)
			for range 3 {
				bob.wants(t, s, "bob")
				n.clock.Move(40 * time.Minute)
				bob.visit(s)
			}
			for _, one := range seen {
				if one.Principal().Name() != "bob" || (one.ID() == "") != (kind == "forms") ||
					one.ID() != seen[0].ID() ||
					kind != "forms" && !one.SignedIn().Equal(seen[0].SignedIn()) {
					t.Errorf("seen %s %q", one.ID(), one.Principal().Name())
				}
			}
			hookErr = errDown
			bob.refused(t, s, cookie.ErrUnavailable)
			hookErr, revoked = nil, true
			bob.refused(t, s, cookie.ErrRevoked)
			if w := bob.do(guardOf(s).Handler(http.NotFoundHandler())); w.Code != 401 ||
				w.Header()["Set-Cookie"] != nil {
				t.Errorf("status %d", w.Code)
			}
			revoked = false
			bob.wants(t, s, "bob")
		})
}

// TestDataAtRest wants no name, id or claim in the store, and records refused
// that changed places.
func TestDataAtRest(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		s := f.node(cookie.SessionsOptions{OnePerUser: true})
		bob := f.signIn(s, "bob.secret")
		one, err := s.Session(bob.request())
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Move(40 * time.Minute)
		bob.visit(s)
		f.signIn(s, "eve.secret").signOut(t, s)
		renewed := bob.clone()
		id := strings.TrimPrefix(strings.TrimPrefix(one.ID(), "urn:uuid:"), "katana:")
		for key, e := range f.store.data {
			if all := key + "\x00" + string(e.data); strings.Contains(all, "secret") ||
				strings.HasPrefix(key, "note;ended;") && strings.Contains(all, id) ||
				strings.Contains(string(e.data), id) {
				t.Errorf("%s tells a name or an id", key)
			}
		}
		bob.signOut(t, s)
		if !f.reference {
			renewed.refused(t, s, cookie.ErrRevoked)
		}
		keys := slices.Sorted(maps.Keys(f.store.data))
		for _, kind := range []string{"note;ended;", "note;first;"} {
			var of []string
			for _, key := range keys {
				if strings.HasPrefix(key, kind) {
					of = append(of, key)
				}
			}
			for i, key := range of {
				if kind == "note;ended;" && len(of) < 2 {
					t.Errorf("%d records", len(of))
				}
				e := f.store.data[key]
				f.store.data[key] = f.store.data[of[(i+1)%len(of)]]
				if len(of) == 1 { // spoilt
					f.store.data[key] = openEntry{append([]byte("x"), e.data...), e.expires}
				}
				if p, err := guardOf(s).Check(renewed.request()); err == nil {
					t.Errorf("%s: %q is signed in", key, p.Name())
				}
				f.store.data[key] = e
			}
		}
	})
}

// TestLimitsOfNotes wants sign-out to hold where cookies are good for longer
// than usual.
func TestLimitsOfNotes(t *testing.T) {
	n := newFarmNode(t)
	store := n.open()
	tokens, err := sessiontoken.NewSessionCodec(n.ring,
		&sessiontoken.SessionOptions{Lifetime: time.Minute, ClockSkew: time.Hour, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	skewed, err := cookie.NewSessions(tokens, &cookie.SessionsOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := sessiontoken.NewKatanaCodec(n.ring, sessiontoken.Cookie("Cookies"),
		&sessiontoken.KatanaOptions{InsecureNoExpiry: true, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	endless, err := cookie.NewSessions(tickets, &cookie.SessionsOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*cookie.Sessions{skewed, endless} {
		b := new(browser)
		b.do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var err error
			if s == skewed {
				err = s.SignIn(w, r, user("bob"), nil)
			} else {
				err = s.Issue(w, r, &sessiontoken.KatanaTicket{Identity: user("bob").Identities[0]})
			}
			if err != nil {
				t.Fatal(err)
			}
		}))
		b.wants(t, s, "bob")
		b.clone().signOut(t, s)
		for range 7 {
			b.refused(t, s, cookie.ErrRevoked)
			n.clock.Move(10 * time.Minute)
		}
	}
}

// TestIssueOfStoredTicket issues a ticket that the caller made into a store.
func TestIssueOfStoredTicket(t *testing.T) {
	f := newModeFarm(t, "katana", true)
	s := f.node(cookie.SessionsOptions{OnePerUser: true})
	ticket := &sessiontoken.KatanaTicket{Identity: user("bob").Identities[0]}
	ticket.Properties.SetTime(sessiontoken.PropertyIssued, f.clock.Now())
	ticket.Properties.SetTime(sessiontoken.PropertyExpires, f.clock.Now().Add(time.Hour))
	before := *ticket
	before.Properties = slices.Clone(ticket.Properties)
	b := new(browser)
	b.do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Issue(w, r, ticket); err != nil {
			t.Fatal(err)
		}
	}))
	if !reflect.DeepEqual(*ticket, before) {
		t.Error("the caller's ticket was changed")
	}
	b.wants(t, s, "bob")
	one, err := s.Session(b.request())
	if err != nil {
		t.Fatal(err)
	}
	b.signOut(t, s)
	if f.store.tickets() != 0 {
		t.Error("the entry is left")
	}
	// The properties of an ended session do not end the next.
	given := slices.DeleteFunc(slices.Clone(one.Ticket().(*sessiontoken.KatanaTicket).Properties),
		func(p [2]string) bool {
			return strings.HasPrefix(p[0], ".")
		})
	plain := newModeFarm(t, "katana", false)
	for range 2 {
		next := plain.node(cookie.SessionsOptions{})
		b.signIn(t, next, user("bob"), &cookie.SignInOptions{Properties: given})
		b.wants(t, next, "bob")
		b.signOut(t, next)
	}
}
