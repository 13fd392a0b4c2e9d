package testvectors_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
)

// chunkVector is one call of a cookie manager of Katana.
type chunkVector struct {
	ID, Desc, Op, Manager, Name string
	Expect, ReferenceError      string

	Value     *string // null: there is no cookie
	ChunkSize *int    // "append"; null: never cut
	Options   struct {
		Path, Domain, SameSite string
		Expires                *time.Time
		HTTPOnly, Secure       bool
	}
	CookieHeader    string            // "get" and "delete"
	ThrowForPartial bool              // "get": a chunk that is missing is an error
	PriorSetCookies []string          // "delete": lines that the response has already
	SetCookie       []json.RawMessage // lines, or systemWebCookies
}

// systemWebCookie is an HttpCookie as SystemWebChunkingCookieManager makes it.
type systemWebCookie struct {
	Name, Value, Domain, Path string
	Expires                   *time.Time
	Secure, HTTPOnly          bool
}

func runKatanaChunks(t *testing.T, f *file) {
	var content struct {
		About, Source string
		Vectors       []chunkVector
	}
	f.read(t, &content)
	if len(content.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	each(t, f, content.Vectors, func(v *chunkVector) string { return v.ID },
		func(t *testing.T, v *chunkVector) {
			if v.Expect != "ok" && v.Expect != "error" {
				t.Fatalf("no test for expect %q", v.Expect)
			}
			switch {
			case v.Op == "get":
				v.get(t, f)
			case v.Op == "append" && v.Value != nil:
				v.append(t, f)
			case v.Op == "delete" && v.Expect == "ok":
				v.delete(t, f)
			default:
				t.Fatalf("no test for op %q, expect %q", v.Op, v.Expect)
			}
		})
}

// chunking returns the scheme of the manager.
func (v *chunkVector) chunking(t *testing.T) chunks.Scheme {
	t.Helper()
	switch v.Manager {
	case "owin":
		return chunks.Katana
	case "systemweb":
		return chunks.KatanaSystemWeb
	}
	t.Fatalf("no test for manager %q", v.Manager)
	return 0
}

// cookie returns the cookie that the options describe.
func (v *chunkVector) cookie(t *testing.T) *http.Cookie {
	t.Helper()
	o := v.Options
	c := &http.Cookie{Name: v.Name, Path: o.Path, Domain: o.Domain, Secure: o.Secure,
		HttpOnly: o.HTTPOnly}
	if v.Value != nil {
		c.Value = *v.Value
	}
	if o.Expires != nil {
		c.Expires = *o.Expires
	}
	if v.Manager == "owin" { // the HttpCookie of the other one has no SameSite, neither to print nor to count
		c.SameSite = sameSite(t, o.SameSite)
	}
	return c
}

func sameSite(t *testing.T, name string) http.SameSite {
	t.Helper()
	mode, ok := map[string]http.SameSite{"": 0, "None": http.SameSiteNoneMode,
		"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode}[name]
	if !ok {
		t.Fatalf("no test for sameSite %q", name)
	}
	return mode
}

func (v *chunkVector) get(t *testing.T, f *file) {
	if v.ThrowForPartial != (v.Expect == "error") {
		t.Errorf("expect %s with throwForPartial %v", v.Expect, v.ThrowForPartial)
	}
	got, err := v.chunking(t).Join(cookieRequest(v.CookieHeader), v.Name)
	switch {
	case v.Expect == "error":
		if !errors.Is(err, cookie.ErrMissingChunk) {
			t.Errorf("error %v, want ErrMissingChunk", err)
		}
	case v.Value == nil:
		if !errors.Is(err, chunks.ErrNoCookie) {
			t.Errorf("error %v, want ErrNoCookie", err)
		}
	case err != nil:
		f.refused(t, v.ID, err, declaredClass(err) || errors.Is(err, cookie.ErrMissingChunk))
	case got != *v.Value:
		t.Errorf("value\ngot  %s\nwant %s", short(got), short(*v.Value))
	}
}

func cookieRequest(header string) *http.Request {
	return &http.Request{Header: http.Header{"Cookie": {header}}}
}

func (v *chunkVector) append(t *testing.T, f *file) {
	chunking, size := v.chunking(t), 1<<30
	if v.ChunkSize != nil {
		size = *v.ChunkSize
	}
	set, err := chunking.Split(v.cookie(t), size)
	switch {
	case v.Expect == "error":
		if err == nil {
			t.Errorf("cut into %d cookies; .NET refuses: %s", len(set), v.ReferenceError)
		}
		return
	case err != nil:
		f.refused(t, v.ID, err, declaredClass(err))
	default:
		v.compare(t, set)
		if err := chunks.WIF.Write(httptest.NewRecorder(), set); err != nil {
			t.Error(err)
		}
	}
	// The cookies of .NET join to the value, amid others and in any order.
	var pairs []string
	for i := range v.SetCookie {
		pairs = append(pairs, v.pair(t, i))
	}
	cut := slices.ContainsFunc(pairs,
		func(pair string) bool { return strings.Contains(pair[max(0, len(pair)-2):], "%") })
	if chunking == chunks.Katana && cut {
		return // this manager loses an escape that is cut in two
	}
	slices.Reverse(pairs)
	got, err := chunking.Join(cookieRequest("a=b; "+strings.Join(pairs, "; ")+"; c=d"), v.Name)
	if err != nil || got != *v.Value {
		t.Errorf("the cookies of .NET join to %s, error %v; want %s", short(got), err,
			short(*v.Value))
	}
}

// systemWeb returns a recorded cookie of SystemWebChunkingCookieManager.
func (v *chunkVector) systemWeb(t *testing.T, i int) (c systemWebCookie) {
	t.Helper()
	if err := decode(v.SetCookie[i], &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns a recorded line of ChunkingCookieManager.
func (v *chunkVector) line(t *testing.T, i int) (line string) {
	t.Helper()
	if err := decode(v.SetCookie[i], &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// pair returns name and value of a recorded cookie.
func (v *chunkVector) pair(t *testing.T, i int) string {
	t.Helper()
	if v.Manager == "systemweb" {
		c := v.systemWeb(t, i)
		return c.Name + "=" + c.Value
	}
	pair, _, _ := strings.Cut(v.line(t, i), ";")
	return pair
}

// compare wants the recorded cookies.
func (v *chunkVector) compare(t *testing.T, set []*http.Cookie) {
	t.Helper()
	if len(set) != len(v.SetCookie) {
		t.Errorf("%d cookies, want %d", len(set), len(v.SetCookie))
		return
	}
	for i, got := range set {
		if v.Manager == "owin" {
			if got, want := dotNetLine(got), v.line(t, i); got != want {
				t.Errorf("cookie %d\ngot  %s\nwant %s", i, short(got), short(want))
			}
			continue
		}
		want := v.systemWeb(t, i)
		expires := time.Time{}
		if want.Expires != nil {
			expires = *want.Expires
		}
		value := got.Value
		if got.Quoted {
			value = `"` + value + `"`
		}
		if got.Name != want.Name || value != want.Value || got.Domain != want.Domain ||
			got.Path != want.Path ||
			got.Secure != want.Secure || got.HttpOnly != want.HTTPOnly ||
			!got.Expires.Equal(expires) {
			t.Errorf("cookie %d\ngot  %s\nwant %s", i, short(got.String()), short(want))
		}
	}
}

// dotNetLine is the line that ChunkingCookieManager prints for a cookie.
func dotNetLine(c *http.Cookie) string {
	value := c.Value
	if c.Quoted {
		value = `"` + value + `"`
	}
	var b strings.Builder
	b.WriteString(c.Name + "=" + value)
	for _, attribute := range []struct{ name, value string }{{"domain", c.Domain},
		{"path", c.Path}} {
		if attribute.value != "" {
			b.WriteString("; " + attribute.name + "=" + attribute.value)
		}
	}
	if !c.Expires.IsZero() {
		b.WriteString("; expires=" + c.Expires.UTC().Format("Mon, 02-Jan-2006 15:04:05 GMT"))
	}
	if c.Secure {
		b.WriteString("; secure")
	}
	if c.HttpOnly {
		b.WriteString("; HttpOnly")
	}
	if mode := map[http.SameSite]string{http.SameSiteNoneMode: "None", http.SameSiteLaxMode: "Lax",
		http.SameSiteStrictMode: "Strict"}[c.SameSite]; mode != "" {
		b.WriteString("; SameSite=" + mode)
	}
	return b.String()
}

// delete wants the recorded deletions. Where the response has other lines
// already, .NET takes some out; here it counts what a browser keeps.
func (v *chunkVector) delete(t *testing.T, f *file) {
	set := v.chunking(t).Expire(cookieRequest(v.CookieHeader), v.cookie(t))
	if v.PriorSetCookies == nil {
		if !f.own || len(set) <= len(v.SetCookie) { // behind a gap we delete more
			v.compare(t, set)
		}
		return
	}
	w := httptest.NewRecorder()
	w.Header()["Set-Cookie"] = slices.Clone(v.PriorSetCookies)
	if err := chunks.WIF.Write(w, set); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range v.SetCookie {
		lines = append(lines, v.line(t, i))
	}
	got, want := browser(t, v.CookieHeader, w.Header()["Set-Cookie"]), browser(t,
		v.CookieHeader, lines)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("a browser keeps %q for %v, want %q", got[key], key, value)
		}
	}
	for key := range got {
		_, known := want[key]
		if !known && key.path == v.Options.Path { // .NET also takes out paths that only begin so
			t.Errorf("a browser keeps %v", key)
		}
	}
}

// cookieKey tells the cookies of a browser apart.
type cookieKey struct{ name, path string }

// browser returns what a browser that sends the header, from the path /, has
// after a response.
func browser(t *testing.T, header string, lines []string) map[cookieKey]string {
	t.Helper()
	kept := map[cookieKey]string{}
	for pair := range strings.SplitSeq(header, "; ") {
		name, value, _ := strings.Cut(pair, "=")
		kept[cookieKey{name, "/"}] = value
	}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		key := cookieKey{c.Name, c.Path}
		kept[key] = c.Value
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(recordingTime) {
			delete(kept, key)
		}
	}
	return kept
}
