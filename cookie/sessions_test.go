package cookie_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func newTestClock() *testkit.Clock { return testkit.NewClock(on2026()) }

func newTestKey(t testing.TB) *machinekey.Key {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Mode = machinekey.Framework45
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newTestRing(t testing.TB) *machinekey.Ring {
	t.Helper()
	ring, err := machinekey.NewRing(newTestKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// farmNode is what the nodes of a farm have in common, to make one of them.
type farmNode struct {
	ring  *machinekey.Ring
	clock *testkit.Clock
	// inStore is the store of the codec: tokens may be in reference mode, and
	// tickets of Katana are.
	inStore sessiontoken.Store
}

func newFarmNode(t testing.TB) *farmNode {
	return &farmNode{ring: newTestRing(t), clock: newTestClock()}
}

// memory returns a store that goes by the clock of the farm.
func (n *farmNode) memory() *sessiontoken.MemoryStore {
	return sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: n.clock.Now})
}

type sessionKind struct {
	name string
	make func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error)
}

// sessionKinds are the kinds of sessions. Each ticket lives for an hour.
var sessionKinds = []sessionKind{
	{"token", func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error) {
		codec, err := sessiontoken.NewSessionCodec(n.ring, &sessiontoken.SessionOptions{
			Endpoint: "/", Lifetime: time.Hour, Store: n.inStore, Now: n.clock.Now})
		if err != nil {
			return nil, err
		}
		return cookie.NewSessions(codec, o)
	}},
	{"forms", func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error) {
		codec, err := sessiontoken.NewFormsCodec(n.ring,
			&sessiontoken.FormsOptions{Lifetime: time.Hour, Now: n.clock.Now})
		if err != nil {
			return nil, err
		}
		return cookie.NewSessions(codec, o)
	}},
	{"katana", func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error) {
		codec, err := sessiontoken.NewKatanaCodec(n.ring, sessiontoken.Cookie("Cookies"),
			&sessiontoken.KatanaOptions{
				Lifetime: time.Hour, Store: n.inStore, Now: n.clock.Now})
		if err != nil {
			return nil, err
		}
		return cookie.NewSessions(codec, o)
	}},
	{"core", func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error) {
		codec, err := sessiontoken.NewCoreCodec(coreKeys{n.ring}, sessiontoken.Cookie("Cookies"),
			&sessiontoken.CoreOptions{
				Lifetime: time.Hour, Now: n.clock.Now})
		if err != nil {
			return nil, err
		}
		return cookie.NewSessions(codec, o)
	}},
}

// coreKeys stand for a key ring of ASP.NET Core, whose keys a test can exchange
// as those of a machine key. Its purposes have no primary one.
type coreKeys struct{ *machinekey.Ring }

func (k coreKeys) Protector(purposes ...string) (sessiontoken.Protector, error) {
	return k.Ring.Protector(append([]string{machinekey.UserPurpose, "core"}, purposes...)...)
}

// coreKeyXML returns the element of a new key, see testkit.CoreKey.
func coreKeyXML(t testing.TB, n int, now time.Time) string {
	return testkit.CoreKey(n, now, seed.Of(t).Bytes(64))
}

