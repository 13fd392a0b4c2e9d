package cookie_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// freshSite writes the web.config of a site with a key of its own.
func freshSite(t *testing.T, web, rest string) string {
	t.Helper()
	return writeSite(t, `<configuration><system.web>`+freshKey(t)+web+`</system.web>`+rest+
		`</configuration>`)
}

func freshKey(t *testing.T) string {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.WebConfig()
}

func loadSite(t *testing.T, path string, o *cookie.SiteOptions) *cookie.Site {
	t.Helper()
	s, err := cookie.LoadSite(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signIn returns the Cookie header of a browser after sign-in.
func signIn(t *testing.T, s *cookie.Sessions, name string, o *cookie.SignInOptions) (header string, set []*http.Cookie) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.SignIn(w, httptest.NewRequest("POST", "/signin", nil), user(name), o); err != nil {
		t.Fatal(err)
	}
	var pairs []string
	set = w.Result().Cookies()
	for _, c := range set {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; "), set
}

// renewal returns what a handler of the site answers, and the cookies it sets.
func renewal(s *cookie.Site, header string) (status int, set []*http.Cookie) {
	w := httptest.NewRecorder()
	s.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w,
		request(header))
	return w.Code, w.Result().Cookies()
}

// The attributes of the cookies are those of the file.
func TestSiteSessionsFollowTheFile(t *testing.T) {
	tests := []struct {
		name, web, rest string
		opts            cookie.SiteOptions
		want            http.Cookie
	}{
		{"FedAuth", "", handlerOf(machineKey45), cookie.SiteOptions{},
			http.Cookie{Name: "FedAuth", Path: "/", Secure: true, HttpOnly: true}},
		{"FedAuth of an application", "", handlerOf(machineKey45),
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/Shop/"}}},
			http.Cookie{Name: "FedAuth", Path: "/Shop/", Secure: true, HttpOnly: true}},
		{"FedAuth with attributes", `<httpCookies sameSite="Lax"/>`, handlerOf(machineKey45) +
			`<system.identityModel.services><federationConfiguration><cookieHandler name="Auth" path="/a" domain="shop.example" requireSsl="false" hideFromScript="false"/></federationConfiguration></system.identityModel.services>`,
			cookie.SiteOptions{}, http.Cookie{Name: "Auth", Path: "/a", Domain: "shop.example",
				SameSite: http.SameSiteLaxMode}},
		{"forms", formsMode, "", cookie.SiteOptions{},
			http.Cookie{Name: ".ASPXAUTH", Path: "/", HttpOnly: true,
				SameSite: http.SameSiteLaxMode}},
		{"forms with attributes",
			`<authentication mode="Forms"><forms name="F" path="/f" domain="f.example" requireSSL="true" cookieSameSite="None"/></authentication><httpCookies domain="x.example"/>`, "",
			cookie.SiteOptions{}, http.Cookie{Name: "F", Path: "/f", Domain: "f.example",
				Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode}},
		{"forms and a default domain", formsMode + `<httpCookies domain="x.example"/>`, "",
			cookie.SiteOptions{}, http.Cookie{Name: ".ASPXAUTH", Path: "/", Domain: "x.example",
				HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"Katana", "", "",
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
				AuthenticationType: "ApplicationCookie"}}},
			http.Cookie{Name: ".AspNet.ApplicationCookie", Path: "/", HttpOnly: true}},
		{"Katana behind a balancer with TLS", "", "",
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
				AuthenticationType: "ApplicationCookie"}}, Sessions: cookie.SessionsOptions{IsTLS: func(*http.Request) bool { return true }}},
			http.Cookie{Name: ".AspNet.ApplicationCookie", Path: "/", Secure: true,
				HttpOnly: true}},
		{"Katana and httpCookies", `<httpCookies requireSSL="true" sameSite="Strict"/>`, "",
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
				AuthenticationType: "Cookies"}}},
			http.Cookie{Name: ".AspNet.Cookies", Path: "/", Secure: true, HttpOnly: true,
				SameSite: http.SameSiteStrictMode}},
		{"SQSession", "",
			`<sequence.engine><web><session application="Flowtime" sessionCookieSecure="true"/></web></sequence.engine>`,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindSQSession}}},
			http.Cookie{Name: "SQSessionFlowtime", Path: "/", Secure: true, HttpOnly: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := loadSite(t, freshSite(t, tt.web, tt.rest), &tt.opts)
			if s.Sessions() == nil {
				t.Fatalf("no sessions:\n%s", s)
			}
			header, set := signIn(t, s.Sessions(), "bob", nil)
			for _, got := range set {
				if got.Name != tt.want.Name || got.Path != tt.want.Path ||
					got.Domain != tt.want.Domain ||
					got.Secure != tt.want.Secure || got.HttpOnly != tt.want.HttpOnly ||
					got.SameSite != tt.want.SameSite || !got.Expires.IsZero() {
					t.Errorf("%v, want %v", got, &tt.want)
				}
			}
			if status, name := answer(s, request(header)); status != http.StatusOK ||
				name != "bob" {
				t.Errorf("%d %q", status, name)
			}
			if one, ok := s.SessionsOf(tt.want.Name); !ok || one != s.Sessions() {
				t.Error("SessionsOf does not find it")
			}
		})
	}
}

