package sessiontoken

import (
	"bytes"
	"unicode/utf8"
)

// envelope is the XML document around the protected token:
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
type envelope struct {
	id, contextID, keyGeneration []byte
	hasID                        bool // the attribute was there
	cookie                       []byte
	hasCookie                    bool
}

const (
	namespaceWSU    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	namespaceCookie = "http://schemas.microsoft.com/ws/2006/05/security"

	envelopeHead       = "\xEF\xBB\xBF" + `<?xml version="1.0" encoding="utf-8"?><SecurityContextToken p1:Id="`
	envelopeNamespaces = `" xmlns:p1="` + namespaceWSU + `" xmlns="`
	envelopeIdentifier = `"><Identifier>`
	envelopeInstance   = `</Identifier><Instance>`
	envelopeNoInstance = `</Identifier>`
	envelopeCookie     = `<Cookie xmlns="` + namespaceCookie + `">`
	envelopeTail       = `</Cookie></SecurityContextToken>`
)

// appendEnvelopeHead appends everything up to the content of Cookie, or all
// of a reference's envelope.
func appendEnvelopeHead(dst []byte, t *Token, reference bool) []byte {
	dst = append(dst, envelopeHead...)
	dst = appendXMLEscaped(dst, t.ID, true)
	dst = append(dst, envelopeNamespaces...)
	dst = append(dst, t.SecureConversation.namespace()...)
	dst = append(dst, envelopeIdentifier...)
	dst = appendXMLEscaped(dst, t.ContextID, false)
	if t.KeyGeneration != "" {
		dst = append(dst, envelopeInstance...)
		dst = appendXMLEscaped(dst, t.KeyGeneration, false)
		dst = append(dst, "</Instance>"...)
	} else {
		dst = append(dst, envelopeNoInstance...)
	}
	if reference {
		return append(dst, "</SecurityContextToken>"...)
	}
	return append(dst, envelopeCookie...)
}

// appendXMLEscaped appends a text as .NET's UTF-8 writer escapes it in
// element content or in an attribute. A carriage return, which identifiers do
// not have, is escaped in content too: readers would turn it into a line feed.
func appendXMLEscaped[T string | []byte](dst []byte, s T, attribute bool) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case attribute && c == '"':
			dst = append(dst, "&quot;"...)
		case attribute && c == '\t':
			dst = append(dst, "&#x9;"...)
		case attribute && c == '\n':
			dst = append(dst, "&#xA;"...)
		case c == '\r':
			dst = append(dst, "&#xD;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// parseEnvelope reads the document. Nearly all have exactly the shape that
// .NET writes, which cutEnvelope takes apart without an XML parser; the rest
// goes through readEnvelope. Both agree wherever both accept.
//
// The content of Cookie is still base64 in e.cookie.
func parseEnvelope(doc []byte, e *envelope) bool {
	return cutEnvelope(doc, e) || readEnvelope(doc, e)
}

// cutEnvelope takes apart a document of exactly the emitted shape whose texts
// hold nothing that XML would treat in a special way.
func cutEnvelope(doc []byte, e *envelope) bool {
	*e = envelope{hasID: true, hasCookie: true}
	rest, ok := bytes.CutPrefix(doc, []byte(envelopeHead))
	if !ok {
		return false
	}
	if e.id, rest, ok = cutPlain(rest, '"'); !ok {
		return false
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(envelopeNamespaces)); !ok {
		return false
	}
	if after, ok := bytes.CutPrefix(rest, []byte(namespaceSC13)); ok {
		rest = after
	} else if rest, ok = bytes.CutPrefix(rest, []byte(namespaceSCFeb2005)); !ok {
		return false
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(envelopeIdentifier)); !ok {
		return false
	}
	if e.contextID, rest, ok = cutPlain(rest, '<'); !ok || !isTrimmed(e.contextID) {
		return false
	}
	if after, ok := bytes.CutPrefix(rest, []byte(envelopeInstance)); ok {
		if e.keyGeneration, rest, ok = cutPlain(after, '<'); !ok || !isTrimmed(e.keyGeneration) {
			return false
		}
		if rest, ok = bytes.CutPrefix(rest, []byte("</Instance>")); !ok {
			return false
		}
	} else if rest, ok = bytes.CutPrefix(rest, []byte(envelopeNoInstance)); !ok {
		return false
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(envelopeCookie)); !ok {
		return false
	}
	if e.cookie, ok = bytes.CutSuffix(rest, []byte(envelopeTail)); !ok {
		return false
	}
	if !isSmallMarkup(doc[:len(doc)-len(e.cookie)-len(envelopeTail)]) { // as for readEnvelope
		return false
	}
	// One pass of the base64 decoder shows whether there is anything else in
	// it; here it must only be certain that no markup is.
	return bytes.IndexByte(e.cookie, '<') < 0 && bytes.IndexByte(e.cookie, '&') < 0
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

// isTrimmed reports whether a text of cutPlain is an identifier that needs no
// trimming.
func isTrimmed(b []byte) bool {
	return len(b) > 0 && b[0] != ' ' && b[len(b)-1] != ' '
}

// isXMLText reports whether s is made of characters of XML 1.0.
func isXMLText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return false
		}
	}
	return true
}
