package farm

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// bothLimit ends a session, and bothLifetime a ticket that nobody renews.
const (
	bothLimit    = 150 * time.Minute
	bothLifetime = time.Hour
)

// bothFarm is a site on its way from System.Web to ASP.NET Core: a balancer over
// two fronts in Go, which pass /old on to the node in C# and /core to Kestrel, and
// answer /go themselves. The fronts share a store.
type bothFarm struct {
	t      *testing.T
	kind   string            // that the node in C# signs in with
	of     cookie.Credential // the same for Go
	dir    string            // of the web.configs
	keys   string            // the folder of the key ring
	store  *awayStore
	offset atomic.Int64 // of all clocks
	fronts [2]atomic.Pointer[cookie.Site]
	rings  [2]*dataprotection.Ring
	keeper *dataprotection.Ring
	turn   atomic.Int64
	front  *httptest.Server
	older  []string // web.configs

	restart map[string]func() *Node // by path: old, core
	nodes   map[string]*Node
	urls    map[string]*url.URL // of the nodes, which keep their ports
	up      map[string]*atomic.Bool
	recycle sync.RWMutex // held by requests to the node in C#; IIS lets them wait too
	coreKey [2]string    // the key before the last one, and the last
}

// awayStore is a store that can be away.
type awayStore struct {
	sessiontoken.Store
	away atomic.Bool
}

var errAway = errors.New("away")

func (s *awayStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if s.away.Load() {
		return nil, time.Time{}, errAway
	}
	return s.Store.Get(ctx, key)
}

func (s *awayStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if s.away.Load() {
		return errAway
	}
	return s.Store.Put(ctx, key, data, expires)
}

func (s *awayStore) Delete(ctx context.Context, key string) error {
	if s.away.Load() {
		return errAway
	}
	return s.Store.Delete(ctx, key)
}

func (f *bothFarm) now() time.Time { return time.Now().Add(time.Duration(f.offset.Load())) }

