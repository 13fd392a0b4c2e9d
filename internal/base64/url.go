package base64

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// AppendDecodeURL is [AppendDecode] for base64 with - and _ in place of + and
// /, and without padding: the text of Katana's tickets. Bits behind the last
// byte are ignored, as .NET does.
func AppendDecodeURL(dst []byte, src string) ([]byte, bool) {
	start := len(dst)
	need := len(src) / 4 * 3
	if cap(dst)-start < need+5 { // each step writes eight bytes for six
		dst = append(dst, make([]byte, need+5)...)[:start]
	}
	out, rest := dst[start:cap(dst)], src
	for len(rest) >= 8 && len(out) >= 8 {
		a := firstURL[rest[0]] | secondURL[rest[1]] | thirdURL[rest[2]] | fourthURL[rest[3]]
		b := firstURL[rest[4]] | secondURL[rest[5]] | thirdURL[rest[6]] | fourthURL[rest[7]]
		if (a|b)&invalid != 0 {
			return dst, false
		}
		binary.BigEndian.PutUint64(out, uint64(a)<<40|uint64(b)<<16)
		out, rest = out[6:], rest[8:]
	}
	var tail [8]byte
	end := tail[:copy(tail[:], rest)]
	for _, c := range end {
		if c == '\n' || c == '\r' { // encoding/base64 skips these
			return dst, false
		}
	}
	m, err := base64.RawURLEncoding.Decode(out, end)
	if err != nil {
		return dst, false
	}
	return dst[:cap(dst)-len(out)+m], true
}

// AppendEncodeURL appends data as base64 with - and _ in place of + and /, and
// without padding.
func AppendEncodeURL(dst, data []byte) []byte {
	start, n := len(dst), base64.RawURLEncoding.EncodedLen(len(data))
	dst = slices.Grow(dst, n)[:start+n]
	out := dst[start:]
	for len(data) >= 8 && len(out) >= 8 { // each step reads eight bytes and takes six
		v := binary.BigEndian.Uint64(data)
		binary.BigEndian.PutUint64(out, uint64(pairURL[v>>52])<<48|uint64(pairURL[v>>40&0xfff])<<32|
			uint64(pairURL[v>>28&0xfff])<<16|uint64(pairURL[v>>16&0xfff]))
		data, out = data[6:], out[8:]
	}
	base64.RawURLEncoding.Encode(out, data)
	return dst
}

// pairURL are the two characters for 12 bits.
var pairURL = func() (t [1 << 12]uint16) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range t {
		t[i] = uint16(alphabet[i>>6])<<8 | uint16(alphabet[i&63])
	}
	return t
}()

// The tables of the other alphabet.
var (
	firstURL  = urlTable(&first)
	secondURL = urlTable(&second)
	thirdURL  = urlTable(&third)
	fourthURL = urlTable(&fourth)
)

func urlTable(standard *[256]uint32) [256]uint32 {
	t := *standard
	t['-'], t['_'] = t['+'], t['/']
	t['+'], t['/'] = invalid, invalid
	return t
}