// A cookie that browsers drop, and one that anybody could change, are read and
// never issued.
func TestSiteReadsWhatItCannotIssue(t *testing.T) {
	path := freshSite(t,
		`<authentication mode="Forms"><forms cookieSameSite="None"/></authentication>`, "")
	s := loadSite(t, path, nil)
	if s.Sessions() != nil || !strings.Contains(s.String(),
		"never issued: cookie: cookie cannot be written") {
		t.Errorf("%v\n%s", s.Sessions(), s)
	}
	codec, err := sessiontoken.NewFormsCodec(s.Ring(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Encode(context.Background(), codec.NewTicket("bob", ""))
	if err != nil {
		t.Fatal(err)
	}
	if status, name := answer(s, request(".ASPXAUTH="+text)); status != http.StatusOK ||
		name != "bob" {
		t.Errorf("%d %q", status, name)
	}
}

// A cookie that is never issued is refused as every other, and its user signed
// out: the store, MaxLifetime and Revoked are asked.
func TestSiteAsksTheStoreAboutWhatItCannotIssue(t *testing.T) {
	none := `<authentication mode="Forms"><forms cookieSameSite="None"/></authentication>`
	host := `<system.identityModel.services><federationConfiguration><cookieHandler name="__Host-Fed" requireSsl="%s"/></federationConfiguration></system.identityModel.services>`
	for name, files := range map[string][2]string{ // of a node that issues the cookie, and one that does not
		"browsers drop forms": {siteOf("Framework45", "HMACSHA256", formsMode, ""),
			siteOf("Framework45", "HMACSHA256", none, "")},
		"browsers drop FedAuth": {siteOf("Framework45", "HMACSHA256", "",
			handlerOf(machineKey45)+fmt.Sprintf(host, "true")),
			siteOf("Framework45", "HMACSHA256", "",
				handlerOf(machineKey45)+fmt.Sprintf(host, "false"))},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newTestClock()
			locked := false
			store := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: clock.Now})
			load := func(file string) *cookie.Site {
				return loadSite(t, writeSite(t, file),
					&cookie.SiteOptions{Now: clock.Now,
						Config: func(c *machinekey.Config) { c.AllowInsecure, c.AllowKnownKey = true, true },
						Sessions: cookie.SessionsOptions{Store: store,
							MaxLifetime: 20 * time.Minute, OnePerUser: true,
							Revoked: revokedIf(&locked)}})
			}
			issues, reads := load(files[0]), load(files[1])
			if reads.Sessions() != nil {
				t.Fatalf("issues too:\n%s", reads)
			}
			if _, ok := reads.SessionsOf(issues.Sessions().CookieName()); ok {
				t.Error("SessionsOf has what cannot be issued")
			}
			wants := func(site *cookie.Site, header string, want error) {
				t.Helper()
				if _, err := site.Check(request(header)); !errors.Is(err, want) {
					t.Errorf("Check: %v, want %v", err, want)
				}
			}
			begin := func() string {
				clock.Move(time.Second)
				header, _ := signIn(t, issues.Sessions(), "bob", nil)
				wants(reads, header, nil)
				return header
			}
			signOut := func(site *cookie.Site, header string) {
				if err := site.SignOut(httptest.NewRecorder(), request(header)); err != nil {
					t.Fatal(err)
				}
			}
			out := begin()
			signOut(issues, out)
			wants(reads, out, cookie.ErrRevoked)
			out = begin()
			signOut(reads, out)
			wants(issues, out, cookie.ErrRevoked)
			older := begin()
			begin()
			wants(reads, older, cookie.ErrRevoked)
			one := begin()
			locked = true
			wants(reads, one, cookie.ErrRevoked)
			locked = false
			wants(reads, one, nil)
			clock.Move(16 * time.Minute) // past half of a forms ticket
			if status, set := renewal(reads, one); status != http.StatusOK || len(set) != 0 {
				t.Errorf("status %d, %d cookies", status, len(set))
			}
			clock.Move(4*time.Minute + time.Second)
			wants(reads, one, sessiontoken.ErrExpired)
		})
	}
}

