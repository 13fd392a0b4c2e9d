package chunks_test

import (
	"errors"
	"fmt"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

func TestJoin(t *testing.T) {
	const name = "FedAuth"
	tests := []struct {
		name  string
		lines []string
		want  string
		err   error
	}{
		{"one", []string{"FedAuth=AAAA"}, "AAAA", nil},
		{"three", []string{"FedAuth=AAAA; FedAuth1=BBBB; FedAuth2=CC"}, "AAAABBBBCC", nil},
		{"shuffled", []string{"FedAuth2=CC; FedAuth=AAAA; FedAuth1=BBBB"}, "AAAABBBBCC", nil},
		{"several lines", []string{"FedAuth1=BBBB", "a=b; FedAuth2=CC", "", "FedAuth=AAAA"}, "AAAABBBBCC", nil},
		{"no blank after the semicolon", []string{"a=b;FedAuth=AAAA;FedAuth1=BBBB"}, "AAAABBBB", nil},
		{"empty pairs", []string{";;FedAuth=AAAA; ;\t; FedAuth1=BBBB;"}, "AAAABBBB", nil},
		{"name case", []string{"FEDAUTH=AAAA; fedauth1=BBBB"}, "AAAABBBB", nil},
		{"first duplicate counts", []string{"FedAuth=AAAA; FedAuth1=BB; FedAuth=XXXX; FedAuth1=YY"},
			"AAAABB", nil},
		{"first duplicate of another case", []string{"fedauth=AAAA; FedAuth=XXXX"}, "AAAA", nil},
		{"first duplicate is empty", []string{"FedAuth=; FedAuth=XXXX"}, "", nil},
		{"gap", []string{"FedAuth=AAAA; FedAuth2=CC"}, "AAAA", nil},
		{"stale chunk is glued on", []string{"FedAuth=AAAA; FedAuth1=B=; FedAuth2=ZZ"}, "AAAAB=ZZ", nil},
		{"empty chunk at the end", []string{"FedAuth=AAAA; FedAuth1="}, "AAAA", nil},
		{"empty chunk in the middle", []string{"FedAuth=AAAA; FedAuth1=; FedAuth2=CC"}, "AAAACC", nil},
		{"empty", []string{"FedAuth="}, "", nil},
		{"name only", []string{"FedAuth"}, "", nil},
		{"name only in the middle", []string{"FedAuth=A; FedAuth1; FedAuth2=C"}, "AC", nil},
		{"ten and more",
			[]string{"FedAuth10=k; FedAuth9=j; FedAuth8=i; FedAuth7=h; FedAuth6=g; FedAuth5=f; " +
				"FedAuth4=e; FedAuth3=d; FedAuth2=c; FedAuth1=b; FedAuth=a"}, "abcdefghijk", nil},

		{"blanks around the value", []string{"FedAuth= \tAAAA\t ; FedAuth1 =x; FedAuth1=B"}, " \tAAAAB", nil},
		{"blanks inside the value", []string{"FedAuth=A A\tA"}, "A A\tA", nil},
		{"quotes stay", []string{`FedAuth="AAAA"`}, `"AAAA"`, nil},
		{"no percent decoding", []string{"FedAuth=%41+/="}, "%41+/=", nil},
		{"equals signs", []string{"FedAuth=A=="}, "A==", nil},
		{"a comma separates nothing", []string{"FedAuth=A,FedAuth1=B"}, "A,FedAuth1=B", nil},
		{"any byte", []string{"FedAuth=\x00\xff\r\n"}, "\x00\xff\r\n", nil},

		{"no header", nil, "", chunks.ErrNoCookie},
		{"empty header", []string{""}, "", chunks.ErrNoCookie},
		{"others only", []string{"a=b; FedAut=x; FedAuthX=y; XFedAuth=z"}, "", chunks.ErrNoCookie},
		{"first missing", []string{"FedAuth1=BBBB; FedAuth2=CC"}, "", chunks.ErrNoCookie},
		{"name0", []string{"FedAuth0=AAAA; FedAuth1=BBBB"}, "", chunks.ErrNoCookie},
		{"name as value", []string{"a=FedAuth=AAAA"}, "", chunks.ErrNoCookie},
		{"long s folds to s in Unicode only", []string{"\u017fedAuth=x; FedAuth\u0660=y"}, "",
			chunks.ErrNoCookie},
	}
	for _, bad := range []string{"01", "+1", "-1", "1.0", " 1", "1x", "٣", "0x1",
		"99999999999999999999", "18446744073709551617",
		"4294967297", "61", "100000"} {
		tests = append(tests, struct {
			name  string
			lines []string
			want  string
			err   error
		}{"not a chunk: " + bad, []string{"FedAuth" + bad + "=ZZ; FedAuth=AAAA; FedAuth" + bad +
			"=ZZ"}, "AAAA", nil})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := chunks.WIF.Join(request(test.lines...), name)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("Join = %q, %v; want %q, %v", got, err, test.want, test.err)
			}
			if err != nil && (!errors.Is(err, http.ErrNoCookie) ||
				!errors.Is(err, chunks.ErrNoCredential)) {
				t.Errorf("error %v matches neither http.ErrNoCookie nor ErrNoCredential", err)
			}
		})
	}
}

