// Package fold compares names without regard to case as .NET does. It imports
// nothing of this module.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ToUpper maps a text as StringComparer.OrdinalIgnoreCase does before it
// compares: each UTF-16 code unit by itself, by Unicode's simple mapping to
// upper case, in which no letter becomes two. By that comparer .NET tells apart
// types of claims (ClaimsIdentity.FindFirst), names of cookies
// (HttpCookieCollection) and, with ToUpperInvariant, names of users
// (UpperInvariantLookupNormalizer of ASP.NET Identity).
//
// Unlike Unicode's case folding, and so strings.EqualFold and strings.ToLower,
// it keeps apart what only looks alike: U+212A KELVIN SIGN is upper case
// already and no K, and U+0131 (dotless i) and U+017F (long s) stay as they are
// (GlobalizationNative_InitOrdinalCasingPage in pal_casing.c, which agrees with
// Windows). Code points beyond U+FFFF are two units, and neither has a case in
// .NET Framework. Text that is not UTF-8, which no .NET string can be, stays as
// it is.
func ToUpper(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	return strings.Map(toUpper, s)
}

func toUpper(r rune) rune {
	if r > 0xFFFF || r == 0x131 || r == 0x17F {
		return r
	}
	if upper := unicode.ToUpper(r); upper <= 0xFFFF {
		return upper
	}
	return r
}

// Equal is StringComparer.OrdinalIgnoreCase.Equals: it reports whether
// ToUpper makes one text of both.
func Equal(a, b string) bool {
	for i := 0; i < min(len(a), len(b)); i++ {
		c, d := a[i], b[i]
		if c|d >= 0x80 {
			return ToUpper(a[i:]) == ToUpper(b[i:])
		}
		if c != d && upperByte(c) != upperByte(d) {
			return false
		}
	}
	return len(a) == len(b)
}

func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}
