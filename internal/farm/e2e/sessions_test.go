package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// byEach runs a test with a plain client and with Chromium. The visitors it
// makes know nothing of each other.
func byEach(t *testing.T, f *testFarm, test func(t *testing.T, visitor func(*testing.T) visitor)) {
	t.Run("by net/http", func(t *testing.T) {
		transport := f.transport(4)
		defer transport.CloseIdleConnections()
		test(t, func(t *testing.T) visitor { return newPlain(t, f.nginx, transport) })
	})
	t.Run("by Chromium", func(t *testing.T) {
		c := startChromium(t)
		test(t, func(t *testing.T) visitor { return c.visit(t, f.nginx) })
	})
}

// sizes are numbers of claims, and what cookies of each kind they make.
var sizes = []struct {
	claims  int
	cookies map[string]string
}{
	{0, map[string]string{fedAuth: "FedAuth", forms: ".ASPXAUTH",
		katana: ".AspNet.ApplicationCookie", reference: referenceCookie}},
	{40, map[string]string{fedAuth: "FedAuth FedAuth1 FedAuth2",
		katana: ".AspNet.ApplicationCookie", reference: referenceCookie}},
	{120, map[string]string{
		fedAuth:   "FedAuth FedAuth1 FedAuth2 FedAuth3 FedAuth4 FedAuth5",
		katana:    ".AspNet.ApplicationCookie .AspNet.ApplicationCookieC1 .AspNet.ApplicationCookieC2",
		reference: referenceCookie,
	}},
}

// same says where two answers differ in what nodes must agree on.
func same(a, b answer) string {
	switch {
	case a.Kind != b.Kind:
		return "kind"
	case a.Name != b.Name:
		return "name"
	case !slices.Equal(a.Roles, b.Roles):
		return "roles"
	case !slices.Equal(a.Claims, b.Claims):
		return "claims"
	case !a.Issued.Equal(b.Issued):
		return "issued"
	case !a.Expires.Equal(b.Expires):
		return "expires"
	case a.Persistent != b.Persistent:
		return "persistent"
	}
	return ""
}

// TestEveryNodeRecognisesAll signs in at each node, asks each who that is, and
// signs out at yet another.
func TestEveryNodeRecognisesAll(t *testing.T) {
	f := startFarm(t)
	byEach(t, f, func(t *testing.T, visitor func(*testing.T) visitor) {
		for _, kind := range kinds {
			for i, at := range f.readers(kind) {
				for _, size := range sizes {
					want, ok := size.cookies[kind]
					if !ok {
						continue
					}
					t.Run(fmt.Sprint(kind, " from ", at.Name, " with ", size.claims, " claims"),
						func(t *testing.T) {
							v := visitor(t)
							name := fmt.Sprint("Zoë <z> of ", at.Name)
							mustAsk(t, v, at, "/signin",
								url.Values{"kind": {kind}, "name": {name}, "roles": {"admin,ops"},
									"claims": {fmt.Sprint(size.claims)}, "persistent": {"1"}})
							if got := strings.Join(v.cookies(), " "); got != want {
								t.Errorf("cookies %s, want %s", got, want)
							}
							var first answer
							for j, node := range f.readers(kind) {
								who := mustAsk(t, v, node, "/whoami", nil)
								if j == 0 {
									first = who
								} else if what := same(first, who); what != "" {
									t.Errorf("%s and %s disagree on %s:\n%+v\n%+v", first.Node,
										who.Node, what, first, who)
								}
							}
							if first.Kind != kind || first.Name != name ||
								!slices.Equal(first.Roles, []string{"admin", "ops"}) ||
								!first.Persistent {
								t.Errorf("recognised as %+v", first)
							}
							if n := len(first.Claims); kind != forms && n != size.claims+3 {
								t.Errorf("%d claims", n)
							}
							for n := 1; n <= size.claims; n++ {
								if want := filler(name, n); !slices.Contains(first.Claims, want) {
									t.Fatalf("claim %v is missing", want)
								}
							}
							nodes := f.readers(kind)
							mustAsk(t, v, nodes[(i+1)%len(nodes)], "/signout", nil)
							if left := v.cookies(); len(left) > 0 {
								t.Errorf("left behind: %v", left)
							}
							for _, node := range f.readers(kind) {
								if r := ask(t, v, node, "/whoami",
									nil); r.status != http.StatusUnauthorized {
									t.Errorf("%s after sign-out: %d %s", node.Name,
										r.status, r.text)
								}
							}
						})
				}
			}
		}
	})
}

// TestCookiesGrowAndShrink signs in over an earlier session: no chunk of that
// is left.
func TestCookiesGrowAndShrink(t *testing.T) {
	f := startFarm(t)
	byEach(t, f, func(t *testing.T, visitor func(*testing.T) visitor) {
		for _, kind := range []string{fedAuth, katana} {
			for i, node := range f.nodes {
				t.Run(kind+" from "+node.Name, func(t *testing.T) {
					v := visitor(t)
					for step, size := range []int{2, 0, 1, 2, 1, 0} {
						// Every sign-in at another node than the one before.
						at := f.nodes[(i+step)%len(f.nodes)]
						name := fmt.Sprint("user", step)
						mustAsk(t, v, at, "/signin",
							url.Values{"kind": {kind}, "name": {name},
								"claims": {fmt.Sprint(sizes[size].claims)}})
						got, want := strings.Join(v.cookies(), " "), sizes[size].cookies[kind]
						if kind == katana && !at.IsGo && strings.HasPrefix(got, want) {
							// Katana leaves chunks that are announced no more, and reads
							// none of them. The next Go node deletes them.
							got = want
						}
						if got != want {
							t.Errorf("after step %d at %s: cookies %s, want %s", step,
								at.Name, got, want)
						}
						for _, node := range f.nodes {
							if who := mustAsk(t, v, node, "/whoami", nil); who.Name != name ||
								len(who.Claims) != sizes[size].claims+1 {
								t.Errorf("after step %d: %s takes %s for %s with %d claims", step,
									node.Name, name, who.Name, len(who.Claims))
							}
						}
					}
				})
			}
		}
	})
}

