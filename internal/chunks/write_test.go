package chunks_test

import (
	"cmp"
	"errors"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// names returns the names of the cookies in order.
func names(set []*http.Cookie) []string {
	var list []string
	for _, c := range set {
		list = append(list, c.Name)
	}
	return list
}

func TestSplit(t *testing.T) {
	tests := []struct {
		scheme chunks.Scheme
		length int
		size   int
		want   []int
	}{
		{chunks.WIF, 1, 0, []int{1}},
		{chunks.WIF, 1999, 0, []int{1999}},
		{chunks.WIF, 2000, 0, []int{2000}},
		{chunks.WIF, 2001, 0, []int{2000, 1}},
		{chunks.WIF, 4000, 0, []int{2000, 2000}},
		{chunks.WIF, 4000, 1000, []int{1000, 1000, 1000, 1000}},
		{chunks.WIF, 4000, 4000, []int{4000}},
		{chunks.WIF, 10, 1 << 62, []int{10}},
		{chunks.Single, 2001, 0, []int{2001}},
		{chunks.Single, 2001, 1000, []int{2001}},
	}
	for _, test := range tests {
		c := &http.Cookie{Name: "FedAuth", Value: strings.Repeat("A", test.length)}
		set, err := test.scheme.Split(c, test.size)
		if err != nil {
			t.Errorf("%v %d/%d: %v", test.scheme, test.length, test.size, err)
			continue
		}
		var got []int
		for _, c := range set {
			got = append(got, len(c.Value))
		}
		if !slices.Equal(got, test.want) || !slices.Equal(names(set),
			[]string{"FedAuth", "FedAuth1", "FedAuth2", "FedAuth3"}[:len(set)]) {
			t.Errorf("%v %d/%d: %v %v, want %v", test.scheme, test.length, test.size,
				names(set), got, test.want)
		}
	}
}

func TestSplitAttributes(t *testing.T) {
	c := &http.Cookie{
		Name: "FedAuth", Value: strings.Repeat("A", 2500), Path: "/app/", Domain: "example.com",
		Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), MaxAge: 60,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	}
	before := *c
	set, err := chunks.WIF.Split(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != before.Name || c.Value != before.Value {
		t.Error("the template was changed")
	}
	const attributes = "; Path=/app/; Domain=example.com; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned"
	for i, c := range set {
		if got, want := c.String(), c.Name+"="+c.Value+attributes; got != want {
			t.Errorf("chunk %d: %s", i, strings.ReplaceAll(got, c.Value, "…"))
		}
		if err := c.Valid(); err != nil {
			t.Errorf("chunk %d: %v", i, err)
		}
	}
}

// invalid are cookies that neither Split nor Write may let through.
var invalid = []struct {
	name string
	c    *http.Cookie
}{
	{"nil", nil},
	{"no name", &http.Cookie{Value: "A"}},
	{"blank in name", &http.Cookie{Name: "a b", Value: "A"}},
	{"semicolon in value", &http.Cookie{Name: "a", Value: "A;b"}},
	{"line feed in value", &http.Cookie{Name: "a", Value: "A\nb"}},
	{"blank in value", &http.Cookie{Name: "a", Value: "A b"}},
	{"comma in value", &http.Cookie{Name: "a", Value: "A,b"}},
	{"path", &http.Cookie{Name: "a", Value: "A", Path: "/;"}},
	{"domain", &http.Cookie{Name: "a", Value: "A", Domain: "a b"}},
	{"expires", &http.Cookie{Name: "a", Value: "A", Expires: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}},
	{"SameSite unknown", &http.Cookie{Name: "a", Value: "A", SameSite: 9}},
	{"SameSite negative", &http.Cookie{Name: "a", Value: "A", SameSite: -1}},
	{"None without Secure", &http.Cookie{Name: "a", Value: "A", SameSite: http.SameSiteNoneMode}},
	{"Partitioned without Secure", &http.Cookie{Name: "a", Value: "A", Partitioned: true}},
	{"__Secure- without Secure", &http.Cookie{Name: "__Secure-a", Value: "A"}},
	{"__host- with domain", &http.Cookie{Name: "__host-a", Value: "A", Secure: true, Path: "/",
		Domain: "example.com"}},
	{"__Host- without path", &http.Cookie{Name: "__Host-a", Value: "A", Secure: true}},
}

func TestInvalidCookie(t *testing.T) {
	for _, test := range invalid {
		t.Run(test.name, func(t *testing.T) {
			for _, k := range []chunks.Scheme{chunks.WIF, chunks.Single} {
				if set, err := k.Split(test.c, 0); set != nil ||
					!errors.Is(err, chunks.ErrInvalidCookie) {
					t.Errorf("%v.Split = %v, %v", k, set, err)
				}
			}
			w := httptest.NewRecorder()
			good := &http.Cookie{Name: "good", Value: "A"}
			if err := chunks.WIF.Write(w, []*http.Cookie{good, test.c, good}); !errors.Is(err,
				chunks.ErrInvalidCookie) {
				t.Errorf("Write: %v", err)
			}
			if len(w.Header()) != 0 {
				t.Errorf("Write left %v", w.Header())
			}
			chunks.WIF.Expire(request("a=b; a1=c"), test.c) // must not panic
			chunks.WIF.Replace(request("a=b; a1=c"), []*http.Cookie{test.c}, 0)
		})
	}
}

func TestSplitErrors(t *testing.T) {
	tests := []struct {
		name   string
		scheme chunks.Scheme
		cookie string
		length int
		size   int
		want   error // nil: any
	}{
		{"empty", chunks.WIF, "a", 0, 0, chunks.ErrInvalidCookie},
		{"size below the minimum", chunks.WIF, "a", 10, 999, nil},
		{"size negative", chunks.WIF, "a", 10, -1, nil},
		{"too many", chunks.WIF, "a", 60*2000 + 1, 0, chunks.ErrTooManyChunks},
		{"chunk too large", chunks.WIF, "FedAuth", 10_000, 4096, chunks.ErrTooLong},
		{"chunk too large by its number", chunks.WIF, "a", 4095 + 1, 4095, chunks.ErrTooLong},
		{"single too large", chunks.Single, "a", 4096, 0, chunks.ErrTooLong},
	}
	for _, test := range tests {
		value := strings.Repeat("A", test.length)
		set, err := test.scheme.Split(&http.Cookie{Name: test.cookie, Value: value}, test.size)
		if set != nil || err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %d cookies, %v; want %v", test.name, len(set), err, test.want)
		}
		if err != nil && test.length > 0 && strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: the error shows the value", test.name)
		}
	}
}

