package cookie_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// rich is a user with all that a session can say.
func rich() *sessiontoken.Principal {
	claim := func(t, v string) sessiontoken.Claim { return sessiontoken.Claim{Type: t, Value: v} }
	return &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation", NameClaimType: "name", RoleClaimType: "roles",
		Claims: []sessiontoken.Claim{claim("name", "zoe"), claim("roles", "sales"),
			claim("roles", "staff"), claim("AspNet.Identity.SecurityStamp", "X")},
		Bootstrap: machinekey.NewSecret([]byte("<saml/>")), BootstrapKind: "token",
	}}}
}

// TestBridgeClaims signs in on each half, and wants in the same answer a copy
// that says of the user what there is room for.
func TestBridgeClaims(t *testing.T) {
	for _, old := range bridgeKinds {
		for half := range 2 {
			t.Run(string(old.Kind)+strings.Repeat("+", half), func(t *testing.T) {
				f := newBridgeFarm(t, old, cookie.SiteOptions{})
				p, b := rich(), new(browser)
				isForms := old.Kind == cookie.KindForms
				if half == 0 && isForms {
					p = user("zoe")
				}
				if half == 1 || old.Kind == cookie.KindKatana {
					p.Identities[0].Bootstrap, p.Identities[0].BootstrapKind = machinekey.Secret{}, ""
				}
				f.next = func(w http.ResponseWriter, r *http.Request) {
					if err := f.halfs[half].SignIn(w, r, p,
						&cookie.SignInOptions{Persistent: true}); err != nil {
						t.Fatal(err)
					}
				}
				w := f.do(t, b, half)
				f.next = nil
				persistent := 0
				for _, c := range w.Result().Cookies() {
					if !c.Expires.IsZero() {
						persistent++
					}
				}
				if persistent != 3 {
					t.Errorf("%d of the original, its copy and the marker are persistent: %q",
						persistent, w.Header()["Set-Cookie"])
				}
				x, err := f.halfs[1-half].Session(b.request())
				if err != nil {
					t.Fatal(err)
				}
				got := x.Principal()
				if got.Name() != "zoe" || got.HasRole("staff") == isForms ||
					len(got.Identities) != 1 || got.Identities[0].Bootstrap.Len() > 0 {
					t.Errorf("%+v", got)
				}
				want := map[string]string{"forms0": "Cookies", "katana0": "Cookies",
					"fedauth0": "Cookies", "forms1": "Forms", "katana1": "ApplicationCookie",
					"fedauth1": "Federation"}[string(old.Kind)+string(rune('0'+half))]
				if got.Identities[0].AuthenticationType != want {
					t.Errorf("AuthenticationType %q, want %q",
						got.Identities[0].AuthenticationType, want)
				}
				if _, ok := got.First("AspNet.Identity.SecurityStamp"); ok == isForms {
					t.Errorf("security stamp %v", ok)
				}
				if core, ok := x.Ticket().(*sessiontoken.CoreTicket); ok {
					fixed, _ := core.Properties.Get(".refresh")
					if (fixed == "False") != (old.Kind == cookie.KindFedAuth &&
						old.Sliding != cookie.On) {
						t.Errorf(".refresh is %q", fixed)
					}
				}
			})
		}
	}
}

