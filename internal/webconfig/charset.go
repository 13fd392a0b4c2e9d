package webconfig

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
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
)

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
//	none       UTF-8
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
	data = bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	cs := charsetASCII
	for _, b := range data {
		if b >= utf8.RuneSelf {
			cs = charsetUTF8
			break
		}
	}
	if cs == charsetUTF8 && !utf8.Valid(data) {
		return "", 0, &Error{Code: CodeUnsupportedCharset,
			Found: "bytes that are not UTF-8", Want: "the file saved as UTF-8"}
	}
	return string(data), cs, nil
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
// pure ASCII.
func checkEncoding(name string, cs charset) error {
	fault := &Error{Code: CodeUnsupportedCharset, Line: 1, Found: "encoding " + quote(name)}
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
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
	case "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "windows-1250", "windows-1251":
		if cs == charsetASCII {
			return nil
		}
	}
	fault.Want = "the file saved as UTF-8"
	return fault
}
