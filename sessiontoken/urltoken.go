package sessiontoken

import "encoding/base64"

// EncodeURLToken returns data as HttpServerUtility.UrlTokenEncode does, the
// text of cookieless tickets, role cookies and anonymous ids:
//
//	base64 with '-' for '+' and '_' for '/', without padding
//	one digit 0, 1 or 2: the number of '=' left out
//
// No data gives the empty text.
func EncodeURLToken(data []byte) string {
	return string(appendURLToken(nil, data))
}

// DecodeURLToken returns the data of a URL token, or [ErrInvalid]. It is
// strict: every data has exactly one token, whereas
// HttpServerUtility.UrlTokenDecode also takes '+' and '/', white space,
// another count of padding, and bits set behind the last byte.
func DecodeURLToken(text string) ([]byte, error) {
	data, ok := appendURLTokenDecode(nil, text)
	if !ok {
		return nil, ErrInvalid
	}
	return data, nil
}

func appendURLToken(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = base64.RawURLEncoding.AppendEncode(dst, data)
	return append(dst, '0'+byte((3-len(data)%3)%3))
}

// appendURLTokenDecode appends the data. On false dst is returned as it was.
func appendURLTokenDecode(dst []byte, text string) ([]byte, bool) {
	if text == "" {
		return dst, true
	}
	body, count := text[:len(text)-1], text[len(text)-1]
	if len(body) < 2 || count != '0'+byte((4-len(body)%4)%4) || count > '2' {
		return dst, false
	}
	for i := range len(body) {
		if body[i] == '\n' || body[i] == '\r' { // encoding/base64 skips these
			return dst, false
		}
	}
	out, err := base64.RawURLEncoding.Strict().AppendDecode(dst, []byte(body))
	if err != nil {
		return dst, false
	}
	return out, true
}
