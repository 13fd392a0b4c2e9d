package chunks_test

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

func TestSplitKatanaSizes(t *testing.T) {
	// The name and what follows it take 2 bytes, the attributes 8.
	for _, test := range []struct {
		length, size int
		want         []int // of the values; the marker first
	}{
		{79, 90, []int{79}},
		{80, 90, []int{8, 77, 3}},
		{154, 90, []int{8, 77, 77}},
		{155, 90, []int{8, 77, 77, 1}},
		{1, 20, []int{1}},
		{9, 20, []int{9}},
		{10, 20, []int{8, 7, 3}},
		{77 * 10, 90, []int{9, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77}},
		{4079, 0, []int{4079}},
		{4080, 0, []int{8, 4077, 3}},
		{4095, math.MaxInt, []int{4095}},
	} {
		for _, k := range bothKatana {
			set, err := k.Split(&http.Cookie{Name: "n", Value: long(test.length), Path: "/"},
				test.size)
			if err != nil {
				t.Errorf("%v %d/%d: %v", k, test.length, test.size, err)
				continue
			}
			var got []int
			for _, c := range set {
				got = append(got, len(c.Value))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v %d/%d: %v, want %v", k, test.length, test.size, got, test.want)
			}
		}
	}
}

// All attributes count, as they are printed.
func TestSplitKatanaAttributes(t *testing.T) {
	c := &http.Cookie{
		Name: "n", Value: long(10_000), Path: "/app/", Domain: "example.com",
		Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), MaxAge: 86400,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, Partitioned: true,
	}
	for _, maxAge := range []int{86400, 0, -1} {
		c.MaxAge = maxAge
		set, err := chunks.Katana.Split(c, 0)
		if err != nil || len(set) != 4 {
			t.Fatalf("%d cookies, %v", len(set), err)
		}
		if got := len(set[1].String()); got != chunks.DefaultKatanaSize-1 {
			t.Errorf("MaxAge %d: line of %d bytes", maxAge, got)
		}
		if set[0].Value != "chunks:3" || c.Name != "n" || len(c.Value) != 10_000 {
			t.Errorf("marker %q, template %s of %d", set[0].Value, c.Name, len(c.Value))
		}
	}
}

func TestSplitKatanaErrors(t *testing.T) {
	for _, test := range []struct {
		what string
		c    *http.Cookie
		size int
		want error // nil: any
	}{
		{"nil", nil, 0, chunks.ErrInvalidCookie},
		{"no name", &http.Cookie{Value: "A"}, 0, chunks.ErrInvalidCookie},
		{"no value", &http.Cookie{Name: "n"}, 0, chunks.ErrInvalidCookie},
		{"quotes around nothing", &http.Cookie{Name: "n", Value: `""`}, 0, chunks.ErrInvalidCookie},
		{"a marker", &http.Cookie{Name: "n", Value: "chunks:1"}, 0, chunks.ErrInvalidCookie},
		{"not UTF-8", &http.Cookie{Name: "n", Value: "\xff"}, 0, chunks.ErrInvalidCookie},
		{"name not UTF-8", &http.Cookie{Name: "\xff", Value: "A"}, 0, chunks.ErrInvalidCookie},
		{"path", &http.Cookie{Name: "n", Value: "A", Path: "/;"}, 0, chunks.ErrInvalidCookie},
		{"None without Secure", &http.Cookie{Name: "n", Value: "A",
			SameSite: http.SameSiteNoneMode}, 0, chunks.ErrInvalidCookie},
		{"no room", &http.Cookie{Name: "n", Value: long(100)}, 11, nil},
		{"negative", &http.Cookie{Name: "n", Value: long(100)}, math.MinInt, nil},
		{"too many chunks", &http.Cookie{Name: "n", Value: long(60*7 + 1)}, 12, chunks.ErrTooManyChunks},
		{"chunk too large", &http.Cookie{Name: "n", Value: long(9000)}, 5000, chunks.ErrTooLong},
		{"one too large", &http.Cookie{Name: "n", Value: long(4096)}, math.MaxInt, chunks.ErrTooLong},
		{"quotes make it too large", &http.Cookie{Name: "n", Value: long(4094), Quoted: true},
			math.MaxInt, chunks.ErrTooLong},
		{"escapes make it too large", &http.Cookie{Name: "n", Value: strings.Repeat(" ", 1500)},
			math.MaxInt, chunks.ErrTooLong},
	} {
		for _, k := range bothKatana {
			set, err := k.Split(test.c, test.size)
			if set != nil || err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v %s: %d cookies, %v; want %v", k, test.what, len(set), err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "AAAA") {
				t.Errorf("%v %s: the error shows the value", k, test.what)
			}
		}
	}
	// Quotes are for Katana alone: elsewhere .NET takes them for the value.
	for _, k := range []chunks.Scheme{chunks.WIF, chunks.Single} {
		if set, err := k.Split(&http.Cookie{Name: "n", Value: "A", Quoted: true}, 0); set != nil ||
			!errors.Is(err, chunks.ErrInvalidCookie) {
			t.Errorf("%v: %v, %v", k, set, err)
		}
	}
}