// freshCoreRing returns a key ring of ASP.NET Core with one new key.
func freshCoreRing(t testing.TB, now time.Time) *dataprotection.Ring {
	t.Helper()
	ring, err := dataprotection.Open(t.Context(),
		dataprotection.Document([]byte(coreKeyXML(t, 3, now))), &dataprotection.RingOptions{
			ApplicationName: "SharedCookieApp", Interval: -1, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// wif10 is not among sessionKinds, as few tests differ for it.
var wif10 = sessionKind{"wif10",
	func(n *farmNode, o *cookie.SessionsOptions) (*cookie.Sessions, error) {
		codec, err := sessiontoken.NewSessionCodec(n.ring, &sessiontoken.SessionOptions{WIF10: true,
			Endpoint: "/", Lifetime: time.Hour, Store: n.inStore, Now: n.clock.Now})
		if err != nil {
			return nil, err
		}
		return cookie.NewSessions(codec, o)
	}}

// forKinds runs a test for each kind.
func forKinds(t *testing.T, run func(t *testing.T, kind string, open func(n *farmNode, o *cookie.SessionsOptions) *cookie.Sessions)) {
	for _, k := range sessionKinds {
		t.Run(k.name, func(t *testing.T) { run(t, k.name, opener(t, k.name)) })
	}
}

// opener returns what makes the sessions of a kind.
func opener(t testing.TB, kind string) func(n *farmNode, o *cookie.SessionsOptions) *cookie.Sessions {
	kinds := append(slices.Clone(sessionKinds), wif10)
	i := slices.IndexFunc(kinds, func(k sessionKind) bool { return k.name == kind })
	return func(n *farmNode, o *cookie.SessionsOptions) *cookie.Sessions {
		t.Helper()
		s, err := kinds[i].make(n, o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// browser keeps cookies by their names, in the order they came.
type browser struct{ cookies []pair }

func (b *browser) set(name, value string) {
	b.drop(name)
	b.cookies = append(b.cookies, pair{Name: name, Value: value})
}

func (b *browser) drop(name string) {
	b.cookies = slices.DeleteFunc(b.cookies, func(p pair) bool { return p.Name == name })
}

// clone returns a thief's copy.
func (b *browser) clone() *browser { return &browser{slices.Clone(b.cookies)} }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://app.example/", nil)
	if len(b.cookies) > 0 {
		r.Header.Set("Cookie", testkit.Header(b.cookies))
	}
	return r
}

// take does what the lines of a response say.
func (b *browser) take(h http.Header) {
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			panic(err)
		}
		if c.MaxAge < 0 || c.Expires.Unix() == 0 {
			b.drop(c.Name)
		} else {
			b.set(c.Name, c.Value)
		}
	}
}

// do runs one request.
func (b *browser) do(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, b.request())
	b.take(w.Result().Header)
	return w
}

func (b *browser) signIn(t testing.TB, s *cookie.Sessions, p *sessiontoken.Principal, o *cookie.SignInOptions) *httptest.ResponseRecorder {
	t.Helper()
	return b.do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.SignIn(w, r, p, o); err != nil {
			t.Fatal(err)
		}
	}))
}

func (b *browser) signOut(t testing.TB, s interface {
	SignOut(http.ResponseWriter, *http.Request) error
}) *httptest.ResponseRecorder {
	t.Helper()
	return b.do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.SignOut(w, r); err != nil {
			t.Fatal(err)
		}
	}))
}

// guardOf returns a guard that accepts s and nothing else.
func guardOf(s *cookie.Sessions) *cookie.Guard {
	var g cookie.Guard
	g.AcceptSessions(s)
	return &g
}

// visit goes through the handler and returns the user, "" if refused, and
// whether the session was renewed.
func (b *browser) visit(s *cookie.Sessions) (name string, renewed bool) {
	w := b.do(guardOf(s).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		name = p.Name()
	})))
	return name, len(w.Result().Header["Set-Cookie"]) > 0
}

// wants checks that the request is read as that of a user.
func (b *browser) wants(t testing.TB, s *cookie.Sessions, name string) {
	t.Helper()
	if p, err := guardOf(s).Check(b.request()); err != nil || p.Name() != name {
		t.Errorf("Check = %q, %v; want %q", p.Name(), err, name)
	}
}

// refused checks that the request is refused with an error.
func (b *browser) refused(t testing.TB, s *cookie.Sessions, want error) {
	t.Helper()
	if p, err := guardOf(s).Check(b.request()); p != nil || !errors.Is(err, want) {
		t.Errorf("Check = %q, %v; want %v", p.Name(), err, want)
	}
}

func TestSessionsSignInAndOut(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			s := open(n, nil)
			b := &browser{cookies: []pair{{Name: "theme", Value: "dark"}}}
			b.refused(t, s, cookie.ErrNoCredential)
			w := b.signIn(t, s, user("bob"), nil)
			if h := w.Header(); h.Get("Cache-Control") != noCacheOf(kind) ||
				h.Get("Vary") != "Cookie" {
				t.Errorf("header %v", h)
			}
			b.wants(t, s, "bob")
			got, err := s.Session(b.request())
			if err != nil || got.Principal().Name() != "bob" ||
				!got.SignedIn().Equal(n.clock.Now()) ||
				!got.Expires().Equal(n.clock.Now().Add(time.Hour)) {
				t.Errorf("Session = %+v, %v", got, err)
			}
			// Another node of the farm.
			b.wants(t, open(n, nil), "bob")
			b.signOut(t, s)
			if !slices.Equal(b.cookies, []pair{{Name: "theme", Value: "dark"}}) {
				t.Errorf("%d cookies after sign-out", len(b.cookies))
			}
			b.refused(t, s, cookie.ErrNoCredential)
			if w := b.signOut(t, s); (w.Header()["Set-Cookie"] != nil) != (kind == "core") { // which .NET deletes in any case
				t.Error("a second sign-out deletes something")
			}
		})
}

