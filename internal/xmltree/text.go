package xmltree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// windows1252 has the characters of the bytes 0x80 to 0x9F, in which it differs
// from ISO 8859-1. As in .NET, the five bytes without one are control
// characters.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8D, 'Ž', 0x8F,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9D, 'ž', 'Ÿ',
}

// The names of encodings that are read, in lower case. A document that is pure
// ASCII may declare any that extends ASCII.
var (
	namesOfUTF8  = []string{"", "utf-8", "utf8"}
	namesOfUTF16 = []string{"", "utf-16", "unicode", "utf-16le", "utf-16be"}
	extendASCII  = []string{
		"us-ascii", "ascii", "iso-8859-1", "iso-8859-15",
		"windows-1250", "windows-1251", "windows-1252",
	}
)

// decode turns a document into text with line ends normalized to \n (XML 1.0,
// 2.11), by its byte order mark:
//
//	EF BB BF   UTF-8
//	FF FE      UTF-16, little-endian
//	FE FF      UTF-16, big-endian
//	none       iso-8859-1 or windows-1252 if declared and not strict, else UTF-8
//
// What the XML declaration names must agree with that.
func decode(data []byte, strict bool) (string, error) {
	bad := func(line int, found, want string) (string, error) {
		return "", &Error{Line: line, Err: ErrCharset, Found: found, Want: want}
	}
	var text, broken string
	var wide, marked bool
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		wide = true
		text, broken = decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		wide = true
		text, broken = decodeUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{'<', 0}), bytes.HasPrefix(data, []byte{0, '<'}):
		return bad(1, "UTF-16 without a byte order mark", "UTF-8, or UTF-16 with a byte order mark")
	default:
		data, marked = bytes.CutPrefix(data, []byte{0xEF, 0xBB, 0xBF})
		text = string(data)
	}
	if broken != "" {
		return bad(0, broken, "well-formed UTF-16")
	}
	name, err := declaredEncoding(text)
	if err != nil {
		return "", err
	}
	found := "encoding " + secret.Quote(name)
	const others = "the file saved as UTF-8, or as iso-8859-1 or windows-1252 without a byte order mark"
	name = strings.ToLower(name)
	if strict && !slices.Contains([]string{"", "utf-8", "utf-16"}, name) { // no other names of the two
		return bad(1, found, others)
	}
	is8, is16 := slices.Contains(namesOfUTF8, name), slices.Contains(namesOfUTF16, name)
	switch {
	case wide && is16, !wide && is8 && utf8.ValidString(text):
	case wide && is8:
		return bad(1, found+" declared, but the file is UTF-16", `encoding="utf-16"`)
	case is8:
		return bad(0, "bytes that are not UTF-8", "the file saved as UTF-8")
	case is16:
		return bad(1, found+" declared, but the file is not UTF-16", `encoding="utf-8"`)
	case wide:
		return bad(1, found, others)
	case slices.Contains(extendASCII, name) && isASCII(text):
	case !marked && name == "iso-8859-1":
		text = decodeBytes(text, nil)
	case !marked && name == "windows-1252":
		text = decodeBytes(text, windows1252[:])
	default:
		return bad(1, found, others)
	}
	text = withNewlines(text)
	for i, c := range text {
		if !isChar(c) {
			return "", &Error{Err: ErrSyntax, Line: 1 + strings.Count(text[:i], "\n"),
				Found: fmt.Sprintf("character U+%04X is not allowed", c)}
		}
	}
	return text, nil
}

// withNewlines ends all lines with "\n" alone (XML 1.0, 2.11). strings.ReplaceAll
// would take ten times as long for a text of nothing but "\r".
func withNewlines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c != '\r':
			b.WriteByte(c)
		case i+1 == len(text) || text[i+1] != '\n':
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf })
}

// decodeUTF16 says what is bad about data that is not well-formed.
func decodeUTF16(data []byte, order binary.ByteOrder) (text, bad string) {
	if len(data)%2 != 0 {
		return "", "UTF-16 with an odd number of bytes"
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	runes := utf16.Decode(units)
	if !slices.Equal(utf16.Encode(runes), units) {
		return "", "half a surrogate pair"
	}
	return string(runes), ""
}

// xmlDeclaration can stand only at the very start.
var xmlDeclaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*("1\.0"|'1\.0')` +
	`(\s+encoding\s*=\s*("([^"<]+)"|'([^'<]+)'))?(\s+standalone\s*=\s*("(yes|no)"|'(yes|no)'))?\s*\?>`)

func isDeclared(text string) bool {
	return strings.HasPrefix(text, "<?xml") && len(text) > 5 && isSpace(text[5])
}

// declaredEncoding returns the encoding that the XML declaration names, or "".
func declaredEncoding(text string) (string, error) {
	if !isDeclared(text) {
		return "", nil
	}
	m := xmlDeclaration.FindStringSubmatch(text)
	if m == nil {
		return "", &Error{Err: ErrSyntax, Line: 1, Found: "a bad XML declaration",
			Want: `<?xml version="1.0" encoding="utf-8"?>`}
	}
	return m[4] + m[5], nil
}

// decodeBytes reads each byte as the character of its number, but those from
// 0x80 on as c1 has them.
func decodeBytes(data string, c1 []rune) string {
	var b strings.Builder
	b.Grow(len(data) + len(data)/8)
	for i := range len(data) {
		r := rune(data[i])
		if i := int(r) - 0x80; i >= 0 && i < len(c1) {
			r = c1[i]
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isChar reports whether XML 1.0 (2.2) allows c. NUL is not.
func isChar(c rune) bool {
	return c >= 0x20 && c <= 0xD7FF || c == '\t' || c == '\n' || c == '\r' ||
		c >= 0xE000 && c <= utf8.MaxRune && c != 0xFFFE && c != 0xFFFF
}
