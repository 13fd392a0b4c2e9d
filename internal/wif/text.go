package wif

import (
	"bytes"
	stdbase64 "encoding/base64"
	"strings"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// AppendText appends the text of a cookie: its envelope in base64.
func AppendText(dst, envelope []byte) []byte {
	return stdbase64.StdEncoding.AppendEncode(dst, envelope)
}

// TextLen is the length of the text of an envelope of n bytes.
func TextLen(n int) int { return stdbase64.StdEncoding.EncodedLen(n) }

// AppendTextDecode appends the envelope that a text holds. As in .NET white
// space may stand anywhere in the text.
func AppendTextDecode(dst []byte, text string) ([]byte, bool) {
	if len(text) > limits.Text {
		return dst, false
	}
	envelope, ok := base64.AppendDecode(dst, text)
	if !ok && len(text) <= limits.Unusual && hasSpace(text) {
		return base64.AppendDecodeBytes(dst, withoutSpace([]byte(text)))
	}
	return envelope, ok
}

// AppendProtected appends the protected bytes that e holds, none for a
// reference. It may change what e.Cookie points to.
func (e *Envelope) AppendProtected(dst []byte) ([]byte, bool) {
	protected, ok := base64.AppendDecodeBytes(dst, e.Cookie)
	if !ok && hasSpace(e.Cookie) {
		return base64.AppendDecodeBytes(dst, withoutSpace(e.Cookie))
	}
	return protected, ok
}

// hasSpace reports whether a text has white space that withoutSpace removes.
func hasSpace[T string | []byte](text T) bool {
	switch text := any(text).(type) {
	case string:
		return strings.IndexByte(text, ' ') >= 0 || strings.IndexByte(text, '\t') >= 0 ||
			strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0
	case []byte:
		return bytes.IndexByte(text, ' ') >= 0 || bytes.IndexByte(text, '\t') >= 0 ||
			bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0
	}
	return false
}

// withoutSpace removes the white space that base64 content may have.
func withoutSpace(b []byte) []byte {
	n := 0
	for _, c := range b {
		b[n] = c
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			n++
		}
	}
	return b[:n]
}
