package chunks

import (
	"strings"
	"unicode"
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
// starts no escape stays, and so do escapes that are not UTF-8 together, in the
// case that they have.
func unescape(s string) string {
	var b strings.Builder
	done := 0 // bytes of s that are in b
	for i := 0; i < len(s); {
		c, ok := escapedByte(s[i:])
		if !ok {
			if i++; i < len(s) && s[i] != '%' {
				next := strings.IndexByte(s[i:], '%')
				if next < 0 {
					break
				}
				i += next
			}
			continue
		}
		octets, n := [utf8.UTFMax]byte{c}, 1
		for n < runeLength(c) {
			if octets[n], ok = escapedByte(s[i+3*n:]); !ok || utf8.RuneStart(octets[n]) {
				break
			}
			n++
		}
		r, size := utf8.DecodeRune(octets[:n])
		if r == utf8.RuneError && size <= 1 {
			i += 3
			continue
		}
		b.Grow(len(s) - done)
		b.WriteString(s[done:i])
		b.Write(octets[:size])
		i += 3 * size
		done = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// escapedByte returns the byte that an escape at the beginning of s stands
// for.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, lo := hexDigits[s[1]], hexDigits[s[2]]
	return hi<<4 | lo&15, hi|lo < 16
}

// hexDigits are the values of hexadecimal digits, 255 for all else.
var hexDigits = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range "0123456789abcdef" {
		t[c], t[unicode.ToUpper(c)] = byte(i), byte(i)
	}
	return t
}()

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
