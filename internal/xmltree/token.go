package xmltree

import (
	"strconv"
	"strings"
	"unicode"
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
	if !p.limits.Whole && strings.ContainsAny(body, "\n\t") {
		body = strings.Map(func(c rune) rune {
			if c == '\n' || c == '\t' {
				return ' '
			}
			return c
		}, body)
	}
	return p.expand(body)
}

// expand resolves the five predefined entities and character references.
// There is no other entity without a DTD.
func (p *parser) expand(s string) (string, error) {
	if !strings.Contains(s, "&") {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s)) // a reference is longer than what it stands for
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

var entities = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

func reference(ref string) (rune, bool) {
	if c, ok := entities[ref]; ok {
		return c, true
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
	rest := p.text[p.pos:]
	end, prefixed, first := len(rest), false, true // first: of the name or of its local part
scan:
	for i, c := range rest {
		switch {
		case isNameStart(c), !first && isNameRest(c):
			first = false
		case c == ':' && !first && !prefixed:
			prefixed, first = true, true
		default:
			end = i
			break scan
		}
	}
	if first || strings.HasPrefix(rest[end:], ":") {
		return ""
	}
	p.pos += end
	return rest[:end]
}

// isNameStart is the start of a name in XML 1.0 without the colon.
func isNameStart(c rune) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 && unicode.IsLetter(c)
}

// isNameRest is what may follow in a name and not begin it.
func isNameRest(c rune) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '.' || c == 0xB7 ||
		c >= 0x80 && unicode.In(c, unicode.Mn, unicode.Mc, unicode.Nd)
}
