package cookie_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// counters count events under names such as "refused:expired", and which key
// opened the cookies that were read.
type counters struct{ *expvar.Map }

func (c counters) Observe(_ context.Context, e cookie.Event) {
	name := e.Kind
	switch e.Kind {
	case "read":
		c.Add("key:"+e.KeyID, 1)
	case "store":
		c.Add("store:"+e.Reason+":microseconds", e.Took.Microseconds())
		name += ":" + e.Reason
		if e.Err != nil {
			name += ":failed"
		}
	default:
		if e.Reason != "" {
			name += ":" + e.Reason
		}
	}
	c.Add(name, 1)
}

// Counters for /debug/vars, with nothing but the standard library.
func Example_observer() {
	count := counters{new(expvar.Map)} // expvar.NewMap("sessions") publishes it
	cfg, _ := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	key, _ := machinekey.New(cfg)
	ring, _ := machinekey.NewRing(key)
	codec, _ := sessiontoken.NewSessionCodec(ring, nil)
	sessions, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Observer: count.Observe})
	if err != nil {
		fmt.Println(err)
		return
	}

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "https://app.example/", nil)
	bob := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Password",
		Claims:             []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}},
	}}}
	if err := sessions.SignIn(w, r, bob, nil); err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	_, _ = guardOf(sessions).Check(r)
	_, _ = guardOf(sessions).Check(r)
	r.Header.Set("Cookie", "FedAuth=forged")
	_, _ = guardOf(sessions).Check(r)

	fmt.Println("signed in:", count.Get("signed_in"))
	fmt.Println("read:", count.Get("read"), "with the key", count.Get("key:"+key.ID()))
	fmt.Println("refused as invalid:", count.Get("refused:invalid"))
	// Output:
	// signed in: 1
	// read: 2 with the key 2
	// refused as invalid: 1
}

// TestEvents has one event, or a few, for each verdict and each act.
func TestEvents(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			var events eventList
			revoked := false
			n := newFarmNode(t)
			o := &cookie.SessionsOptions{Observer: events.Observe, Sliding: cookie.On,
				Revoked: revokedIf(&revoked)}
			s := open(n, o)
			b := new(browser)
			wants := func(step, want string) {
				t.Helper()
				for _, e := range events.events {
					if e.Cookie != s.CookieName() ||
						(e.KeyID == n.ring.Primary().ID()) != (e.Kind == "read") {
						t.Errorf("%s: %+v", step, e)
					}
					if (e.Err != nil) != (e.Kind == "unavailable") {
						t.Errorf("%s: %+v", step, e)
					}
				}
				if got := events.String(); strings.TrimSpace(got) != want {
					t.Errorf("%s: %s, want %s", step, got, want)
				}
			}
			b.visit(s)
			wants("no cookie", "")
			b.signIn(t, s, user("bob"), nil)
			wants("sign-in", "signed_in")
			b.visit(s)
			wants("visit", "read")
			revoked = true
			b.visit(s)
			wants("revoked", "refused:revoked")
			revoked = false
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			hung := open(n, &cookie.SessionsOptions{Observer: events.Observe,
				Revoked: func(ctx context.Context, _ cookie.Session) (bool, error) { return false, ctx.Err() }})
			_, _ = guardOf(hung).Check(b.request().WithContext(ctx))
			wants("cancelled", "unavailable")
			for text, want := range map[string]string{
				"forged":                        "refused:invalid",
				strings.Repeat("A", 256<<10+1):  "refused:too_long",
				b.cookies[0].Value[:20]:         "refused:invalid",
				strings.Repeat("0123456789", 9): "refused:invalid",
			} {
				_, _ = guardOf(s).Check(request(s.CookieName() + "=" + text))
				wants("forged", want)
			}
			thief := b.clone()
			b.signOut(t, s)
			wants("sign-out", "signed_out")
			b.signOut(t, s)
			wants("a second one", "")
			n.clock.Move(2 * time.Hour)
			thief.visit(s)
			wants("expired", "refused:expired")
			switch kind {
			case "token":
				n.clock.Move(-4 * time.Hour)
				thief.visit(s)
				wants("early", "refused:not_yet_valid")
				_, _ = guardOf(s).Check(request(testkit.Header(parts(61, "x"))))
				wants("chunks", "refused:chunks")
			case "katana":
				_, _ = guardOf(s).Check(request(s.CookieName() + "=chunks:3"))
				wants("chunks", "refused:chunks")
			case "core":
				_, _ = guardOf(s).Check(request(s.CookieName() + "=chunks-3"))
				wants("chunks", "refused:chunks")
			}
		})
}

