package cookie_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newSQ returns the sessions of SQSession of Flowtime on a node, unless c names
// another.
func (n *farmNode) newSQ(t testing.TB, c cookie.Credential, store sessiontoken.Store) *cookie.Sessions {
	t.Helper()
	c.Name = cmp.Or(c.Name, "SQSessionFlowtime")
	q, err := cookie.NewSQSession(n.ring, c,
		&cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: store}, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := cookie.SessionsOf(q)
	if s == nil || q.CookieName() != c.Name {
		t.Fatalf("no sessions of %s", q.CookieName())
	}
	return s
}

// newOpaque returns the SQSession of Flowtime that is left to the product.
func newOpaque(t testing.TB) *cookie.SQSession {
	t.Helper()
	q, err := cookie.NewSQSession(nil, cookie.Credential{Name: "SQSessionFlowtime", Opaque: true,
		NoReuse: true}, &cookie.SiteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestSQSessionCookie has the attributes of the cookie and their defaults.
func TestSQSessionCookie(t *testing.T) {
	for _, test := range []struct {
		c    cookie.Credential
		want string
	}{
		{cookie.Credential{}, "SQSessionFlowtime; Path=/; HttpOnly"},
		{cookie.Credential{Name: "SQSession_123456"}, "SQSession_123456; Path=/; HttpOnly"},
		{cookie.Credential{Path: "/Flowtime"}, "SQSessionFlowtime; Path=/Flowtime; HttpOnly"},
		{cookie.Credential{Domain: "example.com"}, "SQSessionFlowtime; Path=/; Domain=example.com; HttpOnly"},
		{cookie.Credential{Secure: cookie.On}, "SQSessionFlowtime; Path=/; HttpOnly; Secure"},
		{cookie.Credential{ScriptAccess: true, SameSite: "Strict"},
			"SQSessionFlowtime; Path=/; SameSite=Strict"},
	} {
		q := newFarmNode(t).newSQ(t, test.c, nil)
		w := new(browser).signIn(t, q, user("bob"), nil)
		if got := attributes(w.Header()); !slices.Equal(got, []string{test.want}) ||
			!strings.HasPrefix(test.want, q.CookieName()+";") {
			t.Errorf("%+v: %q, want %q", test.c, got, test.want)
		}
	}
}

func TestSQSessionRefusesWrongOptions(t *testing.T) {
	ring := newTestRing(t)
	for name, c := range map[string]cookie.Credential{
		"no name":              {},
		"negative lifetime":    {Name: "x", Lifetime: -1},
		"negative fade":        {Name: "x", CacheItemFade: -1},
		"negative size":        {Name: "x", CacheMaxSize: -1},
		"NoReuse and no store": {Name: "x", NoReuse: true},
		"name with a blank":    {Name: "x y"},
		"SameSite=None":        {Name: "x", SameSite: "None"},
		"opaque, bad name":     {Name: "x;y", Opaque: true},
		"chunk size":           {Name: "x", ChunkSize: 2000},
	} {
		if q, err := cookie.NewSQSession(ring, c, &cookie.SiteOptions{}); err == nil || q != nil {
			t.Errorf("%s: %v, %v", name, q, err)
		}
	}
	if _, err := cookie.NewSQSession(nil, cookie.Credential{Name: "x"},
		&cookie.SiteOptions{}); err == nil {
		t.Error("no ring")
	}
	if _, err := cookie.NewSQSession(nil, cookie.Credential{Name: "x", Opaque: true},
		&cookie.SiteOptions{}); err != nil {
		t.Error(err)
	}
}

// sqStores are an SQSession in the cookie and one in a store.
func sqStores(t *testing.T, run func(t *testing.T, n *farmNode, store sessiontoken.Store)) {
	t.Run("cookie", func(t *testing.T) { run(t, newFarmNode(t), nil) })
	t.Run("store", func(t *testing.T) {
		n := newFarmNode(t)
		run(t, n, n.open())
	})
}

// TestSQSessionLifetime wants a session to end its lifetime after the last use,
// exact to a minute.
func TestSQSessionLifetime(t *testing.T) {
	sqStores(t, func(t *testing.T, n *farmNode, store sessiontoken.Store) {
		for _, lifetime := range []time.Duration{0, 5 * time.Minute} {
			want := lifetime
			if lifetime == 0 {
				want = 20 * time.Minute
			}
			q := n.newSQ(t, cookie.Credential{Lifetime: lifetime}, store)
			for uses := range 20 {
				b := new(browser)
				b.signIn(t, q, user("bob"), nil)
				for i := range uses {
					n.clock.Move((want - time.Minute) * time.Duration(i*7%10) / 9)
					if name, _ := b.visit(q); name != "bob" {
						t.Fatalf("ended in use, after %d uses", i)
					}
				}
				n.clock.Move(want - time.Minute)
				b.wants(t, q, "bob") // Check is no use
				n.clock.Move(2*time.Minute + time.Second)
				if p, err := guardOf(q).Check(b.request()); err == nil {
					t.Fatalf("%s after %d uses and %v", p.Name(), uses, want+time.Minute)
				}
			}
		}
	})
}

func TestSQSessionMaxLifetime(t *testing.T) {
	sqStores(t, func(t *testing.T, n *farmNode, store sessiontoken.Store) {
		for given, want := range map[time.Duration]time.Duration{0: 1440 * time.Minute,
			time.Hour: time.Hour, -1: 0} {
			q := n.newSQ(t, cookie.Credential{MaxLifetime: given}, store)
			b := new(browser)
			b.signIn(t, q, user("bob"), nil)
			age := time.Duration(0)
			for ; age < 30*time.Hour; age += 7 * time.Minute {
				if name, _ := b.visit(q); name == "" {
					break
				}
				n.clock.Move(7 * time.Minute)
			}
			if want == 0 && age < 30*time.Hour ||
				want > 0 && (age <= want || age > want+7*time.Minute) {
				t.Errorf("MaxLifetime %v: ended at %v", given, age)
			}
		}
	})
}

// TestSQSessionNoReuse has a user sign in on another node, whose store is the
// same.
func TestSQSessionNoReuse(t *testing.T) {
	n := newFarmNode(t)
	o, store := cookie.Credential{NoReuse: true}, n.open()
	a, b := n.newSQ(t, o, store), n.newSQ(t, o, store)
	first, eve := new(browser), new(browser)
	first.signIn(t, a, user("bob"), nil)
	eve.signIn(t, a, user("eve"), nil)
	first.wants(t, a, "bob")
	n.clock.Move(time.Minute)
	second := new(browser)
	second.signIn(t, b, user("BOB"), nil)
	for _, node := range []*cookie.Sessions{a, b} { // at once
		first.refused(t, node, cookie.ErrRevoked)
		second.wants(t, node, "BOB")
		eve.wants(t, node, "eve")
	}
}

// TestSQSessionReuse has two browsers of a user share one session.
func TestSQSessionReuse(t *testing.T) {
	n := newFarmNode(t)
	store := n.open()
	a, b := n.newSQ(t, cookie.Credential{}, store), n.newSQ(t, cookie.Credential{}, store)
	first, second, eve := new(browser), new(browser), new(browser)
	first.signIn(t, a, user("bob"), nil)
	n.clock.Move(time.Second)
	second.signIn(t, b, user("Bob"), nil)
	eve.signIn(t, b, user("eve"), nil)
	n.clock.Move(6 * time.Second) // memory in front of the store
	if store.tickets() != 2 || first.cookies[0] != second.cookies[0] {
		t.Errorf("%d sessions, want one for bob and one for eve", store.tickets())
	}
	for key, e := range store.data { // who can read the store cannot make the cookie
		one, err := chunks.WIF.Join(first.request(), a.CookieName())
		if err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(one)
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(string(text), `Id="`)
		if id, _, _ = strings.Cut(id, `"`); len(id) < 32 ||
			strings.Contains(key+string(e.data), id[:32]) {
			t.Errorf("%s and its data tell the ID %q", key, id)
		}
	}
	for range 100 { // used in turn, it lasts for both
		n.clock.Move(5 * time.Minute)
		for _, both := range []*browser{first, second} {
			if name, _ := both.visit(b); name != "Bob" {
				t.Fatalf("%q", name)
			}
		}
		if name, _ := eve.visit(a); name != "eve" {
			t.Fatalf("%q", name)
		}
	}
	thief := second.clone()
	first.signOut(t, a)
	n.clock.Move(6 * time.Second)
	for _, node := range []*cookie.Sessions{a, b} {
		for _, left := range []*browser{second, thief} {
			if p, err := guardOf(node).Check(left.request()); err == nil ||
				errors.Is(err, cookie.ErrUnavailable) {
				t.Errorf("%q, %v", p.Name(), err)
			}
		}
		eve.wants(t, node, "eve")
	}
	second.signIn(t, b, user("bob"), nil)
	second.wants(t, a, "bob")
	if second.cookies[0] == thief.cookies[0] {
		t.Error("an ended session was joined")
	}
	thief.refused(t, a, sessiontoken.ErrNotInStore)

	// Users without a name have nothing in common.
	if err := a.SignIn(httptest.NewRecorder(), new(browser).request(), user(""), nil); err == nil {
		t.Error("a user without a name signs in")
	}
	// A sign-in that fails takes no session with it.
	reached := store.failAt(2)
	if err := a.SignIn(httptest.NewRecorder(), new(browser).request(), user("bob"),
		nil); err == nil || !*reached {
		t.Errorf("%v, %v", err, *reached)
	}
	store.before = nil
	n.clock.Move(6 * time.Second)
	second.wants(t, b, "bob")
}

// TestSQSessionReuseEnds has the setting changed while users are signed in.
func TestSQSessionReuseEnds(t *testing.T) {
	n := newFarmNode(t)
	store := n.open()
	b, other := new(browser), new(browser)
	b.signIn(t, n.newSQ(t, cookie.Credential{}, store), user("bob"), nil)
	q := n.newSQ(t, cookie.Credential{NoReuse: true}, store)
	b.wants(t, q, "bob")
	n.clock.Move(time.Second)
	other.signIn(t, q, user("bob"), nil)
	b.refused(t, q, cookie.ErrRevoked)
	again := n.newSQ(t, cookie.Credential{}, store)
	b.signIn(t, again, user("bob"), nil)
	b.wants(t, again, "bob")
	other.wants(t, again, "bob")
}

// TestSQSessionReuseAfterLostKey wants users to get in when the entries of the
// store are of a key that is gone.
func TestSQSessionReuseAfterLostKey(t *testing.T) {
	for _, noReuse := range []bool{false, true} {
		n := newFarmNode(t)
		q := n.newSQ(t, cookie.Credential{NoReuse: noReuse}, n.open())
		b := new(browser)
		b.signIn(t, q, user("bob"), nil)
		if err := n.ring.Replace(newTestKey(t)); err != nil {
			t.Fatal(err)
		}
		if p, err := guardOf(q).Check(b.request()); err == nil {
			t.Errorf("%s", p.Name())
		}
		n.clock.Move(time.Second)
		b.signIn(t, q, user("bob"), nil)
		b.wants(t, q, "bob")
		b.signOut(t, q)
	}
}

// TestSQSessionCache counts the calls that get through to the store.
func TestSQSessionCache(t *testing.T) {
	for _, test := range []struct {
		name  string
		o     cookie.Credential
		wait  time.Duration
		calls int // for the entries of sessions
	}{
		{"no bound", cookie.Credential{}, 2 * time.Second, 2},
		{"one entry", cookie.Credential{CacheMaxSize: 1}, 0, 10},
		{"fade", cookie.Credential{CacheItemFade: time.Second}, 2 * time.Second, 4},
	} {
		n := newFarmNode(t)
		store := n.open()
		q := n.newSQ(t, test.o, store)
		bob, eve := new(browser), new(browser)
		bob.signIn(t, q, user("bob"), nil)
		eve.signIn(t, q, user("eve"), nil)
		n.clock.Move(6 * time.Second)
		calls := 0
		store.before = func(op, key string) error {
			if op == "get" && !strings.HasPrefix(key, "note;ended;") {
				calls++
			}
			return nil
		}
		for i := range 5 {
			if i == 3 {
				n.clock.Move(test.wait)
			}
			bob.wants(t, q, "bob")
			eve.wants(t, q, "eve")
		}
		if calls != test.calls {
			t.Errorf("%s: %d calls, want %d", test.name, calls, test.calls)
		}
	}
}

func TestSQSessionApplicationsAreApart(t *testing.T) {
	n := newFarmNode(t)
	for _, store := range []sessiontoken.Store{nil, n.open()} {
		flowtime := n.newSQ(t, cookie.Credential{}, store)
		admin := n.newSQ(t, cookie.Credential{Name: "SQSessionAdministration"}, store)
		b := new(browser)
		b.signIn(t, flowtime, user("bob"), nil)
		b.set("SQSessionAdministration", b.cookies[0].Value)
		b.wants(t, flowtime, "bob")
		if p, err := guardOf(admin).Check(b.request()); err == nil {
			t.Errorf("%s is signed in with the cookie of another application", p.Name())
		}
	}
}

func TestSQSessionDisabledOrOpaque(t *testing.T) {
	disabled, _ := loadSite(t, freshSite(t, formsMode,
		`<sequence.engine><web><session application="Flowtime" enabled="false" reuseSession="false"/></web></sequence.engine>`),
		&cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindSQSession}}}).SQSession()
	for name, q := range map[string]*cookie.SQSession{"disabled": disabled,
		"opaque": newOpaque(t)} {
		b := &browser{[]pair{{Name: "SQSessionFlowtime", Value: "abc"},
			{Name: "SQSessionFlowtime1", Value: "def"}}}
		if cookie.SessionsOf(q) != nil {
			t.Errorf("%s: has sessions", name)
		}
		if text, err := cookie.From(cookie.KindSQSession,
			q.CookieName())(b.request()); text != "abcdef" || err != nil {
			t.Errorf("Value = %q, %v", text, err)
		}
		if b.signOut(t, q); len(b.cookies) != 0 {
			t.Errorf("%d cookies left", len(b.cookies))
		}
	}
}

