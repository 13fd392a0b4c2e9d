package katana

import (
	stdbase64 "encoding/base64"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// The text of a ticket is base64 with - and _ and without padding (Base64UrlTextEncoder). Its
// decoder is lenient: it takes + and / as well, padding, bits behind the last byte, and white
// space as long as the length, with the white space counted, leads to the right padding. One
// ticket therefore has many texts, and none of them can serve as its name.

// AppendText appends the text that Katana writes.
func AppendText(dst, protected []byte) []byte {
	return stdbase64.RawURLEncoding.AppendEncode(dst, protected)
}

// AppendTextDecode appends the bytes of a text. On false dst is returned with
// what was read until then.
func AppendTextDecode(dst []byte, text string) ([]byte, bool) {
	if len(text) > limits.Text {
		return dst, false
	}
	out, ok := base64.AppendDecodeURL(dst, text)
	if ok || len(text) > limits.Unusual {
		return out, ok
	}
	// As .NET does it: padding for the length as it is, then standard base64.
	standard := make([]byte, 0, len(text)+3)
	for _, c := range []byte(text) {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case ' ', '\t', '\n', '\r':
			continue
		}
		standard = append(standard, c)
	}
	standard = append(standard, "==="[:-len(text)&3]...)
	out, err := stdbase64.StdEncoding.AppendDecode(dst, standard)
	return out, err == nil
}
