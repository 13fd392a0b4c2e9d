package cookie_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// countingFS counts how often each file is opened.
type countingFS struct {
	fs.FS
	opened map[string]int
}

func (c countingFS) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.FS.Open(name)
}

// TestSiteSources wants one site from each kind of input, printed alike, and
// every file opened once.
func TestSiteSources(t *testing.T) {
	data := testkit.File(t, "webconfig/wif45-fedauth.config")
	folder := filepath.Dir(siteFile(t, "wif45-fedauth.config"))
	older := siteFile(t, "forms-site.config")
	old, err := os.ReadFile(older)
	if err != nil {
		t.Fatal(err)
	}
	o := &cookie.SiteOptions{Config: func(c *machinekey.Config) { c.AllowKnownKey = true },
		Credentials: []cookie.Credential{{Kind: cookie.KindBearer}}}
	path, err := cookie.LoadSite(filepath.Join(folder, "web.config"), o)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := cookie.ParseSite(strings.NewReader(string(data)), o)
	if err != nil {
		t.Fatal(err)
	}
	if path.String() != reader.String() {
		t.Errorf("by path:\n%s\nby reader:\n%s", path, reader)
	}
	whole := string(data)
	start := strings.Index(whole, "<machineKey")
	end := start + strings.Index(whole[start:], "/>") + 2
	files := countingFS{fstest.MapFS{
		"app/web.config": {Data: []byte(whole[:start] +
			`<machineKey configSource="keys\key.config"/>` +
			strings.Repeat("\n", strings.Count(whole[start:end], "\n")) + whole[end:])},
		"app/keys/key.config":  {Data: []byte(whole[start:end])},
		"app/older/web.config": {Data: old},
	}, map[string]int{}}
	withOlder := *o
	withOlder.Older = []string{"app/older/web.config"}
	tree, err := cookie.LoadSiteFS(files, "app/web.config", &withOlder)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range files.opened {
		if n != 1 || len(files.opened) != 3 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
	if got := tree.String(); !strings.Contains(got, "older key") || len(tree.Ring().Keys()) != 2 ||
		tree.Ring().Primary().ID() != path.Ring().Primary().ID() {
		t.Errorf("%s", got)
	}
	if err := reader.Watch(t.Context(), nil); err == nil ||
		!strings.Contains(err.Error(), "LoadSite") {
		t.Errorf("Watch: %v", err)
	}
	if _, err := cookie.LoadSiteFS(files, "none", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := cookie.ParseSite(strings.NewReader(`<configuration><system.web><machineKey configSource="a.config"/></system.web></configuration>`), nil); err == nil ||
		!strings.Contains(err.Error(), "config source missing") {
		t.Errorf("configSource without a folder: %v", err)
	}
}

// TestNewSite wants a site of keys and settings in Go, with the decisions that
// a file has, and nothing accepted that nobody asked for.
func TestNewSite(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	s, err := cookie.NewSite(cfg, &cookie.SiteOptions{Credentials: []cookie.Credential{
		{Kind: cookie.KindFedAuth, Path: "/app/", Sliding: cookie.On, ClockSkew: -1},
		{Kind: cookie.KindForms, Lifetime: time.Hour},
		{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie", Name: "MyApp",
			Domain: "app.example", SameSite: "Strict", Secure: cookie.On, ScriptAccess: true,
			ChunkSize: 3000, Sliding: cookie.Off, MaxLifetime: 8 * time.Hour},
	}})
	if err != nil {
		t.Fatal(err)
	}
	key := s.Ring().Primary().ID()
	want := strings.Join([]string{
		`mode            Framework45, by the options`,
		`key             ` + key + `, HMACSHA256 and Auto`,
		`FedAuth         accepted: cookie "FedAuth", WIF 4.5, endpoint "/app/" by the options, clock skew 0s, lifetime 10h`,
		`FedAuth cookie  path "/app/", domain "", secure true, hidden from scripts true, SameSite not set, renewed in use, chunks of 2000`,
		`Forms           accepted: cookie ".ASPXAUTH", timeout 1h, protection All`,
		`Forms cookie    path "/", domain "", secure false, hidden from scripts true, SameSite Lax, renewed in use`,
		`Katana          accepted: cookie "MyApp" of "ApplicationCookie", by the options`,
		`Katana cookie   path "/", domain "app.example", secure true, hidden from scripts false, SameSite Strict, not renewed, at most 8h, chunks of 3000`,
		`Bearer          not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`,
	}, "\n")
	if got := strings.ReplaceAll(s.String(), "HMACSHA256 and AES",
		"HMACSHA256 and Auto"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	katana, ok := s.SessionsOf("MyApp")
	if !ok {
		t.Fatal("no sessions of MyApp")
	}
	header, set := signIn(t, katana, "bob", nil)
	for _, c := range set {
		if c.Path != "/" || c.Domain != "app.example" || !c.Secure || c.HttpOnly ||
			c.SameSite != http.SameSiteStrictMode {
			t.Errorf("%v", c)
		}
	}
	if status, name := answer(s, request(header)); status != http.StatusOK || name != "bob" {
		t.Errorf("%d %q", status, name)
	}
	// Keys that change go to the ring.
	fresh, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	next, err := machinekey.New(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ring().Replace(next, s.Ring().Primary()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w,
		request(header))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Set-Cookie"), "MyApp=") {
		t.Errorf("%d %v: the cookie of the older key is issued again", w.Code, w.Header())
	}

	if s, err := cookie.NewSite(cfg, nil); s != nil || !errors.Is(err, cookie.ErrNoneAccepted) ||
		!strings.Contains(err.Error(), "FedAuth: not asked for") {
		t.Errorf("%v", err)
	}
	if s, err := cookie.NewSite(machinekey.Config{}, nil); s != nil || err == nil {
		t.Errorf("no keys: %v", err)
	}
}

// TestSiteOptionsThatDoNotCount wants each refused, with what does.
func TestSiteOptionsThatDoNotCount(t *testing.T) {
	path := siteFile(t, "wif45-fedauth.config")
	one := func(c cookie.Credential) cookie.SiteOptions {
		return cookie.SiteOptions{Credentials: []cookie.Credential{c}}
	}
	for _, tt := range []struct {
		o    cookie.SiteOptions
		want string
	}{
		{cookie.SiteOptions{Sessions: cookie.SessionsOptions{Cookie: &http.Cookie{Name: "A"}}},
			"say SiteOptions.Credentials, with Name"},
		{cookie.SiteOptions{Sessions: cookie.SessionsOptions{ChunkSize: 1000}}, "Credentials, with ChunkSize"},
		{cookie.SiteOptions{Sessions: cookie.SessionsOptions{PersistentLifetime: time.Hour}},
			"Credentials, with PersistentLifetime"},
		{one(cookie.Credential{}), "without a Kind"},
		{one(cookie.Credential{Kind: "jwt"}), `no site accepts "jwt"`},
		{one(cookie.Credential{Kind: "roles"}), "signs nobody in"},
		{one(cookie.Credential{Kind: cookie.KindWIF10}), "the web.config has a session of WIF 4.5"},
		{one(cookie.Credential{Kind: cookie.KindKatana}), "AuthenticationType: it is missing"},
		{one(cookie.Credential{Kind: cookie.KindKatana,
			AuthenticationType: ".AspNet.ApplicationCookie"}), `the type is "ApplicationCookie"`},
		{one(cookie.Credential{Kind: cookie.KindKatana, AuthenticationType: "Cookies",
			PersistentLifetime: time.Hour}), "by Lifetime"},
		{one(cookie.Credential{Kind: cookie.KindForms, ChunkSize: 1000}), "ChunkSize: it has no effect"},
		{one(cookie.Credential{Kind: cookie.KindBearer, Name: "A"}), "no cookie carries it"},
	} {
		s, err := loadKnown(path, &tt.o)
		if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) ||
			!strings.HasPrefix(err.Error(), "cookie: web.config: ") {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

// TestSiblings loads a site of a folder whose keys are in the folder beside it,
// and follows them: a configSource may lead anywhere in the tree and not out of it.
func TestSiblings(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func() machinekey.Config {
		t.Helper()
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	site := func(source string) string {
		return `<configuration><appSettings file="../secret/app.config"/><system.web><machineKey configSource="` + source +
			`"/><authentication mode="Forms"/></system.web></configuration>`
	}
	write("secret/machineKey.config", fresh().WebConfig())
	write("secret/app.config",
		`<appSettings><add key="aspnet:MaxHttpCollectionKeys" value="none"/></appSettings>`)
	write("config/web.config", site(`..\secret\machineKey.config`))
	write("config/out.config", site(`..\..\machineKey.config`))
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var bad *machinekey.ConfigError
	if _, err := cookie.LoadSiteFS(root.FS(), "config/out.config", nil); !errors.As(err, &bad) ||
		bad.Code != "config_source_path" {
		t.Errorf("out of the tree: %v", err)
	}
	if _, err := cookie.LoadSite(filepath.Join(folder, "config", "web.config"),
		nil); !errors.As(err, &bad) ||
		bad.Code != "config_source_path" || !strings.Contains(err.Error(),
		"or LoadSiteFS of a folder above both") {
		t.Errorf("by path: %v", err)
	}
	s, err := cookie.LoadSiteFS(root.FS(), "config/web.config", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := s.String(); strings.Contains(text, "not read") {
		t.Errorf("the file of <appSettings>: %s", text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	next := fresh()
	changed := make(chan string, 1)
	done := make(chan error)
	go func() {
		done <- s.Watch(ctx, &machinekey.WatchOptions{Interval: time.Millisecond,
			OnChange: func(_, now *machinekey.Key) { changed <- now.ID() }})
	}()
	write("secret/machineKey.config", next.WebConfig())
	key, err := machinekey.New(next)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-changed:
		if id != key.ID() {
			t.Errorf("key %s, want %s", id, key.ID())
		}
	case <-ctx.Done():
		t.Error("the new key was not seen")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
