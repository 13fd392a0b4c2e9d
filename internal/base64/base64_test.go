package base64

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// reference is what AppendDecode has to agree with.
func reference(src string) ([]byte, bool) {
	if strings.ContainsAny(src, "\r\n") {
		return nil, false
	}
	out, err := base64.StdEncoding.Strict().DecodeString(src)
	if err != nil {
		return nil, false
	}
	return out, true
}

// check compares both forms of AppendDecode with the reference, with room in
// dst and without.
func check(t *testing.T, src string) {
	t.Helper()
	want, ok := reference(src)
	for _, dst := range [][]byte{nil, []byte("abc"), make([]byte, 5, 20+len(src))} {
		kept := string(dst)
		fromString, a := AppendDecode(dst, src)
		fromBytes, b := AppendDecodeBytes(dst, []byte(src))
		if a != ok || b != ok || !bytes.Equal(fromString, append([]byte(kept), want...)) ||
			!bytes.Equal(fromBytes, fromString) {
			t.Fatalf("%q: got %q %v, %q %v, want %q %v after %q", src, fromString, a, fromBytes,
				b, want, ok, kept)
		}
	}
}

func TestAppendDecode(t *testing.T) {
	for n := range 70 {
		raw := bytes.Repeat([]byte{0xFB, 0x01, 0x80}, 30)[:n]
		good := base64.StdEncoding.EncodeToString(raw)
		check(t, good)
		for i := range len(good) {
			for _, c := range []byte("=-_ \n\r\x00\x80\xff!Z") {
				check(t, good[:i]+string(rune(c))+good[i+1:])
				check(t, good[:i]+string([]byte{c})+good[i+1:])
			}
			check(t, good[:i])
			check(t, good[:i]+"\n"+good[i:])
		}
	}
	check(t, "AB==") // bits behind the last byte
	check(t, "AAB=")
	check(t, "====")
	check(t, "A===")
}

func TestNoAllocation(t *testing.T) {
	src := base64.StdEncoding.EncodeToString(make([]byte, 3000))
	dst := make([]byte, 0, 3002)
	if n := testing.AllocsPerRun(100, func() { AppendDecode(dst, src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppendDecode(f *testing.F) {
	data := testkit.File(f, "sessiontoken_negative.json")
	n := 0
	for _, part := range strings.Split(string(data), `"value": "`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		f.Add(value)
		n++
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, src string) { check(t, src) })
}

func BenchmarkAppendDecode(b *testing.B) {
	src := base64.StdEncoding.EncodeToString(make([]byte, 3000))
	dst := make([]byte, 0, 3002)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			AppendDecode(dst, src)
		}
	})
	b.Run("std", func(b *testing.B) {
		text := []byte(src)
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			base64.StdEncoding.AppendDecode(dst, text)
		}
	})
}