func TestExpireKatana(t *testing.T) {
	for _, test := range []struct {
		line            string
		katana, systemW string
	}{
		{"a=b", "", ""},
		{"n=x", "n", "n"},
		{"n=chunks:2; nC1=x; nC2=y", "n nC1 nC2", "n nC1 nC2"},
		{"n=chunks:3; nC1=x", "n nC1", "n nC1 nC2 nC3"},
		{"n=chunks:1; nC1=x; nC4=y", "n nC1 nC4", "n nC1 nC4"}, // left over from a longer session
		{"nC1=x", "nC1", "nC1"},
		{"n=x; N=chunks:1; nc1=y", "n", "n N nc1"},
		{"n=x; nC0=y; nC01=z; n1=u; nC=v; nC61=w", "n", "n"},
	} {
		for k, want := range map[chunks.Scheme]string{chunks.Katana: test.katana,
			chunks.KatanaSystemWeb: test.systemW} {
			set := k.Expire(request(test.line),
				&http.Cookie{Name: "n", Value: "secret", Path: "/", Secure: true})
			if got := strings.Join(names(set), " "); got != want {
				t.Errorf("%v %s: %s; want %s", k, test.line, got, want)
			}
			for _, c := range set {
				if c.Value != "" || c.MaxAge >= 0 || !c.Expires.Equal(time.Unix(0, 0)) ||
					c.Path != "/" || !c.Secure {
					t.Errorf("%v: %v", k, c)
				}
			}
		}
	}
	// A name that is read before the escaped one goes too, where it can be written.
	for _, test := range []struct{ line, name, katana, systemW string }{
		{"b$c=chunks:1; b%24cC1=x; b$cC2=y", "b$c", "b%24cC1 b$c b$cC2", "b%24cC1"},
		{"b/c=x; b%2Fc=y", "b/c", "b%2Fc", "b%2Fc"},
	} {
		for k, want := range map[chunks.Scheme]string{chunks.Katana: test.katana,
			chunks.KatanaSystemWeb: test.systemW} {
			if got := strings.Join(names(k.Expire(request(test.line),
				&http.Cookie{Name: test.name})), " "); got != want {
				t.Errorf("%v %s: %s; want %s", k, test.line, got, want)
			}
		}
	}
	set := chunks.Katana.Expire(request("my%20n=chunks:1; my%20nC1=x"), &http.Cookie{Name: "my n"})
	if got := strings.Join(names(set), " "); got != "my%20n my%20nC1" {
		t.Error(got)
	}
}

func TestReplaceKatana(t *testing.T) {
	for _, test := range []struct {
		line   string
		length int
		want   string
	}{
		{"a=b", 10, "n%20n"},
		{"a=b", 5000, "n%20n n%20nC1 n%20nC2"},
		{"n%20n=x", 5000, "n%20n n%20nC1 n%20nC2"},
		{"n%20n=chunks:3; n%20nC1=x; n%20nC2=x; n%20nC3=x", 5000, "n%20n n%20nC1 n%20nC2 n%20nC3"},
		{"n%20n=chunks:2; n%20nC1=x; n%20nC2=x", 10, "n%20n n%20nC1 n%20nC2"},
	} {
		for _, k := range bothKatana {
			set, err := k.Split(&http.Cookie{Name: "n n", Value: long(test.length), Path: "/"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			all := k.Replace(request(test.line), set, 0)
			if got := strings.Join(names(all), " "); got != test.want {
				t.Errorf("%v %s: %s, want %s", k, test.line, got, test.want)
			}
			for i, c := range all {
				if (c.MaxAge < 0) != (i >= len(set)) {
					t.Errorf("%v: %v", k, c)
				}
			}
		}
	}
}

func TestInspectKatana(t *testing.T) {
	for _, test := range []struct {
		line      string
		announced int
		joined    int
		length    int
		problems  []string
	}{
		{"n=AAAA", 0, 1, 4, nil},
		{"n=chunks:2; nC1=AAAA; nC2=BB", 2, 3, 6, nil},
		{"n=chunks:2; nC2=BB; nC1=A", 2, 3, 3, nil},
		{"a=b", 0, 0, 0, []string{"carries no credential"}},
		{"n=chunks:3; nC1=A; nC3=C", 3, 2, 1,
			[]string{"a chunk is missing", "nC2 is missing, of 3 announced chunks"}},
		{"n=chunks:1; nC1=A; nC2=C", 1, 2, 1, []string{"nC2 is not announced"}},
		{"n=A; nC1=B; nC2=C", 0, 1, 1, []string{"nC1, nC2 are not announced"}},
		{"nC1=B; nC2=C", 0, 0, 0, []string{"carries no credential", "n is missing, so nC1, nC2 are not read"}},
		{"n=A; n=B", 0, 1, 1, []string{"n is there 2 times with different values"}},
		{"n=chunks:99; nC1=A", 99, 2, 1, []string{"more than 60 chunks",
			"nC2 is missing, of 99 announced chunks"}},
	} {
		s := chunks.Katana.Inspect(request(test.line), "n")
		problems := s.Problems()
		if s.Announced != test.announced || s.Joined != test.joined || s.Length != test.length ||
			len(problems) != len(test.problems) {
			t.Errorf("%s: %+v %q", test.line, s, problems)
			continue
		}
		for i, want := range test.problems {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: %q, want %q", test.line, problems[i], want)
			}
		}
	}
	if s := chunks.Katana.Inspect(request("my%20n=chunks:1"), "my n"); s.Name != "my n" ||
		len(s.Problems()) != 2 || s.Problems()[1] != "my%20nC1 is missing, of 1 announced chunks" {
		t.Errorf("%q", s.Problems())
	}
}
