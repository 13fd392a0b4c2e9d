package base64

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// referenceURL is what AppendDecodeURL has to agree with.
func referenceURL(src string) ([]byte, bool) {
	if strings.ContainsAny(src, "\r\n") {
		return nil, false
	}
	out, err := base64.RawURLEncoding.DecodeString(src)
	return out, err == nil
}

// checkURL compares AppendDecodeURL with the reference, with room in dst and
// without.
func checkURL(t *testing.T, src string) {
	t.Helper()
	want, ok := referenceURL(src)
	for _, dst := range [][]byte{nil, []byte("abc"), make([]byte, 5, 20+len(src))} {
		kept := string(dst)
		got, a := AppendDecodeURL(dst, src)
		expect := kept
		if ok {
			expect += string(want)
		}
		if a != ok || string(got) != expect {
			t.Fatalf("%q: got %q %v, want %q %v after %q", src, got, a, want, ok, kept)
		}
	}
}

func TestAppendDecodeURL(t *testing.T) {
	for n := range 70 {
		raw := bytes.Repeat([]byte{0xFB, 0x01, 0xF8}, 30)[:n]
		good := base64.RawURLEncoding.EncodeToString(raw)
		checkURL(t, good)
		for i := range len(good) {
			for _, c := range []byte("=-_+/ \n\r\x00\x80\xff!Z") {
				checkURL(t, good[:i]+string(rune(c))+good[i+1:])
				checkURL(t, good[:i]+string([]byte{c})+good[i+1:])
			}
			checkURL(t, good[:i])
			checkURL(t, good[:i]+"\n"+good[i:])
		}
	}
	checkURL(t, "AB") // bits behind the last byte
	checkURL(t, "A")
	checkURL(t, "AA==")
}

// TestAppendEncodeURL agrees with the standard library at every length.
func TestAppendEncodeURL(t *testing.T) {
	raw := seed.Of(t).Bytes(200)
	for n := range raw {
		want := "dst" + base64.RawURLEncoding.EncodeToString(raw[:n])
		for _, dst := range [][]byte{[]byte("dst"), append(make([]byte, 0, 500), "dst"...)} {
			if got := AppendEncodeURL(dst, raw[:n]); string(got) != want {
				t.Fatalf("%d bytes: %q, want %q", n, got, want)
			}
		}
	}
}

func TestNoAllocationURL(t *testing.T) {
	src := base64.RawURLEncoding.EncodeToString(make([]byte, 3001))
	dst := make([]byte, 0, 3006)
	if n := testing.AllocsPerRun(100, func() { AppendDecodeURL(dst, src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppendDecodeURL(f *testing.F) {
	data := testkit.File(f, "owin.json")
	n := 0
	for _, part := range strings.Split(string(data), `"text": "`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		if len(value) < 2000 {
			f.Add(value)
			n++
		}
	}
	if n < 100 {
		f.Fatalf("%d seeds", n)
	}
	f.Fuzz(func(t *testing.T, src string) { checkURL(t, src) })
}

func BenchmarkAppendDecodeURL(b *testing.B) {
	src := base64.RawURLEncoding.EncodeToString(make([]byte, 3000))
	dst := make([]byte, 0, 3006)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			AppendDecodeURL(dst, src)
		}
	})
	b.Run("std", func(b *testing.B) {
		text := []byte(src)
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			base64.RawURLEncoding.AppendDecode(dst, text)
		}
	})
}

func BenchmarkAppendEncodeURL(b *testing.B) {
	data := make([]byte, 3000)
	dst := make([]byte, 0, 4000)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			AppendEncodeURL(dst, data)
		}
	})
	b.Run("std", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			base64.RawURLEncoding.AppendEncode(dst, data)
		}
	})
}
