package dotnet

import (
	"bytes"
	"encoding/hex"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestUTF16(t *testing.T) {
	for _, test := range []struct {
		text, hex string
	}{
		{"", ""},
		{"bob", "62006f006200"},
		{"a\x00b", "610000006200"},
		{"kůň", "6b006f014801"},
		{"日本", "e5652c67"},
		{"\ufeff\uffff\ufffd", "fffefffffdff"},
		{"\ud7ff\ue000", "ffd700e0"},
		{"😀", "3dd800de"},
		{"\U0010ffff", "ffdbffdf"},
	} {
		units := AppendUTF16LE([]byte("x"), test.text)
		if got := hex.EncodeToString(units[1:]); got != test.hex {
			t.Errorf("AppendUTF16LE(%q) = %s, want %s", test.text, got, test.hex)
		}
		if n := UTF16Len(test.text); n != len(test.hex)/4 {
			t.Errorf("UTF16Len(%q) = %d", test.text, n)
		}
		back, ok := AppendUTF8FromUTF16LE([]byte("x"), units[1:])
		if !ok || string(back) != "x"+test.text {
			t.Errorf("AppendUTF8FromUTF16LE(%s) = %q, %v", test.hex, back, ok)
		}
	}
}

func TestUTF16Refused(t *testing.T) {
	for _, test := range []struct{ name, hex string }{
		{"odd length", "6200ff"},
		{"one byte", "62"},
		{"high surrogate at the end", "62003dd8"},
		{"high surrogate before a letter", "3dd86200"},
		{"two high surrogates", "3dd83dd8"},
		{"low surrogate alone", "00de6200"},
		{"low before high", "00de3dd8"},
	} {
		src, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := AppendUTF8FromUTF16LE([]byte("x"), src); ok || string(got) != "x" {
			t.Errorf("%s: %q, %v", test.name, got, ok)
		}
	}
}

func FuzzUTF16(f *testing.F) {
	for _, s := range []string{"", "bob", "k\x00\x6f\x01", "\x3d\xd8\x00\xde", "\x00\xde", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, ok := AppendUTF8FromUTF16LE(nil, data); ok {
			if !utf8.Valid(text) {
				t.Fatalf("%x gives %x, not UTF-8", data, text)
			}
			if back := AppendUTF16LE(nil, string(text)); !bytes.Equal(back, data) {
				t.Fatalf("%x comes back as %x", data, back)
			}
		}
		s := string(data)
		units := AppendUTF16LE(nil, s)
		if UTF16Len(s)*2 != len(units) || len(utf16.Encode([]rune(s)))*2 != len(units) {
			t.Fatalf("UTF16Len(%q) = %d, wrote %d bytes", s, UTF16Len(s), len(units))
		}
	})
}

func TestFormatGUID(t *testing.T) {
	var g [16]byte
	for i := range g {
		g[i] = byte(0xa0 + i)
	}
	const want = "x a3a2a1a0-a5a4-a7a6-a8a9-aaabacadaeaf"
	if got := FormatGUID([]byte("x "), g); string(got) != want {
		t.Errorf("FormatGUID = %q, want %q", got, want)
	}
	if n := testing.AllocsPerRun(10, func() {
		var buf [36]byte
		if len(FormatGUID(buf[:0], g)) != 36 {
			panic("length")
		}
	}); n != 0 {
		t.Errorf("FormatGUID allocates %v times", n)
	}
}