// TestSessionsSlide lets sessions live beyond their first end, as one node
// renewed them. Those of WIF are renewed by Go nodes, which were told to; .NET
// does not.
func TestSessionsSlide(t *testing.T) {
	f := startFarm(t)
	defer f.clock(t, 0)
	byEach(t, f, func(t *testing.T, visitor func(*testing.T) visitor) {
		for _, kind := range []string{fedAuth, forms, katana} {
			for i, at := range f.nodes {
				by := f.nodes[(i+1)%len(f.nodes)]
				t.Run(fmt.Sprint(kind, " of ", at.Name, " by ", by.Name), func(t *testing.T) {
					v := visitor(t)
					slides := kind != fedAuth || by.IsGo
					f.clock(t, 0)
					mustAsk(t, v, at, "/signin",
						url.Values{"kind": {kind}, "name": {"bob"}, "lifetime": {"1000"},
							"claims": {"40"}})
					// Nothing is due, and what is not due is left alone.
					f.clock(t, 300)
					for _, node := range f.nodes {
						if mustAsk(t, v, node, "/whoami", nil).Renewed {
							t.Errorf("%s renews after 300 s", node.Name)
						}
					}
					// Due: less than half is left, the clock skew of WIF included.
					f.clock(t, 700)
					if who := mustAsk(t, v, by, "/whoami", nil); who.Renewed != slides {
						t.Errorf("%s renews after 700 s: %v", by.Name, who.Renewed)
					}
					for _, node := range f.nodes {
						if slides && mustAsk(t, v, node, "/whoami", nil).Renewed {
							t.Errorf("%s renews once more", node.Name)
						}
					}
					// Past the first end, and the five minutes that WIF adds.
					f.clock(t, 1400)
					for _, node := range f.nodes {
						r := ask(t, v, node, "/whoami", nil)
						if slides && (r.status != http.StatusOK || r.answer.Name != "bob") {
							t.Errorf("%s after 1400 s: %d %s", node.Name, r.status, r.text)
						}
						if !slides && r.status != http.StatusUnauthorized {
							t.Errorf("%s after 1400 s: %d %s", node.Name, r.status, r.text)
						}
					}
					f.clock(t, 5000)
					for _, node := range f.nodes {
						if r := ask(t, v, node, "/whoami",
							nil); r.status != http.StatusUnauthorized {
							t.Errorf("%s after 5000 s: %d %s", node.Name, r.status, r.text)
						}
					}
				})
			}
		}
	})
}

// TestAttributes wants the cookies of all nodes to be the same in the eyes of
// Chromium, and out of reach for scripts.
func TestAttributes(t *testing.T) {
	f := startFarm(t)
	c := startChromium(t)
	sameSite := map[string]string{fedAuth: "", forms: "Lax", katana: "", reference: "Lax"}
	for _, kind := range kinds {
		for _, at := range f.readers(kind) {
			for _, persistent := range []string{"", "1"} {
				t.Run(fmt.Sprint(kind, " from ", at.Name, " persistent ", persistent),
					func(t *testing.T) {
						v := c.visit(t, f.nginx)
						mustAsk(t, v, at, "/signin",
							url.Values{"kind": {kind}, "name": {"bob"}, "claims": {"120"},
								"persistent": {persistent}})
						jar := v.jar()
						if len(jar) == 0 {
							t.Fatal("no cookies")
						}
						for _, c := range jar {
							if !c.Secure || !c.HTTPOnly || string(c.SameSite) != sameSite[kind] ||
								c.Path != "/" || c.Domain != "localhost" ||
								c.Session != (persistent == "") {
								t.Errorf("%s: secure %v, HttpOnly %v, SameSite %q, path %s, domain %s, ends with the browser %v",
									c.Name, c.Secure, c.HTTPOnly, c.SameSite, c.Path,
									c.Domain, c.Session)
							}
						}
						if seen := v.seenByScript(); seen != "" {
							t.Errorf("a script sees %d characters", len(seen))
						}
					})
			}
		}
	}
}

// TestCopiesAfterSignOut shows what a copy of a cookie is worth when its owner
// has signed out: nothing if the session was in Redis, and its full time if the
// cookie was all there was, as docs/sessions.md says.
func TestCopiesAfterSignOut(t *testing.T) {
	f := startFarm(t)
	transport := f.transport(4)
	defer transport.CloseIdleConnections()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			owner, thief := newPlain(t, f.nginx, transport), newPlain(t, f.nginx, transport)
			nodes := f.readers(kind)
			mustAsk(t, owner, nodes[0], "/signin", url.Values{"kind": {kind}, "name": {"bob"}})
			thief.client.Jar.SetCookies(thief.base, owner.client.Jar.Cookies(owner.base))
			mustAsk(t, thief, nodes[1], "/whoami", nil)
			mustAsk(t, owner, nodes[1], "/signout", nil)
			want := http.StatusOK
			if kind == reference {
				want = http.StatusUnauthorized
			}
			for _, node := range nodes {
				if r := ask(t, thief, node, "/whoami", nil); r.status != want {
					t.Errorf("%s: %d %s, want %d", node.Name, r.status, r.text, want)
				}
			}
		})
	}
}
