package chunks_test

import (
	"errors"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

var bothKatana = []chunks.Scheme{chunks.Katana, chunks.KatanaSystemWeb}

// katanaChunks returns a marker for n chunks and the chunks.
func katanaChunks(name string, n int, value string) []pair {
	list := []pair{{Name: name, Value: "chunks:" + strconv.Itoa(n)}}
	for i := 1; i <= n; i++ {
		list = append(list, pair{Name: name + "C" + strconv.Itoa(i), Value: value})
	}
	return list
}

func TestJoinKatana(t *testing.T) {
	for _, test := range []struct {
		line string
		want string
		err  error
	}{
		{"n=AAAA", "AAAA", nil},
		{"n=AAAA; nC1=BBBB", "AAAA", nil},
		{"n=chunks:1; nC1=A", "A", nil},
		{"nC2=B; x=y; nC1=A; n=chunks:2", "AB", nil},
		{"n=chunks:2; nC1=A; nC2=B; nC1=X; n=Y; nC3=Z", "AB", nil},
		{"n=chunks:2; nC1=; nC2=", "", nil},
		{"n=chunks:002; nC1=A; nC2=B", "AB", nil},
		{"n=chunks:" + strings.Repeat("0", 1000) + "2; nC1=A; nC2=B", "AB", nil},
		{`n=chunks:2; nC1="A"; nC2="B"`, `"AB"`, nil},
		{`n=chunks:2; nC1="A; nC2=B"`, `"AB"`, nil}, // no chunk has both quotes, so these are data
		{`n="AB"`, `"AB"`, nil},
		{"n=%41%e2%82%ac%25", "A€%", nil},
		{"n=a+b", "a+b", nil},
		{"n=%zz%4%", "%zz%4%", nil},

		// No markers.
		{"n=", "", nil},
		{"n=chunks:", "chunks:", nil},
		{"n=chunks:0; nC1=A", "chunks:0", nil},
		{"n=chunks:2147483648; nC1=A", "chunks:2147483648", nil},
		{"n=chunks:99999999999999999999; nC1=A", "chunks:99999999999999999999", nil},
		{"n= chunks:1; nC1=A", " chunks:1", nil},
		{"n=chunks:1x; nC1=A", "chunks:1x", nil},
		{"n=chunks:١; nC1=A", "chunks:١", nil},
		{"n=CHUNKS:1; nC1=A", "CHUNKS:1", nil},
		{`n="chunks:1"; nC1=A`, `"chunks:1"`, nil},

		// Faults.
		{"", "", chunks.ErrNoCookie},
		{"nC1=A; nC2=B", "", chunks.ErrNoCookie},
		{"n=chunks:2; nC1=A", "", chunks.ErrMissingChunk},
		{"n=chunks:2; nC2=A", "", chunks.ErrMissingChunk},
		{"n=chunks:1", "", chunks.ErrMissingChunk},
		{"n=chunks:1; nC01=A", "", chunks.ErrMissingChunk},
		{"n=chunks:1; nC0=A; nC+1=B; n1=C; nCC1=D; nC=E", "", chunks.ErrMissingChunk},
		{"n=chunks:60; nC1=A", "", chunks.ErrMissingChunk},
		{"n=chunks:61; nC1=A", "", chunks.ErrTooManyChunks},
		{"n=chunks:2147483647; nC1=A", "", chunks.ErrTooManyChunks},
	} {
		for _, k := range bothKatana {
			got, err := k.Join(request(test.line), "n")
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("%v %.60s: %q, %v; want %q, %v", k, test.line, got, err,
					test.want, test.err)
			}
		}
	}
}

