package wif

import (
	"bytes"

	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// readEnvelope reads an envelope in any form that .NET's non-validating
// reader accepts: other prefixes, character references, CDATA, comments,
// white space between the elements, no byte order mark, UTF-16 with one. It
// refuses what that reader refuses: DTDs, processing instructions, unknown
// elements and stray text. The cookie takes the place of the document.
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
		longest = max(longest, len(bytes.Trim(text, " \t\r\n")))
	}
	return len(doc)-longest <= limits.EnvelopeMarkup
}

// marks counts the characters that begin a node, a reference or the value of an
// attribute.
func marks(b []byte) int {
	return bytes.Count(b, []byte("<")) + bytes.Count(b, []byte("&")) + bytes.Count(b, []byte("="))
}

// isSmallMarkup reports whether readEnvelope would read an envelope that
// begins so.
func isSmallMarkup(head []byte) bool {
	return len(head)+len(envelopeTail) <= limits.EnvelopeMarkup &&
		marks(head)+2 <= limits.EnvelopeMarks // 2 in the tail
}