// noCacheOf is the Cache-Control of a response that sets a cookie of a kind.
func noCacheOf(kind string) string {
	if kind == "core" {
		return "no-cache,no-store"
	}
	return "no-cache"
}

// attributes are the lines of a response without their values.
func attributes(h http.Header) []string {
	var list []string
	for _, line := range h["Set-Cookie"] {
		pair, rest, _ := strings.Cut(line, ";")
		name, _, _ := strings.Cut(pair, "=")
		list = append(list, name+";"+rest)
	}
	return list
}

func TestSessionsAttributes(t *testing.T) {
	all := &http.Cookie{Name: "ID", Path: "/app", Domain: "example.com",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
		Value: "not used", MaxAge: 7, Expires: time.Unix(1, 0)}
	for _, test := range []struct {
		kind string
		o    cookie.SessionsOptions
		in   cookie.SignInOptions
		want string
	}{
		{"token", cookie.SessionsOptions{}, cookie.SignInOptions{}, "FedAuth; Path=/; HttpOnly; Secure"},
		{"forms", cookie.SessionsOptions{}, cookie.SignInOptions{},
			".ASPXAUTH; Path=/; HttpOnly; SameSite=Lax"},
		{"katana", cookie.SessionsOptions{}, cookie.SignInOptions{},
			".AspNet.Cookies; Path=/; HttpOnly; Secure"},
		{"katana", cookie.SessionsOptions{IsTLS: func(*http.Request) bool { return false }},
			cookie.SignInOptions{}, ".AspNet.Cookies; Path=/; HttpOnly"},
		{"katana", cookie.SessionsOptions{Cookie: &http.Cookie{}}, cookie.SignInOptions{},
			".AspNet.Cookies; Path=/"},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{}}, cookie.SignInOptions{}, "FedAuth; Path=/"},
		{"forms", cookie.SessionsOptions{Cookie: &http.Cookie{}}, cookie.SignInOptions{}, ".ASPXAUTH; Path=/"},
		{"token", cookie.SessionsOptions{}, cookie.SignInOptions{Persistent: true},
			"FedAuth; Path=/; Expires=Sat, 21 Nov 2026 10:00:00 GMT; HttpOnly; Secure"},
		{"token", cookie.SessionsOptions{}, cookie.SignInOptions{Persistent: true,
			Lifetime: 2 * time.Hour},
			"FedAuth; Path=/; Expires=Sat, 21 Nov 2026 11:00:00 GMT; HttpOnly; Secure"},
		{"token", cookie.SessionsOptions{PersistentLifetime: 48 * time.Hour},
			cookie.SignInOptions{Persistent: true},
			"FedAuth; Path=/; Expires=Mon, 23 Nov 2026 09:00:00 GMT; HttpOnly; Secure"},
		{"token", cookie.SessionsOptions{PersistentLifetime: 48 * time.Hour},
			cookie.SignInOptions{}, "FedAuth; Path=/; HttpOnly; Secure"},
		{"forms", cookie.SessionsOptions{}, cookie.SignInOptions{Persistent: true,
			Lifetime: 2 * time.Hour},
			".ASPXAUTH; Path=/; Expires=Sat, 21 Nov 2026 11:00:00 GMT; HttpOnly; SameSite=Lax"},
		{"katana", cookie.SessionsOptions{}, cookie.SignInOptions{Persistent: true},
			".AspNet.Cookies; Path=/; Expires=Sat, 21 Nov 2026 10:00:00 GMT; HttpOnly; Secure"},
		{"token", cookie.SessionsOptions{MaxLifetime: 30 * time.Minute},
			cookie.SignInOptions{Persistent: true},
			"FedAuth; Path=/; Expires=Sat, 21 Nov 2026 09:30:00 GMT; HttpOnly; Secure"},
		{"token", cookie.SessionsOptions{Cookie: all}, cookie.SignInOptions{},
			"ID; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"forms", cookie.SessionsOptions{Cookie: all}, cookie.SignInOptions{},
			"ID; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"katana", cookie.SessionsOptions{Cookie: all}, cookie.SignInOptions{},
			"ID; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=None; Partitioned"},
	} {
		s := opener(t, test.kind)(newFarmNode(t), &test.o)
		b := new(browser)
		w := b.signIn(t, s, user("bob"), &test.in)
		if got := attributes(w.Header()); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s %+v: %q, want %q", test.kind, test.in, got, test.want)
		}
		// The deletion carries the same, so that the browser finds it.
		w = b.signOut(t, s)
		name, rest, _ := strings.Cut(test.want, ";")
		for _, part := range strings.Split(rest, ";") {
			if line := w.Header().Get("Set-Cookie"); !strings.HasPrefix(line, name+"=;") ||
				!strings.Contains(part, "Expires") && !strings.Contains(line, part) {
				t.Errorf("%s: deletion %q lacks %q", test.kind, line, part)
			}
		}
	}
}