// What tells the two managers apart.
func TestKatanaManagers(t *testing.T) {
	for _, test := range []struct {
		line            string
		name            string
		katana, systemW string // "-": no cookie, "*": a chunk is missing
	}{
		{"N=A", "n", "-", "A"},
		{"n", "n", "-", ""},
		{"n; n=A", "n", "A", ""},
		{" ;n;;n; n=A", "n", "A", ""},
		{"n=chunks:1; nC1; nC1=A", "n", "A", ""},
		{"n=chunks:1 ; nC1=A", "n", "chunks:1 ", "A"},
		{"n=chunks:1\t; nC1=A", "n", "chunks:1\t", "A"},
		{"n=chunks:2; nC1=A ; nC2= B", "n", "A  B", "A B"},
		{" \tn= A ; x=y", "n", " A ", " A"},
		{"n =A", "n", "-", "-"},
		{"n=%ff%Ff%41%e2%82x%c3", "n", "%ff%FfA%e2%82x%c3", "%ff%FfA%e2%82x%c3"},
		{"n=A,B", "n", "A,B", "A,B"}, // Katana: A
		{"x=y,n=A", "n", "-", "-"},   // Katana: A

		// A name that needs escapes.
		{"b%24c=A; b$c=B", "b$c", "B", "A"},
		{"b$c=B", "b$c", "B", "-"},
		{"b%24c=A", "b$c", "A", "A"},
		{"b%24c=A; b$c", "b$c", "A", "A"},
		{"b$c=chunks:2; b%24cC1=A; b%24cC2=B; b$cC2=C", "b$c", "AC", "-"},
		{"b%24c=chunks:2; b%24cC1=A; b$cC2=B", "b$c", "AB", "*"},
		{"b%24C=A; b$C=B", "b$c", "-", "A"},
		{"b%2524c=A; b%24c=B", "b%24c", "B", "A"},
		{"a=b=A", "a=b", "-", "-"},
		{"N=chunks:1; nc1=A", "n", "-", "A"},
		{"n=chunks:1; nC1=A; NC1=B", "n", "A", "A"},
		{"n=chunks:1; NC1=B; nC1=A", "n", "A", "B"},
		{"n=chunks:2; nC1=a%2; nC2=0b", "n", "a%20b", "a b"},
		{"n=chunks%3A1; nC1=A", "n", "A", "chunks:1"},
		{"n=chunks:1; nC1=%22A%22", "n", `"A"`, `"A"`},
		{"n=chunks:2; nC1=%22A%22; nC2=B", "n", `"AB"`, `"A"B`},
		{"my%20n%3D=A", "my n=", "A", "A"},
		{"my%20n=chunks:1; my%20nC1=A", "my n", "A", "A"},
		{"%C3%A9=A", "é", "A", "A"},
		{"%c3%a9=A", "é", "-", "A"},
	} {
		for k, want := range map[chunks.Scheme]string{chunks.Katana: test.katana,
			chunks.KatanaSystemWeb: test.systemW} {
			got, err := k.Join(request(test.line), test.name)
			switch {
			case errors.Is(err, chunks.ErrNoCookie):
				got, err = "-", nil
			case errors.Is(err, chunks.ErrMissingChunk):
				got, err = "*", nil
			}
			set := k.Inspect(request(test.line), test.name)
			if first := len(set.Chunks) > 0 && set.Chunks[0].Index == 0; first != (got != "-") {
				t.Errorf("%v %s: Inspect sees %v", k, test.line, set.Chunks)
			}
			if err != nil || got != want {
				t.Errorf("%v %s: %q, %v; want %q", k, test.line, got, err, want)
			}
		}
	}
	for _, k := range bothKatana {
		if _, err := k.Join(request("a=b"), ""); err == nil || errors.Is(err, chunks.ErrNoCookie) {
			t.Errorf("%v: empty name: %v", k, err)
		}
	}
}

