package forms

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestHexDigits reads every pair of characters at every place of a word and
// compares with encoding/hex.
func TestHexDigits(t *testing.T) {
	for place := range 5 {
		head := strings.Repeat("7c", place)
		for i := range 1 << 16 {
			text := head + string([]byte{byte(i), byte(i >> 8)}) + head
			want, err := hex.DecodeString(text)
			got, ok := AppendHexDecode([]byte("x"), text)
			if ok != (err == nil) || ok && !bytes.Equal(got[1:], want) || got[0] != 'x' ||
				!ok && len(got) != 1 {
				t.Fatalf("%q: %x, %v", text, got, ok)
			}
		}
	}
	for n := range 40 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*41 + n)
		}
		text := AppendHex([]byte("x"), data)
		if string(text) != "x"+strings.ToUpper(hex.EncodeToString(data)) {
			t.Fatalf("%d bytes: %s", n, text)
		}
		got, ok := AppendHexDecode(nil, strings.ToLower(string(text[1:])))
		if !ok || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: %x, %v", n, got, ok)
		}
		if _, ok := AppendHexDecode(nil, string(text[1:])+"A"); ok {
			t.Fatalf("%d digits", 2*n+1)
		}
	}
}

// TestText compares both directions with unicode/utf16.
func TestText(t *testing.T) {
	for _, s := range []string{"", "a", "abc", "abcd", "abcdefghi", "abcé", "abcdé", "éabcdefgh",
		"日本語", "😀", "abcd😀efgh", "a\x00b", "\u007f\u0080\uffff\U0010ffff"} {
		var want []byte
		for _, u := range utf16.Encode([]rune(s)) {
			want = binary.LittleEndian.AppendUint16(want, u)
		}
		units := string(rune(len(want) / 2)) // one byte of V7 below 128
		if got, ok := AppendText([]byte("x"), s); !ok || string(got) != "x"+units+string(want) {
			t.Errorf("%q: %x, %v", s, got, ok)
		}
		if got, ok := appendUTF8([]byte("x"), want); !ok || string(got) != "x"+s {
			t.Errorf("%q: %q, %v", s, got, ok)
		}
	}
	for _, s := range []string{"\x00\xd8", "\x00\xdc", "a\x00\x00\xd8", "\x00\xd8a\x00",
		"\x00\xdc\x00\xd8", "a\x00b\x00c\x00d\x00\x00\xd8"} {
		if got, ok := appendUTF8(nil, []byte(s)); ok {
			t.Errorf("%x: %q", s, got)
		}
	}
	for _, s := range []string{"\xff", "abc\xed\xa0\x80", "abc\xc0\x80"} {
		if _, ok := AppendText(nil, s); ok {
			t.Errorf("%q", s)
		}
	}
}
