package cookietest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/cookietest"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// build makes a site, for cookietest.New.
type build = func(*cookie.SiteOptions) (*cookie.Site, error)

// webConfig is a site with WIF, and forms tickets under a name of its own.
const webConfig = `<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    KEY
    <authentication mode="Forms">
      <forms name=".SHOP" path="/shop" domain="farm.example" requireSSL="true" />
    </authentication>
  </system.web>
  IDENTITY
</configuration>`

const identity = `<system.identityModel><identityConfiguration><securityTokenHandlers>
    <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
    <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler,
      System.IdentityModel.Services" />
  </securityTokenHandlers></identityConfiguration></system.identityModel>
  <system.identityModel.services><federationConfiguration>
    <cookieHandler path="/shop" domain="farm.example" />
  </federationConfiguration></system.identityModel.services>`

// fromFile builds the site of a web.config with fresh keys.
func fromFile(t *testing.T, sections string, change func(*cookie.SiteOptions)) build {
	t.Helper()
	keys := generate(t)
	file := strings.NewReplacer("KEY", keys.WebConfig(), "IDENTITY", sections).Replace(webConfig)
	files := fstest.MapFS{"web.config": {Data: []byte(file)}}
	return func(o *cookie.SiteOptions) (*cookie.Site, error) {
		change(o)
		return cookie.LoadSiteFS(files, "web.config", o)
	}
}

