package chunks

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The scheme of Katana: the cookie itself says how many chunks there are, and
// they are numbered from 1 behind a C.
//
//	line   = name "=" data | name "=chunks:" N, nameC1 "=" data … nameCN "=" data
//	name   = percent-encoded, as the data before it is cut
//	data   = text, or the rest of a text in quotes between quotes of its own

// isKatana reports the schemes of both managers.
func (k Scheme) isKatana() bool { return k == Katana || k == KatanaSystemWeb }

// markerPrefix is the beginning of a cookie that only counts chunks. It is
// case sensitive.
const markerPrefix = "chunks:"

// parseMarker returns the number of chunks that a cookie announces, or 0 if
// its value is no marker.
func (k Scheme) parseMarker(value string) int {
	if n := parseDigits(value, markerPrefix); k != Core && (n > 0 || k.isKatana()) {
		return n
	}
	return parseDigits(value, coreMarker)
}

// parseDigits returns the number behind a prefix, or 0. As int.TryParse has it
// without any style: digits alone, zeros in front allowed, at most 2147483647.
func parseDigits(value, prefix string) int {
	digits, ok := strings.CutPrefix(value, prefix)
	if !ok || digits == "" {
		return 0
	}
	n := int64(0)
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return 0
		}
		if n = n*10 + int64(digits[i]-'0'); n > 1<<31-1 {
			return 0
		}
	}
	return int(n)
}

// joinCounted returns the text of the cookie values[0], or of the chunks
// values[1:] that it announces, of which those with a bit in seen are there. To
// ASP.NET Core an empty chunk is missing.
func (k Scheme) joinCounted(values *[MaxChunks + 2]string, seen uint64) (string, error) {
	if isTooLong(values[0]) {
		return "", ErrTooLong
	}
	before, after := unescape, asIs
	if k == KatanaSystemWeb {
		before, after = asIs, unescape
	}
	first := before(values[0])
	n := k.parseMarker(first)
	switch {
	case n == 0:
		return after(first), nil
	case n > MaxChunks:
		return "", ErrTooManyChunks
	}
	chunks, quotes := values[1:n+1], ""
	for i, v := range chunks {
		if seen&(2<<i) == 0 || v == "" && k.isCore() {
			return "", ErrMissingChunk
		}
	}
	if isTooLong(chunks...) {
		return "", ErrTooLong
	}
	for i, v := range chunks {
		chunks[i] = before(v)
		if inner, ok := cutQuotes(chunks[i]); ok && k.isKatana() {
			chunks[i], quotes = inner, `"`
		}
	}
	values[0], values[n+1] = quotes, quotes
	return after(strings.Join(values[:n+2], "")), nil
}

func asIs(s string) string { return s }

// isTooLong reports whether the parts of a text are more than is read.
func isTooLong(parts ...string) bool {
	length, escaped := 0, false
	for _, part := range parts {
		length += len(part)
		escaped = escaped || strings.IndexByte(part, '%') >= 0
	}
	return length > MaxLength || escaped && length > maxEscaped
}

// splitKatana is Split for Katana. With
//
//	P = len(name)+1, S = length of the attributes, V = length of the value,
//	q = 2 for a value in quotes, otherwise 0
//
// a cookie of less than size = P+V+S+q bytes is one, and a chunk has room for
// size-P-S-q-3 bytes of the value: two of the three are for C and a digit.
func (k Scheme) splitKatana(c *http.Cookie, size int) ([]*http.Cookie, error) {
	t := *c // template of the chunks
	t.Name = escape(c.Name)
	t.Value, t.Quoted = cutQuotes(c.Value)
	quoted := t.Quoted || c.Quoted
	t.Value, t.Quoted = escape(t.Value), false
	if err := k.validate(&t); err != nil {
		return nil, err
	}
	switch {
	case t.Value == "":
		return nil, fmt.Errorf("%w: %s has no value", ErrInvalidCookie, t.Name)
	case !utf8.ValidString(c.Name) || !utf8.ValidString(c.Value):
		return nil, fmt.Errorf("%w: %s: not UTF-8", ErrInvalidCookie, t.Name)
	case !quoted && k.parseMarker(c.Value) > 0:
		return nil, fmt.Errorf("%w: %s: the value reads as a number of chunks",
			ErrInvalidCookie, t.Name)
	case isTooLong(t.Value):
		return nil, fmt.Errorf("%w: %s has %d characters", ErrTooLong, t.Name, len(t.Value))
	case size == 0:
		size = DefaultKatanaSize
	}
	// Without overflow: everything but size is the length of a string.
	overhead := len(t.Name) + 1 + attributesLength(c)
	if quoted {
		overhead += 2
	}
	t.Quoted = quoted
	return k.cut(t, markerPrefix, size, overhead)
}

// cut returns one cookie if the Set-Cookie line of t has less than size bytes,
// overhead of them beside the value, and else chunks of it behind a marker.
func (k Scheme) cut(t http.Cookie, marker string, size, overhead int) ([]*http.Cookie, error) {
	n, data, value := 0, 0, t.Value
	if value != "" && size <= overhead+len(value) {
		if size < overhead+10 {
			return nil, fmt.Errorf("cookie: size %d leaves no room for a value: "+
				"the name and attributes of %s take %d", size, t.Name, overhead)
		}
		data = size - overhead - 3
		if n = (len(value) + data - 1) / data; n > MaxChunks {
			return nil, fmt.Errorf("%w: %s has %d characters", ErrTooManyChunks, t.Name, len(value))
		}
	}
	cookies, set := make([]http.Cookie, n+1), make([]*http.Cookie, n+1)
	for i := range set {
		c := &cookies[i]
		*c, set[i] = t, c
		switch {
		case n == 0:
		case i == 0:
			c.Value, c.Quoted = marker+strconv.Itoa(n), false
		default:
			c.Name = k.chunkName(t.Name, i)
			c.Value = value[(i-1)*data : min(i*data, len(value))]
		}
		if k.isCore() { // after cutting
			c.Value = escape(c.Value)
		}
		if size := sizeOf(c); size > MaxCookieSize {
			return nil, TooLarge(c.Name, size)
		}
	}
	return set, nil
}

// attributesLength returns the number of bytes behind the value in the
// Set-Cookie line of ChunkingCookieManager. net/http writes as many, but for a dot
// before the domain. The other manager counts the same, but for SameSite on a .NET
// Framework without it.
func attributesLength(c *http.Cookie) int {
	t := *c
	t.Name, t.Value, t.Quoted = "a", "", false
	n := len(t.String()) - len("a=")
	if strings.HasPrefix(c.Domain, ".") {
		n++
	}
	return n
}

// cutQuotes returns what is between the quotes around a value, if both are
// there.
func cutQuotes(s string) (inner string, quoted bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s, false
	}
	return s[1 : len(s)-1], true
}
