package chunks_test

import (
	"errors"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/hostile"
)

// joinReference is Join, plainly: all pairs into a list, then one search per
// name. lines are separated by line feeds.
func joinReference(lines, name string) (string, error) {
	if isTooMuch(lines) {
		return "", chunks.ErrTooLong
	}
	var all []pair
	for p := range strings.SplitSeq(strings.ReplaceAll(lines, "\n", ";"), ";") {
		key, value, _ := strings.Cut(strings.Trim(p, " \t"), "=")
		all = append(all, pair{Name: key, Value: value})
	}
	find := func(name string) (string, bool) {
		for _, p := range all {
			if asciiLower(p.Name) == asciiLower(name) {
				return p.Value, true
			}
		}
		return "", false
	}
	text, ok := find(name)
	if !ok {
		return "", chunks.ErrNoCookie
	}
	for i := 1; ; i++ {
		value, ok := find(name + strconv.Itoa(i))
		if !ok {
			break
		}
		if i == chunks.MaxChunks {
			return "", chunks.ErrTooManyChunks
		}
		text += value
	}
	if len(text) > chunks.MaxLength {
		return "", chunks.ErrTooLong
	}
	return text, nil
}

// isTooMuch reports whether Join refuses a header for its size. The fuzz
// targets have none that is too long in bytes.
func isTooMuch(lines string) bool {
	n, blanks := 0, 0
	for line := range strings.SplitSeq(lines, "\n") {
		for line != "" {
			_, line, _ = strings.Cut(line, ";")
			n++
		}
	}
	if len(strings.ReplaceAll(lines, "\n", "")) > 8<<10 {
		blanks = strings.Count(lines, " ") + strings.Count(lines, "\t")
	}
	return n > 200 || blanks > 2000 || strings.Count(lines, "\n") >= 200
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.ToValidUTF8(s, "\uffff")) // names that are found are ASCII
}

func FuzzJoin(f *testing.F) {
	seeds := 0
	add := func(lines, name string) { f.Add(lines, name); seeds++ }
	for _, v := range testkit.WithCookies(f, "sessiontoken_negative.json", 1) {
		if strings.HasPrefix(v.Name, "cookie") {
			short := make([]pair, len(v.Cookies))
			for i, c := range v.Cookies {
				short[i] = pair{Name: c.Name, Value: c.Value[max(0, len(c.Value)-8):]}
			}
			add(testkit.Header(short), "FedAuth")
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	c := hostile.Credential{Cookie: "FedAuth", Chunk: "FedAuth%d", Text: "QUFBQQ=="}
	for _, r := range c.Requests(1200) {
		add(strings.Join(r.Cookies, "\n"), "FedAuth")
	}
	add("FedAuth01=a; FedAuth+1=b; FedAuth99999999999999999999=c;FedAuth", "FedAuth")
	add("FedAuth=\"a b\" ; \tfedauth1 = c\nFedAuth1\t=d;;=;FedAuth2", "FedAuth")
	add(testkit.Header(parts(chunks.MaxChunks+1, "x")), "FEDAUTH")
	f.Fuzz(func(t *testing.T, lines, name string) {
		if len(lines) > 1<<14 {
			return // the reference takes quadratic time
		}
		r := request(strings.Split(lines, "\n")...)
		got, err := chunks.WIF.Join(r, name)
		set := chunks.WIF.Inspect(r, name)
		if (set.Err == nil) != (err == nil) || err == nil && set.Length != len(got) {
			t.Errorf("Inspect = %+v, Join = %d bytes, %v", set, len(got), err)
		}
		set.Problems()
		if name == "" || strings.ContainsFunc(name,
			func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '=' || r == ';' }) {
			if err == nil {
				t.Errorf("no error for the name %q", name)
			}
			return
		}
		want, wantErr := joinReference(lines, name)
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("Join = %q, %v; want %q, %v", got, err, want, wantErr)
		}
		// After the deletions the browser sends none of the names any more.
		for _, c := range chunks.WIF.Expire(r, &http.Cookie{Name: name}) {
			if !strings.EqualFold(c.Name[:len(name)], name) {
				t.Errorf("deletion of %q", c.Name)
			}
		}
	})
}

func FuzzSplit(f *testing.F) {
	seeds := 0
	for _, v := range testkit.WithCookies(f, "sessiontoken_45.json", 1) {
		if len(v.Cookies) < 4 {
			f.Add(v.CookieName, textOf(v), v.ChunkSize)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Add("__Host-x", "a b", -1)
	f.Add("é", "", 1<<62)
	f.Fuzz(func(t *testing.T, name, value string, size int) {
		set, err := chunks.WIF.Split(&http.Cookie{Name: name, Value: value}, size)
		if err != nil {
			if set != nil {
				t.Error("cookies beside an error")
			}
			return
		}
		// Through a response and back, as a browser does it.
		w := httptest.NewRecorder()
		if err := chunks.WIF.Write(w, set); err != nil {
			t.Fatalf("Write: %v", err)
		}
		got, err := chunks.WIF.Join(request(w.Header()["Set-Cookie"]...), name)
		if got != value || err != nil {
			t.Errorf("Join = %q, %v; want %q", got, err, value)
		}
	})
}
