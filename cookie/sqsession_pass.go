package cookie

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// PassOn adds the cookie of a request that came in, with all its chunks and
// nothing else, to a request that goes out to a .NET node, in place of any that
// is there already. It changes nothing if there is none, and nothing on error:
// a name or value that net/http would change, or more than 64 KiB.
func (q *SQSession) PassOn(out, in *http.Request) error {
	var ours, others []string
	size := 0
	for _, pair := range chunks.WIF.Pairs(in) {
		spelled, value, ok := chunks.WIF.Match(pair, q.c.Name)
		if !ok {
			continue
		}
		if !isPlain(value) {
			return fmt.Errorf("%w: %s", ErrInvalidCookie, spelled)
		}
		if size += len(pair); size > chunks.MaxLength {
			return ErrTooLong
		}
		ours = append(ours, spelled+"="+value)
	}
	if ours == nil {
		return nil
	}
	for _, pair := range chunks.WIF.Pairs(out) {
		if _, _, replaced := chunks.WIF.Match(pair, q.c.Name); !replaced && pair != "" {
			others = append(others, pair)
		}
	}
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	out.Header.Set("Cookie", strings.Join(append(others, ours...), "; "))
	return nil
}

// PassBack adds what the response of a .NET node sets for the cookie, line by
// line as the node wrote it, to a response to the browser. All of it is added
// or nothing; a line that net/http would not write is [ErrInvalidCookie].
func (q *SQSession) PassBack(w http.ResponseWriter, from *http.Response) error {
	var lines []string
	for _, line := range from.Header["Set-Cookie"] {
		pair, _ := chunks.CutPair(line)
		spelled, _, ok := chunks.WIF.Match(pair, q.c.Name)
		if !ok {
			continue
		}
		if !isPlain(line) {
			return fmt.Errorf("%w: %s", ErrInvalidCookie, spelled)
		}
		if len(pair) > chunks.MaxCookieSize {
			return fmt.Errorf("%w: %s has %d bytes with its name, browsers keep %d", ErrTooLong,
				spelled, len(pair), chunks.MaxCookieSize)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil
	}
	for _, line := range lines {
		w.Header().Add("Set-Cookie", line)
	}
	noCache(w.Header(), "no-cache", "-1")
	return nil
}

// isPlain reports whether a header can hold s as it stands.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 && s[i] != '\t' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}