// Whatever a header of 1 MiB holds, reading it allocates at most the text.
func TestKatanaHostile(t *testing.T) {
	const name = ".AspNet.Cookies"
	const escaped = 16 << 10 // of a text with percent signs
	long := strings.Repeat("A", chunks.MaxLength/chunks.MaxChunks)
	for _, test := range []struct {
		what, line string
		want       int
		err        error
	}{
		{"most chunks", testkit.Header(katanaChunks(name, chunks.MaxChunks, long)),
			chunks.MaxChunks * len(long), nil},
		{"one chunk more", testkit.Header(katanaChunks(name, chunks.MaxChunks+1, "A")), 0,
			chunks.ErrTooManyChunks},
		{"500 chunks", testkit.Header(katanaChunks(name, 500, "A")), 0, chunks.ErrTooLong},
		{"2^31-1 chunks", name + "=chunks:2147483647; " + name + "C1=A", 0, chunks.ErrTooManyChunks},
		{"2^31 chunks", name + "=chunks:2147483648; " + name + "C1=A", 17, nil},
		{"1 MiB of digits", name + "=chunks:" + strings.Repeat("9", 1<<20), 0, chunks.ErrTooLong},
		{"60 kB of zeros", name + "=chunks:" + strings.Repeat("0", 60_000) + "1; " + name + "C1=A", 1, nil},
		{"1 MiB plain", name + "=" + strings.Repeat("A", 1<<20), 0, chunks.ErrTooLong},
		{"1 MiB in one chunk", name + "=chunks:1; " + name + "C1=" + strings.Repeat("A", 1<<20), 0,
			chunks.ErrTooLong},
		{"1 MiB of percent", name + "=" + strings.Repeat("%", 1<<20), 0, chunks.ErrTooLong},
		{"longest, of percent", name + "=" + strings.Repeat("%", escaped), escaped, nil},
		{"longer, with an escape", name + "=%41" + strings.Repeat("A", escaped-2), 0, chunks.ErrTooLong},
		{"longer, with an escape in a chunk",
			name + "=chunks:2;" + name + "C2=%41;" + name + "C1=" + strings.Repeat("A", escaped-2),
			0, chunks.ErrTooLong},
		{"longest, half escapes", name + "=" + strings.Repeat("%f0", escaped/3), escaped / 3 * 3, nil},
		{"longest, escapes", name + "=" + strings.Repeat("%f0%9f%98%80", escaped/12), escaped / 12 * 4, nil},
		{"100,000 chunks", strings.Repeat(name+"C1=A;", 100_000) + name + "=chunks:2", 0, chunks.ErrTooLong},
		{"1 MiB of digits in a name", name + "C" + strings.Repeat("1", 1<<20) + "=A;" + name + "=A",
			0, chunks.ErrTooLong},
	} {
		for _, k := range bothKatana {
			r := request(test.line)
			got, err := k.Join(r, name)
			if len(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("%v %s: %d bytes, %v; want %d, %v", k, test.what, len(got), err,
					test.want, test.err)
			}
			if n := testing.AllocsPerRun(5, func() { _, _ = k.Join(r, name) }); n > 2 {
				t.Errorf("%v %s: %v allocations", k, test.what, n)
			}
			if set := k.Expire(r, &http.Cookie{Name: name}); len(set) > chunks.MaxChunks+1 {
				t.Errorf("%v %s: Expire returns %d cookies", k, test.what, len(set))
			}
			set := k.Inspect(r, name)
			if !errors.Is(set.Err, test.err) {
				t.Errorf("%v %s: Inspect.Err = %v", k, test.what, set.Err)
			}
			if n := len(strings.Join(set.Problems(), "")); n > 1000 {
				t.Errorf("%v %s: Problems: %d bytes", k, test.what, n)
			}
		}
	}
}

func TestKatanaAllocations(t *testing.T) {
	for _, test := range []struct {
		line string
		want float64
	}{
		{"a=b", 0},
		{"n=AAAA", 0},
		{testkit.Header(katanaChunks("n", 1, "AAAA")), 1},
		{testkit.Header(katanaChunks("n", 6, long(4000))), 1},
		{testkit.Header(katanaChunks("n", 500, "A")), 0},
		{"n=chunks:5; nC1=A", 0},
		{"n=A%20B", 1},
	} {
		for _, k := range bothKatana {
			r := request("x=y; " + test.line)
			if got := testing.AllocsPerRun(100,
				func() { _, _ = k.Join(r, "n") }); got != test.want {
				t.Errorf("%v %.40s: %v allocations, want %v", k, test.line, got, test.want)
			}
		}
	}
	c := &http.Cookie{Name: ".AspNet.ApplicationCookie", Value: long(12_000),
		Path: "/", HttpOnly: true}
	n := testing.AllocsPerRun(100, func() {
		if set, err := chunks.Katana.Split(c, 0); err != nil || len(set) != 4 {
			t.Fatal(len(set), err)
		}
	})
	if n > 9 { // the set, its cookies, and per chunk its name and number
		t.Errorf("Split: %v allocations", n)
	}
}

func long(n int) string { return strings.Repeat("A", n) }