// TestBridgeClaimsFunction wants what the user's function says in the copy, and
// no copy after its error.
func TestBridgeClaimsFunction(t *testing.T) {
	var fail error
	var events []string
	o := cookie.SiteOptions{
		Roles: func(data string) []string { return strings.Split(data, "|") },
		Bridge: &cookie.BridgeOptions{Claims: func(_ context.Context, original cookie.Session, p *sessiontoken.Principal, o *cookie.SignInOptions) error {
			if original.Principal().Name() != "zoe" {
				return errors.New("another original")
			}
			p.Identities[0].Claims[0].Value = "ZOE-on-old"
			o.UserData, o.Persistent, o.Lifetime = "sales|staff", true, time.Minute // the last two do not count
			return fail
		}},
	}
	o.Sessions.Observer = func(_ context.Context, e cookie.Event) { events = append(events, e.Kind) }
	f := newBridgeFarm(t, bridgeKinds[0], o)
	var b browser
	fail = errors.New("database")
	b.signIn(t, f.halfs[1], rich(), nil)
	f.do(t, &b, 1)
	if len(b.cookies) != 1 || !slices.Contains(events, "bridge_failed") {
		t.Fatalf("%d cookies, %q", len(b.cookies), events)
	}
	fail = nil
	f.do(t, &b, 1)
	x, err := f.halfs[0].Session(b.request())
	if err != nil || x.Principal().Name() != "ZOE-on-old" ||
		x.Ticket().(*sessiontoken.FormsTicket).UserData != "sales|staff" {
		t.Fatalf("%+v, %v", x.Principal(), err)
	}
	if !x.Expires().Equal(f.clock.Now().Add(time.Hour)) ||
		x.Ticket().(*sessiontoken.FormsTicket).Persistent {
		t.Errorf("until %v", x.Expires())
	}
	if f.do(t, &b, 0); f.seen != [2]string{"zoe", "ZOE-on-old"} {
		t.Errorf("seen %q", f.seen)
	}
	if f.clock.Move(40 * time.Minute); true { // both are due
		f.do(t, &b, 0)
	}
	if x, err := f.halfs[0].Session(b.request()); err != nil ||
		x.Expires().Before(f.clock.Now().Add(time.Hour)) || !slices.Contains(events, "bridged") {
		t.Errorf("until %v, %v", x.Expires(), err)
	}
}

// TestBridgeRoles wants the roles in the user data of a forms ticket, in whatever
// way SiteOptions.Roles reads them, or no copy that lacks them.
func TestBridgeRoles(t *testing.T) {
	for separator, want := range map[string]string{",": "sales,staff", ";": "sales;staff",
		"|": "sales|staff", " ": "sales staff", "\n": "sales\nstaff", "#": ""} {
		f := newBridgeFarm(t, bridgeKinds[0],
			cookie.SiteOptions{Roles: func(data string) []string { return strings.Split(data, separator) }})
		var b browser
		b.signIn(t, f.halfs[1], rich(), nil)
		f.do(t, &b, 1)
		got := ""
		if x, err := f.halfs[0].Session(b.request()); err == nil {
			got = x.Ticket().(*sessiontoken.FormsTicket).UserData
		}
		if got != want || (len(b.cookies) == 3) != (want != "") {
			t.Errorf("%q: %q, want %q", separator, got, want)
		}
	}
}

// TestBridgeOneWay carries the sessions of one half across, and those alone.
// Sign-out ends both from either side.
func TestBridgeOneWay(t *testing.T) {
	for only := range 2 {
		name := []string{".ASPXAUTH", ".AspNetCore.Cookies"}[only]
		f := newBridgeFarm(t, bridgeKinds[0],
			cookie.SiteOptions{Bridge: &cookie.BridgeOptions{From: []string{name}}})
		if !strings.Contains(f.site.String(), `from "`+name+`" only`) {
			t.Error(f.site)
		}
		var b browser
		f.signIn(t, &b, 1-only, "eve")
		if len(b.cookies) != 1 {
			t.Fatalf("%d: carried the other way", only)
		}
		f.signIn(t, &b, only, "bob") // two users on two halves stay apart
		if _, set := f.visitAny(t, &b, only); set != 0 || f.seen[1] != "bob" ||
			len(b.cookies) != 2 {
			t.Errorf("%q, %d lines", f.seen, set)
		}
		b = browser{}
		f.signIn(t, &b, only, "bob")
		f.visit(t, &b, 1-only)
		f.signIn(t, &b, 1-only, "eve") // takes the place of the copy, not of the original
		for half, want := range []string{"bob", "eve"} {
			if f.visitAny(t, &b, only^half); f.seen[1] != want {
				t.Errorf("only %d, half %d: %q, want %q", only, only^half, f.seen, want)
			}
		}
		for from := range 2 {
			b = browser{}
			f.signIn(t, &b, only, "bob")
			if f.signOut(t, &b, from); len(b.cookies) != 0 {
				t.Errorf("%d cookies are left", len(b.cookies))
			}
		}
	}
}

