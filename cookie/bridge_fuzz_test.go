package cookie_test

import (
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
)

// FuzzBridge sends any Cookie header over the bridge, and has a node answer with
// any Set-Cookie line. Without the genuine marker nothing may be deleted, and a
// second request sets nothing more.
func FuzzBridge(f *testing.F) {
	farm := newBridgeFarm(f, bridgeKinds[0], cookie.SiteOptions{})
	var b browser
	farm.signIn(f, &b, 0, "bob")
	marker := ""
	for _, c := range b.cookies {
		f.Add(c.Name+"="+c.Value, c.Name+"=x; path=/")
		if c.Name == ".webfarm.bridge" {
			marker = c.Value
		}
	}
	whole := testkit.Header(b.cookies)
	if marker == "" || len(b.cookies) != 3 {
		f.Fatal("no seeds")
	}
	for _, line := range []string{"", ".ASPXAUTH=; path=/; expires=Tue, 12-Oct-1999 07:00:00 GMT",
		".AspNetCore.Cookies=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/",
		".AspNetCore.Cookies=chunks-2; path=/", ".AspNetCore.CookiesC1=\"; path=/", ".webfarm.bridge=; Max-Age=0; Path=/", "=;", ".ASPXAUTH", ";;;"} {
		f.Add(whole, line)
		f.Add(strings.ReplaceAll(whole, "; ", ";;,"), line)
		f.Add(whole+"; "+whole, line)
		f.Add(whole[:len(whole)/2], line)
		f.Add(strings.Replace(whole, marker, marker[:len(marker)-2], 1), line)
	}
	f.Fuzz(func(t *testing.T, cookies, line string) {
		step := func(cookies string, answer []string) (after string, set []string) {
			r := httptest.NewRequest("GET", "https://app.example/", nil)
			if cookies != "" {
				r.Header["Cookie"] = []string{cookies}
			}
			w := httptest.NewRecorder()
			farm.site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				after = strings.Join(r.Header["Cookie"], "; ")
				h := http.Header{"Set-Cookie": append(w.Header()["Set-Cookie"], answer...)}
				if err := farm.site.BridgeAnswer(r, h); err != nil {
					t.Error(err)
				}
				set = h["Set-Cookie"]
			})).ServeHTTP(w, r)
			return after, set
		}
		after, set := step(cookies, nil)
		for _, line := range set {
			if c, err := http.ParseSetCookie(line); err != nil ||
				c.Value == "" && !strings.Contains(cookies, marker) {
				t.Errorf("%q: %s, %v", cookies, line, err)
			}
		}
		if _, again := step(after, nil); len(again) > 0 {
			t.Errorf("%q, then %q: %q", cookies, after, again)
		}
		step(cookies, []string{line})
	})
}