func TestJoinSingle(t *testing.T) {
	r := request(".ASPXAUTH1=zz; .aspxauth=AAAA; .ASPXAUTH=BBBB")
	if got, err := chunks.Single.Join(r, ".ASPXAUTH"); got != "AAAA" || err != nil {
		t.Errorf("Join = %q, %v", got, err)
	}
	r = request(".ASPXAUTH1=zz")
	if got, err := chunks.Single.Join(r, ".ASPXAUTH"); got != "" ||
		!errors.Is(err, chunks.ErrNoCookie) {
		t.Errorf("Join = %q, %v; want ErrNoCookie", got, err)
	}
}

// A base name that ends in a digit is a name like any other.
func TestJoinDigitName(t *testing.T) {
	r := request("Auth1=a; Auth11=b; Auth12=c; Auth2=x")
	if got, err := chunks.WIF.Join(r, "Auth1"); got != "abc" || err != nil {
		t.Errorf("Join = %q, %v", got, err)
	}
}

func TestJoinWrongUse(t *testing.T) {
	for _, name := range []string{"", "a b", "a=b", "a;b", "a\x00", "é"} {
		_, err := chunks.WIF.Join(request("a=b"), name)
		if err == nil || errors.Is(err, chunks.ErrNoCookie) {
			t.Errorf("name %q: error %v, want one about the name", name, err)
		}
	}
}

// chunks returns n cookies FedAuth, FedAuth1, … with the same value.
func parts(n int, value string) []pair {
	var list []pair
	for i := range n {
		name := "FedAuth"
		if i > 0 {
			name += strconv.Itoa(i)
		}
		list = append(list, pair{Name: name, Value: value})
	}
	return list
}