// TestEventsOfRenewal has those that tell the key, and those of refused
// renewals.
func TestEventsOfRenewal(t *testing.T) {
	forModes(t, func(t *testing.T, f *modeFarm) {
		var events eventList
		s := f.node(cookie.SessionsOptions{Observer: events.Observe})
		b := f.signIn(s, "bob")
		old := f.ring.Primary()
		f.clock.Move(40 * time.Minute)
		events = eventList{}
		b.visit(s)
		if e := events.events; len(e) != 2 || e[1].Kind != "renewed" || e[1].KeyID != old.ID() ||
			events.String() != "read renewed:sliding " {
			t.Errorf("%+v", e)
		}
		if err := f.ring.Replace(newTestKey(t), old); err != nil {
			t.Fatal(err)
		}
		b.visit(s)
		if e := events.events; len(e) != 2 || e[1].KeyID != old.ID() ||
			events.String() != "read renewed:key " {
			t.Errorf("%+v", e)
		}
		f.clock.Move(40 * time.Minute)
		calls := 0
		f.store.before = func(op, key string) error {
			if op == "put" {
				calls++
				return errDown
			}
			return nil
		}
		b.visit(s)
		f.store.before = nil
		got := events.String()
		if want := "read renewal_failed:sliding "; calls > 0 && got != want ||
			calls == 0 && got != "read renewed:sliding " {
			t.Errorf("%d calls failed: %s", calls, got)
		}
	})
}

// TestHookErrors wants a hook that fails to be an outage and no verdict.
func TestHookErrors(t *testing.T) {
	n := newFarmNode(t)
	for want, err := range map[string]error{
		"invalid": sessiontoken.ErrInvalid, "expired": sessiontoken.ErrExpired, "not_yet_valid": sessiontoken.ErrNotYetValid,
		"endpoint": sessiontoken.ErrEndpoint, "unsupported": sessiontoken.ErrUnsupported,
		"dpapi":        fmt.Errorf("%w: %w", sessiontoken.ErrUnsupported, layer.ErrDPAPI),
		"not_in_store": sessiontoken.ErrNotInStore, "not_authenticated": cookie.ErrNotAuthenticated, "revoked": cookie.ErrRevoked,
		"": errDown,
	} {
		// The error of the hook is an outage, whatever it wraps.
		var events eventList
		s := opener(t, "token")(n, &cookie.SessionsOptions{Observer: events.Observe,
			Revoked: func(context.Context, cookie.Session) (bool, error) { return false, err }})
		b := new(browser)
		b.signIn(t, s, user("bob"), nil)
		events = eventList{}
		if _, got := guardOf(s).Check(b.request()); !errors.Is(got, cookie.ErrUnavailable) ||
			events.String() != "unavailable " {
			t.Errorf("%s: %v", want, got)
		}
	}
}

