package base64

import (
	"encoding/base64"
	"errors"
)

// AppendURLToken appends data as HttpServerUtility.UrlTokenEncode writes it, the
// text of cookieless tickets, role cookies and anonymous ids:
//
//	base64 with '-' for '+' and '_' for '/', without padding
//	one digit 0, 1 or 2: the number of '=' left out
//
// No data gives the empty text.
func AppendURLToken(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = base64.RawURLEncoding.AppendEncode(dst, data)
	return append(dst, '0'+byte((3-len(data)%3)%3))
}

// AppendURLTokenDecode appends the data of a URL token. On false dst is returned
// as it was. It is strict: every data has exactly one token, whereas
// HttpServerUtility.UrlTokenDecode also takes '+' and '/', white space, another
// count of padding, and bits set behind the last byte.
func AppendURLTokenDecode(dst []byte, text string) ([]byte, bool) {
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

// EncodeURLToken returns the URL token of data.
func EncodeURLToken(data []byte) string { return string(AppendURLToken(nil, data)) }

// DecodeURLToken returns the data of a URL token.
func DecodeURLToken(text string) ([]byte, error) {
	data, ok := AppendURLTokenDecode(nil, text)
	if !ok {
		return nil, ErrURLToken
	}
	return data, nil
}

// ErrURLToken means a text that is no URL token.
var ErrURLToken = errors.New("base64: not a URL token")
