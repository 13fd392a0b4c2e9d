package farm

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
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
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreFarm is a balancer over a node on Kestrel and one in Go, which share the
// folder of a key ring.
type coreFarm struct {
	t      *testing.T
	keys   string // the folder
	ring   *dataprotection.Ring
	site   *cookie.Site
	offset atomic.Int64 // of Go's clock
	nodes  sync.Map     // names to URLs
	front  *httptest.Server
	dotnet *Node
}

var coreNodes = []string{"dotnet", "go"}

// startCoreFarm starts the nodes on a folder. If that has no key, the node on
// .NET makes one. More arguments are the node's, and c says the same to Go.
func startCoreFarm(t *testing.T, keys string, o *dataprotection.RingOptions, c cookie.Credential, more ...string) *coreFarm {
	t.Helper()
	o.ApplicationName = "farm"
	return newCoreFarm(t, FindCore(t).Node(t, CoreNodeOptions{Keys: keys, App: "farm",
		Name: "dotnet", More: append(more, "-lifetime", "3600")}), keys, o, c)
}

// newCoreFarm is for a node that has been started.
func newCoreFarm(t *testing.T, dotnet *Node, keys string, o *dataprotection.RingOptions, c cookie.Credential) *coreFarm {
	t.Helper()
	f := &coreFarm{t: t, keys: keys, dotnet: dotnet}
	var err error
	if f.ring, err = dataprotection.Open(t.Context(), dataprotection.Path(keys), o); err != nil {
		t.Fatal(err)
	}
	c.Kind, c.Lifetime = cookie.KindCore, time.Hour
	now := func() time.Time { return time.Now().Add(time.Duration(f.offset.Load())) }
	f.site, err = cookie.NewSite(machinekey.Config{},
		&cookie.SiteOptions{DataProtection: f.ring, Credentials: []cookie.Credential{c}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	inGo := httptest.NewServer(f.mux())
	t.Cleanup(inGo.Close)
	f.nodes.Store("dotnet", f.dotnet.URL)
	f.nodes.Store("go", inGo.URL)
	turn := new(atomic.Int64)
	f.front = httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		name := r.In.URL.Query().Get("node")
		if name == "" {
			name = coreNodes[turn.Add(1)%2]
		}
		address, _ := f.nodes.Load(name)
		to, err := url.Parse(address.(string))
		if err != nil {
			panic(err) // closes the connection
		}
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(f.front.Close)
	return f
}

// mux answers as the node on .NET does.
func (f *coreFarm) mux() http.Handler {
	sessions, mux := f.site.Sessions(), http.NewServeMux()
	fail := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
	mux.HandleFunc("/signin", func(w http.ResponseWriter, r *http.Request) {
		id := sessiontoken.Identity{AuthenticationType: "Cookies",
			Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName,
				Value: r.FormValue("name")}}}
		n, _ := strconv.Atoi(r.FormValue("claims"))
		for i := range n {
			id.Claims = append(id.Claims,
				sessiontoken.Claim{Type: fmt.Sprint("http://webfarm.example/claims/", i+1),
					Value: strings.Repeat("v", 64)})
		}
		user := &sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}
		fail(w,
			sessions.SignIn(w, r, user,
				&cookie.SignInOptions{Persistent: r.FormValue("persistent") == "1"}))
	})
	mux.HandleFunc("/signout",
		func(w http.ResponseWriter, r *http.Request) { fail(w, f.site.SignOut(w, r)) })
	mux.Handle("/whoami",
		f.site.Guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := sessions.Session(r)
			if err != nil {
				fail(w, err)
				return
			}
			ticket := s.Ticket().(*sessiontoken.CoreTicket)
			a := coreAnswer{Name: s.Principal().Name(), Expires: s.Expires().UTC()}
			a.Issued, _ = ticket.Properties.Time(sessiontoken.PropertyIssued)
			_, a.Persistent = ticket.Properties.Get(sessiontoken.PropertyPersistent)
			for c := range s.Principal().All("") {
				a.Claims = append(a.Claims, struct{ Type, Value string }{c.Type, c.Value})
			}
			json.NewEncoder(w).Encode(a)
		})))
	return mux
}

// clock moves the clocks of both nodes.
func (f *coreFarm) clock(d time.Duration) {
	f.t.Helper()
	f.offset.Store(int64(d))
	if _, err := http.Get(fmt.Sprintf("%s/clock?offset=%d", f.dotnet.URL,
		d/time.Second)); err != nil {
		f.t.Fatal(err)
	}
}

