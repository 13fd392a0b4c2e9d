package testvectors_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// coreChunkVector is one call of ASP.NET Core's ChunkingCookieManager.
type coreChunkVector struct {
	Name, Op   string
	ChunkSize  *int // null: never cut
	CookieName string
	Cookie     *string // the header of the request
	Options    *coreCookieOptions
	Value      string
	SetCookie  []string
	Result     *string
	Error      string
}

// coreCookieOptions are CookieOptions.
type coreCookieOptions struct {
	Path, Domain     string
	Secure, HTTPOnly bool
	SameSite         string
	Expires          *time.Time
	MaxAgeSeconds    *int
}

func (o *coreCookieOptions) cookie(t *testing.T, name, value string) *http.Cookie {
	t.Helper()
	c := &http.Cookie{Name: name, Value: value, Path: o.Path, Domain: o.Domain, Secure: o.Secure,
		HttpOnly: o.HTTPOnly, SameSite: coreSameSite(t, o.SameSite)}
	if o.Expires != nil {
		c.Expires = *o.Expires
	}
	if o.MaxAgeSeconds != nil {
		c.MaxAge = *o.MaxAgeSeconds
	}
	return c
}

func coreSameSite(t *testing.T, name string) http.SameSite {
	t.Helper()
	mode, ok := map[string]http.SameSite{"Unspecified": 0, "None": http.SameSiteNoneMode,
		"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode}[name]
	if !ok {
		t.Fatalf("no test for SameSite %q", name)
	}
	return mode
}

func runCoreChunks(t *testing.T, f *file) {
	var content struct {
		header
		About   string
		Vectors []coreChunkVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	name := func(v *coreChunkVector) string { return v.Name }
	each(t, f, content.Vectors, name, func(t *testing.T, v *coreChunkVector) {
		r := &http.Request{Header: http.Header{}}
		if v.Cookie != nil {
			r.Header.Set("Cookie", *v.Cookie)
		}
		switch v.Op {
		case "append":
			v.append(t, f, r)
		case "delete":
			v.sameLines(t, chunks.Core.Expire(r, v.Options.cookie(t, v.CookieName, "")))
		case "read":
			v.join(t, f, r)
		default:
			t.Fatalf("no test for op %q", v.Op)
		}
	})
}

func (v *coreChunkVector) append(t *testing.T, f *file, r *http.Request) {
	size := math.MaxInt
	if v.ChunkSize != nil {
		size = *v.ChunkSize
	}
	set, err := chunks.Core.Split(v.Options.cookie(t, v.CookieName, v.Value), size)
	switch {
	case v.Error != "":
		if err == nil {
			t.Errorf("no error; .NET: %s", v.Error)
		}
	case err != nil:
		f.refused(t, path.Base(t.Name()), err, errors.Is(err, chunks.ErrTooLong)) // names repeat
	default:
		v.sameLines(t, chunks.Core.Replace(r, set, 0))
	}
}

func (v *coreChunkVector) sameLines(t *testing.T, set []*http.Cookie) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := chunks.Core.Write(w, set); err != nil {
		t.Fatal(err)
	}
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, v.SetCookie) {
		t.Errorf("Set-Cookie\ngot  %s\nwant %s", shortAll(got), shortAll(v.SetCookie))
	}
}

func shortAll(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "\n  %d %.60s … %s", len(line), line, line[max(0, len(line)-60):])
	}
	return b.String()
}

// join reads the value. Where .NET takes the number of chunks for it, as one is
// missing, there is no value here.
func (v *coreChunkVector) join(t *testing.T, f *file, r *http.Request) {
	got, err := chunks.Core.Join(r, v.CookieName)
	switch {
	case v.Result == nil:
		if !errors.Is(err, chunks.ErrNoCookie) {
			t.Errorf("%q, error %v, want ErrNoCookie", got, err)
		}
	case errors.Is(err, chunks.ErrMissingChunk) || errors.Is(err, chunks.ErrTooManyChunks):
		if !strings.HasPrefix(*v.Result, "chunks-") {
			f.refused(t, v.Name, err, errors.Is(err, chunks.ErrTooManyChunks))
		}
	case err != nil:
		t.Error(err)
	case got != *v.Result:
		t.Errorf("%s, want %s", short(got), short(*v.Result))
	}
}
