package cookie

import (
	"strings"
	"unicode/utf8"
)

// The percent escapes of Katana's names and values.

// escape percent-encodes everything but letters, digits and "-._~", as
// System.Uri.EscapeDataString does since .NET 4.5.
func escape(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !isUnreserved(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// isUnreserved reports the unreserved characters of RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// unescape undoes escape as System.Uri.UnescapeDataString does: a % that
// starts no escape stays, and so do escapes that are not UTF-8 together.
func unescape(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		var octets [utf8.UTFMax]byte
		n := 0 // octets, as many as the first asks for
		for want := 1; n < want; n++ {
			c, ok := escapedByte(s[i+3*n:])
			if !ok {
				break
			}
			octets[n] = c
			if n == 0 {
				want = runeLength(c)
			}
		}
		r, size := utf8.DecodeRune(octets[:n])
		if n == 0 || r == utf8.RuneError && size <= 1 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.Write(octets[:size])
		i += 3 * size
	}
	return b.String()
}

// escapedByte returns the byte that an escape at the beginning of s stands
// for.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, ok1 := hexDigit(s[1])
	lo, ok2 := hexDigit(s[2])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10, true
	}
	return 0, false
}

// runeLength returns how many bytes a UTF-8 sequence has that starts with c.
func runeLength(c byte) int {
	switch {
	case c >= 0xF0:
		return 4
	case c >= 0xE0:
		return 3
	case c >= 0xC0:
		return 2
	}
	return 1
}