// coreAnswer is what a node says about the caller.
type coreAnswer struct {
	Name            string
	Claims          []struct{ Type, Value string }
	Issued, Expires time.Time
	Persistent      bool
}

// coreVisitor is a browser in front of the balancer.
type coreVisitor struct {
	*coreFarm
	jar *cookiejar.Jar
}

func (f *coreFarm) visitor() *coreVisitor {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return &coreVisitor{f, jar}
}

// get asks a node, or any if node is empty, and returns the lines of
// Set-Cookie.
func (v *coreVisitor) get(node, path string) (status int, body, set []string) {
	v.t.Helper()
	r, err := (&http.Client{Jar: v.jar, Timeout: 30 * time.Second}).Get(v.front.URL + path +
		"&node=" + node)
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, []string{string(text)}, r.Header.Values("Set-Cookie")
}

func (v *coreVisitor) signIn(node, name string, more ...string) {
	v.t.Helper()
	if status, body, _ := v.get(node, "/signin?name="+name+strings.Join(more, "")); status != 200 {
		v.t.Fatalf("signing in at %s: %d %s", node, status, body)
	}
}

// who wants a node to know a user, and returns what it says.
func (v *coreVisitor) who(node, name string) (coreAnswer, []string) {
	v.t.Helper()
	status, body, set := v.get(node, "/whoami?")
	var a coreAnswer
	if err := json.Unmarshal([]byte(body[0]), &a); status != 200 || err != nil || a.Name != name {
		v.t.Fatalf("%s knows %q, want %q: %d %s", node, a.Name, name, status, body)
	}
	return a, set
}

// stranger wants a node to know nobody.
func (v *coreVisitor) stranger(node string) {
	v.t.Helper()
	if status, body, _ := v.get(node, "/whoami?"); status != http.StatusUnauthorized {
		v.t.Errorf("%s: %d %s, want 401", node, status, body)
	}
}

// names returns the names of the cookies, sorted.
func (v *coreVisitor) names() (list []string) {
	for _, c := range v.cookies() {
		list = append(list, c.Name)
	}
	slices.Sort(list)
	return list
}

func (v *coreVisitor) cookies() []*http.Cookie {
	to, err := url.Parse(v.front.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.jar.Cookies(to)
}

// keyID returns the id of the key that protected the cookie.
func (v *coreVisitor) keyID() string {
	v.t.Helper()
	value := v.cookies()[0].Value
	payload, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(payload) < 20 {
		v.t.Fatalf("a cookie %q", value)
	}
	id := payload[4:20]
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		uint32(id[3])<<24|uint32(id[2])<<16|uint32(id[1])<<8|uint32(id[0]),
		uint16(id[5])<<8|uint16(id[4]), uint16(id[7])<<8|uint16(id[6]), id[8:10], id[10:])
}

// attributes are the lines of Set-Cookie without values and dates.
func attributes(lines []string) []string {
	var list []string
	for _, line := range lines {
		parts := strings.Split(line, "; ")
		name, value, _ := strings.Cut(parts[0], "=")
		if strings.HasPrefix(value, "chunks-") || value == "" {
			name += "=" + value
		}
		parts[0] = name
		list = append(list, strings.Join(slices.DeleteFunc(parts, func(p string) bool {
			return strings.HasPrefix(p, "expires=") && !strings.Contains(p, "1970")
		}), "; "))
	}
	return list
}

// defaultCookie is that of ASP.NET Core without settings.
func defaultCookie() http.Cookie {
	return http.Cookie{Name: ".AspNetCore.Cookies", Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode}
}

