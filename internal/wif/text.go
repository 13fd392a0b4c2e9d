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
	if !ok && len(text) <= limits.Unusual && strings.ContainsAny(text, space) {
		return base64.AppendDecodeBytes(dst, withoutSpace([]byte(text)))
	}
	return envelope, ok
}

// AppendProtected appends the protected bytes that e holds, none for a
// reference. It may change what e.Cookie points to.
func (e *Envelope) AppendProtected(dst []byte) ([]byte, bool) {
	protected, ok := base64.AppendDecodeBytes(dst, e.Cookie)
	if !ok && bytes.ContainsAny(e.Cookie, space) {
		return base64.AppendDecodeBytes(dst, withoutSpace(e.Cookie))
	}
	return protected, ok
}

const space = " \t\r\n"

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
