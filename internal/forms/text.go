package forms

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// The digits of a cookie are most of what there is to do besides the
// cryptography, so hex is read four digits and written two at a time.

// notHex marks a character that is no digit in the tables below.
const notHex = 1 << 31

// The tables give a character's four bits at one of the four places of two
// bytes, of which the first is the lower.
var (
	hexFirst  = hexTable(4)
	hexSecond = hexTable(0)
	hexThird  = hexTable(12)
	hexFourth = hexTable(8)
)

func hexTable(shift uint) (t [256]uint32) {
	for i := range t {
		t[i] = notHex
	}
	for i := range uint32(10) {
		t['0'+i] = i << shift
	}
	for i := range uint32(6) {
		t['a'+i], t['A'+i] = (10+i)<<shift, (10+i)<<shift
	}
	return t
}

// hexPairs are the two digits of a byte as .NET writes them, the first lower.
var hexPairs = func() (t [256]uint16) {
	const digits = "0123456789ABCDEF"
	for i := range t {
		t[i] = uint16(digits[i>>4]) | uint16(digits[i&15])<<8
	}
	return t
}()

// AppendHexDecode appends the bytes of s, hex digits in any case. It reports
// false, with dst as it was, for everything else.
func AppendHexDecode(dst []byte, s string) ([]byte, bool) {
	if len(s)%2 != 0 {
		return dst, false
	}
	start, n := len(dst), len(s)/2
	dst = slices.Grow(dst, n)
	if !decodeHex(dst[start:start+n], s) {
		return dst[:start], false
	}
	return dst[:start+n], true
}

// decodeHex fills out with the bytes of s, which is twice as long. It is a function of its own
// with a single index, so that all it needs fits into registers.
func decodeHex(out []byte, s string) bool {
	var seen uint32
	i := 0
	for ; i <= len(s)-8 && i/2 <= len(out)-4; i += 8 {
		c := s[i : i+8]
		a := hexFirst[c[0]] | hexSecond[c[1]] | hexThird[c[2]] | hexFourth[c[3]]
		b := hexFirst[c[4]] | hexSecond[c[5]] | hexThird[c[6]] | hexFourth[c[7]]
		seen |= a | b
		binary.LittleEndian.PutUint32(out[i/2:], a|b<<16)
	}
	for ; i < len(s); i += 2 {
		a := hexFirst[s[i]] | hexSecond[s[i+1]]
		seen |= a
		out[i/2] = byte(a)
	}
	return seen&notHex == 0
}

// AppendHex appends the hex digits that .NET writes.
func AppendHex(dst, b []byte) []byte {
	start, n := len(dst), 2*len(b)
	dst = slices.Grow(dst, n)
	out := dst[start : start+n]
	for ; len(b) >= 4 && len(out) >= 8; b, out = b[4:], out[8:] {
		binary.LittleEndian.PutUint64(out, uint64(hexPairs[b[0]])|uint64(hexPairs[b[1]])<<16|
			uint64(hexPairs[b[2]])<<32|uint64(hexPairs[b[3]])<<48)
	}
	for i, c := range b {
		binary.LittleEndian.PutUint16(out[2*i:], hexPairs[c])
	}
	return dst[:start+n]
}

// notASCII has the bits that are zero in four UTF-16LE code units of ASCII.
const notASCII = 0xFF80FF80FF80FF80

// appendUTF8 appends UTF-16LE code units as UTF-8, and reports false for an unpaired surrogate.
func appendUTF8(dst, src []byte) ([]byte, bool) {
	i := 0
	for ; i <= len(src)-8; i += 8 {
		v := binary.LittleEndian.Uint64(src[i:])
		if v&notASCII != 0 {
			break
		}
		v |= v >> 8
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v&0xFFFF|v>>16&0xFFFF0000))
	}
	for ; i <= len(src)-2; i += 2 {
		u := binary.LittleEndian.Uint16(src[i:])
		if u >= utf8.RuneSelf {
			break
		}
		dst = append(dst, byte(u))
	}
	if i == len(src) {
		return dst, true
	}
	return dotnet.AppendUTF8FromUTF16LE(dst, src[i:])
}

// AppendText appends the number of UTF-16 code units in s, and those. It
// reports false for text that is not UTF-8.
func AppendText(dst []byte, s string) ([]byte, bool) {
	n := len(s)
	for i := range n {
		if s[i] < utf8.RuneSelf {
			continue
		}
		if !utf8.ValidString(s) {
			return dst, false
		}
		dst = dotnet.AppendUint7(dst, dotnet.UTF16Len(s))
		return dotnet.AppendUTF16LE(dst, s), true
	}
	dst = slices.Grow(dotnet.AppendUint7(dst, n), 2*n)
	out := dst[len(dst) : len(dst)+2*n]
	for i := range n {
		binary.LittleEndian.PutUint16(out[2*i:], uint16(s[i]))
	}
	return dst[:len(dst)+2*n], true
}
