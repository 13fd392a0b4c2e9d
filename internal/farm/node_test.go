package farm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// writeConfig writes the web.config of a test site, whose cookies travel over
// plain HTTP, with a fresh key.
func writeConfig(t *testing.T, path string) machinekey.Config {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	text := `<configuration>
  <system.web>
    ` + cfg.WebConfig() + `
    <httpRuntime targetFramework="4.8" />
    <authentication mode="Forms"><forms timeout="20" /></authentication>
  </system.web>
  <system.identityModel.services>
    <federationConfiguration><cookieHandler requireSsl="false" /></federationConfiguration>
  </system.identityModel.services>
</configuration>
`
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// answer is what a node says about the caller.
type answer struct {
	Kind, Name, Node    string
	Roles               []string
	Claims              []struct{ Type, Value string }
	Issued, Expires     time.Time
	Persistent, Renewed bool
}

// browser is a client with a cookie jar.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

// get asks a node and returns its answer and the cookies it set.
func (b *browser) get(node *Node, path string, status int) (answer, []string) {
	b.t.Helper()
	r, err := b.client.Get(node.URL + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status {
		b.t.Fatalf("%s: status %s, want %d (%v)\n%s\n%s", path, r.Status, status, err,
			body, node.Log())
	}
	var a answer
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, &a); err != nil {
			b.t.Fatalf("%s: %v\n%s", path, err, body)
		}
	}
	return a, r.Header.Values("Set-Cookie")
}