// startBothFarm starts the nodes. [bothFarm.serve] makes the fronts.
func startBothFarm(t *testing.T) *bothFarm {
	t.Helper()
	dotnet, core := BuildDotnet(t), FindCore(t)
	f := &bothFarm{t: t, dir: t.TempDir(), nodes: map[string]*Node{},
		up: map[string]*atomic.Bool{"old": new(atomic.Bool), "core": new(atomic.Bool)}}
	f.store = &awayStore{Store: sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: f.now})}
	f.writeConfig("web.config")
	f.keys = filepath.Join(f.dir, "keys")
	if err := os.Mkdir(f.keys, 0o700); err != nil {
		t.Fatal(err)
	}
	open := func() *dataprotection.Ring {
		ring, err := dataprotection.Open(t.Context(), dataprotection.Path(f.keys),
			&dataprotection.RingOptions{ApplicationName: "both", Interval: -1})
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	f.keeper = open()
	var err error
	if f.coreKey[1], err = f.keeper.NewKey(t.Context(), time.Now(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	for i := range f.fronts {
		f.rings[i] = open()
	}
	ports := map[string]int{"old": FreePort(t), "core": FreePort(t)}
	f.urls = map[string]*url.URL{}
	for name, port := range ports {
		f.urls[name] = &url.URL{Scheme: "http", Host: fmt.Sprint("127.0.0.1:", port)}
	}
	f.restart = map[string]func() *Node{
		"old": func() *Node {
			return dotnet.Node(t, NodeOptions{Config: filepath.Join(f.dir, "web.config"),
				Name: "old", Port: ports["old"], KatanaLifetime: bothLifetime})
		},
		"core": func() *Node {
			return core.Node(t, CoreNodeOptions{Keys: f.keys, App: "both", Name: "core",
				Port: ports["core"], More: []string{"-no-generate", "-lifetime",
					fmt.Sprint(int(bothLifetime / time.Second))}})
		},
	}
	for name := range f.restart {
		f.start(name)
	}
	f.front = httptest.NewServer(http.HandlerFunc(f.balance))
	t.Cleanup(f.front.Close)
	return f
}

// serve has the fronts bridge another cookie of System.Web.
func (f *bothFarm) serve(of cookie.Credential) {
	f.kind = map[cookie.Kind]string{cookie.KindForms: "forms", cookie.KindKatana: "owin",
		cookie.KindFedAuth: "fedauth"}[of.Kind]
	f.of = of
	f.of.Lifetime, f.of.Path = bothLifetime, "/"
	for i := range f.fronts {
		f.build(i, "")
	}
}

// writeConfig writes a web.config with a new key.
func (f *bothFarm) writeConfig(name string) {
	f.t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		f.t.Fatal(err)
	}
	text := `<configuration>
  <system.web>
    ` + cfg.WebConfig() + `
    <httpRuntime targetFramework="4.8" />
    <authentication mode="Forms"><forms timeout="60" /></authentication>
  </system.web>
  <system.identityModel><identityConfiguration maximumClockSkew="00:00:00"><securityTokenHandlers>
    <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel, Version=4.0.0.0, Culture=neutral, PublicKeyToken=B77A5C561934E089" />
    <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services, Version=4.0.0.0, Culture=neutral, PublicKeyToken=B77A5C561934E089" />
  </securityTokenHandlers></identityConfiguration></system.identityModel>
  <system.identityModel.services>
    <federationConfiguration><cookieHandler requireSsl="false" /></federationConfiguration>
  </system.identityModel.services>
</configuration>
`
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// build starts a front anew: all that it knows is in the keys and in the store.
func (f *bothFarm) build(i int, next string) {
	f.t.Helper()
	o := &cookie.SiteOptions{
		Older: slices.Clone(f.older), DataProtection: f.rings[i], Now: f.now,
		Credentials: []cookie.Credential{f.of, {Kind: cookie.KindCore, Lifetime: bothLifetime}},
		Bridge:      &cookie.BridgeOptions{From: []string{f.cookie("old"), f.cookie("core")}},
	}
	o.Sessions.Store, o.Sessions.MaxLifetime = f.store, bothLimit
	if next != "" {
		o.Next = []string{filepath.Join(f.dir, next)}
	}
	site, err := cookie.LoadSite(filepath.Join(f.dir, "web.config"), o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.fronts[i].Store(site)
}

// cookie returns the name of the cookie of a half.
func (f *bothFarm) cookie(half string) string {
	if half == "core" {
		return ".AspNetCore.Cookies"
	}
	return map[string]string{"forms": ".ASPXAUTH", "owin": ".AspNet.ApplicationCookie",
		"fedauth": "FedAuth"}[f.kind]
}

// start starts a node, and lets requests through when its clock is right.
func (f *bothFarm) start(name string) {
	f.t.Helper()
	f.nodes[name] = f.restart[name]()
	f.setClock(name)
	f.up[name].Store(true)
}

// kill ends a node in the middle of its requests.
func (f *bothFarm) kill(name string) {
	f.nodes[name].Kill()
	f.up[name].Store(false)
}

func (f *bothFarm) setClock(name string) {
	f.t.Helper()
	r, err := http.Get(fmt.Sprintf("%s/clock?offset=%d", f.urls[name],
		time.Duration(f.offset.Load())/time.Second))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Body.Close()
}

// balance takes turns over the fronts.
func (f *bothFarm) balance(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/old/") {
		f.recycle.RLock()
		defer f.recycle.RUnlock()
	}
	site := f.fronts[f.turn.Add(1)%2].Load()
	half, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	next := http.Handler(f.passOn(site, half, "/"+path))
	if half == "go" {
		next = f.inGo(site, path)
	}
	site.Optional(next).ServeHTTP(w, r)
}

// passOn is the proxy of a front.
func (f *bothFarm) passOn(site *cookie.Site, half, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !f.up[half].Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		proxy := httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(f.urls[half]); p.Out.URL.Path = path },
			ModifyResponse: func(answer *http.Response) error {
				h := answer.Header
				h["Set-Cookie"] = append(slices.Clone(w.Header()["Set-Cookie"]), h["Set-Cookie"]...)
				if err := site.BridgeAnswer(r, h); err != nil &&
					!errors.Is(err, cookie.ErrUnavailable) {
					f.t.Errorf("BridgeAnswer: %v", err)
				}
				w.Header().Del("Set-Cookie")
				return nil
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, err.Error(), http.StatusBadGateway)
			},
		}
		proxy.ServeHTTP(w, r)
	}
}

