package base64

import "strings"

// AppendDecodeWeb is [AppendDecodeURL] with the rules of ASP.NET Core for the
// text of its cookies (WebEncoders.Base64UrlDecode over
// System.Buffers.Text.Base64Url): blanks, tabs and line ends may stand
// anywhere; at the end as many "=" as would fill the last group of four, or
// fewer, may follow, and .NET takes "%" for "="; bits behind the last byte must
// be zero.
//
// White space is read in up to 16 KiB, which is what http.sys takes of headers:
// nothing but a person puts it into a cookie.
func AppendDecodeWeb(dst []byte, src string) ([]byte, bool) {
	out, ok := appendDecodeWeb(dst, src)
	if !ok && len(src) <= maxUnusual && strings.ContainsAny(src, " \t\r\n") {
		return appendDecodeWeb(dst, noSpace.Replace(src))
	}
	return out, ok
}

var noSpace = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")

// appendDecodeWeb does without white space.
func appendDecodeWeb(dst []byte, src string) ([]byte, bool) {
	end := len(src)
	for end > 0 && (src[end-1] == '=' || src[end-1] == '%') {
		end--
	}
	if padding := len(src) - end; padding > 0 && (end%4 < 2 || padding > 4-end%4) {
		return dst, false
	}
	out, ok := AppendDecodeURL(dst, src[:end])
	if !ok || !zeroBits(src[:end]) {
		return out[:len(dst)], false
	}
	return out, true
}

// maxUnusual bounds what .NET reads and no software writes, as in package
// limits.
const maxUnusual = 16 << 10

// zeroBits reports whether the bits behind the last byte are zero. The text is
// a good one.
func zeroBits(src string) bool {
	n := len(src)
	switch n % 4 {
	case 2:
		return secondURL[src[n-1]]>>12&0x0f == 0
	case 3:
		return thirdURL[src[n-1]]>>6&0x03 == 0
	}
	return true
}