// TestSQSessionPassesOn goes through a real backend and back, unchanged.
func TestSQSessionPassesOn(t *testing.T) {
	values := []pair{
		{Name: "SQSessionFlowtime", Value: `a"b\c%41+/=,~{}|` + "\t" + "x y"},
		{Name: "sqsessionflowtime1", Value: strings.Repeat("Z", 3000)},
		{Name: "SQSessionFlowtime2", Value: ""},
		{Name: "SQSessionFlowtime", Value: "a second one of the name"},
	}
	lines := []string{
		`SQSessionFlowtime="new, value"; path=/; expires=Sat, 21-Nov-2026 10:00:00 GMT; HttpOnly; SameSite=Lax`,
		"SQSessionFlowtime1=" + strings.Repeat("Y", 4000) + "; path=/",
		"SQSessionFlowtime2=; path=/; expires=Tue, 12-Oct-1999 04:00:00 GMT",
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, line := range append(slices.Clone(lines), "other=x; path=/",
			"SQSessionFlowtimeX=y") {
			w.Header().Add("Set-Cookie", line)
		}
		io.WriteString(w, strings.Join(r.Header["Cookie"], "\n"))
	}))
	defer backend.Close()
	q := newOpaque(t)
	in := (&browser{append([]pair{{Name: "theme", Value: "dark"}, {Name: "FedAuth", Value: "secret"}},
		values...)}).request()
	out, err := http.NewRequest(http.MethodGet, backend.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	out.Header["Cookie"] = []string{"own=1; SQSessionFlowtime9=stale",
		"own2=2; SQSessionFlowtime=stale"}
	if err := q.PassOn(out, in); err != nil {
		t.Fatal(err)
	}
	response, err := backend.Client().Do(out)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := "own=1; own2=2; " + testkit.Header(values); string(body) != want || err != nil {
		t.Errorf("the backend got %.200q, %v", body, err)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "no-store")
	if err := q.PassBack(w, response); err != nil {
		t.Fatal(err)
	}
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, lines) ||
		w.Header().Get("Vary") != "Cookie" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("passed back %d lines, %q", len(got), w.Header()["Cache-Control"])
	}
}

