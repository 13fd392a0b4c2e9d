// Package routers_test compiles and runs what docs/routers.md shows, with the
// routers themselves.
package routers_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// farm is a site whose clock a test can move, and what its pages did.
type farm struct {
	site    *cookie.Site
	ahead   atomic.Int64 // of the real clock
	ran     atomic.Int32 // how often a page for users ran
	proceed chan struct{}
}

func newFarm(t *testing.T) *farm {
	t.Helper()
	f := &farm{proceed: make(chan struct{})}
	now := func() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }
	site, err := cookie.LoadSite(farmtest.FreshSite(), &cookie.SiteOptions{
		Sessions: cookie.SessionsOptions{
			Store:   sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: now}),
			Sliding: cookie.On, ClearInvalid: true,
		},
		Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.site = site
	return f
}

// orders and greeting are the texts of the pages that the document shows.
func (f *farm) orders(user *sessiontoken.Principal) string {
	f.ran.Add(1)
	return "orders of " + user.Name()
}

func greeting(user *sessiontoken.Principal, ok bool) string {
	if !ok {
		return "hello stranger"
	}
	return "hello " + user.Name()
}

// signIn signs bob in, with so many roles that his session needs several cookies.
func (f *farm) signIn(w http.ResponseWriter, r *http.Request) {
	claims := []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}
	for i := range 300 {
		role := fmt.Sprintf("%x", uint32(i)*2654435761) // does not compress well
		claims = append(claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: role})
	}
	bob := &sessiontoken.Principal{Identities: []sessiontoken.Identity{
		{AuthenticationType: "Federation", Claims: claims},
	}}
	if err := f.site.Sessions().SignIn(w, r, bob, nil); err != nil {
		http.Error(w, "sign-in failed", http.StatusInternalServerError)
	}
}

func (f *farm) signOut(w http.ResponseWriter, r *http.Request) {
	if err := f.site.SignOut(w, r); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// stream writes two parts, the second when the test has seen the first.
func (f *farm) stream(w io.Writer, flush func() error) error {
	f.ran.Add(1)
	if _, err := io.WriteString(w, "first,"); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	select {
	case <-f.proceed:
	case <-time.After(20 * time.Second):
		return errors.New("the first part did not arrive")
	}
	_, err := io.WriteString(w, "second")
	return err
}

// hijack takes the connection over, and answers by hand.
func (f *farm) hijack(w http.ResponseWriter) error {
	f.ran.Add(1)
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	const answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nby hand\n"
	if _, err := rw.WriteString(answer); err != nil {
		return err
	}
	return rw.Flush()
}

// serve serves a handler until the test ends, and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// answer is what a client saw.
type answer struct {
	status  int
	body    string
	header  http.Header
	cookies []*http.Cookie
}

// kept returns what a browser sends from then on: for each name the last cookie,
// and none that was deleted.
func (a answer) kept() string {
	values := map[string]string{}
	for _, c := range a.cookies {
		if values[c.Name] = c.Value; isDeletion(c) {
			delete(values, c.Name)
		}
	}
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

func isDeletion(c *http.Cookie) bool {
	return c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now())
}

func send(t *testing.T, method, url, cookies string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   30 * time.Second,
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func ask(t *testing.T, method, url, cookies string) answer {
	t.Helper()
	resp := send(t, method, url, cookies)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Header, resp.Cookies()}
}