// TestCoreFarm signs in and out at either node behind a balancer, with each
// setting, lets either renew, and wants the same cookies from both. By default
// [TestBothWorlds] does so with its own node, and nothing is done here.
func TestCoreFarm(t *testing.T) {
	t.Parallel()
	if share.OneIn(t, 3) > 1 {
		return
	}
	one := newCertificate(t, "one")
	pfx := filepath.Join(t.TempDir(), "one.pfx")
	data, err := base64.StdEncoding.DecodeString(one.pfx)
	if err == nil {
		err = os.WriteFile(pfx, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	settings := []struct {
		cookie http.Cookie // without a value
		of     cookie.Credential
		ring   dataprotection.RingOptions
		more   []string
	}{
		{http.Cookie{Name: ".AspNet.SharedCookie", Path: "/", HttpOnly: true,
			SameSite: http.SameSiteStrictMode},
			cookie.Credential{AuthenticationType: "Identity.Application",
				Name: ".AspNet.SharedCookie", SameSite: "Strict"},
			dataprotection.RingOptions{Certificates: []tls.Certificate{one.Certificate}},
			[]string{"-algorithm", "AES_256_GCM", "-pfx", pfx,
				"-scheme", "Identity.Application", "-cookie", ".AspNet.SharedCookie",
				"-samesite", "Strict"}},
		{defaultCookie(), cookie.Credential{}, dataprotection.RingOptions{}, nil},
		{http.Cookie{Name: "session", Path: "/some/path", Domain: "www.farm.example",
			HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode},
			cookie.Credential{Name: "session", Path: "/some/path", Domain: "www.farm.example",
				Secure: cookie.On, SameSite: "None"},
			dataprotection.RingOptions{},
			[]string{"-cookie", "session", "-path", "/some/path", "-domain", "www.farm.example",
				"-secure", "Always", "-samesite", "None"}},
	}
	for _, tt := range settings {
		t.Run(tt.cookie.Name, func(t *testing.T) {
			f := startCoreFarm(t, t.TempDir(), &tt.ring, tt.of, tt.more...)
			if err := f.ring.Keys()[0].Err; err != nil {
				t.Fatal(err)
			}
			f.compare(t, tt.cookie, 1)
		})
	}
}

// compare wants the same from both nodes; of cookies to cut it makes one in step.
func (f *coreFarm) compare(t *testing.T, of http.Cookie, step int) {
	f.clock(0)
	f.cut(t, of, step)
	f.sameLines(t)
	if of.Domain != "" {
		return // a browser sends nothing to this host
	}
	for i, node := range coreNodes {
		other := coreNodes[1-i]
		t.Run("in at "+node, func(t *testing.T) { f.visit(t, node, other) })
	}
}

// visit signs in at a node, and goes on at both.
func (f *coreFarm) visit(t *testing.T, node, other string) {
	f.clock(0)
	v := f.visitor()
	v.t = t
	v.signIn(node, "zoe", "&persistent=1")
	a, _ := v.who(node, "zoe")
	b, set := v.who(other, "zoe")
	if fmt.Sprint(a) != fmt.Sprint(b) || len(set) > 0 || !a.Persistent ||
		!a.Expires.Equal(a.Issued.Add(time.Hour)) {
		t.Errorf("%s says %v, %s says %v and sets %q", node, a, other, b, set)
	}

	// Past its half, each renews what the other issued.
	for i, renews := range []string{other, node, other} {
		f.clock(time.Duration(i+1) * 40 * time.Minute)
		_, set := v.who(renews, "zoe")
		if len(set) != 1 {
			t.Fatalf("%s does not renew: %q", renews, set)
		}
		a, _ := v.who(node, "zoe")
		b, _ := v.who(other, "zoe")
		if fmt.Sprint(a) != fmt.Sprint(b) || !a.Persistent ||
			!a.Expires.Equal(a.Issued.Add(time.Hour)) ||
			time.Until(a.Issued) < time.Duration(i+1)*39*time.Minute {
			t.Errorf("renewed by %s: %v at %s, %v at %s", renews, a, node, b, other)
		}
	}
	f.clock(10 * time.Hour)
	v.stranger(node)
	v.stranger(other)
	f.clock(0)

	// Chunks come and go, wherever.
	var seen []int
	for i, claims := range []int{0, 60, 95, 20, 80, 0, 60} {
		by := []string{node, other, other, node}[i%4]
		v.signIn(by, "kate", fmt.Sprint("&claims=", claims))
		want := v.names()
		seen = append(seen, len(want))
		for _, n := range coreNodes {
			if a, _ := v.who(n, "kate"); len(a.Claims) != claims+1 {
				t.Errorf("%d claims by %s: %d at %s", claims, by, len(a.Claims), n)
			}
		}
		if i > 0 && claims == 0 && len(want) != 1 {
			t.Errorf("%s leaves chunks: %q", by, want)
		}
	}
	if slices.Max(seen) < 5 || slices.Min(seen) != 1 {
		t.Errorf("%v cookies, one after the other", seen)
	}

	// Signed out at one is signed out at both.
	if status, _, _ := v.get(other, "/signout?"); status != 200 || len(v.cookies()) > 0 {
		t.Errorf("%s: %d, and the cookies %q are left", other, status, v.names())
	}
	v.stranger(node)
	v.stranger(other)
}

// sameLines wants both nodes to write the same lines, values and dates aside,
// for all that a browser does.
func (f *coreFarm) sameLines(t *testing.T) {
	lines := map[string][]string{}
	for _, node := range coreNodes {
		v := f.visitor()
		for _, path := range []string{"/signin?name=zoe",
			"/signin?name=zoe&claims=100&persistent=1", "/signin?name=zoe&claims=60", "/signin?name=zoe", "/signout?"} {
			_, _, set := v.get(node, path)
			lines[node] = append(lines[node], append([]string{path}, attributes(set)...)...)
		}
	}
	if !slices.Equal(lines["go"], lines["dotnet"]) {
		t.Errorf("Go writes\n%s\nand .NET\n%s", strings.Join(lines["go"], "\n"),
			strings.Join(lines["dotnet"], "\n"))
	}
}

// cut has Kestrel cut cookies of many lengths, and wants the very lines from Go.
func (f *coreFarm) cut(t *testing.T, template http.Cookie, step int) {
	n, most := 0, 0
	for i := 0; i < 100; i += step {
		for _, claims := range []int{0, 17, 40, 120} {
			n++
			r, err := http.Get(fmt.Sprintf("%s/signin?name=%s&claims=%d", f.dotnet.URL,
				strings.Repeat("n", 3*i), claims))
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			browser := &http.Request{Header: http.Header{}}
			for _, c := range r.Cookies() {
				browser.AddCookie(c)
			}
			c := template
			if c.Value, err = chunks.Core.Join(browser, c.Name); err != nil {
				t.Fatal(err)
			}
			set, err := chunks.Core.Split(&c, 0)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if err := chunks.Core.Write(w, set); err != nil {
				t.Fatal(err)
			}
			want := r.Header.Values("Set-Cookie")
			if got := w.Header().Values("Set-Cookie"); !slices.Equal(got, want) {
				t.Fatalf("%d characters: %.300q, want %.300q", len(c.Value), got, want)
			}
			most = max(most, len(want))
		}
	}
	if most < 4 {
		t.Errorf("%d lines at most", most)
	}
	t.Logf("%d cookies of Kestrel cut alike, into %d lines at most", n, most)
}

// writeKey adds a key to a folder, as .NET makes it, and returns its id.
func writeKey(t *testing.T, pipe *CorePipe, keys string, from, to time.Time) string {
	t.Helper()
	answers, err := pipe.Call(CoreRequest{"op": "newkey",
		"activation": from.Format(time.RFC3339Nano), "expiration": to.Format(time.RFC3339Nano)})
	if err != nil || answers[0].Error != "" {
		t.Fatalf("%v %v", err, answers)
	}
	ring, err := dataprotection.Open(t.Context(), elements{answers[0].Element}, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := ring.Keys()[0].ID
	if err := os.WriteFile(filepath.Join(keys, "key-"+id+".xml"), []byte(answers[0].Element),
		0o600); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestCoreKeys changes the keys of a farm while it runs. By default it does
// nothing: each change needs nodes of its own.
func TestCoreKeys(t *testing.T) {
	if share.OneIn(t, 5) > 1 {
		return
	}
	for _, tt := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"one revoked", func(t *testing.T) { keyRevoked(t, oneRevoked) }},
		{"all revoked", func(t *testing.T) { keyRevoked(t, allRevoked) }},
		{"made by .NET", keyMadeByDotNet},
		{"made by Go", keyMadeByGo},
		{"only key revoked", onlyKeyRevoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t)
		})
	}
}