func TestReasonsOfOtherNodes(t *testing.T) {
	n := newFarmNode(t)
	var events eventList
	elsewhere, err := sessiontoken.NewSessionCodec(n.ring,
		&sessiontoken.SessionOptions{Endpoint: "/elsewhere", Now: n.clock.Now, Store: n.memory()})
	if err != nil {
		t.Fatal(err)
	}
	other, err := cookie.NewSessions(elsewhere, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := opener(t, "token")(n, &cookie.SessionsOptions{Observer: events.Observe})
	for want, o := range map[string]*cookie.SignInOptions{"endpoint": nil,
		"not_in_store": {Reference: true}} {
		b := new(browser)
		b.signIn(t, other, user("bob"), o)
		_, _ = guardOf(s).Check(b.request())
		if got := events.String(); got != "refused:"+want+" " {
			t.Errorf("%s: %s", want, got)
		}
	}
	dpapi := "AQAAANCMnd8BFdERjHoAwE/Cl+s" + strings.Repeat("A", 300)
	_, err = guardOf(s).Check(request("FedAuth=" + dpapi))
	if got := events.String(); !strings.HasPrefix(got, "refused:") {
		t.Errorf("%s, %v", got, err)
	}
}

// TestObserveStoreTellsOfEachCall has one event for each call, and passes everything on.
func TestObserveStoreTellsOfEachCall(t *testing.T) {
	var events eventList
	n := newFarmNode(t)
	below := n.open()
	store := cookie.ObserveStore(below, events.Observe)
	ctx := context.Background()
	if err := store.Put(ctx, "key.secret", []byte("data"),
		n.clock.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if data, _, err := store.Get(ctx, "key.secret"); string(data) != "data" || err != nil {
		t.Error(err)
	}
	if err := store.Delete(ctx, "key.secret"); err != nil {
		t.Error(err)
	}
	if _, _, err := store.Get(ctx, "key.secret"); !errors.Is(err, sessiontoken.ErrNotInStore) {
		t.Error(err)
	}
	for i, e := range events.events {
		if e.Kind != "store" || e.Err != nil || e.Took < 0 || e.Cookie != "" ||
			strings.Contains(fmt.Sprintf("%+v", e), "secret") {
			t.Errorf("call %d: %+v", i, e)
		}
	}
	if got := events.String(); got != "store:put store:get store:delete store:get " {
		t.Error(got)
	}
	below.before = func(string, string) error { return errDown }
	_, _, err := store.Get(ctx, "x")
	if e := events.events; len(e) != 1 || e[0].Err != errDown || err != errDown {
		t.Errorf("%+v, %v", e, err)
	}
	if cookie.ObserveStore(below, nil) != sessiontoken.Store(below) ||
		cookie.ObserveStore(nil, events.Observe) != nil {
		t.Error("a store without observer, or the other way round, is changed")
	}
}

// logLines is a handler that writes down level, message and the names of
// attributes, and looks for secrets in their values.
type logLines struct {
	t       *testing.T
	secrets []string
	mu      sync.Mutex
	lines   map[string]bool
}

func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler       { panic("not used") }
func (l *logLines) WithGroup(string) slog.Handler            { panic("not used") }
func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.Key
		for _, secret := range l.secrets {
			if strings.Contains(a.Value.String(), secret) {
				l.t.Errorf("%s: %s is %s", r.Message, a.Key, a.Value)
			}
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[line] = true
	return nil
}

// TestLogIsStable wants these lines and no others, whatever happens, and no
// name, id or value in them.
func TestLogIsStable(t *testing.T) {
	want := map[string]bool{
		"DEBUG cookie: credential refused source error":    true,
		"WARN cookie: credential not checked source error": true,
		"WARN cookie: session not renewed cookie error":    true,

		"WARN cookie: credentials refused source credential reason count": true,
	}
	forModes(t, func(t *testing.T, f *modeFarm) {
		log := &logLines{t: t, lines: map[string]bool{}}
		o := cookie.SessionsOptions{Logger: slog.New(log), OnePerUser: true}
		s := f.node(o)
		visit := func(b *browser, s *cookie.Sessions) {
			g := guardOf(s)
			g.SetLogger(o.Logger)
			b.do(g.Handler(http.NotFoundHandler()))
		}
		b := f.signIn(s, "bob.secret")
		one, err := s.Session(b.request())
		if err != nil {
			t.Fatal(err)
		}
		log.secrets = []string{"secret", one.ID(), b.cookies[0].Value}
		f.clock.Move(40 * time.Minute)
		for at := range 8 {
			f.store.failAt(at)
			visit(b, s)
			_ = s.SignIn(httptest.NewRecorder(), b.request(), user("bob.secret"), &f.in)
			_ = s.SignOut(httptest.NewRecorder(), b.request())
		}
		f.store.before = nil
		b = f.signIn(s, "bob.secret")
		f.clock.Move(40 * time.Minute)
		o.MaxBytes = 11
		visit(b, f.node(o))
		b.signOut(t, s)
		b = f.signIn(s, "bob.secret")
		thief := b.clone()
		b.signOut(t, s)
		visit(thief, s)
		for line := range log.lines {
			if !want[line] {
				t.Errorf("logged %s", line)
			}
		}
		if len(log.lines) != len(want) {
			t.Errorf("%d kinds of lines", len(log.lines))
		}
	})
}
