package routers_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// routers are those of the document. Each has its pages and, on paths of the
// same names, those of the tests: /leave, /twice, /stream, /hijack and /fails, for
// users.
var routers = []struct {
	name  string
	serve func(*testing.T, *farm) string
}{
	{"net/http", serveStandard},
	{"chi", serveChi},
	{"gin", serveGin},
	{"echo", serveEcho},
	{"echo v4", serveEcho4},
	{"fiber", serveFiber3},
	{"fiber v2", serveFiber2},
}

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	m.Run()
}

func eachRouter(t *testing.T, test func(t *testing.T, f *farm, url string)) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			f := newFarm(t)
			test(t, f, router.serve(t, f))
		})
	}
}

// signedIn returns the cookies of bob, who signed in through the router.
func signedIn(t *testing.T, url string) string {
	t.Helper()
	a := ask(t, "POST", url+"/signin", "")
	cookies := a.kept()
	if a.status != 200 || !strings.Contains(cookies, "FedAuth1=") {
		t.Fatalf("sign-in: status %d, cookies %.80q", a.status, cookies)
	}
	return cookies
}

// TestStrangersStop wants the bare refusal and nothing of the page, which must
// not run, whoever is not signed in.
func TestStrangersStop(t *testing.T) {
	eachRouter(t, func(t *testing.T, f *farm, url string) {
		good := signedIn(t, url)
		ended := signedIn(t, url)
		if a := ask(t, "POST", url+"/signout", ended); a.status != 200 {
			t.Fatalf("sign-out: %d %s", a.status, a.body)
		}
		for _, path := range []string{"/orders", "/twice", "/stream", "/hijack", "/fails"} {
			for what, cookies := range map[string]string{
				"no cookie":  "",
				"damaged":    good[:len(good)-9] + "AAAAAAAAA",
				"signed out": ended,
			} {
				a := ask(t, "GET", url+path, cookies)
				if a.status != 401 || a.body != "Unauthorized\n" {
					t.Errorf("%s, %s: status %d, %q", path, what, a.status, a.body)
				}
				if !slices.Contains(a.header.Values("Vary"), "Cookie") {
					t.Errorf("%s, %s: Vary %q", path, what, a.header.Values("Vary"))
				}
				// ClearInvalid deletes each cookie of the session.
				var deleted []string
				for _, c := range a.cookies {
					if isDeletion(c) {
						deleted = append(deleted, c.Name)
					}
				}
				slices.Sort(deleted)
				if cookies != "" && !slices.Equal(deleted, namesIn(cookies)) {
					t.Errorf("%s, %s: deleted %q of %q", path, what, deleted, a.header.Values("Set-Cookie"))
				}
			}
		}
		if n := f.ran.Load(); n != 0 {
			t.Errorf("pages ran %d times for strangers", n)
		}
		for _, path := range []string{"/health", "/home"} {
			if a := ask(t, "GET", url+path, ""); a.status != 200 {
				t.Errorf("%s: status %d", path, a.status)
			}
		}
	})
}

func TestUsersGetIn(t *testing.T) {
	eachRouter(t, func(t *testing.T, f *farm, url string) {
		bob := signedIn(t, url)
		for path, want := range map[string]string{
			"/orders": "orders of bob", "/home": "hello bob", "/hijack": "by hand\n",
		} {
			if a := ask(t, "GET", url+path, bob); a.status != 200 || a.body != want {
				t.Errorf("%s: status %d, %q, want %q", path, a.status, a.body, want)
			}
		}
		for what, cookies := range map[string]string{
			"no cookie": "", "damaged": bob[:len(bob)-9] + "AAAAAAAAA",
		} {
			if a := ask(t, "GET", url+"/home", cookies); a.status != 200 || a.body != "hello stranger" {
				t.Errorf("/home, %s: status %d, %q", what, a.status, a.body)
			}
		}
		if n := f.ran.Load(); n != 2 {
			t.Errorf("pages ran %d times, want 2", n)
		}
	})
}