// keyMadeByDotNet has .NET make a key while a farm runs, whose own key ends
// then. What is protected with the new key Go opens with the first request: it
// reads the ring for nothing else. What the old key protected goes on.
func keyMadeByDotNet(t *testing.T) {
	core, keys, end := FindCore(t), t.TempDir(), time.Now().Add(25*time.Second)
	old := writeKey(t, core.Pipe(t), keys, time.Now().Add(-time.Hour), end)
	f := startCoreFarm(t, keys, &dataprotection.RingOptions{Interval: -1},
		cookie.Credential{}, "-no-generate")
	before := f.visitor()
	before.signIn("dotnet", "before")
	if got := before.keyID(); got != old {
		t.Fatalf("protected with %s, want %s", got, old)
	}
	before.who("go", "before")

	// A node that may make keys comes along.
	f.nodes.Store("maker", core.Node(t, CoreNodeOptions{Keys: keys, App: "farm",
		Name: "maker"}).URL)
	made := f.visitor()
	made.signIn("maker", "made")
	if made.keyID() == old {
		t.Fatal(".NET made no key, or does not use it")
	}
	made.who("go", "made")
	made.who("dotnet", "made")

	// All come to use the new one, .NET when the old key has ended at the latest.
	v := f.visitor()
	for v.signIn("dotnet", "after"); v.keyID() == old; v.signIn("dotnet", "after") {
		if time.Since(end) > time.Minute {
			t.Fatal(".NET goes on with a key that has ended")
		}
		time.Sleep(500 * time.Millisecond)
	}
	back := f.visitor()
	back.signIn("go", "back")
	for _, v := range []*coreVisitor{v, back} {
		if got := v.keyID(); got != made.keyID() {
			t.Errorf("protected with %s, want %s", got, made.keyID())
		}
	}
	for _, node := range []string{"go", "dotnet", "maker"} {
		before.who(node, "before")
		v.who(node, "after")
		back.who(node, "back")
	}
}

