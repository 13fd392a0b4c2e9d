package sessiontoken

import (
	stdbase64 "encoding/base64"

	"github.com/webfarm-go/webfarm/internal/base64"
)

// The text of a ticket is base64 with - and _ and without padding
// (Katana's Base64UrlTextEncoder). Its decoder is the one of standard base64
// behind a translation, and lenient: it takes + and / as well, padding, bits
// behind the last byte, and white space as long as the length, with the white
// space counted, leads to the right padding. One ticket therefore has many
// texts, and none of them can serve as its name.

// decodeKatanaText returns the bytes of a text in the memory of s.
func (s *katanaScratch) decodeKatanaText(value string) ([]byte, bool) {
	if len(value) > maxText {
		return nil, false
	}
	out, ok := base64.AppendDecodeURL(s.protected[:0], value)
	s.protected = out[:0]
	if ok {
		return out, true
	}
	if len(value) > maxUnusual {
		return out, false
	}
	// As .NET does it: padding for the length as it is, then standard base64.
	padding := -len(value) & 3
	s.text = s.text[:0]
	for _, c := range []byte(value) {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case ' ', '\t', '\n', '\r':
			continue
		}
		s.text = append(s.text, c)
	}
	s.text = append(s.text, "==="[:padding]...)
	out, err := stdbase64.StdEncoding.AppendDecode(s.protected[:0], s.text)
	s.protected = out[:0]
	return out, err == nil
}

// encodeKatanaText returns the text that Katana writes.
func (s *katanaScratch) encodeKatanaText(protected []byte) string {
	s.text = stdbase64.RawURLEncoding.AppendEncode(s.text[:0], protected)
	return string(s.text)
}
