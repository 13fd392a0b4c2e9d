package wif

import (
	"bytes"
	stdbase64 "encoding/base64"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// Envelope is the XML document around the protected token:
//
//	EF BB BF <?xml version="1.0" encoding="utf-8"?>
//	<SecurityContextToken p1:Id="{id}" xmlns:p1="{wsu}" xmlns="{sc}">
//	  <Identifier>{contextID}</Identifier>
//	  <Instance>{keyGeneration}</Instance>                                                  only if there is one
//	  <Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">{base64}</Cookie>    not in reference mode
//	</SecurityContextToken>
//
// in one line and without white space between the elements
// (SessionSecurityTokenHandler.WriteToken).
//
// Nothing in it is authenticated but the content of Cookie.
type Envelope struct {
	ID, ContextID, KeyGeneration []byte
	HasID                        bool   // the attribute was there
	Cookie                       []byte // still base64, perhaps with white space
	HasCookie                    bool   // without one, the token is a reference to a store
}

const (
	namespaceWSU    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	namespaceCookie = "http://schemas.microsoft.com/ws/2006/05/security"

	envelopeHead = "\xEF\xBB\xBF" +
		`<?xml version="1.0" encoding="utf-8"?><SecurityContextToken p1:Id="`
	envelopeNamespaces = `" xmlns:p1="` + namespaceWSU + `" xmlns="`
	envelopeIdentifier = `"><Identifier>`
	envelopeContext    = `</Identifier>`
	envelopeCookie     = `<Cookie xmlns="` + namespaceCookie + `">`
	envelopeTail       = `</Cookie></SecurityContextToken>`
)

// AppendEnvelope appends the envelope of a token, or of a reference to one. It
// fails if [ParseEnvelope] would not read ids of this length.
func AppendEnvelope(dst []byte, h *Head[string], protected []byte, reference bool) ([]byte, error) {
	start := len(dst)
	dst = append(dst, envelopeHead...)
	dst = appendXMLEscaped(dst, h.ID, true)
	dst = append(dst, envelopeNamespaces...)
	dst = append(dst, h.SecureConversation.namespace()...)
	dst = append(dst, envelopeIdentifier...)
	dst = appendXMLEscaped(dst, h.ContextID, false)
	dst = append(dst, envelopeContext...)
	if h.KeyGeneration != "" {
		dst = append(dst, "<Instance>"...)
		dst = appendXMLEscaped(dst, h.KeyGeneration, false)
		dst = append(dst, "</Instance>"...)
	}
	if !reference {
		dst = append(dst, envelopeCookie...)
	}
	if !isSmallMarkup(dst[start:]) {
		return dst[:start], errLongIDs
	}
	if reference {
		return append(dst, "</SecurityContextToken>"...), nil
	}
	dst = stdbase64.StdEncoding.AppendEncode(dst, protected)
	return append(dst, envelopeTail...), nil
}

// errLongIDs is for ids that readEnvelope would not read.
var errLongIDs = fmt.Errorf("the ids of the token take more than %d bytes of XML or %d references",
	limits.EnvelopeMarkup, limits.EnvelopeMarks)

// ParseEnvelope reads the document, whose memory e takes over. Nearly all have exactly
// the shape that .NET writes, for which cutEnvelope needs no XML parser. It and
// readEnvelope agree wherever both accept.
func ParseEnvelope(doc []byte, e *Envelope) bool {
	return cutEnvelope(doc, e) || readEnvelope(doc, e)
}

// cutEnvelope takes apart a document of exactly the emitted shape whose texts
// hold nothing that XML would treat in a special way.
func cutEnvelope(doc []byte, e *Envelope) bool {
	*e = Envelope{HasID: true, HasCookie: true}
	rest, ok := doc, true
	cut := func(prefix string) bool {
		if ok = len(rest) >= len(prefix) && string(rest[:len(prefix)]) == prefix; ok {
			rest = rest[len(prefix):]
		}
		return ok
	}
	identifier := func(text *[]byte) bool {
		*text, rest, ok = cutPlain(rest, '<')
		return ok && isTrimmed(*text)
	}
	if !cut(envelopeHead) {
		return false
	}
	if e.ID, rest, ok = cutPlain(rest, '"'); !ok || !cut(envelopeNamespaces) ||
		!cut(namespaceSC13) && !cut(namespaceSCFeb2005) || !cut(envelopeIdentifier) ||
		!identifier(&e.ContextID) || !cut(envelopeContext) ||
		cut("<Instance>") && !(identifier(&e.KeyGeneration) && cut("</Instance>")) ||
		!cut(envelopeCookie) {
		return false
	}
	e.Cookie, ok = bytes.CutSuffix(rest, []byte(envelopeTail))
	// The base64 decoder shows whether there is anything else in it; here it must
	// only be certain that no markup is.
	return ok && isSmallMarkup(doc[:len(doc)-len(e.Cookie)-len(envelopeTail)]) &&
		bytes.IndexByte(e.Cookie, '<') < 0 && bytes.IndexByte(e.Cookie, '&') < 0
}

// cutPlain cuts printable ASCII up to the delimiter, which stays in rest.
func cutPlain(b []byte, delimiter byte) (text, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c == delimiter:
			return b[:i], b[i:], true
		case c < 0x20 || c > 0x7E || c == '&' || c == '<' || c == '>':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// isTrimmed reports whether a text of cutPlain is an identifier that needs no trimming.
func isTrimmed(b []byte) bool {
	return len(b) > 0 && b[0] != ' ' && b[len(b)-1] != ' '
}

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
