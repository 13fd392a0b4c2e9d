package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/farmtest"
)

// servicePath is that of a service which is not of the farm and reads no
// cookies: nginx asks the gateway who the user is, and tells it.
const servicePath = "/app/whoami"

// gatewayLocations returns what nginx needs for it: the locations that
// docs/gateway.md shows, for the paths below /app/.
func gatewayLocations(t *testing.T, gateway, service string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(farm.Root(t), "docs", "gateway.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, config, _ := strings.Cut(string(text), "```nginx\n")
	config, _, _ = strings.Cut(config, "\n}\n```")
	start := strings.Index(config, "location / {")
	if start < 0 {
		t.Fatal("docs/gateway.md has no location / for nginx")
	}
	_, cookies, _ := strings.Cut(config[:start], "add_header") // of the server there
	if !strings.HasPrefix(cookies, " Set-Cookie ") {
		t.Fatal("docs/gateway.md has no cookies for nginx")
	}
	config = config[start:]
	for _, change := range [][2]string{{"location / {", "location /app/ { add_header" + cookies},
		{"http://127.0.0.1:3000", service}, {"http://webfarm", gateway}} {
		if strings.Count(config, change[0]) != 1 {
			t.Fatalf("docs/gateway.md says %q %d times", change[0],
				strings.Count(config, change[0]))
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	return config
}

// service answers as a node does with what the headers say, and has no other
// way to know.
func service(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decode := func(s string) string {
			text, err := url.PathUnescape(s)
			if err != nil {
				text = "not decoded: " + s
			}
			return text
		}
		w.Header().Set("X-Node", "service")
		var a answer
		if users := r.Header.Values("X-Webfarm-User"); len(users) == 1 {
			a.Name = decode(users[0])
		}
		for _, role := range strings.Split(r.Header.Get("X-Webfarm-Roles"), ",") {
			a.Roles = append(a.Roles, decode(role))
		}
		json.NewEncoder(w).Encode(a)
	}))
	t.Cleanup(s.Close)
	return s
}

// startFarmWithGateway starts a farm that has a gateway, and behind it the
// service.
func startFarmWithGateway(t *testing.T) *testFarm {
	t.Helper()
	farm.Need(t, farm.InstallGo, "go")
	f := startNodes(t)
	webfarm := filepath.Join(t.TempDir(), "webfarm")
	build := exec.Command("go", "build", "-o", webfarm, "./cmd/webfarm")
	build.Dir = farm.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.gateway = &member{Name: "gateway", Port: freePort(t), control: freePort(t), key: "/readyz",
		start: func(t *testing.T, m *member) *farm.Process {
			args := []string{"serve", "-config", f.goConfig, "-auth-type", "ApplicationCookie",
				"-watch", "20ms", "-drain", "0", "-listen", "127.0.0.1:" + strconv.Itoa(m.Port),
				"-admin", "127.0.0.1:" + strconv.Itoa(m.control)}
			if f.next != "" {
				args = append(args, "-next", f.next)
			}
			return farm.Start(t, m.Name, exec.Command(webfarm, args...))
		}}
	f.gateway.restart(t)
	f.nginx = startNginx(t, f.nodes, gatewayLocations(t,
		fmt.Sprint("http://127.0.0.1:", f.gateway.Port), service(t).URL))
	return f
}

// ours returns what is in Go and reads the key of Go nodes.
func (f *testFarm) ours() []*member { return append(slices.Clone(f.nodes[:2]), f.gateway) }

// TestGateway signs in at each node and wants the service to be told, whatever
// the browser says in the headers.
func TestGateway(t *testing.T) {
	f := startFarmWithGateway(t)
	byEach(t, f, func(t *testing.T, visitor func(*testing.T) visitor) {
		for _, kind := range []string{fedAuth, forms, katana} {
			for _, at := range f.nodes {
				for _, size := range sizes {
					if _, ok := size.cookies[kind]; !ok {
						continue
					}
					t.Run(fmt.Sprint(kind, " from ", at.Name, " with ", size.claims, " claims"),
						func(t *testing.T) {
							v := visitor(t)
							if r := v.get(servicePath); r.status != http.StatusUnauthorized ||
								r.node != "" {
								t.Errorf("a stranger: %d from %q: %s", r.status, r.node, r.text)
							}
							if kind == forms {
								mustAsk(t, v, at, "/signin",
									url.Values{"kind": {kind}, "name": {"Zoë <z>"}})
								if r := v.get(servicePath); r.status != http.StatusOK ||
									r.answer.Name != "Zoë <z>" {
									t.Errorf("the service says %d %s", r.status, r.text)
								}
								return
							}
							mustAsk(t, v, at, "/signin",
								url.Values{"kind": {kind}, "name": {"Zoë <z>"},
									"roles": {"admin,b%2Cc"}, "claims": {fmt.Sprint(size.claims)}})
							r := v.get(servicePath)
							if r.status != http.StatusOK || r.node != "service" ||
								r.answer.Name != "Zoë <z>" ||
								!slices.Equal(r.answer.Roles, []string{"admin", "b%2Cc"}) {
								t.Errorf("the service says %d %s", r.status, r.text)
							}
							mustAsk(t, v, at, "/signout", nil)
							if r := v.get(servicePath); r.status != http.StatusUnauthorized {
								t.Errorf("after sign-out: %d %s", r.status, r.text)
							}
						})
				}
			}
		}
	})
}