func TestJoinLimits(t *testing.T) {
	long := strings.Repeat("A", chunks.MaxLength/chunks.MaxChunks)
	tests := []struct {
		name string
		line string
		want int // length
		err  error
	}{
		{"most chunks", testkit.Header(parts(chunks.MaxChunks, long)), chunks.MaxChunks * len(long), nil},
		{"one chunk more", testkit.Header(parts(chunks.MaxChunks+1, "A")), 0, chunks.ErrTooManyChunks},
		{"one chunk more, empty", testkit.Header(parts(chunks.MaxChunks+1, "")), 0,
			chunks.ErrTooManyChunks},
		{"500 chunks", testkit.Header(parts(500, "A")), 0, chunks.ErrTooLong},
		{"190 chunks with an early gap", testkit.Header(slices.Delete(parts(190, "A"), 3, 4)), 3, nil},
		{"200 cookies", strings.Repeat("a=b; ", 199) + "FedAuth=A", 1, nil},
		{"201 cookies", strings.Repeat("a=b; ", 199) + "FedAuth=A; a=b", 0, chunks.ErrTooLong},
		{"200 duplicates", strings.Repeat("FedAuth=x;", 200), 1, nil},
		{"80 KiB", "FedAuth=x;" + strings.Repeat("a", 80<<10-10), 1, nil},
		{"a byte more than 80 KiB", "FedAuth=x;" + strings.Repeat("a", 80<<10-9), 0, chunks.ErrTooLong},
		{"8 KiB of blanks", "FedAuth=x;" + strings.Repeat(" ", 8<<10-10), 1, nil},
		{"2000 blanks and 8 KiB", "FedAuth=x;" + strings.Repeat(" ", 1000) +
			strings.Repeat("\t", 1000) + strings.Repeat("y", 8<<10), 1, nil},
		{"2001 blanks and 8 KiB", "FedAuth=x;" + strings.Repeat(" ", 1000) +
			strings.Repeat("\t", 1001) + strings.Repeat("y", 8<<10), 0, chunks.ErrTooLong},
		{"longest", "FedAuth=" + strings.Repeat("A", chunks.MaxLength), chunks.MaxLength, nil},
		{"one byte longer", "FedAuth=" + strings.Repeat("A", chunks.MaxLength+1), 0, chunks.ErrTooLong},
		{"one byte longer in two", "FedAuth=A; FedAuth1=" + strings.Repeat("A", chunks.MaxLength),
			0, chunks.ErrTooLong},
		{"1 MiB", "FedAuth=" + strings.Repeat("A", 1<<20), 0, chunks.ErrTooLong},
		{"100,000 cookies", strings.Repeat("a=b; ", 100_000) + "FedAuth=A", 0, chunks.ErrTooLong},
		{"100,000 duplicates", strings.Repeat("FedAuth=x;", 100_000), 0, chunks.ErrTooLong},
		{"100,000 distinct chunks", testkit.Header(parts(100_000, "")), 0, chunks.ErrTooLong},
		{"1 MiB of semicolons", strings.Repeat(";", 1<<20), 0, chunks.ErrTooLong},
		{"1 MiB of digits", "FedAuth" + strings.Repeat("1", 1<<20) + "=A", 0, chunks.ErrTooLong},
		{"1 MiB of blanks", "FedAuth=" + strings.Repeat(" ", 1<<20), 0, chunks.ErrTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := request(test.line)
			got, err := chunks.WIF.Join(r, "FedAuth")
			if len(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("Join = %d bytes, %v; want %d, %v", len(got), err, test.want, test.err)
			}
			set := chunks.WIF.Expire(r, &http.Cookie{Name: "FedAuth"})
			if len(set) > chunks.MaxChunks {
				t.Errorf("Expire returns %d cookies", len(set))
			}
			s := chunks.WIF.Inspect(r, "FedAuth")
			if !errors.Is(s.Err, test.err) {
				t.Errorf("Inspect.Err = %v, want %v", s.Err, test.err)
			}
			if n := len(strings.Join(s.Problems(), "")); n > 1000 {
				t.Errorf("Problems: %d bytes", n)
			}
		})
	}
}

func TestJoinAllocations(t *testing.T) {
	others := "ASP.NET_SessionId=xyz; theme=dark; "
	for _, test := range []struct {
		line string
		want float64
	}{
		{others, 0},
		{others + testkit.Header(parts(1, "AAAA")), 0},
		{others + testkit.Header(parts(2, "AAAA")), 1},
		{others + testkit.Header(parts(6, strings.Repeat("A", 2000))), 1},
		{others + testkit.Header(parts(500, "A")), 0},
	} {
		r := request(test.line)
		got := testing.AllocsPerRun(100, func() { _, _ = chunks.WIF.Join(r, "FedAuth") })
		if got != test.want {
			t.Errorf("%.60s…: %v allocations, want %v", test.line, got, test.want)
		}
	}
}

