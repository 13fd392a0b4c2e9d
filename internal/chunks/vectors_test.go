package chunks_test

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// pair is one cookie.
type pair = testkit.Cookie

// textOf returns the base64 of the vector's XML document with its byte order
// mark, or the concatenation of its cookies where the document is not recorded.
func textOf(v testkit.CookieVector) string {
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