func TestNewSessionsRefusesWrongOptions(t *testing.T) {
	store := sessiontoken.NewMemoryStore(nil)
	for _, test := range []struct {
		kind string
		o    cookie.SessionsOptions
		want error
	}{
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{SameSite: http.SameSiteNoneMode}},
			cookie.ErrInvalidCookie},
		{"forms", cookie.SessionsOptions{Cookie: &http.Cookie{SameSite: http.SameSiteNoneMode}},
			cookie.ErrInvalidCookie},
		{"katana", cookie.SessionsOptions{Cookie: &http.Cookie{SameSite: http.SameSiteNoneMode}},
			cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{Partitioned: true}}, cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{Name: "__Host-x", Path: "/app",
			Secure: true}}, cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{Path: "/a;b", Secure: true}},
			cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{Domain: "a b"}}, cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{Cookie: &http.Cookie{Name: "a b"}}, cookie.ErrInvalidCookie},
		{"token", cookie.SessionsOptions{ChunkSize: 999}, nil},
		{"token", cookie.SessionsOptions{Sliding: 3}, nil},
		{"token", cookie.SessionsOptions{MaxLifetime: -1}, nil},
		{"token", cookie.SessionsOptions{PersistentLifetime: -1}, nil},
		{"token", cookie.SessionsOptions{Verified: -1}, nil},
		{"token", cookie.SessionsOptions{MaxBytes: -1}, nil},
		{"forms", cookie.SessionsOptions{PersistentLifetime: 1}, nil},
		{"token", cookie.SessionsOptions{OnePerUser: true}, nil},
		{"forms", cookie.SessionsOptions{MaxLifetime: time.Hour}, nil},
	} {
		n := newFarmNode(t)
		for _, k := range sessionKinds {
			if k.name != test.kind {
				continue
			}
			s, err := k.make(n, &test.o)
			if err == nil || s != nil || test.want != nil && !errors.Is(err, test.want) ||
				!strings.HasPrefix(err.Error(), "cookie: ") {
				t.Errorf("%s %+v: %v", test.kind, test.o, err)
			}
		}
	}
	for _, o := range []cookie.SessionsOptions{{MaxLifetime: time.Hour, Store: store},
		{MaxLifetime: time.Hour, Sliding: cookie.Off}} {
		opener(t, "forms")(newFarmNode(t), &o)
	}
	if _, err := cookie.NewSessions(nil, nil); err == nil {
		t.Error("no codec")
	}
	if _, err := cookie.NewSessions(nil, nil); err == nil {
		t.Error("no codec")
	}
	if _, err := cookie.NewSessions(nil, nil); err == nil {
		t.Error("no codec")
	}
}

// crowd is a user with n roles.
func crowd(n int) *sessiontoken.Principal {
	p := user("bob")
	x := uint64(1)
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
		p.Identities[0].Claims = append(p.Identities[0].Claims,
			sessiontoken.Claim{Type: "r", Value: fmt.Sprintf("%016x", x)})
	}
	return p
}

