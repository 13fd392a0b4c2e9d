package main

import (
	"html"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// freshKeys are new keys for a farm.
func freshKeys(t *testing.T) sharedKeys {
	return sharedKeys{webConfigText(freshConfig(t)), ringText(time.Now())}
}

func newTestFarm(t *testing.T, shared sharedKeys) *farm {
	t.Helper()
	f, err := startFarm(shared, "127.0.0.1:0", log.New(t.Output(), "", 0))
	t.Cleanup(f.close)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPage checks what a browser and a screen reader depend on.
func TestPage(t *testing.T) {
	b := newBrowser(t, newTestFarm(t, freshKeys(t)).URL)
	b.get("/")
	b.post("/signin", url.Values{"user": {"carol"}})
	b.holds(`<html lang="en">`, `name="viewport"`, "<main>", "<h1>", `scope="col"`,
		`<title>Carol Jensen`, "80 values")

	policy := b.header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`'nonce-([A-Z2-7]+)'`).FindStringSubmatch(policy)
	if nonce == nil || !strings.Contains(b.body, `<style nonce="`+nonce[1]+`">`) {
		t.Errorf("the policy %q does not let the style of the page through", policy)
	}
	for _, part := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'",
		"frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %s", policy, part)
		}
	}
	for _, bad := range []string{"<script", " style=", " onclick", "http://127", "https://",
		"@import", "url("} {
		if strings.Contains(b.body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Vary": "Cookie", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := b.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if forms := strings.Count(b.body, "<form "); forms != strings.Count(b.body,
		`<form method="post"`) || forms != 4 {
		t.Errorf("%d forms", forms)
	}
}

// TestPageEscapes has a user whose claims are HTML.
func TestPageEscapes(t *testing.T) {
	evil := `<img src=x onerror="alert(1)">`
	p := demoUser{Name: evil, Email: evil, Roles: []string{evil}}.principal("A")
	w := httptest.NewRecorder()
	if err := writeHome(w, "A", &p, chunks.Set{}); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); strings.Contains(body, "<img") ||
		!strings.Contains(html.UnescapeString(body), evil) {
		t.Errorf("not escaped:\n%s", body)
	}
}

// TestNodeRefuses sends requests that a node must not act on.
func TestNodeRefuses(t *testing.T) {
	f := newTestFarm(t, freshKeys(t))
	post := func(user, header, value string) *http.Request {
		r, err := http.NewRequest(http.MethodPost, f.URL+"/signin", strings.NewReader("user="+user))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if header != "" {
			r.Header.Set(header, value)
		}
		return r
	}
	get := func(path, cookies string) *http.Request {
		r, err := http.NewRequest(http.MethodGet, f.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookies)
		return r
	}
	tests := []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"own form", post("alice", "Origin", f.URL), http.StatusSeeOther},
		{"no browser", post("alice", "", ""), http.StatusSeeOther},
		{"form of another site", post("alice", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		{"form of another origin", post("alice", "Origin", "http://evil.example"), http.StatusForbidden},
		{"unknown user", post("mallory", "", ""), http.StatusBadRequest},
		{"long form", post(strings.Repeat("a", 10_000), "", ""), http.StatusBadRequest},
		{"sign-in by GET", get("/signin", ""), http.StatusMethodNotAllowed},
		{"unknown page", get("/else", ""), http.StatusNotFound},
		{"no cookie", get("/me", ""), http.StatusUnauthorized},
		{"garbage", get("/me", "FedAuth=garbage"), http.StatusUnauthorized},
		{"garbage on the page", get("/", "FedAuth=garbage; FedAuth2=x"), http.StatusOK},
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for _, tt := range tests {
		r, err := client.Do(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != tt.status {
			t.Errorf("%s: %s, want %d\n%s", tt.name, r.Status, tt.status, body)
		}
		if sets := len(r.Header["Set-Cookie"]); (sets > 0) != (tt.status == http.StatusSeeOther) {
			t.Errorf("%s: %d cookies", tt.name, sets)
		}
	}
}

// TestBalancerDown answers 502 while a node is away.
func TestBalancerDown(t *testing.T) {
	f := newTestFarm(t, freshKeys(t))
	f.servers[1].Close()
	f.transport.CloseIdleConnections()
	var codes []int
	for range 4 {
		r, err := http.Get(f.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		codes = append(codes, r.StatusCode)
	}
	if codes[0] != 200 || codes[1] != 502 || codes[2] != 200 || codes[3] != 502 {
		t.Errorf("answers %v", codes)
	}
}