// visitAny is visit where the halves may have different users.
func (f *bridgeFarm) visitAny(t testing.TB, b *browser, half int) (status, set int) {
	w := f.do(t, b, half)
	return w.Code, len(w.Header()["Set-Cookie"])
}

// TestBridgeWithoutProof takes away what a node needs to tell, and wants the
// cookies as they are.
func TestBridgeWithoutProof(t *testing.T) {
	for _, test := range []struct {
		name string
		// lose takes something away, and returns how to bring it back.
		lose   func(f *bridgeFarm, b *browser, s *openStore) func()
		status int
		user   string // in front
	}{
		{"the key of the original", func(f *bridgeFarm, b *browser, s *openStore) func() {
			was := f.site.Ring().Primary()
			f.site.Ring().Replace(newTestKey(t))
			return func() { f.site.Ring().Replace(was) }
		}, 200, "bob"}, // by the copy
		{"the store", func(f *bridgeFarm, b *browser, s *openStore) func() {
			s.before = func(string, string) error { return errStore }
			return func() { s.before = nil }
		}, 503, ""},
		{"a chunk", func(f *bridgeFarm, b *browser, s *openStore) func() {
			was := b.cookies[0].Value
			b.cookies[0].Value = was[:len(was)-8]
			return func() { b.cookies[0].Value = was }
		}, 200, "bob"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := &openStore{clock: newTestClock(), data: map[string]openEntry{}}
			o := cookie.SiteOptions{}
			o.Sessions.Store = store
			f := newBridgeFarm(t, bridgeKinds[0], o)
			var b browser
			f.signIn(t, &b, 0, "bob")
			if len(b.cookies) != 3 || b.cookies[0].Name != ".ASPXAUTH" {
				t.Fatalf("%d cookies", len(b.cookies))
			}
			back := test.lose(f, &b, store)
			f.clock.Move(40 * time.Minute) // a renewal is due
			for half := range 2 {
				f.seen = [2]string{}
				w := httptest.NewRecorder()
				f.site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if p, _ := cookie.FromContext(r.Context()); p.Name() != test.user {
						t.Errorf("%q is seen", p.Name())
					}
					if len(r.Cookies()) != 3 {
						t.Errorf("%d cookies are passed on", len(r.Cookies()))
					}
				})).ServeHTTP(w, b.request())
				for _, line := range w.Header()["Set-Cookie"] {
					if test.status == 503 || strings.Contains(line, "1970") {
						t.Errorf("half %d: %s", half, line)
					}
				}
				if w.Code != test.status {
					t.Errorf("status %d", w.Code)
				}
			}
			back()
			for half := range 2 {
				if got, _ := f.visit(t, &b, half); got != "bob" {
					t.Errorf("then %q", got)
				}
			}
			f.signOut(t, &b, 1)
			if got, _ := f.visit(t, &b, 0); got != "" || len(b.cookies) != 0 {
				t.Errorf("%q after sign-out, %d cookies", got, len(b.cookies))
			}
		})
	}
}