// A ticket that anybody could have changed is signed out as every other.
func TestSiteSignsOutOfUnsignedTickets(t *testing.T) {
	v := siteVectorNamed(t, "formsauth.json", "fa-20SP1-uselegacyencryption")
	var key struct{ ValidationKey, DecryptionKey, Validation, Decryption string }
	if err := json.Unmarshal(v.MachineKey, &key); err != nil {
		t.Fatal(err)
	}
	then := func() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }
	site := loadSite(t, writeSite(t, fmt.Sprintf(`<configuration>%s<system.web>
		<machineKey validationKey="%s" decryptionKey="%s" validation="%s" decryption="%s" compatibilityMode="Framework20SP1"/>%s
		</system.web></configuration>`, setting("aspnet:UseLegacyEncryption"), key.ValidationKey, key.DecryptionKey, key.Validation, key.Decryption, formsMode)),
		&cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: then})}, Now: then,
			Config: func(c *machinekey.Config) { c.AllowInsecure, c.AllowKnownKey = true, true }})
	if site.Sessions() != nil || !strings.Contains(site.String(),
		"never issued: anybody could change it") {
		t.Error(site)
	}
	for _, text := range []string{v.Cookie, strings.ToLower(v.Cookie)} {
		if status, name := answer(site, request(".ASPXAUTH="+text)); status != http.StatusOK ||
			name == "" {
			t.Fatalf("%d %q\n%s", status, name, site)
		}
	}
	w := httptest.NewRecorder()
	if err := site.SignOut(w, request(".ASPXAUTH="+v.Cookie)); err != nil {
		t.Fatal(err)
	}
	if set := w.Result().Cookies(); len(set) != 1 || set[0].MaxAge >= 0 {
		t.Errorf("the cookie stays: %v", set)
	}
	for _, text := range []string{v.Cookie, strings.ToLower(v.Cookie)} {
		if _, err := site.Check(request(".ASPXAUTH=" + text)); !errors.Is(err, cookie.ErrRevoked) {
			t.Error(err)
		}
	}
}

// A site with several cookies signs out of all of them, or of none while a
// store is down.
func TestSiteSignsOutOfEverything(t *testing.T) {
	store := &switchStore{Store: sessiontoken.NewMemoryStore(nil)}
	s := loadSite(t, freshSite(t, formsMode, handlerOf(machineKey45)), &cookie.SiteOptions{
		Credentials: []cookie.Credential{{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}},
		Sessions:    cookie.SessionsOptions{Store: store}})
	var headers []string
	for _, name := range []string{"FedAuth", ".ASPXAUTH", ".AspNet.ApplicationCookie"} {
		one, ok := s.SessionsOf(name)
		if !ok {
			t.Fatal(name)
		}
		header, _ := signIn(t, one, "bob", nil)
		headers = append(headers, header)
	}
	all := strings.Join(headers, "; ")
	store.err = errStore
	w := httptest.NewRecorder()
	if err := s.SignOut(w, request(all)); !errors.Is(err, cookie.ErrUnavailable) ||
		len(w.Header()) != 0 {
		t.Errorf("with the store down: %v, %v", err, w.Header())
	}
	store.err = nil
	if err := s.SignOut(w, request(all)); err != nil {
		t.Fatal(err)
	}
	deleted := map[string]bool{}
	for _, c := range w.Result().Cookies() {
		deleted[c.Name] = c.MaxAge < 0
	}
	if !deleted["FedAuth"] || !deleted[".ASPXAUTH"] || !deleted[".AspNet.ApplicationCookie"] {
		t.Errorf("deleted %v", deleted)
	}
	for _, header := range headers {
		if status, _ := answer(s, request(header)); status != http.StatusUnauthorized {
			t.Errorf("a copy of the cookie: %d", status)
		}
	}
}

// switchStore fails while err is set.
type switchStore struct {
	sessiontoken.Store
	err error
}

func (s *switchStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	return s.Store.Get(ctx, key)
}

func (s *switchStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Put(ctx, key, data, expires)
}

func (s *switchStore) Delete(ctx context.Context, key string) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Delete(ctx, key)
}

