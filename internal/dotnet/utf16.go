package dotnet

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUTF8FromUTF16LE appends the text of UTF-16LE code units as UTF-8. It
// returns dst as it was and false if src has an odd length or an unpaired
// surrogate: such text has no equal in UTF-8, and replacing it would make
// different names of a user equal.
func AppendUTF8FromUTF16LE(dst, src []byte) ([]byte, bool) {
	if len(src)%2 != 0 {
		return dst, false
	}
	out := slices.Grow(dst, len(src)/2)
	for len(src) > 0 {
		r := rune(binary.LittleEndian.Uint16(src))
		src = src[2:]
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		if utf16.IsSurrogate(r) {
			if len(src) == 0 {
				return dst, false
			}
			r = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(src)))
			if r == utf8.RuneError {
				return dst, false
			}
			src = src[2:]
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}

// AppendUTF16LE appends s as UTF-16LE code units, without a byte order mark.
// A byte that is not UTF-8 becomes U+FFFD, as in a range loop; a caller that
// must not change text checks [utf8.ValidString] first.
func AppendUTF16LE(dst []byte, s string) []byte {
	for _, r := range s {
		if r > 0xffff {
			high, low := utf16.EncodeRune(r)
			dst = binary.LittleEndian.AppendUint16(dst, uint16(high))
			r = low
		}
		dst = binary.LittleEndian.AppendUint16(dst, uint16(r))
	}
	return dst
}

// UTF16Len returns the number of UTF-16 code units that AppendUTF16LE writes
// for s, which is String.Length of .NET. A character outside the basic plane
// counts two.
func UTF16Len(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			n := i
			for _, r := range s[i:] {
				n++
				if r > 0xffff {
					n++
				}
			}
			return n
		}
	}
	return len(s)
}
