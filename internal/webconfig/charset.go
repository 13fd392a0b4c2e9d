package webconfig

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset is how the bytes of a file were read.
type charset int

const (
	charsetASCII charset = iota // no byte above 0x7F: the same in every superset of ASCII
	charsetUTF8
	charsetUTF16
	charsetLatin1      // declared, and there are bytes above 0x7F
	charsetWindows1252 // likewise
)

// windows1252 has the characters of the bytes 0x80 to 0x9F, in which it differs
// from ISO 8859-1. As in .NET, the five bytes without one are control
// characters.
var windows1252 = [32]rune{
	0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
	0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
}

// readText reads the whole of r, at most MaxFileBytes+1 bytes, and returns it
// as text with line ends normalized to \n (XML 1.0, 2.11).
func readText(r io.Reader) (string, charset, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return "", 0, &Error{Code: CodeUnreadable, Err: err}
	}
	if len(data) > MaxFileBytes {
		return "", 0, &Error{Code: CodeTooLarge, Want: fmt.Sprintf("at most %d bytes", MaxFileBytes)}
	}
	text, cs, err := decodeText(data)
	if err != nil {
		return "", 0, err
	}
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	if err := checkChars(text); err != nil {
		return "", 0, err
	}
	return text, cs, nil
}

// decodeText turns the bytes into a string by their byte order mark:
//
//	EF BB BF   UTF-8
//	FF FE      UTF-16, little-endian
//	FE FF      UTF-16, big-endian
//	none       iso-8859-1 or windows-1252 if declared, else UTF-8
func decodeText(data []byte) (string, charset, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decodeUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{'<', 0}), bytes.HasPrefix(data, []byte{0, '<'}):
		return "", 0, &Error{Code: CodeUnsupportedCharset, Line: 1,
			Found: "UTF-16 without a byte order mark", Want: "UTF-8, or UTF-16 with a byte order mark"}
	}
	data, marked := bytes.CutPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	if !slices.ContainsFunc(data, func(b byte) bool { return b >= utf8.RuneSelf }) {
		return string(data), charsetASCII, nil
	}
	cs := charsetUTF8
	if !marked {
		name := declaredEncoding(data)
		switch strings.ToLower(name) {
		case "iso-8859-1":
			return decodeBytes(data, nil), charsetLatin1, nil
		case "windows-1252":
			return decodeBytes(data, windows1252[:]), charsetWindows1252, nil
		}
		if err := checkEncoding(name, cs); err != nil {
			return "", 0, err
		}
	}
	if !utf8.Valid(data) {
		return "", 0, &Error{Code: CodeUnsupportedCharset,
			Found: "bytes that are not UTF-8", Want: "the file saved as UTF-8"}
	}
	return string(data), cs, nil
}

// declaredEncoding returns the encoding that the XML declaration names, or "".
// Whether the declaration is well-formed is for the parser to say.
func declaredEncoding(data []byte) string {
	const longest = 256
	declaration, _, ok := strings.Cut(string(data[:min(len(data), longest)]), "?>")
	if !ok || !strings.HasPrefix(declaration, "<?xml") {
		return ""
	}
	_, rest, _ := strings.Cut(declaration, "encoding")
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), "=")
	rest = strings.TrimLeft(rest, " \t\r\n")
	if !ok || rest == "" {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	return name
}

// decodeBytes reads each byte as the character of its number, but those from
// 0x80 on as c1 has them.
func decodeBytes(data []byte, c1 []rune) string {
	var b strings.Builder
	b.Grow(len(data) + len(data)/8)
	for _, c := range data {
		r := rune(c)
		if i := int(c) - 0x80; i >= 0 && i < len(c1) {
			r = c1[i]
		}
		b.WriteRune(r)
	}
	return b.String()
}

func decodeUTF16(data []byte, order binary.ByteOrder) (string, charset, error) {
	bad := func(detail string) (string, charset, error) {
		return "", 0, &Error{Code: CodeUnsupportedCharset, Found: detail, Want: "well-formed UTF-16"}
	}
	if len(data)%2 != 0 {
		return bad("UTF-16 with an odd number of bytes")
	}
	var b strings.Builder
	b.Grow(len(data) / 2)
	for i := 0; i < len(data); i += 2 {
		c := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(c) {
			if i+4 > len(data) {
				return bad("half a surrogate pair")
			}
			c = utf16.DecodeRune(c, rune(order.Uint16(data[i+2:])))
			if c == utf8.RuneError {
				return bad("half a surrogate pair")
			}
			i += 2
		}
		b.WriteRune(c)
	}
	return b.String(), charsetUTF16, nil
}

// checkChars refuses characters that XML 1.0 (2.2) does not allow, the NUL
// among them.
func checkChars(text string) error {
	for i, c := range text {
		if !isChar(c) {
			return &Error{Code: CodeMalformedXML, Line: 1 + strings.Count(text[:i], "\n"),
				Found: fmt.Sprintf("character U+%04X is not allowed", c)}
		}
	}
	return nil
}

// isChar reports whether XML 1.0 (2.2) allows c.
func isChar(c rune) bool {
	switch {
	case c < 0x20:
		return c == '\t' || c == '\n' || c == '\r'
	case c >= 0xD800 && c <= 0xDFFF, c == 0xFFFE, c == 0xFFFF:
		return false
	}
	return c <= utf8.MaxRune
}

// checkEncoding compares the name in the XML declaration (any case) with how
// the bytes were read. Names that extend ASCII are fine as long as the file is
// pure ASCII; iso-8859-1 and windows-1252 always are, without a byte order mark.
func checkEncoding(name string, cs charset) error {
	fault := &Error{Code: CodeUnsupportedCharset, Line: 1, Found: "encoding " + quote(name)}
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
		if cs == charsetLatin1 || cs == charsetWindows1252 {
			break // two declarations of different encodings
		}
		if cs == charsetUTF16 && name != "" {
			fault.Found += " declared, but the file is UTF-16"
			fault.Want = `encoding="utf-16"`
			return fault
		}
		return nil
	case "utf-16", "unicode", "utf-16le", "utf-16be":
		if cs != charsetUTF16 {
			fault.Found += " declared, but the file is not UTF-16"
			fault.Want = `encoding="utf-8"`
			return fault
		}
		return nil
	case "iso-8859-1":
		if cs == charsetASCII || cs == charsetLatin1 {
			return nil
		}
	case "windows-1252":
		if cs == charsetASCII || cs == charsetWindows1252 {
			return nil
		}
	case "us-ascii", "ascii", "iso-8859-15", "windows-1250", "windows-1251":
		if cs == charsetASCII {
			return nil
		}
	}
	fault.Want = "the file saved as UTF-8, or as iso-8859-1 or windows-1252 without a byte order mark"
	return fault
}
