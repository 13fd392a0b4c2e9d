package chunks_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// chunkVector is one call of a cookie manager of Katana.
type chunkVector struct {
	ID, Op, Desc, Manager string
	Name                  string
	CookieHeader          string
	ThrowForPartial       bool
	ChunkSize             *int    // null: no limit
	Value                 *string // null: no cookie
	Options               struct {
		Path, Domain, SameSite string
		Expires                *time.Time
		HTTPOnly, Secure       bool
	}
	PriorSetCookies []string
	SetCookie       []json.RawMessage // lines, of systemweb objects
	Expect          string
	ReferenceError  string
}

// systemWebCookie is an HttpCookie as the vectors record it.
type systemWebCookie struct {
	Name, Value  string
	Domain, Path *string
	Expires      *time.Time
	Secure       bool
	HTTPOnly     bool
}

func chunkVectors(t testing.TB) []chunkVector {
	t.Helper()
	var file struct {
		About, Source string
		Vectors       []chunkVector
	}
	testkit.StrictJSON(t, "owin_chunks.json", &file)
	if len(file.Vectors) != 80 {
		t.Fatalf("%d vectors, want 80", len(file.Vectors))
	}
	return file.Vectors
}

func (v *chunkVector) scheme(t testing.TB) chunks.Scheme {
	t.Helper()
	switch v.Manager {
	case "owin":
		return chunks.Katana
	case "systemweb":
		return chunks.KatanaSystemWeb
	}
	t.Fatalf("unknown manager %q", v.Manager)
	return 0
}

// template returns the cookie that the options describe.
func (v *chunkVector) template(t testing.TB) *http.Cookie {
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
	if v.Manager == "systemweb" {
		return c // the HttpCookie of these recordings has no SameSite, neither to print nor to count
	}
	switch o.SameSite {
	case "":
	case "None":
		c.SameSite = http.SameSiteNoneMode
	case "Lax":
		c.SameSite = http.SameSiteLaxMode
	default:
		t.Fatalf("unknown SameSite %q", o.SameSite)
	}
	return c
}

// dotNetLine is the line of ChunkingCookieManager for a cookie.
func dotNetLine(c *http.Cookie) string {
	line := c.Name + "=" + wireValue(c)
	if c.Domain != "" {
		line += "; domain=" + c.Domain
	}
	if c.Path != "" {
		line += "; path=" + c.Path
	}
	if !c.Expires.IsZero() {
		line += "; expires=" + c.Expires.Format("Mon, 02-Jan-2006 15:04:05 GMT")
	}
	if c.Secure {
		line += "; secure"
	}
	if c.HttpOnly {
		line += "; HttpOnly"
	}
	switch c.SameSite {
	case http.SameSiteNoneMode:
		line += "; SameSite=None"
	case http.SameSiteLaxMode:
		line += "; SameSite=Lax"
	}
	return line
}

func wireValue(c *http.Cookie) string {
	if c.Quoted {
		return `"` + c.Value + `"`
	}
	return c.Value
}