// request returns a request with the cookies that the browser would send.
func (b *browser) request(node *Node) *http.Request {
	r, err := http.NewRequest("GET", node.URL+"/", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// names returns the names of the cookies that the browser holds.
func (b *browser) names(node *Node) string {
	var names []string
	for _, c := range b.request(node).Cookies() {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

func ringOf(t *testing.T, cfg machinekey.Config) *machinekey.Ring {
	t.Helper()
	cfg.Mode = machinekey.Framework45
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// guard reads the cookies of the node in Go.
func guard(t *testing.T, ring *machinekey.Ring) *cookie.Guard {
	t.Helper()
	session, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		t.Fatal(err)
	}
	forms, err := sessiontoken.NewFormsCodec(ring,
		&sessiontoken.FormsOptions{Roles: func(s string) []string { return strings.Split(s, ",") }})
	if err != nil {
		t.Fatal(err)
	}
	katana, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var g cookie.Guard
	g.Accept(cookie.From(cookie.KindFedAuth, ""), session)
	g.Accept(cookie.From(cookie.KindForms, ""), forms)
	g.Accept(cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"), katana)
	return &g
}

// TestNode asks one node about all that it does for a single browser, and in the
// end for many.
func TestNode(t *testing.T) {
	dotnet := BuildDotnet(t)
	config := filepath.Join(t.TempDir(), "web.config")
	ring := ringOf(t, writeConfig(t, config))
	options := NodeOptions{Config: config, Name: "dotnet 1", Port: FreePort(t),
		KatanaLifetime: time.Hour}
	node := dotnet.Node(t, options)
	t.Run("signs in", func(t *testing.T) { nodeSignsIn(t, node, ring) })
	t.Run("deletes surplus chunks", func(t *testing.T) { nodeDeletesSurplusChunks(t, node) })
	t.Run("reads Go", func(t *testing.T) { nodeReadsGo(t, node, ring) })
	t.Run("slides", func(t *testing.T) { nodeSlides(t, node) })
	t.Run("reads its key again", func(t *testing.T) { nodeReadsItsKeyAgain(t, node, config) })
	t.Run("under load", func(t *testing.T) { nodeUnderLoad(t, dotnet, node, options) })
}

func nodeSignsIn(t *testing.T, node *Node, ring *machinekey.Ring) {
	g := guard(t, ring)

	// How many cookies a sign-in makes; README.md of the node says so too.
	chunks := map[string]map[int]int{"fedauth": {0: 1, 40: 3, 120: 6},
		"forms": {0: 1, 40: 1, 120: 1}, "owin": {0: 1, 120: 3}}
	for _, kind := range []string{"fedauth", "forms", "owin"} {
		for _, claims := range []int{0, 40, 120} {
			t.Run(fmt.Sprint(kind, " with ", claims, " claims"), func(t *testing.T) {
				b := newBrowser(t)
				query := url.Values{"kind": {kind}, "name": {"Zoë <z>"}, "roles": {"admin,ops"},
					"claims": {fmt.Sprint(claims)}, "persistent": {"1"}}
				b.get(node, "/signin?"+query.Encode(), 200)
				who, _ := b.get(node, "/whoami", 200)
				if who.Kind != kind || who.Name != "Zoë <z>" || len(who.Roles) != 2 ||
					who.Node != "dotnet 1" || !who.Persistent {
					t.Errorf("the node says %+v", who)
				}
				if n := len(who.Claims); kind != "forms" && n != claims+3 {
					t.Errorf("%d claims, want %d", n, claims+3)
				}
				p, err := g.Check(b.request(node))
				if err != nil || p.Name() != "Zoë <z>" || !p.HasRole("ops") || p.HasRole("root") {
					t.Fatalf("in Go: %v, %v; cookies %s", p, err, b.names(node))
				}
				if first, ok := p.First("http://webfarm.example/claims/1"); kind != "forms" &&
					claims > 0 && (!ok || len(first.Value) != 64) {
					t.Errorf("in Go: claim %v", first)
				}
				if want := chunks[kind][claims]; want > 0 &&
					len(b.request(node).Cookies()) != want {
					t.Errorf("cookies %s, want %d", b.names(node), want)
				}
				b.get(node, "/signout", 200)
				b.get(node, "/whoami", 401)
				if b.names(node) != "" {
					t.Errorf("left behind: %s", b.names(node))
				}
			})
		}
	}
}

func nodeDeletesSurplusChunks(t *testing.T, node *Node) {
	b := newBrowser(t)
	b.get(node, "/signin?kind=fedauth&name=bob&claims=100", 200)
	if n := len(b.request(node).Cookies()); n < 5 {
		t.Fatalf("%d chunks", n)
	}
	b.get(node, "/signin?kind=fedauth&name=eve", 200)
	if got := b.names(node); got != "FedAuth" {
		t.Errorf("cookies %s", got)
	}
	if who, _ := b.get(node, "/whoami", 200); who.Name != "eve" {
		t.Errorf("the node says %+v", who)
	}
}

func nodeReadsGo(t *testing.T, node *Node, ring *machinekey.Ring) {
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"},
			{Type: sessiontoken.ClaimTypeRole, Value: "admin"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Encode(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	set, err := chunks.WIF.Split(&http.Cookie{Name: "FedAuth", Value: text, Path: "/"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	at, _ := url.Parse(node.URL)
	b.client.Jar.SetCookies(at, set)
	who, _ := b.get(node, "/whoami", 200)
	if who.Name != "bob" || len(who.Roles) != 1 || !who.Issued.Equal(token.ValidFrom) ||
		!who.Expires.Equal(token.ValidTo) {
		t.Errorf("the node says %+v of %v", who, token)
	}
}

func nodeSlides(t *testing.T, node *Node) {
	for _, kind := range []string{"forms", "owin"} {
		t.Run(kind, func(t *testing.T) {
			b := newBrowser(t)
			in, _ := b.get(node, "/signin?name=bob&lifetime=1000&kind="+kind, 200)
			for _, step := range []struct {
				clock   int
				renewed bool
			}{{0, false}, {400, false}, {600, true}, {1000, false}, {1300, true}} {
				b.get(node, fmt.Sprint("/clock?offset=", step.clock), 200)
				who, set := b.get(node, "/whoami", 200)
				if who.Renewed != step.renewed || step.renewed != (len(set) > 0) ||
					who.Expires.Sub(who.Issued) != in.Expires.Sub(in.Issued) {
					t.Errorf("after %d s: %+v, %d cookies", step.clock, who, len(set))
				}
			}
			b.get(node, "/clock?offset=2400", 200)
			b.get(node, "/whoami", 401)
			b.get(node, "/clock", 200)
		})
	}
	t.Run("a session does not slide but ends", func(t *testing.T) {
		b := newBrowser(t)
		b.get(node, "/signin?name=bob&lifetime=1000&kind=fedauth", 200)
		b.get(node, "/clock?offset=1299", 200) // five minutes of clock skew
		if _, set := b.get(node, "/whoami", 200); len(set) > 0 {
			t.Errorf("set %q", set)
		}
		b.get(node, "/clock?offset=1301", 200)
		b.get(node, "/whoami", 401)
		if b.names(node) != "" {
			t.Errorf("left behind: %s", b.names(node))
		}
		b.get(node, "/clock", 200)
	})
}

func nodeReadsItsKeyAgain(t *testing.T, node *Node, config string) {
	b := newBrowser(t)
	b.get(node, "/signin?name=bob", 200)
	ring := ringOf(t, writeConfig(t, config))
	b.get(node, "/whoami", 401) // one key only: what the old one protected is void
	b.get(node, "/signin?name=bob", 200)
	b.get(node, "/whoami", 200)
	if p, err := guard(t, ring).Check(b.request(node)); err != nil || p.Name() != "bob" {
		t.Errorf("in Go: %v, %v", p, err)
	}
	if err := os.WriteFile(config, []byte("<configuration>"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.get(node, "/whoami", 200) // half a file changes nothing
}

// nodeUnderLoad signs many users in at once, kills the node in between and
// starts it again in the same place. Nobody may become somebody else. By default
// [TestBothWorlds] alone kills a node.
func nodeUnderLoad(t *testing.T, dotnet *Dotnet, node *Node, options NodeOptions) {
	writeConfig(t, options.Config)
	step := share.OneIn(t, 3)
	visits := 10 / step
	users := make([]*browser, 24)
	each := func(do func(b *browser, name, kind string)) {
		var wg sync.WaitGroup
		for i, b := range users {
			wg.Go(func() { do(b, fmt.Sprint("user ", i), []string{"fedauth", "forms", "owin"}[i%3]) })
		}
		wg.Wait()
	}
	for i := range users {
		users[i] = newBrowser(t)
	}
	recognised := func(b *browser, name, kind string) {
		for range visits {
			r, err := b.client.Get(node.URL + "/whoami")
			if err != nil {
				t.Error(err)
				return
			}
			var who answer
			err = json.NewDecoder(r.Body).Decode(&who)
			r.Body.Close()
			if err != nil || who.Name != name || who.Kind != kind {
				t.Errorf("%s by %s: %+v, %v", name, kind, who, err)
				return
			}
		}
	}
	each(func(b *browser, name, kind string) {
		query := url.Values{"kind": {kind}, "name": {name}, "claims": {"40"}}
		r, err := b.client.Get(node.URL + "/signin?" + query.Encode())
		if err != nil {
			t.Error(err)
			return
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	})
	each(recognised)
	if step > 1 {
		return
	}
	node.Kill()
	node = dotnet.Node(t, options)
	each(recognised)
}
