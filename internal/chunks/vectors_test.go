package chunks_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// pair is one cookie as the vectors have it.
type pair struct{ Name, Value string }

// vector is the part of a session token vector that concerns this package.
type vector struct {
	Name       string
	CookieName string
	ChunkSize  int
	Cookies    []pair
	XMLText    string
}

// readVectors returns the vectors of a file that have cookies; it fails if
// there are fewer than want.
func readVectors(t testing.TB, file string, want int) []vector {
	t.Helper()
	var f struct{ Vectors []vector }
	testkit.JSON(t, file, &f)
	var list []vector
	for _, v := range f.Vectors {
		if len(v.Cookies) > 0 {
			list = append(list, v)
		}
	}
	if len(list) < want {
		t.Fatalf("%s: %d vectors with cookies, want at least %d", file, len(list), want)
	}
	return list
}

// text returns the base64 of the vector's XML document with its byte order
// mark, or the concatenation
// of its cookies where the document is not recorded.
func (v vector) text() string {
	if v.XMLText != "" {
		return base64.StdEncoding.EncodeToString([]byte("\ufeff" + v.XMLText))
	}
	var b strings.Builder
	for _, c := range v.Cookies {
		b.WriteString(c.Value)
	}
	return b.String()
}

// request returns a request with these lines of the header Cookie.
func request(lines ...string) *http.Request {
	return &http.Request{Header: http.Header{"Cookie": lines}}
}

// header returns the cookies as one line.
func header(cookies []pair) string {
	var list []string
	for _, c := range cookies {
		list = append(list, c.Name+"="+c.Value)
	}
	return strings.Join(list, "; ")
}
