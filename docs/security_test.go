package docs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// loadAt loads a site whose clock is off by d.
func loadAt(t *testing.T, path string, d time.Duration, o cookie.SiteOptions) *cookie.Site {
	t.Helper()
	o.Now = func() time.Time { return time.Now().Add(d) }
	site, err := cookie.LoadSite(path, &o)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// TestEveryBadCookieGetsTheSameAnswer holds what docs/security.md says of the
// request path.
func TestEveryBadCookieGetsTheSameAnswer(t *testing.T) {
	path := farmtest.FreshSite()
	site := loadAt(t, path, 0, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/"}}})
	good := farmtest.SignedInAt(site).Header.Get("Cookie")
	elsewhere := farmtest.SignedInAt(loadAt(t, path, 0, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/shop/"}}})).Header.Get("Cookie")
	changed := []byte(good)
	changed[len(changed)/2] ^= 1
	bad := map[string]string{
		"malformed":    "FedAuth=x",
		"changed":      string(changed),
		"cut":          good[:len(good)-40],
		"of DPAPI":     "FedAuth=" + dpapiToken(),
		"other key":    farmtest.SignedInAt(loadAt(t, farmtest.FreshSite(), 0, cookie.SiteOptions{})).Header.Get("Cookie"),
		"expired":      farmtest.SignedInAt(loadAt(t, path, -24*time.Hour, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/"}}})).Header.Get("Cookie"),
		"of tomorrow":  farmtest.SignedInAt(loadAt(t, path, 24*time.Hour, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/"}}})).Header.Get("Cookie"),
		"another path": elsewhere,
		"no cookie":    "a=b",
	}
	page := site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("reached") }))
	var first string
	for name, value := range bad {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", value)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		var answer strings.Builder
		if err := w.Result().Write(&answer); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = answer.String()
		}
		if w.Code != http.StatusUnauthorized || answer.String() != first {
			t.Errorf("%s: %q, another got %q", name, answer.String(), first)
		}
	}
}

// TestKeysAreTheBorder holds what docs/security.md says of applications that
// share a key, and of the endpoint.
func TestKeysAreTheBorder(t *testing.T) {
	path := farmtest.FreshSite()
	user := farmtest.SignedInAt(loadAt(t, path, 0, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/shop/"}}}))
	if p, err := loadAt(t, path, 0, cookie.SiteOptions{}).Check(user); err != nil || p.Name() != "bob" {
		t.Errorf("another application with the key: %v, %v", p, err)
	}
	if _, err := loadAt(t, path, 0, cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/office/"}}}).Check(user); !errors.Is(err, sessiontoken.ErrEndpoint) {
		t.Errorf("with another endpoint: %v", err)
	}
}

// TestReferenceNeedsItsKeyAndItsEntry holds what docs/security.md says of
// reference mode.
func TestReferenceNeedsItsKeyAndItsEntry(t *testing.T) {
	oldFile, newFile := farmtest.FreshSite(), farmtest.FreshSite()
	store := sessiontoken.NewMemoryStore(nil)
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	if err := referenceMode(w, r, oldFile, store, userWith(3, true)); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	check := func(path string, store sessiontoken.Store, older ...string) error {
		_, err := loadAt(t, path, 0, cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: store}, Older: older}).Check(r)
		return err
	}
	if err := check(oldFile, store); err != nil {
		t.Errorf("with key and entry: %v", err)
	}
	if err := check(newFile, store, oldFile); err != nil {
		t.Errorf("with the key among the older ones: %v", err)
	}
	if err := check(newFile, store); err == nil || errors.Is(err, cookie.ErrUnavailable) {
		t.Errorf("after the key is gone: %v", err)
	}
	if err := check(oldFile, sessiontoken.NewMemoryStore(nil)); !errors.Is(err, sessiontoken.ErrNotInStore) {
		t.Errorf("after the entry is gone: %v", err)
	}
}

// headingLink is a link to a heading of a document.
var headingLink = regexp.MustCompile(`\]\(([\w./-]*\.md)?#([^)]+)\)`)

// TestGuidesLinkToHeadings wants the headings that links with # point to.
func TestGuidesLinkToHeadings(t *testing.T) {
	anchors := func(file string) map[string]bool {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
				var id strings.Builder
				for _, c := range strings.ToLower(strings.TrimSpace(title)) {
					switch {
					case c == ' ':
						id.WriteByte('-')
					case c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c > 127:
						id.WriteRune(c)
					}
				}
				set[id.String()] = true
			}
		}
		return set
	}
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range append(files, "README.md", "SECURITY.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range headingLink.FindAllStringSubmatch(string(data), -1) {
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			n++
			if !anchors(target)[m[2]] {
				t.Errorf("%s links to %s#%s, which has no such heading", file, target, m[2])
			}
		}
	}
	if n == 0 {
		t.Error("no links found")
	}
}

// The cookie of a Katana middleware that has its own name.
func TestKatanaInCode(t *testing.T) {
	t.Chdir(filepath.Dir(farmtest.FreshSite()))
	site, err := cookie.LoadSite("web.config", &cookie.SiteOptions{Credentials: []cookie.Credential{{
		Kind:               cookie.KindKatana,
		AuthenticationType: "ApplicationCookie", // of CookieAuthenticationOptions; not the name of the cookie
		Name:               "MyApp",             // CookieName; .AspNet.ApplicationCookie if left out
		Lifetime:           8 * time.Hour,       // ExpireTimeSpan
	}}})
	if err != nil {
		t.Fatal(err)
	}
	sessions, ok := site.SessionsOf("MyApp")
	if !ok {
		t.Fatalf("no sessions of MyApp:\n%v", site)
	}
	w := httptest.NewRecorder()
	err = sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "ApplicationCookie", Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}}}}, nil)
	if set := w.Result().Cookies(); err != nil || len(set) != 1 || set[0].Name != "MyApp" {
		t.Errorf("%v, %v", set, err)
	}
}

// TestKnownKeyCount wants the pages to give the number of keys in the built-in
// table, and every line of the table to say where its keys were read.
func TestKnownKeyCount(t *testing.T) {
	table, err := os.ReadFile("machinekey/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	n := strconv.Itoa(len(hash.FindAll(table, -1)))
	for _, line := range strings.Split(string(table), "\n") {
		fields := strings.Split(line, "\t")
		if hash.MatchString(line) && (len(fields) != 3 || fields[1] == "" || fields[2] == "") {
			t.Errorf("no source: %s", line)
		}
	}
	for page, claim := range map[string]string{"SECURITY.md": "hashes of " + n + " keys", "docs/decisions.md": "Built in are " + n + " hashes"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), claim) {
			t.Errorf("%s does not say %q", page, claim)
		}
	}
}