// checkSet compares cookies with those that .NET wrote.
func (v *chunkVector) checkSet(t *testing.T, set []*http.Cookie) {
	t.Helper()
	if len(set) != len(v.SetCookie) {
		t.Fatalf("%d cookies, want %d", len(set), len(v.SetCookie))
	}
	for i, raw := range v.SetCookie {
		if v.Manager == "owin" {
			var line string
			if err := json.Unmarshal(raw, &line); err != nil {
				t.Fatal(err)
			}
			if got := dotNetLine(set[i]); got != line {
				t.Errorf("cookie %d:\n got %.200s\nwant %.200s", i, got, line)
			}
			continue
		}
		var want systemWebCookie
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		got := set[i]
		if got.Name != want.Name || wireValue(got) != want.Value ||
			got.Domain != text(want.Domain) || got.Path != text(want.Path) ||
			got.Secure != want.Secure || got.HttpOnly != want.HTTPOnly ||
			got.Expires.IsZero() != (want.Expires == nil) ||
			want.Expires != nil && !got.Expires.Equal(*want.Expires) {
			t.Errorf("cookie %d:\n got %.200v\nwant %.200v", i, got, want)
		}
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Vectors that .NET does something with and this package refuses.
var katanaRefuses = map[string]error{
	"get-missing":     chunks.ErrMissingChunk, // .NET returns the marker
	"append-no-limit": chunks.ErrTooLong,      // 9000 bytes, which no browser keeps
}

func TestKatanaVectors(t *testing.T) {
	ran := map[string]int{}
	for _, v := range chunkVectors(t) {
		ran[v.Op]++
		t.Run(v.ID+"-"+v.Manager, func(t *testing.T) {
			id, _, _ := strings.Cut(v.ID[len("pub-"):], "-")
			refuse := katanaRefuses[v.ID[len("pub-"+id+"-"):]]
			switch v.Op {
			case "get":
				v.runGet(t, refuse)
			case "append":
				v.runAppend(t, refuse)
			case "delete":
				v.runDelete(t)
			default:
				t.Fatalf("unknown op %q", v.Op)
			}
		})
	}
	if ran["get"] != 45 || ran["append"] != 28 || ran["delete"] != 7 {
		t.Errorf("ran %v", ran)
	}
}

func (v *chunkVector) runGet(t *testing.T, refuse error) {
	k := v.scheme(t)
	got, err := k.Join(request(v.CookieHeader), v.Name)
	want := refuse
	switch {
	case v.Expect == "error":
		want = chunks.ErrMissingChunk
	case v.Value == nil:
		want = chunks.ErrNoCookie
	}
	if want != nil {
		if got != "" || !errors.Is(err, want) {
			t.Fatalf("%q, %v; want %v", got, err, want)
		}
	} else if err != nil || got != *v.Value {
		t.Fatalf("%q, %v; want %q", got, err, *v.Value)
	}
	if set := k.Inspect(request(v.CookieHeader), v.Name); (set.Err == nil) != (err == nil) {
		t.Errorf("Inspect: %v, Join: %v", set.Err, err)
	}
	if err != nil {
		return
	}
	// What was read can be written, unless it only looks like a number of
	// chunks, and is read again.
	set, err := k.Split(&http.Cookie{Name: v.Name, Value: got}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := k.Join(request(browserHeader(set)), v.Name); err != nil || again != got {
		t.Errorf("again: %q, %v", again, err)
	}
}

func (v *chunkVector) runAppend(t *testing.T, refuse error) {
	k, c := v.scheme(t), v.template(t)
	size := 1 << 30
	if v.ChunkSize != nil {
		size = *v.ChunkSize
	}
	set, err := k.Split(c, size)
	if v.Expect == "error" || refuse != nil {
		if set != nil || err == nil || refuse != nil && !errors.Is(err, refuse) {
			t.Fatalf("%d cookies, %v", len(set), err)
		}
	} else if err != nil {
		t.Fatal(err)
	} else {
		v.checkSet(t, set)
		for _, c := range set { // the line of net/http is as long
			if got := len(c.String()); got != len(dotNetLine(c)) ||
				v.ChunkSize != nil && got > *v.ChunkSize {
				t.Errorf("line of %d bytes", got)
			}
		}
		if err := chunks.WIF.Write(httptest.NewRecorder(), set); err != nil {
			t.Error(err)
		}
	}
	if v.Expect == "error" {
		return
	}
	// The cookies of .NET join to the value, amid others and in any order.
	var pairs []string
	for _, raw := range v.SetCookie {
		var line string
		var c systemWebCookie
		if json.Unmarshal(raw, &line) == nil {
			line, _, _ = strings.Cut(line, ";")
		} else if err := json.Unmarshal(raw, &c); err == nil {
			line = c.Name + "=" + c.Value
		}
		pairs = append(pairs, line)
	}
	slices.Reverse(pairs)
	got, err := k.Join(request("a=b; "+strings.Join(pairs, "; ")+"; c=d"), v.Name)
	if want := *v.Value; err != nil || got != want &&
		!(k == chunks.Katana && strings.Contains(v.ID, "append-escape")) {
		t.Errorf("Join: %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// runDelete compares the deletions, and what a browser keeps after them and
// the lines before: .NET takes those out of the response instead.
func (v *chunkVector) runDelete(t *testing.T) {
	k, c := v.scheme(t), v.template(t)
	set := k.Expire(request(v.CookieHeader), c)
	w := httptest.NewRecorder()
	w.Header()["Set-Cookie"] = slices.Clone(v.PriorSetCookies)
	if err := chunks.WIF.Write(w, set); err != nil {
		t.Fatal(err)
	}
	if v.PriorSetCookies == nil {
		v.checkSet(t, set)
		return
	}
	var dotNet []string
	for _, raw := range v.SetCookie {
		var line string
		if err := json.Unmarshal(raw, &line); err != nil {
			t.Fatal(err)
		}
		dotNet = append(dotNet, line)
	}
	got, want := jar(t, v.CookieHeader, w.Header()["Set-Cookie"]), jar(t, v.CookieHeader, dotNet)
	// .NET compares the beginning of paths and so takes out /x as well.
	if got[v.Name+" /x"] != "oldpath" {
		t.Errorf("the cookie of another path is gone: %v", got)
	}
	delete(got, v.Name+" /x")
	if len(got) != 1 || len(want) != 1 || got["other /"] != want["other /"] {
		t.Errorf("a browser keeps %v, of .NET %v", got, want)
	}
}

// jar returns what a browser with the cookies of a header, all of path /, has
// after a response: values by name and path.
func jar(t *testing.T, header string, lines []string) map[string]string {
	t.Helper()
	kept := map[string]string{}
	for p := range strings.SplitSeq(header, "; ") {
		name, value, _ := strings.Cut(p, "=")
		kept[name+" /"] = value
	}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		kept[c.Name+" "+c.Path] = c.Value
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(kept, c.Name+" "+c.Path)
		}
	}
	return kept
}

// browserHeader is the header Cookie of a browser that got a set.
func browserHeader(set []*http.Cookie) string {
	var list []string
	for _, c := range set {
		list = append(list, c.Name+"="+wireValue(c))
	}
	return strings.Join(list, "; ")
}
