package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// webConfig is a site with FedAuth sessions. %KEY% is a <machineKey>.
const webConfig = `<configuration>
  <configSections>
    <section name="system.identityModel" type="System.IdentityModel.Configuration.SystemIdentityModelSection, System.IdentityModel"/>
    <section name="system.identityModel.services" type="System.IdentityModel.Services.Configuration.SystemIdentityModelServicesSection, System.IdentityModel.Services"/>
  </configSections>
  <system.web>
    <httpRuntime targetFramework="4.8"/>
    %KEY%
    <authentication mode="None"/>
  </system.web>
  <system.identityModel>
    <identityConfiguration>
      <securityTokenHandlers>
        <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"/>
        <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"/>
      </securityTokenHandlers>
    </identityConfiguration>
  </system.identityModel>
  <system.identityModel.services>
    <federationConfiguration><cookieHandler requireSsl="false" path="/"/></federationConfiguration>
  </system.identityModel.services>
</configuration>
`

// writeConfig puts a site with a fresh key at path and returns the key.
func writeConfig(t testing.TB, path string) machinekey.Config {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, path, strings.Replace(webConfig, "%KEY%", cfg.WebConfig(), 1))
	return cfg
}

// replaceFile puts a complete file in the place of another.
func replaceFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// newGateway returns a gateway for a site of its own. Its sessions slide.
func newGateway(t testing.TB, o Options) *Gateway {
	t.Helper()
	if o.File.Path == "" && o.Site.DataProtection == nil {
		o.File.Path = filepath.Join(t.TempDir(), "web.config")
		writeConfig(t, o.File.Path)
	}
	if o.Site.Sessions.Sliding == 0 {
		o.Site.Sessions.Sliding = cookie.On
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func newClock() *testkit.Clock { return testkit.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) }

// user returns somebody with these roles.
func user(name string, roles ...string) *sessiontoken.Principal {
	id := sessiontoken.Identity{AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: name}}}
	for _, role := range roles {
		id.Claims = append(id.Claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole,
			Value: role})
	}
	return &sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}
}

// signedIn returns the Cookie header of p.
func signedIn(t testing.TB, g *Gateway, p *sessiontoken.Principal) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := g.Site().Sessions().SignIn(w, httptest.NewRequest("POST", "/", nil), p,
		nil); err != nil {
		t.Fatal(err)
	}
	return cookieHeader(w.Result().Cookies())
}

// cookieHeader is what a browser sends that got these cookies.
func cookieHeader(set []*http.Cookie) string {
	var pairs []string
	for _, c := range set {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// ask sends a request to h. The headers are pairs.
func ask(h http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// brokenStore fails while it is broken.
type brokenStore struct {
	sessiontoken.Store
	mu     sync.Mutex
	broken bool
}

var errStore = errors.New("the store is down")

func (s *brokenStore) fail(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *brokenStore) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errStore
	}
	return nil
}

func (s *brokenStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if err := s.err(); err != nil {
		return nil, time.Time{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *brokenStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Put(ctx, key, data, expires)
}

// logger returns a logger that writes into log.
func logger(log *testkit.Log) *slog.Logger {
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// eventually waits until f is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 seconds", what)
		}
	}
}
