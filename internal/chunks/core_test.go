package chunks_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// coreReference is Join for ASP.NET Core, plainly: the last of each name in a
// map.
func coreReference(header, name string) string {
	last := map[string]string{}
	for p := range strings.SplitSeq(header, ";") {
		key, value, ok := strings.Cut(strings.Trim(p, " \t"), "=")
		inner := value
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			inner = value[1 : len(value)-1]
		}
		if ok && !strings.ContainsFunc(inner,
			func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\",;\\", r) }) {
			last[asciiLower(key)] = value
		}
	}
	text := last[asciiLower(name)]
	digits, ok := strings.CutPrefix(text, "chunks-")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || n == 0 || strings.HasPrefix(digits, "+") {
		return text
	}
	joined := ""
	for i := 1; i <= int(min(n, 100)); i++ {
		piece := last[asciiLower(name)+"c"+strconv.Itoa(i)]
		if piece == "" {
			return text
		}
		joined += piece
	}
	return joined
}

// coreVector is a call of ChunkingCookieManager that was recorded.
type coreVector struct {
	CookieName, Cookie, Value string
	ChunkSize                 int
}

func coreVectors(t testing.TB) []coreVector {
	t.Helper()
	var file struct{ Vectors []coreVector }
	testkit.JSON(t, "aspnetcore_chunks.json", &file)
	if len(file.Vectors) < 300 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors
}

// FuzzCoreJoin compares with the plain way, for headers without escapes.
func FuzzCoreJoin(f *testing.F) {
	seeds := 0
	for _, v := range coreVectors(f) {
		if v.Cookie != "" {
			f.Add(v.Cookie, v.CookieName)
			seeds++
		}
	}
	if seeds < 100 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Add(`a="quoted"; A=chunks-2; ac1=x; aC2=y; aC2=z; aC02=no`, "a")
	f.Fuzz(func(t *testing.T, header, name string) {
		if strings.ContainsAny(header, "%\n\r") || len(header) > 10_000 ||
			strings.Count(header, ";") > 150 {
			return
		}
		r := &http.Request{Header: http.Header{"Cookie": {header}}}
		got, err := chunks.Core.Join(r, name)
		want := coreReference(header, name)
		switch {
		case errors.Is(err, chunks.ErrMissingChunk), errors.Is(err, chunks.ErrTooManyChunks):
			if !strings.HasPrefix(want, "chunks-") && !errors.Is(err, chunks.ErrTooManyChunks) {
				t.Errorf("%v, want %q", err, want)
			}
		case err == nil && got != want:
			t.Errorf("got %q, want %q", got, want)
		}
		// What a deletion takes away is not read any more.
		if err == nil {
			for _, c := range chunks.Core.Expire(r, &http.Cookie{Name: name, Path: "/"}) {
				if len(c.Name) < len(name) ||
					!strings.EqualFold(c.Name[:len(name)], name) || c.Value != "" {
					t.Errorf("deletes %v", c)
				}
			}
		}
	})
}

// FuzzCoreSplit cuts any value, and joins what the browser would keep of it
// after an older set.
func FuzzCoreSplit(f *testing.F) {
	f.Add("value", 0, 3)
	f.Add(strings.Repeat("x", 9000), 4050, 5)
	f.Add("100% sure; \"quoted\"", 60, 1)
	f.Add(strings.Repeat("x", 17_000)+")", 0, 0) // with escapes less is read
	for _, v := range coreVectors(f) {
		f.Add(v.Value, v.ChunkSize, strings.Count(v.Cookie, ";"))
	}
	f.Fuzz(func(t *testing.T, value string, size, before int) {
		const name = "a"
		jar := map[string]string{}
		if before = before & 15; before > 0 {
			jar[name] = "chunks-" + strconv.Itoa(before)
			for i := 1; i <= before; i++ {
				jar[name+"C"+strconv.Itoa(i)] = "old"
			}
		}
		request := func() *http.Request {
			var pairs []string
			for n, v := range jar {
				pairs = append(pairs, n+"="+v)
			}
			return &http.Request{Header: http.Header{"Cookie": {strings.Join(pairs, "; ")}}}
		}
		send := func(set []*http.Cookie) {
			w := httptest.NewRecorder()
			if err := chunks.Core.Write(w, set); err != nil {
				t.Fatal(err)
			}
			for _, c := range w.Result().Cookies() {
				if jar[c.Name] = c.Value; c.Expires.Unix() == 0 {
					delete(jar, c.Name)
				}
			}
		}
		set, err := chunks.Core.Split(&http.Cookie{Name: name, Value: value, Path: "/"}, size)
		if err != nil {
			return
		}
		send(chunks.Core.Replace(request(), set, 0))
		if len(jar) != len(set) {
			t.Fatalf("%d cookies are left, want %d", len(jar), len(set))
		}
		if got, err := chunks.Core.Join(request(), name); strings.HasPrefix(value, "chunks-") ||
			value == "" {
			// A value that reads as a number of chunks is not ours.
		} else if err != nil || got != value {
			t.Errorf("joined %q, %v, want %q", got, err, value)
		}
		send(chunks.Core.Expire(request(), &http.Cookie{Name: name, Path: "/"}))
		if len(jar) > 0 && !strings.HasPrefix(value, "chunks-") {
			t.Errorf("left: %v", jar)
		}
	})
}

// TestCoreShared reads what Katana cut, where a cookie is shared.
func TestCoreShared(t *testing.T) {
	for _, marker := range []string{"chunks:2", "chunks-2"} {
		r := &http.Request{Header: http.Header{"Cookie": {"s=" + marker + "; sC1=ab; sC2=cd"}}}
		if got, err := chunks.CoreShared.Join(r, "s"); err != nil || got != "abcd" {
			t.Errorf("%s: %q, %v", marker, got, err)
		}
		if set := chunks.CoreShared.Expire(r, &http.Cookie{Name: "s"}); len(set) != 3 {
			t.Errorf("%s: %d deletions", marker, len(set))
		}
		if set := chunks.CoreShared.Inspect(r, "s"); set.Announced != 2 || set.Length != 4 ||
			len(set.Problems()) != 0 {
			t.Errorf("%s: %+v", marker, set)
		}
	}
}
