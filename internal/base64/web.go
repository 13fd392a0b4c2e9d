package base64

import "slices"

// AppendDecodeWeb is [AppendDecodeURL] with the rules of ASP.NET Core for the
// text of its cookies (WebEncoders.Base64UrlDecode over
// System.Buffers.Text.Base64Url): blanks, tabs and line ends may stand
// anywhere; at the end as many "=" as would fill the last group of four, or
// fewer, may follow, and .NET takes "%" for "="; bits behind the last byte must
// be zero.
func AppendDecodeWeb(dst []byte, src string) ([]byte, bool) {
	if out, ok := AppendDecodeURL(dst, src); ok {
		if !zeroBits(src) {
			return dst, false
		}
		return out, true
	}
	// The rest is rare: nothing but a person puts white space into a cookie.
	text := slices.DeleteFunc([]byte(src), func(c byte) bool {
		return c == ' ' || c == '\t' || c == '\r' || c == '\n'
	})
	end := len(text)
	for end > 0 && (text[end-1] == '=' || text[end-1] == '%') {
		end--
	}
	if padding := len(text) - end; padding > 0 && (end%4 < 2 || padding > 4-end%4) {
		return dst, false
	}
	out, ok := AppendDecodeURL(dst, string(text[:end]))
	if !ok || !zeroBits(string(text[:end])) {
		return dst, false
	}
	return out, true
}

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