// inGo answers as the nodes do. It signs in with the cookie of either half.
func (f *bothFarm) inGo(site *cookie.Site, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch path {
		case "signin":
			s, _ := site.SessionsOf(f.cookie(r.FormValue("half")))
			p := sessiontoken.NewPrincipal(r.FormValue("name"))
			n, _ := strconv.Atoi(r.FormValue("claims"))
			for i := range n {
				sum := sha256.Sum256(fmt.Append(nil, p.Name(), i)) // does not get shorter by deflate
				c := sessiontoken.Claim{Type: fmt.Sprint("http://webfarm.example/claims/", i),
					Value: base32.StdEncoding.EncodeToString(sum[:])}
				p.Identities[0].Claims = append(p.Identities[0].Claims, c)
			}
			err = s.SignIn(w, r, p,
				&cookie.SignInOptions{Persistent: r.FormValue("persistent") == "1"})
		case "signout":
			err = site.SignOut(w, r)
		default:
			p, ok := cookie.FromContext(r.Context())
			if !ok {
				w.WriteHeader(http.StatusUnauthorized)
			}
			json.NewEncoder(w).Encode(map[string]string{"name": p.Name()})
		}
		if errors.Is(err, cookie.ErrUnavailable) {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// bothCounts are what the users of a farm saw.
type bothCounts struct {
	requests, signedIn, signedOut, ended, faults, down, away, stolen atomic.Int64
	// None of these may happen: another user or status, a user who is not
	// recognised, one who is though his session ended, and an answer that sets
	// cookies where nothing has changed.
	wrong, lost, outlived, loops atomic.Int64
}

func (c *bothCounts) String() string {
	return fmt.Sprintf("%d requests, %d sign-ins, %d sign-outs, %d sessions that came to their end, %d faults: %d answers from nodes that were down, "+
		"%d without the store; %d requests with stolen jars; %d wrong answers, %d sessions lost, %d that outlive their end, %d renewed in a loop",
		c.requests.Load(), c.signedIn.Load(), c.signedOut.Load(), c.ended.Load(), c.faults.Load(),
		c.down.Load(), c.away.Load(), c.stolen.Load(),
		c.wrong.Load(), c.lost.Load(), c.outlived.Load(), c.loops.Load())
}

// bothUser is a browser, and what should be known of its user.
type bothUser struct {
	*bothFarm
	*bothCounts
	jar           http.CookieJar
	mu            sync.Mutex // of the story
	name          string     // empty if nobody is signed in
	began, issued time.Time
	slides        bool
	thieves       []http.CookieJar // copies made before a sign-out
	fault         string           // of this round
	story         []string         // the last requests
}

// get sends a request, and returns the status, the user and how many lines set
// cookies. A connection that breaks is as 502.
func (u *bothUser) get(jar http.CookieJar, path string) (status int, name string, set []string) {
	u.requests.Add(1)
	before := u.namesOf(jar)
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.story = append(u.story[max(0, len(u.story)-15):],
			fmt.Sprintf("%s %s with %s: %d %q, sets %s", u.bothFarm.now().Format(time.TimeOnly),
				path, before, status, name, attributes(set)))
	}()
	r, err := (&http.Client{Jar: jar, Timeout: time.Minute}).Get(u.front.URL + path)
	if err != nil {
		return http.StatusBadGateway, "", nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil && r.StatusCode == http.StatusOK && strings.HasSuffix(path, "whoami") {
		return http.StatusBadGateway, "", nil
	}
	var a struct{ Name string }
	json.Unmarshal(body, &a) // other answers than that of whoami are text
	return r.StatusCode, a.Name, r.Header["Set-Cookie"]
}

// excused reports whether the fault of the round explains a status. Kestrel is
// started anew when keys of its ring change.
func (u *bothUser) excused(node string, status int) bool {
	switch {
	case status == http.StatusBadGateway && (u.fault == node ||
		u.fault == node+" keys" && node == "core"):
		u.down.Add(1)
	case status == http.StatusServiceUnavailable && u.fault == "store":
		u.away.Add(1)
	default:
		return false
	}
	return true
}

// who asks a node who the user is.
func (u *bothUser) who(node string) []string {
	status, name, set := u.get(u.jar, "/"+node+"/whoami")
	if u.excused(node, status) {
		return set
	}
	is := func(count *atomic.Int64, what string) {
		count.Add(1)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.t.Errorf("%s: %s knows %q, want %q: %s (%d, fault %q, began %s, issued %s)\n%s", u.kind,
			node, name, u.name, what, status, u.fault, u.began.Format(time.TimeOnly),
			u.issued.Format(time.TimeOnly), strings.Join(u.story, "\n"))
	}
	switch {
	case status == http.StatusOK && name == u.name && name != "",
		status == http.StatusUnauthorized && u.name == "":
	case status == http.StatusUnauthorized:
		is(&u.lost, "the session is lost")
	case status == http.StatusOK && u.name == "":
		is(&u.outlived, "the session outlives its end")
	default:
		is(&u.wrong, "a wrong answer")
	}
	return set
}

func (u *bothUser) namesOf(jar http.CookieJar) (names []string) {
	at, err := url.Parse(u.front.URL)
	if err != nil {
		u.t.Fatal(err)
	}
	for _, c := range jar.Cookies(at) {
		names = append(names, c.Name)
	}
	return names
}

// clone copies the jar.
func (u *bothUser) clone() http.CookieJar {
	at, err := url.Parse(u.front.URL)
	if err != nil {
		u.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		u.t.Fatal(err)
	}
	jar.SetCookies(at, u.jar.Cookies(at))
	return jar
}

// signIn signs a user in. More than a few claims make a cookie that is cut.
func (u *bothUser) signIn(node, half, name string, persistent, claims int) {
	status, _, _ := u.get(u.jar,
		fmt.Sprintf("/%s/signin?kind=%s&half=%s&name=%s&persistent=%d&claims=%d&lifetime=%d",
			node, u.kind, half, name, persistent, claims, bothLifetime/time.Second))
	switch {
	case status == http.StatusOK:
		u.signedIn.Add(1)
		u.name, u.began = name, u.bothFarm.now()
		u.issued, u.slides = u.began, half == "core" || u.kind != "fedauth" ||
			u.of.Sliding == cookie.On
	case !u.excused(node, status):
		u.wrong.Add(1)
		u.t.Errorf("%s: signing in at %s: %d", u.kind, node, status)
	}
}

func (u *bothUser) signOut(node string) {
	thief := u.clone()
	status, _, _ := u.get(u.jar, "/"+node+"/signout")
	switch {
	case status == http.StatusOK:
		u.signedOut.Add(1)
		u.thieves = append(u.thieves[:min(len(u.thieves), 2)], thief)
		u.name = ""
	case !u.excused(node, status):
		u.wrong.Add(1)
		u.t.Errorf("%s: signing out at %s: %d", u.kind, node, status)
	}
}

// pass lets time pass for the user, who makes a request now.
func (u *bothUser) pass() {
	now := u.bothFarm.now()
	switch {
	case u.name == "":
	case !now.Before(u.issued.Add(bothLifetime)), !now.Before(u.began.Add(bothLimit)):
		u.name = ""
		u.ended.Add(1)
	case u.slides && now.Sub(u.issued) > bothLifetime/2 &&
		u.issued.Add(bothLifetime).Before(u.began.Add(bothLimit)):
		u.issued = now
	}
}

// calm reports whether nothing is due for the user within some seconds of a
// moment: which side of it a request comes to is chance.
func (u *bothUser) calm(at time.Time) bool {
	for _, due := range []time.Time{u.issued.Add(bothLifetime / 2), u.issued.Add(bothLifetime),
		u.began.Add(bothLimit)} {
		if d := at.Sub(due); u.name != "" && d > -30*time.Second && d < 15*time.Second {
			return false
		}
	}
	return true
}