// What an older key opens is issued again, what the next key opens is not.
func TestSiteReissuesOlderOnly(t *testing.T) {
	file := func() string { return freshSite(t, "", handlerOf(machineKey45)) }
	oldest, old, now, next := file(), file(), file(), file()
	s := loadSite(t, now, &cookie.SiteOptions{Older: []string{old, oldest}, Next: []string{next}})
	for _, tt := range []struct {
		path    string
		reissue bool
	}{{oldest, true}, {old, true}, {now, false}, {next, false}} {
		header, _ := signIn(t, loadSite(t, tt.path, nil).Sessions(), "bob", nil)
		status, set := renewal(s, header)
		if status != http.StatusOK || (len(set) > 0) != tt.reissue {
			t.Errorf("%s: %d, %d cookies", filepath.Base(filepath.Dir(tt.path)), status, len(set))
		}
		if !tt.reissue {
			continue
		}
		// The cookie is now one of the present key.
		if status, _ := answer(loadSite(t, now, nil),
			request(set[0].Name+"="+set[0].Value)); status != http.StatusOK {
			t.Errorf("issued again: %d", status)
		}
	}
}

// Watch changes the key under a site, and its sessions move on to it.
func TestSiteWatch(t *testing.T) {
	path := freshSite(t, "", handlerOf(machineKey45))
	var log testkit.Log
	s := loadSite(t, path,
		&cookie.SiteOptions{Sessions: cookie.SessionsOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))}})
	header, _ := signIn(t, s.Sessions(), "bob", nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changed, broken := make(chan struct{}, 1), make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, &machinekey.WatchOptions{Interval: time.Millisecond,
			OnChange: func(_, _ *machinekey.Key) { changed <- struct{}{} },
			OnError:  func(error) { broken <- struct{}{} }})
	}()
	replaceFile(t, path, "<configuration>")
	<-broken
	if status, set := renewal(s, header); status != http.StatusOK || len(set) != 0 {
		t.Errorf("with a broken file: %d, %d cookies", status, len(set))
	}
	text, err := os.ReadFile(freshSite(t, "", handlerOf(machineKey45)))
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, path, string(text))
	<-changed
	status, set := renewal(s, header)
	if status != http.StatusOK || len(set) == 0 {
		t.Errorf("after the change: %d, %d cookies", status, len(set))
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if out := log.String(); !strings.Contains(out, "machine key changed") ||
		!strings.Contains(out, "bad key file") {
		t.Errorf("log %q", out)
	}
}

func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// SQSession is left to the product unless the options ask for it.
func TestSiteSQSession(t *testing.T) {
	const section = `<sequence.engine><web><session %s/></web></sequence.engine>`
	load := func(attributes string, o []cookie.Credential) *cookie.Site {
		t.Helper()
		return loadSite(t, freshSite(t, "", handlerOf(machineKey45)+strings.Replace(section, "%s",
			attributes, 1)), &cookie.SiteOptions{Credentials: o})
	}
	asked := []cookie.Credential{{Kind: cookie.KindSQSession}}
	for _, tt := range []struct {
		attributes string
		opts       []cookie.Credential
		name       string // of the cookie; empty for no SQSession
		ours       bool
		want       string // in String
	}{
		{`application="Flowtime"`, nil, "SQSessionFlowtime", false, "passed on but not read"},
		{`application="Flowtime"`, asked, "SQSessionFlowtime", true, "lifetime 20m, at most 24h"},
		{`application="Flowtime" lifetime="5" maxLifetime="60" sessionCookieName="S"`, asked,
			"SFlowtime", true, "lifetime 5m, at most 1h"},
		{`application="Flowtime" enabled="false"`, asked, "SQSessionFlowtime", false, "enabled is false"},
		{``, asked, "", false, `not accepted: without the attribute application`},
		{``, asked, "", false, "say Credential.Name"},
		{`enabled="false"`, asked, "", false, "enabled is false"},
		{`application="Flowtime"`, nil, "SQSessionFlowtime", false,
			"warning         sessionCookieSecure is not true"},
		{``, []cookie.Credential{{Kind: cookie.KindSQSession, Name: "SQSession_123456"}},
			"SQSession_123456", true, "accepted"},
	} {
		s := load(tt.attributes, tt.opts)
		sq, ok := s.SQSession()
		if ok != (tt.name != "") || ok && sq.CookieName() != tt.name ||
			!strings.Contains(s.String(), tt.want) {
			t.Errorf("%s: %v, want %q in:\n%s", tt.attributes, ok, tt.want, s)
			continue
		}
		if _, ours := s.SessionsOf(tt.name); ours != tt.ours {
			t.Errorf("%s: ours %v", tt.attributes, ours)
		}
	}
	_, err := cookie.LoadSite(freshSite(t, "",
		handlerOf(machineKey45)+strings.Replace(section, "%s",
			`application="F" reuseSession="false"`, 1)),
		&cookie.SiteOptions{Credentials: asked})
	var e *machinekey.ConfigError
	if !errors.As(err, &e) || e.Code != "invalid_sequence_session" ||
		!strings.Contains(err.Error(), "NoReuse, needs SessionsOptions.Store") {
		t.Errorf("%v", err)
	}
}