// TestRenewalArrives lets the session pass its half-life. Each kind of page must
// bring the new cookies, and the session must live on with them. /twice has a
// guard behind a guard.
func TestRenewalArrives(t *testing.T) {
	eachRouter(t, func(t *testing.T, f *farm, url string) {
		for path, status := range map[string]int{
			"/orders": 200, "/home": 200, "/twice": 200, "/fails": 500,
		} {
			f.ahead.Store(0)
			old := signedIn(t, url)
			f.ahead.Store(int64(6 * time.Hour))
			a := ask(t, "GET", url+path, old)
			renewed := a.kept()
			if a.status != status || !strings.Contains(renewed, "FedAuth1=") || renewed == old {
				t.Errorf("%s: status %d, want %d; new cookies %.60q", path, a.status, status, renewed)
			}
			f.ahead.Store(int64(11 * time.Hour))
			if a := ask(t, "GET", url+"/orders", renewed); a.status != 200 || a.body != "orders of bob" {
				t.Errorf("%s: status %d with the new cookies, %q", path, a.status, a.body)
			}
			if a := ask(t, "GET", url+"/orders", old); a.status != 401 {
				t.Errorf("%s: status %d with the old cookies", path, a.status)
			}
		}
	})
}

// TestSignOutWins signs out behind a guard that renews the session in the same
// response: what the browser keeps must be no session.
func TestSignOutWins(t *testing.T) {
	eachRouter(t, func(t *testing.T, f *farm, url string) {
		old := signedIn(t, url)
		f.ahead.Store(int64(6 * time.Hour))
		a := ask(t, "POST", url+"/leave", old)
		if a.status != 200 || len(a.cookies) == 0 || a.kept() != "" {
			t.Errorf("status %d, %d cookies, kept %.60q", a.status, len(a.cookies), a.kept())
		}
	})
}

// TestStreaming wants the head with the renewed cookies and the first part while
// the page still runs.
func TestStreaming(t *testing.T) {
	eachRouter(t, func(t *testing.T, f *farm, url string) {
		bob := signedIn(t, url)
		f.ahead.Store(int64(6 * time.Hour))
		resp := send(t, "GET", url+"/stream", bob)
		if resp.StatusCode != 200 || len(resp.Cookies()) < 2 {
			t.Fatalf("status %d, %d cookies", resp.StatusCode, len(resp.Cookies()))
		}
		first := make([]byte, len("first,"))
		if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first," {
			t.Fatalf("%q, %v", first, err)
		}
		close(f.proceed)
		if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "second" {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

// TestDenyOfYourOwn replaces the refusal, by a redirect and by one that writes
// nothing at all: neither lets the page run.
func TestDenyOfYourOwn(t *testing.T) {
	for what, deny := range map[string]func(http.ResponseWriter, *http.Request, error){
		"redirect": func(w http.ResponseWriter, r *http.Request, _ error) {
			w.Header().Set("Location", "/signin")
			w.WriteHeader(http.StatusSeeOther)
		},
		"silent": func(http.ResponseWriter, *http.Request, error) {},
	} {
		t.Run(what, func(t *testing.T) {
			eachRouter(t, func(t *testing.T, f *farm, url string) {
				f.site.SetDeny(deny)
				want := map[string]int{"redirect": 303, "silent": 200}[what]
				resp, err := http.DefaultTransport.RoundTrip(must(http.NewRequest("GET", url+"/orders", nil)))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != want || len(body) != 0 {
					t.Errorf("status %d, want %d; %q, %v", resp.StatusCode, want, body, err)
				}
				if n := f.ran.Load(); n != 0 {
					t.Errorf("the page ran %d times", n)
				}
			})
		})
	}
}

// TestVersions wants the versions of go.mod in the document, so that it says with
// which routers this ran.
func TestVersions(t *testing.T) {
	module, document := string(must(os.ReadFile("go.mod"))), string(must(os.ReadFile("../routers.md")))
	direct, _, _ := strings.Cut(module, ")")
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(direct, -1) {
		if strings.HasPrefix(m[1], "github.com/webfarm-go/") {
			continue
		}
		n++
		if !regexp.MustCompile(`(?m)^\|.*\b` + regexp.QuoteMeta(m[2]) + `\b`).MatchString(document) {
			t.Errorf("%s %s is not in the table of routers.md", m[1], m[2])
		}
	}
	if n < 6 {
		t.Errorf("%d routers in go.mod", n)
	}
}

// namesIn returns the names in a header Cookie, sorted.
func namesIn(cookies string) []string {
	var names []string
	for pair := range strings.SplitSeq(cookies, "; ") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// must returns v, or stops the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