func generate(t *testing.T) machinekey.Config {
	t.Helper()
	keys, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sites are all kinds of credentials on sites that are fresh, and others.
func sites(t *testing.T) []struct {
	name  string
	kind  cookie.Kind
	build build
} {
	keys := generate(t)
	ringAlone := func(list ...cookie.Credential) build {
		return func(o *cookie.SiteOptions) (*cookie.Site, error) {
			o.Credentials = list
			return cookie.NewSite(machinekey.Config{}, o)
		}
	}
	shop := func(o *cookie.SiteOptions) {
		o.Roles = func(userData string) []string { return strings.Split(userData, "|") }
	}
	return []struct {
		name  string
		kind  cookie.Kind
		build build
	}{
		{"the default", "", nil},
		{"FedAuth", cookie.KindFedAuth, nil},
		{"WIF10", cookie.KindWIF10, nil},
		{"forms", cookie.KindForms, nil},
		{"Katana", cookie.KindKatana, nil},
		{"Core", cookie.KindCore, nil},
		{"bearer", cookie.KindBearer, nil},
		{"SQSession", cookie.KindSQSession, nil},
		{"FedAuth of a file", "", fromFile(t, identity, shop)},
		{"forms of a file", "", fromFile(t, "", shop)},
		{"forms of a file, named", cookie.KindForms,
			fromFile(t, identity, func(o *cookie.SiteOptions) {
				shop(o)
				o.Credentials = []cookie.Credential{{Kind: cookie.KindForms, Name: ".SHOP"}}
			})},
		{"bearer of a file", cookie.KindBearer, fromFile(t, identity, func(o *cookie.SiteOptions) {
			o.Credentials = []cookie.Credential{{Kind: cookie.KindBearer}}
		})},
		{"FedAuth on a ring", cookie.KindFedAuth, ringAlone(cookie.Credential{Kind: cookie.KindFedAuth})},
		{"bearer on a ring", cookie.KindBearer, ringAlone(cookie.Credential{Kind: cookie.KindBearer})},
		{"bearer of Core", cookie.KindBearer, ringAlone(
			cookie.Credential{Kind: cookie.KindCore, AuthenticationType: "Identity.Application"},
			cookie.Credential{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"})},
		{"Core beside a bearer", cookie.KindCore, ringAlone(
			cookie.Credential{Kind: cookie.KindCore, AuthenticationType: "Identity.Application"},
			cookie.Credential{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"})},
		{"SQSession without a store", cookie.KindSQSession,
			func(o *cookie.SiteOptions) (*cookie.Site, error) {
				o.Sessions.Store = nil
				o.Credentials = []cookie.Credential{{Kind: cookie.KindSQSession, Name: "SQSession_1"}}
				return cookie.NewSite(keys, o)
			}},
	}
}

// newWebConfig writes a web.config for ExampleNew.
func newWebConfig() (path string, err error) {
	keys, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "web.*.config")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = strings.NewReplacer("KEY", keys.WebConfig(), "IDENTITY", "").WriteString(file, webConfig)
	return file.Name(), err
}

// buyers is a service for users with one role.
func buyers(site *cookie.Site) http.Handler {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s", user.Name())
	})
	return site.Handler(cookie.RequireRole("buyer")(hello))
}

func status(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// TestKinds lets users in with credentials of all kinds, and nobody with a fault.
func TestKinds(t *testing.T) {
	alice := sessiontoken.NewPrincipal("alice", "seller", "buyer")
	bob := sessiontoken.NewPrincipal("bob")
	for _, tt := range sites(t) {
		t.Run(tt.name, func(t *testing.T) {
			site := cookietest.New(tt.kind, tt.build)
			service := buyers(site.Site)
			if got := status(service, site.Request("GET", "/", nil, nil)); got != 401 {
				t.Errorf("a stranger gets %d", got)
			}
			w := httptest.NewRecorder()
			service.ServeHTTP(w, site.Request("GET", "/", nil, alice))
			if w.Code != 200 || w.Body.String() != "hello alice" {
				t.Errorf("alice gets %d %q", w.Code, w.Body)
			}
			if got := status(service, site.Request("GET", "/", nil, bob)); got != 403 {
				t.Errorf("bob, without the role, gets %d", got)
			}
			for _, fault := range cookietest.Faults {
				endless := fault == "signed out" || fault == "revoked"
				switch {
				case endless && tt.kind == cookie.KindBearer:
					panics(t, "no session", func() { site.Request("GET", "/", nil, alice, fault) })
					continue
				case fault == "signed out" && tt.name == "SQSession without a store":
					panics(t, `takes a credential that is "signed out"`, func() {
						site.Request("GET", "/", nil, alice, fault)
					})
					continue
				}
				r := site.Request("GET", "/", nil, alice, fault)
				if len(r.Cookies()) == 0 && r.Header.Get("Authorization") == "" {
					t.Errorf("%s: no credential", fault)
				}
				if got := status(service, r); got != 401 {
					t.Errorf("%s: %d", fault, got)
				}
			}
			carol := sessiontoken.NewPrincipal("carol", "buyer")
			if got := status(service, site.Request("GET", "/", nil, carol)); got != 200 {
				t.Errorf("carol, after the faults, gets %d", got)
			}
			r := site.Request("GET", "/", nil, carol)
			site.Advance(20 * 24 * time.Hour)
			if got := status(service, r); got != 401 {
				t.Errorf("carol, weeks later, gets %d", got)
			}
		})
	}
}

// TestFaults wants each fault to be the one it says, as the operator sees it.
func TestFaults(t *testing.T) {
	want := map[string]string{
		"expired":     "sessiontoken: credential has expired at ",
		"tampered":    "sessiontoken: not a valid credential",
		"foreign key": "sessiontoken: not a valid credential",
		"signed out":  "cookie: the session was ended",
		"revoked":     "cookie: the session was ended",
	}
	alice := sessiontoken.NewPrincipal("alice")
	kinds := []cookie.Kind{cookie.KindFedAuth, cookie.KindForms, cookie.KindKatana, cookie.KindCore}
	for _, kind := range kinds {
		site := cookietest.New(kind, nil)
		for _, fault := range cookietest.Faults {
			_, err := site.Check(site.Request("GET", "/", nil, alice, fault))
			if err == nil || !strings.HasPrefix(err.Error(), want[fault]) {
				t.Errorf("%s, %s: %v", kind, fault, err)
			}
		}
	}
	if len(want) != len(cookietest.Faults) {
		t.Errorf("%d faults", len(cookietest.Faults))
	}
}

// TestClient signs in browsers and programs at a server without TLS and one with.
func TestClient(t *testing.T) {
	alice := sessiontoken.NewPrincipal("alice", "buyer")
	for _, tt := range sites(t) {
		t.Run(tt.name, func(t *testing.T) {
			site := cookietest.New(tt.kind, tt.build)
			for _, server := range []*httptest.Server{
				httptest.NewServer(buyers(site.Site)), httptest.NewTLSServer(buyers(site.Site)),
			} {
				defer server.Close()
				for client, want := range map[*http.Client]int{
					site.Client(server, alice):                            200,
					site.Client(server, sessiontoken.NewPrincipal("bob")): 403,
					site.Client(server, alice, "expired"):                 401,
					site.Client(server, nil):                              401,
				} {
					response, err := client.Get(server.URL + "/shop/orders")
					if err != nil {
						t.Fatal(err)
					}
					if response.Body.Close(); response.StatusCode != want {
						t.Errorf("%s: %d, want %d", server.URL[:5], response.StatusCode, want)
					}
				}
			}
		})
	}
}

// TestClientKeepsToken sends a bearer token to no other server.
func TestClientKeepsToken(t *testing.T) {
	site := cookietest.New(cookie.KindBearer, nil)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	server := httptest.NewServer(buyers(site.Site))
	defer server.Close()
	response, err := site.Client(server, sessiontoken.NewPrincipal("alice")).Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); len(body) > 0 || err != nil {
		t.Errorf("another server gets %d bytes of authorization, %v", len(body), err)
	}
}

// TestOutcome tells apart what handlers do to sessions.
func TestOutcome(t *testing.T) {
	alice, bob := sessiontoken.NewPrincipal("alice", "buyer"), sessiontoken.NewPrincipal("bob")
	for _, tt := range sites(t) {
		if tt.kind == cookie.KindBearer {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			site := cookietest.New(tt.kind, tt.build)
			signIn := func(user *sessiontoken.Principal) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if err := site.Sessions().SignIn(w, r, user, nil); err != nil {
						t.Error(err)
					}
				}
			}
			signOut := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := site.SignOut(w, r); err != nil {
					t.Error(err)
				}
			})
			check := func(name string, h http.Handler, r *http.Request, want string) {
				t.Helper()
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if got := site.Outcome(r, w.Result()); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			check("a stranger", buyers(site.Site), site.Request("GET", "/", nil, nil), "nothing")
			check("a user", buyers(site.Site), site.Request("GET", "/", nil, alice), "nothing")
			check("sign-out", signOut, site.Request("GET", "/", nil, alice), "signed out")
			check("sign-in", signIn(bob), site.Request("GET", "/", nil, nil), "signed in as bob")
			check("sign-in anew", signIn(bob), site.Request("GET", "/", nil, alice), "signed in as bob")
		})
	}
	for _, kind := range []cookie.Kind{
		cookie.KindForms, cookie.KindKatana, cookie.KindCore, cookie.KindSQSession,
	} {
		site := cookietest.New(kind, nil)
		r := site.Request("GET", "/", nil, alice)
		x, err := site.Sessions().Session(r)
		if err != nil {
			t.Fatal(err)
		}
		site.Advance(x.Expires().Sub(x.SignedIn())/2 + time.Minute)
		w := httptest.NewRecorder()
		if buyers(site.Site).ServeHTTP(w, r); w.Code != 200 {
			t.Fatalf("%s: %d", kind, w.Code)
		}
		if got := site.Outcome(r, w.Result()); got != "renewed" {
			t.Errorf("%s at half life: %q", kind, got)
		}
	}
	site, w := cookietest.New("", nil), httptest.NewRecorder()
	http.SetCookie(w, &http.Cookie{Name: "FedAuth", Value: "AAAA"})
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	const want = "refused: sessiontoken: not a valid credential"
	if got := site.Outcome(site.Request("GET", "/", nil, nil), w.Result()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestParallel asks for requests in several goroutines, as parallel subtests do.
func TestParallel(t *testing.T) {
	site := cookietest.New(cookie.KindForms, nil)
	service, alice := buyers(site.Site), sessiontoken.NewPrincipal("alice", "buyer")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, fault := range cookietest.Faults {
				if got := status(service, site.Request("GET", "/", nil, alice, fault)); got != 401 {
					t.Errorf("%s: %d", fault, got)
				}
				if got := status(service, site.Request("GET", "/", nil, alice)); got != 200 {
					t.Errorf("beside %s: %d", fault, got)
				}
				site.Advance(time.Second)
			}
		})
	}
	wg.Wait()
}