// TestSignInWritesAllOrNothing wants the header as it was after each error.
func TestSignInWritesAllOrNothing(t *testing.T) {
	late := user("late")
	late.Identities[0].AuthenticationType = ""
	for _, test := range []struct {
		name, kind string
		p          *sessiontoken.Principal
		o          cookie.SignInOptions
		want       error
	}{
		{"nobody", "token", nil, cookie.SignInOptions{}, cookie.ErrNotAuthenticated},
		{"not authenticated", "forms", late, cookie.SignInOptions{}, cookie.ErrNotAuthenticated},
		{"negative lifetime", "katana", user("bob"), cookie.SignInOptions{Lifetime: -1}, nil},
		{"user data in a token", "token", user("bob"), cookie.SignInOptions{UserData: "x"}, nil},
		{"context in a forms ticket", "forms", user("bob"), cookie.SignInOptions{Context: "x"}, nil},
		{"reference in a forms ticket", "forms", user("bob"), cookie.SignInOptions{Reference: true}, nil},
		{"reference without a store", "token", user("bob"), cookie.SignInOptions{Reference: true}, nil},
		{"properties in a token", "token", user("bob"),
			cookie.SignInOptions{Properties: sessiontoken.Properties{{"a", "b"}}}, nil},
		{"forms ticket without a name", "forms", user(""), cookie.SignInOptions{}, nil},
		{"two identities for Katana", "katana",
			&sessiontoken.Principal{Identities: append(user("a").Identities,
				user("b").Identities...)}, cookie.SignInOptions{}, nil},
		{"token too large", "token", crowd(2000), cookie.SignInOptions{}, cookie.ErrTooLong},
		{"Katana's ticket too large", "katana", crowd(2000), cookie.SignInOptions{}, cookie.ErrTooLong},
		{"user data too large", "forms", user("bob"),
			cookie.SignInOptions{UserData: strings.Repeat("x", 3000)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := opener(t, test.kind)(newFarmNode(t), nil)
			w := httptest.NewRecorder()
			w.Header()["Set-Cookie"] = []string{"theme=dark", "FedAuth=old; Path=/",
				".ASPXAUTH=old; Path=/"}
			w.Header().Set("Cache-Control", "max-age=60")
			before := w.Header().Clone()
			b := &browser{cookies: parts(4, "x")}
			err := s.SignIn(w, b.request(), test.p, &test.o)
			if err == nil || test.want != nil && !errors.Is(err, test.want) ||
				!reflect.DeepEqual(w.Header(), before) {
				t.Errorf("error %v, header %v", err, attributes(w.Header()))
			}
		})
	}
}

func TestSessionsSizes(t *testing.T) {
	var log bytes.Buffer
	n := newFarmNode(t)
	s := opener(t, "token")(n,
		&cookie.SessionsOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	b := new(browser)
	b.signIn(t, s, user("bob"), nil)
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
	b.signIn(t, s, crowd(300), nil)
	size := len(testkit.Header(b.cookies))
	want := fmt.Sprintf("level=WARN msg=\"cookie: large session; browsers and proxies may drop it\" cookie=FedAuth cookies=%d bytes=%d limit=%d\n",
		len(b.cookies), size, chunks.DefaultMaxBytes)
	if !strings.HasSuffix(log.String(), want) || size <= chunks.WarnBytes {
		t.Errorf("%d bytes, logged %s", size, &log)
	}
	// The limits are the size itself.
	for _, limit := range []int{size, size - 1} {
		tight := opener(t, "token")(n, &cookie.SessionsOptions{MaxBytes: limit})
		w := httptest.NewRecorder()
		token, err := s.Session(b.request())
		if err != nil {
			t.Fatal(err)
		}
		err = tight.Issue(w, httptest.NewRequest("GET", "/", nil), token.Ticket())
		want := fmt.Sprintf("FedAuth needs %d cookies of %d bytes together, the limit is %d;",
			len(b.cookies), size, limit)
		if limit == size && err != nil ||
			limit < size && (!errors.Is(err, cookie.ErrTooLong) ||
				!strings.Contains(err.Error(), want) || len(w.Header()) > 0) {
			t.Errorf("limit %d of %d: %v", limit, size, err)
		}
	}
}

func TestSignInDeletesSurplusChunks(t *testing.T) {
	for kind, scheme := range map[string]func(i int) string{
		"token": func(i int) string { return []string{"FedAuth", "FedAuth1", "FedAuth2", "FedAuth5", "fedauth3"}[i] },
		"katana": func(i int) string {
			return []string{".AspNet.Cookies", ".AspNet.CookiesC1", ".AspNet.CookiesC2",
				".AspNet.CookiesC5", ".AspNet.CookiesC7"}[i]
		},
	} {
		s := opener(t, kind)(newFarmNode(t), nil)
		b := &browser{cookies: []pair{{Name: "theme", Value: "dark"}}}
		for i := range 5 {
			b.set(scheme(i), "stale")
		}
		b.signIn(t, s, user("bob"), nil)
		if len(b.cookies) != 2 || b.cookies[1].Name != scheme(0) {
			t.Errorf("%s: %d cookies left", kind, len(b.cookies))
		}
		b.wants(t, s, "bob")
		for i := range 4 {
			b.set(scheme(i+1), "stale")
		}
		b.signOut(t, s)
		if len(b.cookies) != 1 {
			t.Errorf("%s: %d cookies left after sign-out", kind, len(b.cookies))
		}
	}
}

// A renewal, a sign-in and a sign-out in one response leave what the last of
// them said.
func TestOneSetPerResponse(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			s := open(n, &cookie.SessionsOptions{Sliding: cookie.On})
			b := new(browser)
			if kind == "forms" {
				b.signIn(t, s, user("bob"), nil)
			} else {
				b.signIn(t, s, crowd(150), nil) // several chunks
			}
			many := len(b.cookies)
			n.clock.Move(50 * time.Minute)
			next := func(w http.ResponseWriter, r *http.Request) {
				if len(w.Header()["Set-Cookie"]) != many {
					t.Errorf("%d lines after the renewal", len(w.Header()["Set-Cookie"]))
				}
				w.Header().Add("Set-Cookie", "theme=dark; Path=/")
				w.Header().Add("Set-Cookie", s.CookieName()+"=x; Path=/elsewhere")
				w.Header().Set("Cache-Control", "private, No-Store")
				if err := s.SignIn(w, r, user("eve"), nil); err != nil {
					t.Error(err)
				}
			}
			w := b.clone().do(guardOf(s).Handler(http.HandlerFunc(next)))
			if got := w.Header()["Set-Cookie"]; len(got) != 2+many ||
				!strings.HasPrefix(got[0], "theme=") || !strings.HasSuffix(got[1], "/elsewhere") {
				t.Errorf("sign-in after a renewal: %d lines, want %d", len(got), 2+many)
			}
			if got := w.Header().Get("Cache-Control"); got != "private, No-Store" {
				t.Errorf("Cache-Control weakened to %q", got)
			}
			after := b.clone()
			after.do(guardOf(s).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := s.SignIn(w, r, user("eve"), nil); err != nil {
					t.Error(err)
				}
			})))
			after.wants(t, s, "eve")
			if len(after.cookies) != 1 {
				t.Errorf("%d cookies", len(after.cookies))
			}
			b.do(guardOf(s).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := s.SignOut(w, r); err != nil {
					t.Error(err)
				}
			})))
			if len(b.cookies) != 0 {
				t.Errorf("sign-out after a renewal leaves %d cookies", len(b.cookies))
			}
		})
}