// TestBridgeMarker damages the marker in every way, and takes that of another
// session: nobody is signed out by it.
func TestBridgeMarker(t *testing.T) {
	f := newBridgeFarm(t, bridgeKinds[0], cookie.SiteOptions{})
	var bob, eve browser
	f.signIn(t, &bob, 0, "bob")
	f.signIn(t, &eve, 1, "eve")
	marker := func(b *browser) *string {
		i := slices.IndexFunc(b.cookies, func(p pair) bool { return p.Name == ".webfarm.bridge" })
		return &b.cookies[i].Value
	}
	good := *marker(&bob)
	values := []string{"", "A", "%", strings.Repeat("A", 5000), good + "A", *marker(&eve)}
	for i := 0; i < len(good); i += 5 {
		flipped := []byte(good)
		flipped[i] ^= 1
		values = append(values, string(flipped), good[:i])
	}
	for _, value := range values {
		b := bob.clone()
		*marker(b) = value
		for half := range 2 {
			if got, _ := f.visit(t, b, half); got != "bob" || len(b.cookies) != 3 {
				t.Fatalf("marker %q: %q, %d cookies", value, got, len(b.cookies))
			}
		}
		if _, set := f.visit(t, b, 0); set != 0 { // it was written anew
			t.Errorf("marker %q: %d lines once more", value, set)
		}
	}
}

// TestBridgeNodes has .NET nodes do what they do without the proxy: renew, and
// sign in again. One step of the bridge puts it right, and a second does nothing.
func TestBridgeNodes(t *testing.T) {
	direct := func(f *bridgeFarm, b *browser, half int, name string) {
		if f.next = nil; name != "" {
			b.signIn(t, f.halfs[half], user(name), nil)
			return
		}
		b.do(f.half(half))
	}
	for _, old := range bridgeKinds {
		for original := range 2 {
			for _, test := range []struct {
				name string
				do   func(f *bridgeFarm, b *browser)
				want string
			}{
				{"original renewed",
					func(f *bridgeFarm, b *browser) { f.clock.Move(40 * time.Minute); direct(f, b, original, "") }, "bob"},
				{"copy renewed",
					func(f *bridgeFarm, b *browser) { f.clock.Move(40 * time.Minute); direct(f, b, 1-original, "") }, "bob"},
				{"both renewed", func(f *bridgeFarm, b *browser) {
					f.clock.Move(40 * time.Minute)
					direct(f, b, 0, "")
					direct(f, b, 1, "")
				}, "bob"},
				{"only the copy lives", func(f *bridgeFarm, b *browser) {
					f.clock.Move(40 * time.Minute)
					direct(f, b, 1-original, "")
					f.clock.Move(40 * time.Minute)
				}, ""},
				{"the copy is gone, and the user signed in again", func(f *bridgeFarm, b *browser) {
					f.clock.Move(10 * time.Minute)
					b.signOut(t, f.halfs[1-original])
					direct(f, b, original, "bob")
				}, "bob"},
				{"the original is gone, and the user signed in on the other half",
					func(f *bridgeFarm, b *browser) {
						f.clock.Move(10 * time.Minute)
						b.signOut(t, f.halfs[original])
						direct(f, b, 1-original, "bob")
					}, "bob"},
				{"again on the other half",
					func(f *bridgeFarm, b *browser) { f.clock.Move(10 * time.Minute); direct(f, b, 1-original, "bob") }, "bob"},
				{"another on both",
					func(f *bridgeFarm, b *browser) { direct(f, b, 0, "eve"); direct(f, b, 1, "eve") }, "eve"},
				{"the marker is lost", func(f *bridgeFarm, b *browser) { b.drop(".webfarm.bridge") }, "bob"},
				{"the marker and the copy are lost", func(f *bridgeFarm, b *browser) {
					b.cookies = slices.DeleteFunc(b.cookies,
						func(p pair) bool { return p.Name == ".webfarm.bridge" || p.Name == nameOfHalf(f, 1-original) })
				}, "bob"},
			} {
				t.Run(string(old.Kind)+"/"+test.name, func(t *testing.T) {
					f := newBridgeFarm(t, old, cookie.SiteOptions{})
					var b browser
					f.signIn(t, &b, original, "bob")
					test.do(f, &b)
					f.visit(t, &b, original)
					for half := range 2 {
						if got, set := f.visit(t, &b, half); got != test.want || set > 0 {
							t.Errorf("original %d, half %d: %q, want %q, %d lines", original, half,
								got, test.want, set)
						}
					}
					if test.want == "" && len(b.cookies) > 1 { // the original expired by itself
						t.Errorf("%d cookies", len(b.cookies))
					}
				})
			}
		}
	}
}

