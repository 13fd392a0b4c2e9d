package docs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// openSite joins the farm on the key ring in folder. The file has the certificate and its private
// key as PEM.
func openSite(ctx context.Context, folder, file string) (*cookie.Site, error) {
	certificate, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return nil, err
	}
	ring, err := dataprotection.Open(ctx, dataprotection.Path(folder), &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp", // as in SetApplicationName
		Certificates:    []tls.Certificate{certificate},
	})
	if err != nil {
		return nil, err // names the file and the element that .NET would not load either
	}
	return cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{
		DataProtection: ring,
		Credentials: []cookie.Credential{{
			Kind:               cookie.KindCore,
			AuthenticationType: "Identity.Application", // the scheme; "Cookies" if empty
			Name:               ".AspNet.SharedCookie", // ".AspNetCore." and the scheme if empty
			Domain:             "farm.example",
		}},
	})
}

func openBothHalves(ring *dataprotection.Ring) (*cookie.Site, error) {
	return cookie.LoadSite("web.config", &cookie.SiteOptions{
		DataProtection: ring,
		Credentials: []cookie.Credential{
			{Kind: cookie.KindCore}, // .AspNetCore.Cookies
			{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"},   // AddBearerToken
			{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}, // on the keys of the file
		},
	})
}

// newCertificate writes a certificate with its key as PEM and as PFX, and
// returns the paths.
func newCertificate(t *testing.T) (pem, pfx string) {
	t.Helper()
	dir, data := t.TempDir(), farmCertificate()
	c, err := tls.X509KeyPair(data, data)
	if err != nil {
		t.Fatal(err)
	}
	forDotnet, err := farm.PFX(c)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "farm.pem", string(data))
	put(t, dir, "farm.pfx", string(forDotnet))
	return filepath.Join(dir, "farm.pem"), filepath.Join(dir, "farm.pfx")
}

// newZoe is the user of these tests.
func newZoe() *sessiontoken.Principal {
	return &sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Identity.Application",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "zoe"}}}}}
}

// TestCoreSite runs the lines of aspnetcore.md on two nodes.
func TestCoreSite(t *testing.T) {
	folder := t.TempDir()
	certificate, _ := newCertificate(t)
	newKeyRing(t, folder, "")
	r := httptest.NewRequest("GET", "https://www.farm.example/", nil)
	for node := range 2 {
		site, err := openSite(t.Context(), folder, certificate)
		if err != nil {
			t.Fatal(err)
		}
		if node == 0 {
			w := httptest.NewRecorder()
			if err := site.Sessions().SignIn(w, r, newZoe(), nil); err != nil {
				t.Fatal(err)
			}
			if line := w.Header().Get("Set-Cookie"); !strings.HasSuffix(line, "; domain=farm.example; path=/; secure; samesite=lax; httponly") {
				t.Errorf("%s", line)
			}
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
			continue
		}
		if p, err := site.Check(r); err != nil || p.Name() != "zoe" {
			t.Errorf("%v, %v", p, err)
		}
	}
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	config := `<configuration><system.web><httpRuntime targetFramework="4.8"/><machineKey dataProtectorType="` +
		`Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb"` +
		` applicationName="SharedCookieApp"/><authentication mode="Forms"/></system.web></configuration>`
	put(t, ".", "web.config", config)
	site, err := openBothHalves(ring)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".AspNetCore.Cookies", ".AspNet.ApplicationCookie", ".ASPXAUTH"} {
		if _, ok := site.SessionsOf(name); !ok {
			t.Errorf("no %s:\n%s", name, site)
		}
	}
	w := httptest.NewRecorder()
	site.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d for a stranger", w.Code)
	}
}

// ask sends a request with cookies to a node on .NET, and returns the status
// and what it sets.
func ask(t *testing.T, url, cookies string) (int, []*http.Cookie) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Cookies()
}

// withCookies returns a request with cookies.
func withCookies(set []*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "https://www.farm.example/", nil)
	for _, c := range set {
		r.AddCookie(c)
	}
	return r
}

// TestCoreLive runs both sides of aspnetcore.md, .NET's and Go's, and takes the
// lines of .NET away one by one. By default it stops before it needs a second
// node.
func TestCoreLive(t *testing.T) {
	step := share.OneIn(t, 2)
	core := farm.FindCore(t)
	pem, pfx := newCertificate(t)
	shared := []string{"-scheme", "Identity.Application", "-cookie", ".AspNet.SharedCookie"}
	keys := t.TempDir()
	node := core.Node(t, farm.CoreNodeOptions{Keys: keys, App: "SharedCookieApp",
		More: append([]string{"-pfx", pfx, "-domain", "farm.example"}, shared...)})
	site, err := openSite(t.Context(), keys, pem)
	if err != nil {
		t.Fatal(err)
	}
	_, set := ask(t, node.URL+"/signin?name=zoe", "")
	if p, err := site.Check(withCookies(set)); err != nil || p.Name() != "zoe" || set[0].Domain != "farm.example" {
		t.Errorf("Go does not know who signed in at .NET: %v, %v, %v", p, err, set)
	}
	w := httptest.NewRecorder()
	if err := site.Sessions().SignIn(w, withCookies(nil), newZoe(), nil); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, node.URL+"/whoami", withCookies(w.Result().Cookies()).Header.Get("Cookie")); status != http.StatusOK {
		t.Errorf(".NET does not know who signed in at Go: %d", status)
	}
	open := func(folder, application string) (*dataprotection.Ring, *cookie.Site) {
		t.Helper()
		ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), &dataprotection.RingOptions{ApplicationName: application})
		if err != nil {
			t.Fatal(err)
		}
		site, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{DataProtection: ring, Credentials: []cookie.Credential{
			{Kind: cookie.KindCore, AuthenticationType: "Identity.Application", Name: ".AspNet.SharedCookie"}}})
		if err != nil {
			t.Fatal(err)
		}
		return ring, site
	}
	if ring, _ := open(keys, "SharedCookieApp"); ring.Keys()[0].Err == nil {
		t.Error("a key under a certificate opens without it")
	}

	if step > 1 {
		return
	}

	// Without the rest: the ring in clear, another name, another ring.
	plain, folder := t.TempDir(), t.TempDir()
	bare := core.Node(t, farm.CoreNodeOptions{Keys: plain, Name: "bare", Dir: folder, More: shared})
	_, set = ask(t, bare.URL+"/signin?name=zoe", "")
	if len(set) != 1 || set[0].Domain != "" {
		t.Errorf("set %v", set)
	}
	for application, reads := range map[string]bool{folder + "/": true, folder: false, "SharedCookieApp": false} {
		ring, site := open(plain, application)
		if ring.Keys()[0].Err != nil {
			t.Error(ring.Keys()[0].Err)
		}
		if p, err := site.Check(withCookies(set)); (err == nil) != reads || err != nil && !errors.Is(err, sessiontoken.ErrInvalid) {
			t.Errorf("application %q: %v, %v", application, p, err)
		}
	}
	if _, err := site.Check(withCookies(set)); !errors.Is(err, sessiontoken.ErrInvalid) {
		t.Errorf("of another ring: %v", err)
	}
}

