package base64

import (
	"bytes"
	"testing"
)

func TestDecodeURLToken(t *testing.T) {
	for _, text := range []string{
		"0", "1", "2", "A0", "AA", "AA0", "AA1", "AAA0", "AAA2", "AAAA1", "AAAA2", "AAAAA0", "AAAAA3",
		"AB2",           // bits behind the last byte
		"AAB1",          // the same
		"A+A1", "AA/A0", // standard base64
		"AA==2", "AAA=1", // literal padding
		"AA 2", " AA2", "AA2 ", "AA\n2", "A\nA2", "AA\r\n2", "\nAA2", "AAAA\n0", // white space
		"AA２", "ÄA2",
	} {
		if got, err := DecodeURLToken(text); err != ErrURLToken || got != nil {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	for n := range 70 {
		data := bytes.Repeat([]byte{0xfb, byte(n), 0xff}, n)[:n]
		text := EncodeURLToken(data)
		if got, err := DecodeURLToken(text); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %q gives %x, %v", n, text, got, err)
		}
	}
}