func TestIssueRefusesOthersTickets(t *testing.T) {
	tickets := []cookie.Ticket{nil, (*sessiontoken.Token)(nil), (*sessiontoken.FormsTicket)(nil),
		(*sessiontoken.KatanaTicket)(nil), (*sessiontoken.CoreTicket)(nil)}
	owners := map[string]cookie.Ticket{"token": new(sessiontoken.Token),
		"forms": new(sessiontoken.FormsTicket), "katana": new(sessiontoken.KatanaTicket),
		"core": new(sessiontoken.CoreTicket)}
	for kind := range owners {
		s := opener(t, kind)(newFarmNode(t), nil)
		all := slices.Clone(tickets)
		for other, ticket := range owners {
			if other != kind {
				all = append(all, ticket)
			}
		}
		if kind != "forms" {
			all = append(all, owners[kind]) // empty; a forms ticket may be
		}
		for _, ticket := range all {
			w := httptest.NewRecorder()
			if err := s.Issue(w, new(browser).request(), ticket); err == nil ||
				len(w.Header()) > 0 {
				t.Errorf("%s issues a %T: %v", kind, ticket, err)
			}
		}
	}
}

// Whatever prints sessions shows no id, name or key.
func TestSessionsPrintNoSecrets(t *testing.T) {
	n := newFarmNode(t)
	n.inStore = n.memory()
	s := opener(t, "token")(n, nil)
	b := new(browser)
	b.signIn(t, s, user("bob.secret"), &cookie.SignInOptions{Reference: true,
		Context: "context.secret"})
	one, err := s.Session(b.request())
	if err != nil {
		t.Fatal(err)
	}
	q, err := cookie.NewSQSession(n.ring, cookie.Credential{Name: "SQSessionFlowtime"},
		&cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: n.inStore}, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, s, one, &one, q)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "a", one, "b", &one)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "a", one, "b", &one)
	for _, secret := range []string{"secret", one.ID(), strings.TrimPrefix(one.ID(), "urn:uuid:")} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in %s", secret, &out)
		}
	}
	if !strings.Contains(out.String(), "cookie.Sessions{FedAuth}") {
		t.Error(&out)
	}
}
