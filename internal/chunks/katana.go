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
// its value is no marker. As int.TryParse has it without any style: digits
// alone, zeros in front allowed, at most 2147483647.
func parseMarker(value string) int { return parseDigits(value, markerPrefix) }

// parseDigits returns the number behind a prefix.
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

// joinChunks returns the text of the cookie values[0] and its chunks
// values[1:], of which those with a bit in seen are there.
func (k Scheme) joinChunks(values []string, seen uint64) (string, error) {
	if seen&1 == 0 {
		return "", ErrNoCookie
	}
	first := values[0]
	if isTooLong(first) {
		return "", ErrTooLong
	}
	if k == Katana {
		first = unescape(first)
	}
	n := parseMarker(first)
	switch {
	case n == 0 && k == Katana:
		return first, nil
	case n == 0:
		return unescape(first), nil
	case n > MaxChunks:
		return "", ErrTooManyChunks
	}
	if all := uint64(1)<<(n+1) - 1; seen&all != all {
		return "", ErrMissingChunk
	}
	chunks, length, quoted := values[1:n+1], 0, false
	for _, v := range chunks {
		length += len(v)
	}
	if isTooLong(chunks...) {
		return "", ErrTooLong
	}
	for i, v := range chunks {
		if k == Katana {
			v = unescape(v)
		}
		inner, ok := cutQuotes(v)
		chunks[i], quoted = inner, quoted || ok
	}
	var b strings.Builder
	b.Grow(length + 2)
	if quoted {
		b.WriteByte('"')
	}
	for _, v := range chunks {
		b.WriteString(v)
	}
	if quoted {
		b.WriteByte('"')
	}
	if k == Katana {
		return b.String(), nil
	}
	return unescape(b.String()), nil
}

// isTooLong reports whether the parts of a text are more than is read.
func isTooLong(parts ...string) bool {
	length, escaped := 0, false
	for _, part := range parts {
		length += len(part)
		escaped = escaped || strings.IndexByte(part, '%') >= 0
	}
	return length > MaxLength || escaped && length > maxEscaped
}

// splitKatana is SplitSize for Katana. With
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
	if err := validate(&t); err != nil {
		return nil, err
	}
	switch {
	case t.Value == "":
		return nil, fmt.Errorf("%w: %s has no value", ErrInvalidCookie, t.Name)
	case !utf8.ValidString(c.Name) || !utf8.ValidString(c.Value):
		return nil, fmt.Errorf("%w: %s: not UTF-8", ErrInvalidCookie, t.Name)
	case !quoted && parseMarker(c.Value) > 0:
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
	n, data, err := cut(t.Name, len(t.Value), size, overhead)
	if err != nil {
		return nil, err
	}
	longest := len(k.chunkName(t.Name, n)) + data
	if quoted {
		longest += 2
	}
	if longest > MaxCookieSize {
		return nil, fmt.Errorf("%w: a chunk of %s has %d bytes with its name, browsers keep %d",
			ErrTooLong, t.Name, longest, MaxCookieSize)
	}
	cookies, set := make([]http.Cookie, n+1), make([]*http.Cookie, n+1)
	for i := range set {
		cookies[i] = t
		switch {
		case n == 0:
			cookies[i].Quoted = quoted
		case i == 0:
			cookies[i].Value = markerPrefix + strconv.Itoa(n)
		default:
			cookies[i].Name = k.chunkName(t.Name, i)
			cookies[i].Value = t.Value[(i-1)*data : min(i*data, len(t.Value))]
			cookies[i].Quoted = quoted
		}
		set[i] = &cookies[i]
	}
	return set, nil
}

// cut returns how many chunks a value of some length makes in Set-Cookie lines of
// at most size bytes, overhead of them beside the value, and how much of the value
// is in each but the last. No chunks means that the value fits into one cookie.
func cut(name string, length, size, overhead int) (chunks, data int, err error) {
	if size > overhead+length {
		return 0, length, nil
	}
	if size < overhead+10 {
		return 0, 0, fmt.Errorf("cookie: size %d leaves no room for a value: "+
			"the name and attributes of %s take %d", size, name, overhead)
	}
	data = size - overhead - 3
	chunks = (length + data - 1) / data
	if chunks > MaxChunks {
		return 0, 0, fmt.Errorf("%w: %s has %d characters", ErrTooManyChunks, name, length)
	}
	return chunks, data, nil
}

// attributesLength returns the number of bytes behind the value in the
// Set-Cookie line of ChunkingCookieManager. The other manager counts the same,
// but for SameSite on a .NET Framework without it. Max-Age and Partitioned,
// which Katana does not know, count as net/http writes them.
func attributesLength(c *http.Cookie) int {
	n := 0
	if c.Domain != "" {
		n += len("; domain=") + len(c.Domain)
	}
	if c.Path != "" {
		n += len("; path=") + len(c.Path)
	}
	if !c.Expires.IsZero() {
		n += len("; expires=Thu, 01-Jan-1970 00:00:00 GMT")
	}
	if c.Secure {
		n += len("; secure")
	}
	if c.HttpOnly {
		n += len("; HttpOnly")
	}
	switch c.SameSite {
	case http.SameSiteNoneMode:
		n += len("; SameSite=None")
	case http.SameSiteLaxMode:
		n += len("; SameSite=Lax")
	case http.SameSiteStrictMode:
		n += len("; SameSite=Strict")
	}
	if c.MaxAge != 0 {
		n += len("; Max-Age=") + len(strconv.Itoa(max(c.MaxAge, 0)))
	}
	if c.Partitioned {
		n += len("; Partitioned")
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
