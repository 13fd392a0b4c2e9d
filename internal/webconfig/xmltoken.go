package webconfig

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Names, quoted values and references.

// quoted reads an attribute value in either kind of quotes, with white space
// normalized to spaces (XML 1.0, 3.3.3) and references resolved. Errors never
// repeat the value.
func (p *parser) quoted() (string, error) {
	var quoteMark string
	switch {
	case p.accept(`"`):
		quoteMark = `"`
	case p.accept(`'`):
		quoteMark = `'`
	default:
		return "", p.malformed("attribute value without quotes")
	}
	start := p.pos
	body, ok := p.until(quoteMark)
	if !ok {
		return "", p.malformed("attribute value does not end")
	}
	if i := strings.IndexByte(body, '<'); i >= 0 {
		// Usually a closing quote is missing, so point to where it was due.
		p.pos = start
		return "", p.malformed("< in an attribute value: is the closing quote missing?")
	}
	if strings.ContainsAny(body, "\n\t") {
		body = strings.Map(func(c rune) rune {
			if c == '\n' || c == '\t' {
				return ' '
			}
			return c
		}, body)
	}
	if !strings.Contains(body, "&") {
		return body, nil
	}
	return p.expand(body)
}

// expand resolves the five predefined entities and character references.
// There is no other entity without a DTD.
func (p *parser) expand(s string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		ref, after, found := strings.Cut(rest, ";")
		c, ok := reference(ref)
		if !found || !ok {
			return "", p.malformed("& that starts none of &amp; &lt; &gt; &quot; &apos; &#…;")
		}
		b.WriteRune(c)
		s = after
	}
}

// reference resolves what stands between & and ;.
func reference(ref string) (rune, bool) {
	switch ref {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || !isChar(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// name reads a name with at most one prefix, or returns "".
func (p *parser) name() string {
	start := p.pos
	parts, first := 1, true // first: at the start of the name or of its local part
	for _, c := range p.text[start:] {
		switch {
		case isNameStart(c), !first && isNameRest(c):
			first = false
		case c == ':' && !first:
			parts++
			first = true
		default:
			c = -1
		}
		if c < 0 {
			break
		}
		p.pos += utf8.RuneLen(c)
	}
	if first || parts > 2 {
		p.pos = start
		return ""
	}
	return p.text[start:p.pos]
}

// isNameStart is NameStartChar of XML 1.0 (2.3) without the colon.
func isNameStart(c rune) bool {
	if c < 0x80 {
		return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
	}
	for _, r := range [...][2]rune{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
		{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
		{0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
	} {
		if c >= r[0] && c <= r[1] {
			return true
		}
	}
	return false
}

// isNameRest is what NameChar of XML 1.0 (2.3) adds to NameStartChar.
func isNameRest(c rune) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '.' || c == 0xB7 ||
		c >= 0x300 && c <= 0x36F || c == 0x203F || c == 0x2040
}