// nameOfHalf is the name of the cookie of one half.
func nameOfHalf(f *bridgeFarm, half int) string { return f.halfs[half].CookieName() }

// TestBridgeKeys rolls the key of one half, and then of the other: what the
// older key protected is issued anew on both halves, once.
func TestBridgeKeys(t *testing.T) {
	farm := &coreRepository{elements: []string{coreKeyXML(t, 1, on2026())}}
	ring := farm.open(t)
	f := newBridgeFarm(t, bridgeKinds[0], cookie.SiteOptions{DataProtection: ring})
	var b browser
	f.signIn(t, &b, 0, "bob")
	roll := []func(){
		func() { f.site.Ring().Replace(newTestKey(t), f.site.Ring().Primary()) },
		func() {
			farm.elements = append(farm.elements, coreKeyXML(t, 2, on2026()))
			if err := ring.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	}
	for i, roll := range roll {
		before := slices.Clone(b.cookies)
		roll()
		if got, set := f.visit(t, &b, 1-i); got != "bob" || set < 2 {
			t.Errorf("roll %d: %q, %d lines", i, got, set)
		}
		for _, c := range b.cookies {
			if c.Name == nameOfHalf(f, i) && slices.Contains(before, c) {
				t.Errorf("roll %d: %s is as it was", i, c.Name)
			}
		}
		if got, set := f.visit(t, &b, i); got != "bob" || set > 0 {
			t.Errorf("roll %d: %q, %d lines once more", i, got, set)
		}
	}
}

// TestBridgeTooLarge wants a session that has no room on the other half to stay
// where it is.
func TestBridgeTooLarge(t *testing.T) {
	o := cookie.SiteOptions{}
	o.Sessions.MaxBytes = 2000
	f := newBridgeFarm(t, bridgeKinds[1], o)
	var b browser
	p := user("bob")
	for range 70 {
		p.Identities[0].Claims = append(p.Identities[0].Claims,
			sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: strings.Repeat("x", 100)})
	}
	b.signIn(t, f.halfs[0], p, nil)
	had := len(b.cookies)
	if status, set := f.visitAny(t, &b, 0); status != 200 || set != 0 ||
		f.seen != [2]string{"bob", "bob"} || len(b.cookies) != had {
		t.Errorf("%d, %d lines, %q", status, set, f.seen)
	}
	// Somebody else's copy goes all the same.
	b = browser{}
	f.signIn(t, &b, 0, "eve")
	b.signIn(t, f.halfs[0], p, nil)
	f.visitAny(t, &b, 1)
	if f.seen != [2]string{"bob", ""} {
		t.Errorf("seen %q", f.seen)
	}
}

// TestBridgeOptions wants a word on what cannot be bridged.
func TestBridgeOptions(t *testing.T) {
	forms, core := cookie.Credential{Kind: cookie.KindForms}, cookie.Credential{Kind: cookie.KindCore}
	for _, test := range []struct {
		o    cookie.BridgeOptions
		list []cookie.Credential
		want string
	}{
		{cookie.BridgeOptions{}, []cookie.Credential{core}, `no cookie of System.Web`},
		{cookie.BridgeOptions{}, []cookie.Credential{forms}, `no cookie of ASP.NET Core`},
		{cookie.BridgeOptions{From: []string{"FedAuth"}}, []cookie.Credential{forms, core},
			`"FedAuth", and the site can issue no such session`},
		{cookie.BridgeOptions{From: []string{".ASPXAUTH", ".ASPXAUTH"}},
			[]cookie.Credential{forms, core}, `which are of one half`},
		{cookie.BridgeOptions{}, []cookie.Credential{{Kind: cookie.KindForms, Path: "/app"}, core},
			"browsers would send one without the other"},
		{cookie.BridgeOptions{}, []cookie.Credential{forms,
			{Kind: cookie.KindCore, SameSite: "None"}}, "browsers drop .AspNetCore.Cookies"},
	} {
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cookie.NewSite(cfg, &cookie.SiteOptions{DataProtection: freshCoreRing(t, on2026()),
			Now: on2026, Credentials: test.list, Bridge: &test.o})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

// TestBridgeSignOutOnGo signs out on a Go node, of a site with a store and an
// observer, and wants thieves of either cookie refused.
func TestBridgeSignOutOnGo(t *testing.T) {
	for original := range 2 {
		o := cookie.SiteOptions{}
		o.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: on2026})
		f := newBridgeFarm(t, bridgeKinds[2], o)
		var b browser
		f.signIn(t, &b, original, "bob")
		thief := b.clone()
		b.signOut(t, f.site)
		if len(b.cookies) != 0 {
			t.Errorf("%d cookies are left", len(b.cookies))
		}
		for i := range thief.cookies {
			jar := &browser{thief.cookies[i : i+1]}
			if p, err := f.site.Check(jar.request()); err == nil {
				t.Errorf("%s is that of %q", jar.cookies[0].Name, p.Name())
			}
		}
		if p, err := f.site.Check(thief.request()); err == nil {
			t.Errorf("the thief is %q", p.Name())
		}
	}
}