// revoke adds the revocation of a key to a folder.
func revoke(t *testing.T, keys, id string) {
	t.Helper()
	revocation := fmt.Sprintf(`<revocation version="1"><revocationDate>%s</revocationDate><key id="%s"/><reason>lost</reason></revocation>`,
		time.Now().UTC().Format(time.RFC3339Nano), id)
	if err := os.WriteFile(filepath.Join(keys, "revocation-"+id+".xml"), []byte(revocation),
		0o600); err != nil {
		t.Fatal(err)
	}
}

// oneRevoked and allRevoked revoke in Go, and return the key that is left.
func oneRevoked(t *testing.T, f *coreFarm, second, lost string) string {
	if err := f.ring.Revoke(t.Context(), lost, "lost & <found>"); err != nil {
		t.Fatal(err)
	}
	return second
}

func allRevoked(t *testing.T, f *coreFarm, _, _ string) string {
	if err := f.ring.Revoke(t.Context(), "*", ""); err != nil {
		t.Fatal(err)
	}
	id, err := f.ring.NewKey(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// keyRevoked has Go revoke a key while a farm runs on it, alone or with all
// others. Go knows it at once, .NET when the key ends, with another key to go on
// with.
func keyRevoked(t *testing.T, revoke func(t *testing.T, f *coreFarm, second, lost string) string) {
	keys, start := t.TempDir(), time.Now()
	pipe := FindCore(t).Pipe(t)
	second := writeKey(t, pipe, keys, start.Add(-2*time.Hour), start.Add(240*time.Hour))
	end := start.Add(22 * time.Second)
	lost := writeKey(t, pipe, keys, start.Add(-time.Hour), end)
	f := startCoreFarm(t, keys, &dataprotection.RingOptions{Interval: time.Second},
		cookie.Credential{}, "-no-generate")
	thief, user := f.visitor(), f.visitor()
	thief.signIn("dotnet", "mallory")
	user.signIn("go", "zoe")
	for _, v := range []*coreVisitor{thief, user} {
		if got := v.keyID(); got != lost {
			t.Fatalf("protected with %s, want %s", got, lost)
		}
	}
	thief.who("go", "mallory")
	left := revoke(t, f, second, lost)
	refused := func(node string, limit time.Time) {
		t.Helper()
		for {
			status, body, _ := thief.get(node, "/whoami?")
			if status == http.StatusUnauthorized {
				return
			}
			if time.Now().After(limit) {
				t.Fatalf("%s goes on with a key that is revoked: %d %s", node, status, body)
			}
			time.Sleep(250 * time.Millisecond)
		}
	}
	refused("go", time.Now().Add(20*time.Second))
	refused("dotnet", end.Add(time.Minute))
	for _, node := range coreNodes {
		v := f.visitor()
		v.signIn(node, "zoe")
		if got := v.keyID(); got != left {
			t.Errorf("%s protects with %s, want %s", node, got, left)
		}
		for _, other := range coreNodes {
			v.who(other, "zoe")
		}
	}
}

// onlyKeyRevoked revokes the only key of a ring, to which the node on .NET may
// add none: it cannot load the ring any more, and goes on accepting.
func onlyKeyRevoked(t *testing.T) {
	keys, start := t.TempDir(), time.Now()
	end := start.Add(22 * time.Second)
	only := writeKey(t, FindCore(t).Pipe(t), keys, start.Add(-time.Hour), end)
	f := startCoreFarm(t, keys, &dataprotection.RingOptions{Interval: -1},
		cookie.Credential{}, "-no-generate")
	thief := f.visitor()
	thief.signIn("dotnet", "mallory")
	thief.who("go", "mallory")
	revoke(t, keys, only)
	if err := f.ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	thief.stranger("go")
	time.Sleep(time.Until(end.Add(2 * time.Second)))
	accepted := 0
	for range 20 { // the request that meets the failure may be refused
		if status, _, _ := thief.get("dotnet", "/whoami?"); status == http.StatusOK {
			accepted++
		}
		time.Sleep(500 * time.Millisecond)
	}
	if accepted < 15 {
		t.Errorf(".NET accepted the cookie %d times of 20", accepted)
	}
	thief.stranger("go")
}