// TestSetUpWrongly wants the text of each panic to say what is wrong.
func TestSetUpWrongly(t *testing.T) {
	alice := sessiontoken.NewPrincipal("alice", "buyer")
	empty, err := dataprotection.Open(t.Context(), dataprotection.Document([]byte("<keys/>")), nil)
	if err != nil {
		t.Fatal(err)
	}
	request := func(kind cookie.Kind, b build, faults ...string) func() {
		return func() { cookietest.New(kind, b).Request("GET", "/", nil, alice, faults...) }
	}
	asItIs := func(*cookie.SiteOptions) {}
	emptyRing := func(o *cookie.SiteOptions) (*cookie.Site, error) {
		o.DataProtection, o.Credentials = empty, []cookie.Credential{{Kind: cookie.KindCore}}
		return cookie.NewSite(machinekey.Config{}, o)
	}
	otherKeys := func(o *cookie.SiteOptions) (*cookie.Site, error) {
		o.Credentials = []cookie.Credential{{Kind: cookie.KindFedAuth}}
		return cookie.NewSite(generate(t), o)
	}
	noRevoked := fromFile(t, identity, func(o *cookie.SiteOptions) { o.Sessions.Revoked = nil })
	noStore := fromFile(t, "", func(o *cookie.SiteOptions) {
		o.Sessions.Store = nil
		o.Credentials = []cookie.Credential{{Kind: cookie.KindForms, Name: ".SHOP"}}
		o.Roles = func(string) []string { return []string{"buyer"} }
	})
	site := cookietest.New("", nil)
	for want, f := range map[string]func(){
		"signs nobody in":                      request(cookie.KindRoles, nil),
		`["late"]: want one of`:                request("", nil, "late"),
		`["expired" "revoked"]`:                request("", nil, "expired", "revoked"),
		`no cookie ".ASPXAUTH" for a forms`:    request(cookie.KindForms, fromFile(t, identity, asItIs)),
		"no place for the roles":               request("", fromFile(t, "", asItIs)),
		"no key of the ring may protect":       request(cookie.KindCore, emptyRing),
		"the same keys each time":              request("", otherKeys, "expired"),
		`takes a credential that is "revoked"`: request("", noRevoked, "revoked"),
		"no id that lasts":                     request(cookie.KindForms, noStore, "revoked"),
		`a stranger has no credential that could be "expired"`: func() {
			site.Request("GET", "/", nil, nil, "expired")
		},
		"exactly one identity": func() {
			two := sessiontoken.NewPrincipal("alice")
			two.Identities = append(two.Identities, two.Identities[0])
			cookietest.New(cookie.KindBearer, nil).Request("GET", "/", nil, two)
		},
	} {
		panics(t, want, f)
	}
}

func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		text, _ := recover().(string)
		if !strings.HasPrefix(text, "cookietest: ") || !strings.Contains(text, want) {
			t.Errorf("panic %q, want %q in it", text, want)
		}
	}()
	f()
}
