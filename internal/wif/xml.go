package wif

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
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

// toUTF8 removes the byte order mark and the XML declaration, and converts
// UTF-16. The declaration must agree with the bytes.
func toUTF8(doc []byte) ([]byte, bool) {
	encoding := "utf-8"
	if bytes.HasPrefix(doc, []byte("\xFE\xFF")) || bytes.HasPrefix(doc, []byte("\xFF\xFE")) {
		if len(doc) > limits.Unusual {
			return nil, false
		}
	}
	switch {
	case bytes.HasPrefix(doc, []byte("\xEF\xBB\xBF")):
		doc = doc[3:]
	case bytes.HasPrefix(doc, []byte("\xFE\xFF")):
		swapped := make([]byte, len(doc)&^1)
		for i := 0; i+1 < len(doc); i += 2 {
			swapped[i], swapped[i+1] = doc[i+1], doc[i]
		}
		if len(doc)&1 != 0 {
			return nil, false
		}
		doc = swapped
		fallthrough
	case bytes.HasPrefix(doc, []byte("\xFF\xFE")):
		encoding = "utf-16"
		var ok bool
		if doc, ok = dotnet.AppendUTF8FromUTF16LE(nil, doc[2:]); !ok {
			return nil, false
		}
	}
	rest, ok := bytes.CutPrefix(doc, []byte("<?xml"))
	if !ok {
		return doc, true
	}
	declaration, rest, ok := bytes.Cut(rest, []byte("?>"))
	if !ok || len(declaration) > 100 {
		return nil, false
	}
	return rest, isDeclaration(string(declaration), encoding)
}

// xmlDeclaration is the inside of an XML declaration: version, then optionally
// encoding and standalone.
var xmlDeclaration = regexp.MustCompile(strings.ReplaceAll(
	`^ +version *= *("1\.0"|'1\.0')`+
		`( +encoding *= *("([^"]+)"|'([^']+)'))?`+
		`( +standalone *= *("(yes|no)"|'(yes|no)'))? *$`, " ", `[ \t\r\n]`))

// isDeclaration reports whether s is the inside of a declaration that names this
// encoding or none.
func isDeclaration(s, encoding string) bool {
	m := xmlDeclaration.FindStringSubmatch(s)
	return m != nil && (m[2] == "" || strings.EqualFold(m[4]+m[5], encoding))
}
