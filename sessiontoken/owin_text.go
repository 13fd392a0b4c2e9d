package sessiontoken

import (
	"encoding/base64"
	"strings"
)

// The text of a ticket is base64 with - and _ and without padding
// (Katana's Base64UrlTextEncoder). Its decoder is the one of standard base64
// behind a translation, and lenient: it takes + and / as well, padding, bits
// behind the last byte, and white space as long as the length, with the white
// space counted, leads to the right padding. One ticket therefore has many
// texts, and none of them can serve as its name.

// decodeOWINText returns the bytes of a text in the memory of s.
func (s *owinScratch) decodeOWINText(value string) ([]byte, bool) {
	if len(value) > maxText {
		return nil, false
	}
	s.text = append(s.text[:0], value...)
	if strings.IndexByte(value, '\n') < 0 && strings.IndexByte(value, '\r') < 0 { // encoding/base64 skips these
		out, err := base64.RawURLEncoding.AppendDecode(s.protected[:0], s.text)
		if err == nil {
			s.protected = out[:0]
			return out, true
		}
	}
	// As .NET does it: padding for the length as it is, then standard base64.
	padding := -len(value) & 3
	text := s.text[:0]
	for _, c := range []byte(value) {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case ' ', '\t', '\n', '\r':
			continue
		}
		text = append(text, c)
	}
	text = append(text, "==="[:padding]...)
	out, err := base64.StdEncoding.AppendDecode(s.protected[:0], text)
	s.text, s.protected = text[:0], out[:0]
	return out, err == nil
}

// encodeOWINText returns the text that Katana writes.
func (s *owinScratch) encodeOWINText(protected []byte) string {
	s.text = base64.RawURLEncoding.AppendEncode(s.text[:0], protected)
	return string(s.text)
}