// TestGatewayBelievesNoHeaders sends headers with a name of the client's.
func TestGatewayBelievesNoHeaders(t *testing.T) {
	f := startFarmWithGateway(t)
	transport := f.transport(1)
	defer transport.CloseIdleConnections()
	c := newPlain(t, f.nginx, transport)
	forged := func(name string, values ...string) reply {
		t.Helper()
		r, err := http.NewRequest("GET", f.url+servicePath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header[name] = values
		got, err := c.do(r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	names := []string{"X-Webfarm-User", "x-webfarm-user", "X_Webfarm_User", "X-Webfarm-Roles",
		"X-Webfarm-Set-Cookie-1"}
	for _, name := range names {
		if r := forged(name, "admin"); r.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d %s", name, r.status, r.text)
		}
	}
	mustAsk(t, c, f.node("dotnet"), "/signin",
		url.Values{"kind": {fedAuth}, "name": {"bob"}, "roles": {"user"}})
	for _, name := range names {
		for _, values := range [][]string{{"admin"}, {"admin", "root"}, {"bob", "admin"}, {""}} {
			if r := forged(name, values...); r.status != http.StatusOK || r.answer.Name != "bob" ||
				!slices.Equal(r.answer.Roles, []string{"user"}) {
				t.Errorf("%s: %q: %d %s", name, values, r.status, r.text)
			}
		}
	}
}

// TestGatewayRenews lets the cookies of a renewed session pass from the gateway
// through nginx to the browser.
func TestGatewayRenews(t *testing.T) {
	f := startFarmWithGateway(t)
	byEach(t, f, func(t *testing.T, visitor func(*testing.T) visitor) {
		for _, kind := range []string{forms, katana} {
			t.Run(kind, func(t *testing.T) {
				v := visitor(t)
				// Made 700 seconds ago, as the clocks of the nodes say, it has 300 left.
				f.clock(t, -700)
				mustAsk(t, v, f.node("dotnet"), "/signin",
					url.Values{"kind": {kind}, "name": {"bob"}, "lifetime": {"1000"},
						"claims": {"120"}})
				f.clock(t, 0)
				if r := v.get(servicePath); r.status != http.StatusOK || r.answer.Name != "bob" {
					t.Fatalf("%d %s", r.status, r.text)
				}
				f.clock(t, 400)
				for _, node := range f.nodes {
					if who := mustAsk(t, v, node, "/whoami", nil); who.Name != "bob" ||
						kind == katana && len(who.Claims) != 121 {
						t.Errorf("%s: %s with %d claims", node.Name, who.Name, len(who.Claims))
					}
				}
				f.clock(t, 0)
			})
		}
	})
	// After a change of the key, whoever has passed the gateway is known to
	// .NET again: the service, which knows nothing of keys, bridged it.
	v := newPlain(t, f.nginx, f.transport(1))
	mustAsk(t, v, f.node("dotnet"), "/signin",
		url.Values{"kind": {fedAuth}, "name": {"bob"}, "claims": {"120"}})
	next := filepath.Join(t.TempDir(), "next.config")
	key := writeKey(t, next)
	replace(t, f.goConfig, next)
	replace(t, f.dotnetConfig, next)
	if err := farmtest.Eventually(func() error {
		if says := f.gateway.get(t, "/readyz"); !strings.Contains(says, key) {
			return errors.New(says)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, v, f.node("dotnet"), "/whoami", nil); r.status != http.StatusUnauthorized {
		t.Errorf(".NET has not changed its key: %d", r.status)
	}
	if r := v.get(servicePath); r.status != http.StatusOK || r.answer.Name != "bob" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if who := mustAsk(t, v, f.node("dotnet"), "/whoami", nil); who.Name != "bob" ||
		len(who.Claims) != 121 {
		t.Errorf("after the gateway: %+v", who)
	}
}