// The cookies that .NET read or refused, with the numbers of those it joined.
func TestJoinNegativeVectors(t *testing.T) {
	joined := map[string][]int{
		"cookies-shuffled":       {2, 1, 0},
		"cookies-others":         {1, 3, 4},
		"cookies-missing-middle": {0},
		"cookies-missing-last":   {0, 1},
		"cookies-missing-first":  nil,
		"cookies-stale-trailing": {0, 1, 2, 3},
		"cookies-empty-trailing": {0, 1, 2, 3},
		"cookies-name-case":      {0, 1, 2},
		"cookies-zero-suffix":    nil,
		"cookie-empty":           {0},
		"cookie-not-base64":      {0},
		"cookie-base64-ws":       {0, 1, 2},
		"cookie-urlsafe":         {0, 1, 2},
		"cookie-unpadded":        {0, 1, 2},
		"cookie-one-whole":       {0},
		"cookies-uneven":         {0, 1},
	}
	ran := 0
	for _, v := range testkit.WithCookies(t, "sessiontoken_negative.json", len(joined)) {
		if !strings.HasPrefix(v.Name, "cookie") {
			continue
		}
		order, known := joined[v.Name]
		if !known {
			t.Errorf("%s: no expectation", v.Name)
			continue
		}
		ran++
		var want strings.Builder
		for _, i := range order {
			want.WriteString(v.Cookies[i].Value)
		}
		got, err := chunks.WIF.Join(request(testkit.Header(v.Cookies)), "FedAuth")
		if got != want.String() {
			t.Errorf("%s: Join = %d bytes, want %d", v.Name, len(got), want.Len())
		}
		if (order == nil) != errors.Is(err, chunks.ErrNoCookie) || (order != nil) != (err == nil) {
			t.Errorf("%s: error %v", v.Name, err)
		}
	}
	if ran != len(joined) {
		t.Errorf("%d vectors ran, want %d", ran, len(joined))
	}
}

// What .NET wrote joins to the text it wrote, in any order and amid other
// cookies, and the text splits into the same cookies.
func TestVectorsRoundTrip(t *testing.T) {
	for _, v := range testkit.WithCookies(t, "sessiontoken_45.json", 121) {
		cookies := slices.Clone(v.Cookies)
		slices.Reverse(cookies)
		line := "zz1=b; " + testkit.Header(cookies) + "; Other=" + v.CookieName
		text, err := chunks.WIF.Join(request(line), v.CookieName)
		if err != nil || text != textOf(v) {
			t.Errorf("%s: Join = %d bytes, %v; want %d", v.Name, len(text), err, len(textOf(v)))
			continue
		}
		set, err := chunks.WIF.Split(&http.Cookie{Name: v.CookieName, Value: text}, v.ChunkSize)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		var got []pair
		for _, c := range set {
			got = append(got, pair{Name: c.Name, Value: c.Value})
		}
		if !slices.Equal(got, v.Cookies) {
			t.Errorf("%s: Split gives %d cookies, want %d", v.Name, len(got), len(v.Cookies))
		}
		if s := chunks.WIF.Inspect(request(line), v.CookieName); len(s.Problems()) > 0 ||
			s.Joined != len(v.Cookies) || s.Length != len(text) {
			t.Errorf("%s: Inspect = %+v, %q", v.Name, s, s.Problems())
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{1, 2, 6} {
		b.Run(fmt.Sprintf("chunks=%d", n), func(b *testing.B) {
			r := request("ASP.NET_SessionId=0123456789abcdefghijklmn; theme=dark; " +
				testkit.Header(parts(n, strings.Repeat("A", 2000))))
			b.ReportAllocs()
			b.SetBytes(int64(n * 2000))
			for b.Loop() {
				if _, err := chunks.WIF.Join(r, "FedAuth"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJoinHostile(b *testing.B) {
	r := request(strings.Repeat("FedAuth1=bbb;", (1<<20)/13))
	b.ReportAllocs()
	b.SetBytes(1 << 20)
	for b.Loop() {
		_, _ = chunks.WIF.Join(r, "FedAuth")
	}
}
