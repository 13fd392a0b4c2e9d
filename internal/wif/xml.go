package wif

import (
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/limits"
)

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

// isLongUTF16 reports a document in UTF-16 that is larger than any that .NET
// software writes.
func isLongUTF16(doc []byte) bool {
	return len(doc) > limits.Unusual && (doc[0] == 0xFE && doc[1] == 0xFF ||
		doc[0] == 0xFF && doc[1] == 0xFE)
}
