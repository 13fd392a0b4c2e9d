package wif

import (
	"bytes"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// readEnvelope reads an envelope in any form that .NET's non-validating reader accepts: other
// prefixes, character references, CDATA, comments, white space between the elements, no byte
// order mark, UTF-16 with one. It refuses what that reader refuses: DTDs, processing
// instructions, unknown elements and stray text. The cookie takes the place of the document.
func readEnvelope(doc []byte, e *Envelope) bool {
	*e = Envelope{}
	if isLongUTF16(doc) || !isBounded(doc) {
		return false
	}
	root, err := xmltree.Parse(doc, xmltree.Limits{
		Bytes: len(doc), Elements: 4, Depth: 2, Strict: true})
	if err != nil || root.Name != "SecurityContextToken" ||
		root.Space != namespaceSC13 && root.Space != namespaceSCFeb2005 || len(trimmed(root.Text)) > 0 {
		return false
	}
	for _, a := range root.Attrs {
		if a.Name == "Id" && a.Space == namespaceWSU {
			e.ID, e.HasID = []byte(a.Value), true
		}
	}
	rest := root.Children
	next := func(space, name string) (text string, ok bool) {
		if len(rest) == 0 || !rest[0].Is(space, name) {
			return "", false
		}
		text, rest = rest[0].Text, rest[1:]
		return text, true
	}
	id, _ := next(root.Space, "Identifier")
	e.ContextID = trimmed(id)
	generation, generated := next(root.Space, "Instance")
	e.KeyGeneration = trimmed(generation)
	cookie, hasCookie := next(namespaceCookie, "Cookie")
	e.Cookie, e.HasCookie = append(doc[:0:len(doc)], cookie...), hasCookie
	return len(rest) == 0 && len(e.ContextID) > 0 && generated == (len(e.KeyGeneration) > 0) &&
		root.Size-len(cookie) <= limits.EnvelopeMarkup
}

func trimmed(text string) []byte { return nbfx.TrimSpace([]byte(text)) }

// isBounded reports whether a document has no more markup and white space around
// its longest text, which is the token, than a real envelope has. A mark takes the XML reader
// a hundred nanoseconds, so that many would cost more than a MAC does.
func isBounded(doc []byte) bool {
	if marks(doc) > limits.EnvelopeMarks+2 { // 2 in the padding of the token
		return false
	}
	longest := 0
	for rest := doc; len(rest) > 0; {
		var piece []byte
		piece, rest, _ = bytes.Cut(rest, []byte("<"))
		_, text, _ := bytes.Cut(piece, []byte(">"))
		longest = max(longest, len(bytes.Trim(text, space)))
	}
	return len(doc)-longest <= limits.EnvelopeMarkup
}

// marks counts the characters that begin a node, a reference or the value of an attribute.
func marks(b []byte) int {
	return bytes.Count(b, []byte("<")) + bytes.Count(b, []byte("&")) + bytes.Count(b, []byte("="))
}

// isSmallMarkup reports whether readEnvelope would read an envelope that begins so.
func isSmallMarkup(head []byte) bool {
	return len(head)+len(envelopeTail) <= limits.EnvelopeMarkup &&
		marks(head)+2 <= limits.EnvelopeMarks // 2 in the tail
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

// isLongUTF16 reports a document in UTF-16 that is larger than any that .NET software writes.
func isLongUTF16(doc []byte) bool {
	return len(doc) > limits.Unusual && (doc[0] == 0xFE && doc[1] == 0xFF ||
		doc[0] == 0xFF && doc[1] == 0xFE)
}
