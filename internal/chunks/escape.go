package chunks

import (
	"math/bits"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The percent escapes of Katana's names and values.

// escape percent-encodes everything but letters, digits and "-._~", as
// System.Uri.EscapeDataString does since .NET 4.5.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // which writes a plus as %2B
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
		length := min(bits.LeadingZeros8(^c), utf8.UTFMax) // of the sequence that c starts
		for n < length {
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