// TestPEMOfPFX makes the PEM file as the document says.
func TestPEMOfPFX(t *testing.T) {
	farm.Need(t, "apt-get install openssl", "openssl")
	_, pfx := newCertificate(t)
	cmd := exec.Command("sh", "-c", "openssl pkcs12 -in farm.pfx -out farm.pem -nodes -passin pass:")
	cmd.Dir = filepath.Dir(pfx)
	if err := os.Remove(filepath.Join(cmd.Dir, "farm.pem")); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	newKeyRing(t, cmd.Dir, "")
	if _, err := openSite(t.Context(), cmd.Dir, filepath.Join(cmd.Dir, "farm.pem")); err != nil {
		t.Error(err)
	}
}

// TestCoreDotnetLines wants the calls and properties of the C# lines to be
// those of the node that the tests run.
func TestCoreDotnetLines(t *testing.T) {
	source, err := os.ReadFile("testvectors/dotnetcore/Site.cs")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range snippets(t, "csharp") {
		if s.file != "docs/aspnetcore.md" {
			continue
		}
		for _, m := range regexp.MustCompile(`\.([A-Z]\w+)[( ]`).FindAllStringSubmatch(s.text, -1) {
			if n++; !regexp.MustCompile(`\.` + m[1] + `\b`).Match(source) {
				t.Errorf("%v: the node has no %s", s, m[1])
			}
		}
	}
	if n < 8 {
		t.Errorf("%d names found", n)
	}
}

// TestCoreVolume begins on an empty ring, laid out as kubelet lays a Secret out,
// and has it swapped while Go runs.
func TestCoreVolume(t *testing.T) {
	folder, bytes := t.TempDir(), seed.Of(t)
	swap := func(version string, names ...string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(folder, version), 0o700); err != nil {
			t.Fatal(err)
		}
		next := filepath.Join(folder, "..data_tmp")
		if err := errors.Join(os.Symlink(version, next), os.Rename(next, filepath.Join(folder, "..data"))); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			put(t, filepath.Join(folder, version), name, testkit.CoreKey(i+1, time.Now(), bytes.Bytes(64)))
			if err := os.Symlink("..data/"+name, filepath.Join(folder, name)); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
		}
	}
	swap("..1")
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), nil)
	if err != nil || len(ring.Keys()) != 0 {
		t.Fatalf("an empty ring: %v, %v", ring, err)
	}
	p, err := ring.Protector("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Protect(nil, nil); !errors.Is(err, dataprotection.ErrNoKey) {
		t.Errorf("protected on an empty ring: %v", err)
	}
	swap("..2", "key-1.xml", "key-2.xml")
	other, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), nil)
	if err != nil || len(other.Keys()) != 2 {
		t.Fatalf("%v, %v", other, err)
	}
	q, err := other.Protector("a")
	if err != nil {
		t.Fatal(err)
	}
	data, err := q.Protect(nil, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := p.Unprotect(t.Context(), nil, data); err != nil || string(got) != "data" {
		t.Errorf("with a key that came since: %q, %v", got, err)
	}
}

// TestCoreManifest wants each volume that a container mounts to be there, and
// the places to be those of the other lines of the document.
func TestCoreManifest(t *testing.T) {
	var all strings.Builder
	for _, lang := range []string{"csharp", "sh"} {
		for _, s := range snippets(t, lang) {
			if s.file == "docs/aspnetcore.md" {
				all.WriteString(s.text)
			}
		}
	}
	for _, s := range snippets(t, "yaml") {
		if s.file != "docs/aspnetcore.md" {
			continue
		}
		_, volumes, ok := strings.Cut(s.text, "\nvolumes:\n")
		mounts := regexp.MustCompile(`\{ name: (\w+), mountPath: (\S+), readOnly: true \}`).FindAllStringSubmatch(s.text, -1)
		if !ok || len(mounts) != 2 {
			t.Fatalf("%v: mounts %q", s, mounts)
		}
		declared := regexp.MustCompile(`- name: (\w+)`).FindAllString(volumes, -1)
		for _, m := range mounts {
			if !slices.Contains(declared, "- name: "+m[1]) || !strings.Contains(all.String(), m[2]) {
				t.Errorf("%v: %s at %s", s, m[1], m[2])
			}
		}
		return
	}
	t.Error("no manifest")
}