func TestWriteTooLong(t *testing.T) {
	w := httptest.NewRecorder()
	err := chunks.WIF.Write(w, []*http.Cookie{{Name: "a", Value: "A"},
		{Name: "b", Value: strings.Repeat("B", 4096)}})
	if !errors.Is(err, chunks.ErrTooLong) || len(w.Header()) != 0 {
		t.Errorf("Write: %v, %v", err, w.Header())
	}
}

func TestExpire(t *testing.T) {
	tests := []struct {
		name   string
		scheme chunks.Scheme
		line   string
		want   []string
	}{
		{"none", chunks.WIF, "a=b", nil},
		{"one", chunks.WIF, "FedAuth=x", []string{"FedAuth"}},
		{"three", chunks.WIF, "FedAuth2=x; a=b; FedAuth=x; FedAuth1=x",
			[]string{"FedAuth", "FedAuth1", "FedAuth2"}},
		{"behind a gap", chunks.WIF, "FedAuth=x; FedAuth3=x", []string{"FedAuth", "FedAuth3"}},
		{"without the first", chunks.WIF, "FedAuth1=x", []string{"FedAuth1"}},
		{"duplicates", chunks.WIF, "FedAuth=x; FedAuth=y", []string{"FedAuth"}},
		{"empty chunk", chunks.WIF, "FedAuth=x; FedAuth1", []string{"FedAuth", "FedAuth1"}},
		{"other spelling", chunks.WIF, "FEDAUTH=x; FedAuth=y; FEDAUTH1=z; FEDAUTH=u",
			[]string{"FedAuth", "FEDAUTH", "FEDAUTH1"}},
		{"not chunks", chunks.WIF, "FedAuth0=x; FedAuth01=x; FedAuthX=x; FedAuth60=x", nil},
		{"single", chunks.Single, "FedAuth=x; FedAuth1=y", []string{"FedAuth"}},
	}
	for _, test := range tests {
		template := &http.Cookie{Name: "FedAuth", Value: "secret", Path: "/app/",
			Domain: "example.com", MaxAge: 60, Expires: time.Now().Add(time.Hour), Secure: true,
			HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true}
		set := test.scheme.Expire(request(test.line), template)
		if !slices.Equal(names(set), test.want) {
			t.Errorf("%s: %v, want %v", test.name, names(set), test.want)
		}
		for _, c := range set {
			const want = "=; Path=/app/; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"
			if got := c.String(); got != c.Name+want {
				t.Errorf("%s: %s", test.name, got)
			}
		}
		if err := chunks.WIF.Write(httptest.NewRecorder(), set); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if set := chunks.WIF.Expire(request("a=b"), nil); set != nil {
		t.Errorf("nil template: %v", set)
	}
}

// Deletions of other spellings never crowd out those of the name itself.
func TestExpireManySpellings(t *testing.T) {
	var line strings.Builder
	for i := range 1 << 7 { // every spelling of fedauth
		name := []byte("fedauth")
		for bit := range name {
			if i&(1<<bit) != 0 {
				name[bit] -= 'a' - 'A'
			}
		}
		line.WriteString(string(name) + "=x;")
	}
	set := chunks.WIF.Expire(request(line.String()+testkit.Header(parts(60, "x"))),
		&http.Cookie{Name: "FedAuth"})
	if len(set) != 2*chunks.MaxChunks || set[0].Name != "FedAuth" || set[59].Name != "FedAuth59" {
		t.Errorf("%d deletions: %v", len(set), names(set))
	}
}

func TestReplace(t *testing.T) {
	tests := []struct {
		name   string
		scheme chunks.Scheme
		line   string
		length int
		want   []string
	}{
		{"first", chunks.WIF, "", 2500, []string{"FedAuth", "FedAuth1"}},
		{"same", chunks.WIF, "FedAuth=x; FedAuth1=x", 2500, []string{"FedAuth", "FedAuth1"}},
		{"longer", chunks.WIF, "FedAuth=x", 2500, []string{"FedAuth", "FedAuth1"}},
		{"shorter", chunks.WIF, "FedAuth=x; FedAuth1=x; FedAuth2=x", 10,
			[]string{"FedAuth", "FedAuth1", "FedAuth2"}},
		{"behind a gap", chunks.WIF, "FedAuth=x; FedAuth3=x", 2500,
			[]string{"FedAuth", "FedAuth1", "FedAuth3"}},
		{"other spelling", chunks.WIF, "fedauth=x; FedAuth=y", 10, []string{"FedAuth", "fedauth"}},
		{"single", chunks.Single, "FedAuth=x; FedAuth1=x", 10, []string{"FedAuth"}},
		{"room for more", chunks.WIF, "", 1936, []string{"FedAuth"}},
		{"nearly full", chunks.WIF, "FedAuth=x; FedAuth1=x", 3937,
			[]string{"FedAuth", "FedAuth1", "FedAuth2"}},
		{"full", chunks.WIF, "", 2000, []string{"FedAuth", "FedAuth1"}},
		{"a single full one", chunks.Single, "", 2000, []string{"FedAuth"}},
	}
	for _, test := range tests {
		value := strings.Repeat("A", test.length)
		set, err := test.scheme.Split(&http.Cookie{Name: "FedAuth", Value: value,
			Path: "/", Secure: true}, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := request(test.line)
		all := test.scheme.Replace(r, set, 0)
		if !slices.Equal(names(all), test.want) {
			t.Errorf("%s: %v, want %v", test.name, names(all), test.want)
		}
		for i, c := range all {
			if (c.MaxAge < 0) != (i >= len(set)) || c.Path != "/" || !c.Secure {
				t.Errorf("%s: %v", test.name, c)
			}
		}
		// What a browser sends next joins to the new value.
		jar := map[string]string{}
		for p := range strings.SplitSeq(test.line, "; ") {
			k, v, _ := strings.Cut(p, "=")
			jar[k] = v
		}
		for _, c := range all {
			jar[c.Name] = c.Value
			if c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		var next []pair
		for k, v := range jar {
			next = append(next, pair{Name: k, Value: v})
		}
		if got, err := test.scheme.Join(request(testkit.Header(next)), "FedAuth"); err != nil ||
			got != value {
			t.Errorf("%s: joins to %d bytes, %v", test.name, len(got), err)
		}
	}
	if all := chunks.WIF.Replace(request("a=b"), nil, 0); all != nil {
		t.Errorf("empty set: %v", all)
	}
}

// Two answers that renew one session at once may need different numbers of
// chunks. The browser has the set of the later one, whichever that is.
func TestReplaceAtOnce(t *testing.T) {
	for _, size := range []int{0, 1000, 3000} {
		full := 2 * cmp.Or(size, chunks.DefaultChunkSize)
		shorter, longer := strings.Repeat("S", full-20), strings.Repeat("L", full+20)
		for _, order := range [][]string{{shorter, longer}, {longer, shorter}} {
			jar := map[string]string{}
			for _, value := range order {
				set, err := chunks.WIF.Split(&http.Cookie{Name: "FedAuth", Value: value}, size)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range chunks.WIF.Replace(request("FedAuth=x; FedAuth1=x"), set, size) {
					jar[c.Name] = c.Value
					if c.MaxAge < 0 {
						delete(jar, c.Name)
					}
				}
			}
			var next []pair
			for k, v := range jar {
				next = append(next, pair{Name: k, Value: v})
			}
			got, err := chunks.WIF.Join(request(testkit.Header(next)), "FedAuth")
			if err != nil || got != order[1] {
				t.Errorf("chunks of %d: %d characters, %v, want the later answer of %d",
					size, len(got), err, len(order[1]))
			}
		}
	}
}

// Replace must not write into spare room behind the caller's slice.
func TestReplaceAliasing(t *testing.T) {
	set := make([]*http.Cookie, 1, 4)
	set[0] = &http.Cookie{Name: "FedAuth", Value: "A"}
	chunks.WIF.Replace(request("FedAuth1=x"), set, 0)
	if set[:2][1] != nil {
		t.Error("the caller's array was written to")
	}
}

func TestInspect(t *testing.T) {
	tests := []struct {
		name     string
		line     string
		joined   int
		problems []string
	}{
		{"good", "FedAuth=AAAA; FedAuth1=BBBB; FedAuth2=CC", 3, nil},
		{"one", "a=b; FedAuth=AAAA", 1, nil},
		{"empty at the end", "FedAuth=AAAA; FedAuth1=BB; FedAuth2=", 3, nil},
		{"none", "a=b", 0, []string{"carries no credential"}},
		{"gap", "FedAuth=AAAA; FedAuth2=CC", 1, []string{"FedAuth1 is missing, so FedAuth2 is not read"}},
		{"no first", "FedAuth1=BB; FedAuth2=CC", 0,
			[]string{"carries no credential",
				"FedAuth is missing, so FedAuth1, FedAuth2 are not read"}},
		{"same twice", "FedAuth=AA; FedAuth=AA", 1, []string{"FedAuth is there 2 times with the same value"}},
		{"two paths", "FedAuth=AA; FEDAUTH=BB; FedAuth=AA", 1,
			[]string{"FedAuth is there 3 times with different values"}},
		{"stale", "FedAuth=AAAA; FedAuth1=BB; FedAuth2=CCCC", 3,
			[]string{"FedAuth1 is shorter than FedAuth but not the last"}},
		{"many orphans", "FedAuth=A; " + testkit.Header(parts(20, "x")[5:]), 1,
			[]string{"FedAuth5, FedAuth6, FedAuth7, FedAuth8, FedAuth9 and 10 more are not read"}},
		{"too many", testkit.Header(parts(61, "x")), 61, []string{"more than 60 chunks"}},
	}
	for _, test := range tests {
		s := chunks.WIF.Inspect(request(test.line), "FedAuth")
		problems := s.Problems()
		if s.Joined != test.joined || len(problems) != len(test.problems) {
			t.Errorf("%s: %+v %q", test.name, s, problems)
			continue
		}
		for i, want := range test.problems {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: %q, want %q", test.name, problems[i], want)
			}
		}
	}
	s := chunks.Single.Inspect(request("FedAuth1=B; fedauth=AAAA; FedAuth=A"), "FedAuth")
	want := chunks.Chunk{Name: "fedauth", Size: 4, Copies: 2, Differ: true}
	if len(s.Chunks) != 1 || s.Chunks[0] != want || s.Length != 4 {
		t.Errorf("Single: %+v", s)
	}
	if s := chunks.WIF.Inspect(request("a=b"), ""); s.Err == nil {
		t.Error("no error for an empty name")
	}
}