func TestSQSessionRefusesToPassOn(t *testing.T) {
	q := newOpaque(t)
	for name, lines := range map[string][]string{
		"line feed":     {"SQSessionFlowtime=a; SQSessionFlowtime1=b\nX: y"},
		"NUL":           {"SQSessionFlowtime=a\x00b"},
		"not ASCII":     {"SQSessionFlowtime=\xff"},
		"DEL":           {"SQSessionFlowtime=a\x7f"},
		"too long":      {"SQSessionFlowtime=" + strings.Repeat("x", chunks.MaxLength)},
		"many too long": {strings.Repeat("SQSessionFlowtime="+strings.Repeat("x", 1000)+";", 300)},
		"no cookie":     {"SQSessionFlowtimeX=a; SQSessionFlowtime01=b"},
		"no header":     nil,
	} {
		out := request("own=1")
		err := q.PassOn(out, &http.Request{Header: http.Header{"Cookie": lines}})
		if (err == nil) != strings.HasPrefix(name, "no ") ||
			!slices.Equal(out.Header["Cookie"], []string{"own=1"}) {
			t.Errorf("%s: %v, %q", name, err, out.Header["Cookie"])
		}
		var back []string
		for _, line := range lines {
			back = append(back, "SQSessionFlowtime1=good", line)
		}
		w := httptest.NewRecorder()
		if err := q.PassBack(w,
			&http.Response{Header: http.Header{"Set-Cookie": back}}); err != nil &&
			len(w.Header()) > 0 {
			t.Errorf("%s: %v, %d headers", name, err, len(w.Header()))
		}
	}
	out := &http.Request{}
	if err := q.PassOn(out, request("SQSessionFlowtime=a")); err != nil ||
		out.Header.Get("Cookie") != "SQSessionFlowtime=a" {
		t.Error(err, out.Header)
	}
}