// TestBridgeTellsWhoBringsWhat wants a request on which nothing changes to count
// as read once, under the cookie of the half where the session began. A site that
// moves watches that of the old half come to nothing.
func TestBridgeTellsWhoBringsWhat(t *testing.T) {
	for _, old := range bridgeKinds {
		for original := range 2 {
			var events []cookie.Event
			o := cookie.SiteOptions{}
			o.Sessions.Observer = func(_ context.Context, e cookie.Event) { events = append(events, e) }
			f := newBridgeFarm(t, old, o)
			var b browser
			f.signIn(t, &b, original, "bob")
			for half := range 2 {
				events = nil
				f.visit(t, &b, half)
				name := nameOfHalf(f, original)
				if len(events) != 1 || events[0].Kind != "read" || events[0].Cookie != name {
					t.Errorf("at half %d: %+v, want one read of %s", half, events, name)
				}
			}
		}
	}
}

// TestBridgeFewerChunks lets a session of many chunks end, and signs somebody in
// with few in the request that finds out. No chunk may be left.
func TestBridgeFewerChunks(t *testing.T) {
	for _, old := range bridgeKinds[1:] {
		for i := range 8 {
			original, half, inGo := i&1, i>>1&1, i>>2 == 1
			f := newBridgeFarm(t, old, cookie.SiteOptions{})
			var b browser
			big, random := user("bob"), seed.Of(t)
			for range 70 {
				big.Identities[0].Claims = append(big.Identities[0].Claims,
					sessiontoken.Claim{Type: "n", Value: hex.EncodeToString(random.Bytes(39))})
			}
			in := func(s *cookie.Sessions, p *sessiontoken.Principal) {
				f.next = func(w http.ResponseWriter, r *http.Request) {
					if err := s.SignIn(w, r, p, nil); err != nil {
						t.Error(err)
					}
				}
			}
			in(f.halfs[original], big)
			f.do(t, &b, original)
			if len(b.cookies) < 6 {
				t.Fatalf("%d cookies", len(b.cookies))
			}
			f.clock.Move(2 * time.Hour)
			if inGo {
				s, _ := f.site.SessionsOf(nameOfHalf(f, half))
				in(s, user("eve"))
				b.do(f.site.Optional(f.next))
			} else {
				in(f.halfs[half], user("eve"))
				f.do(t, &b, half)
			}
			f.next = nil
			for half := range 2 {
				if got, _ := f.visit(t, &b, half); got != "eve" {
					t.Errorf("%s, %d: %q at half %d, %d cookies", old.Kind, i, got,
						half, len(b.cookies))
				}
			}
			if len(b.cookies) != 3 {
				t.Errorf("%s, %d: %d cookies are left", old.Kind, i, len(b.cookies))
			}
		}
	}
}
