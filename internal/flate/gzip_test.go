package flate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// gzipVector is what one Katana vector hands to the gzip layer.
type gzipVector struct {
	ID, FailStage, GzipHex string
	SerializedHex          *string
}

// gzipVectors returns the vectors that record a gzip layer.
func gzipVectors(tb testing.TB) (list []gzipVector) {
	tb.Helper()
	var file struct{ Vectors []gzipVector }
	testkit.JSON(tb, "owin.json", &file)
	for _, v := range file.Vectors {
		if v.GzipHex != "" {
			list = append(list, v)
		}
	}
	if len(list) < 80 {
		tb.Fatalf("%d vectors with gzip", len(list))
	}
	return list
}

func fromHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// stdGunzip is what Gunzip has to agree with.
func stdGunzip(src []byte) ([]byte, bool) {
	in := bytes.NewReader(src)
	r, err := gzip.NewReader(in)
	if err != nil {
		return nil, false
	}
	r.Multistream(false)
	out, err := io.ReadAll(r)
	return out, err == nil && in.Len() == 0
}

func TestGunzipVectors(t *testing.T) {
	for _, v := range gzipVectors(t) {
		got, err := Gunzip(nil, fromHex(t, v.GzipHex), 1<<20)
		if v.FailStage == "gunzip" {
			if !errors.Is(err, ErrHeader) {
				t.Errorf("%s: %v", v.ID, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		if v.SerializedHex != nil && !bytes.Equal(got, fromHex(t, *v.SerializedHex)) {
			t.Errorf("%s: another content", v.ID)
		}
	}
}

func TestGzip(t *testing.T) {
	for _, p := range vectorPayloads(t) {
		packed := Gzip([]byte("xy"), p.plain)
		if !bytes.HasPrefix(packed, []byte("xy\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x00")) {
			t.Fatalf("%s: header % x", p.name, packed[:14])
		}
		if std, ok := stdGunzip(packed[2:]); !ok || !bytes.Equal(std, p.plain) {
			t.Fatalf("%s: compress/gzip reads something else", p.name)
		}
		out, err := Gunzip([]byte("ab"), packed[2:], len(p.plain))
		if err != nil || string(out[:2]) != "ab" || !bytes.Equal(out[2:], p.plain) {
			t.Fatalf("%s: %v", p.name, err)
		}
		if _, err := Gunzip(nil, packed[2:], len(p.plain)-1); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("%s: over the limit: %v", p.name, err)
		}
	}
}

// member returns a gzip member with the given flags and what they announce.
func member(flags byte, parts string) []byte {
	m := append([]byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255}, parts...)
	if flags&flagHeaderCRC != 0 {
		m = binary.LittleEndian.AppendUint16(m, uint16(crc32.ChecksumIEEE(m)))
	}
	return append(m, Gzip(nil, []byte("hello, hello"))[10:]...)
}

func TestGunzipHeaders(t *testing.T) {
	good := member(0, "")
	change := func(m []byte, at int, b byte) []byte {
		m = bytes.Clone(m)
		m[(at+len(m))%len(m)] ^= b
		return m
	}
	for _, tc := range []struct {
		name string
		src  []byte
		want error
	}{
		{"plain", good, nil},
		{"text", member(1, ""), nil},
		{"header CRC", member(flagHeaderCRC, ""), nil},
		{"extra", member(flagExtra, "\x03\x00abc"), nil},
		{"empty extra", member(flagExtra, "\x00\x00"), nil},
		{"name", member(flagName, "a.txt\x00"), nil},
		{"comment", member(flagComment, "\x00"), nil},
		{"all", member(31, "\x01\x00\x00n\x00c\x00"), nil},
		{"empty", nil, ErrTruncated},
		{"one byte", good[:1], ErrTruncated},
		{"other first byte", []byte{0x1e}, ErrHeader},
		{"magic only", good[:2], ErrTruncated},
		{"other method", change(good, 2, 1), ErrHeader},
		{"reserved flag 5", change(good, 3, 1<<5), ErrHeader},
		{"reserved flag 7", change(good, 3, 1<<7), ErrHeader},
		{"header CRC differs", change(member(flagHeaderCRC, ""), 10, 1), ErrHeader},
		{"header CRC cut", member(flagHeaderCRC, "")[:11], ErrTruncated},
		{"extra too long", member(flagExtra, "\xff\xffabc"), ErrTruncated},
		{"extra cut", member(flagExtra, "")[:11], ErrTruncated},
		{"name without end", member(flagName, "abc")[:13], ErrTruncated},
		{"CRC", change(good, -8, 1), ErrChecksum},
		{"length", change(good, -1, 1), ErrChecksum},
		{"trailer cut", good[:len(good)-1], ErrTruncated},
		{"no trailer", good[:len(good)-8], ErrTruncated},
		{"one byte more", append(bytes.Clone(good), 0), ErrTrailing},
		{"twice", append(bytes.Clone(good), good...), ErrTrailing},
	} {
		dst := []byte("kept")
		out, err := Gunzip(dst, tc.src, 100)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		want := "kept"
		if tc.want == nil {
			want = "kepthello, hello"
		}
		if string(out) != want {
			t.Errorf("%s: %q", tc.name, out)
		}
		if _, ok := stdGunzip(tc.src); ok != (tc.want == nil) &&
			!strings.HasPrefix(tc.name, "reserved") {
			t.Errorf("%s: compress/gzip says %v", tc.name, ok)
		}
	}
}

// TestGunzipBitFlips flips every bit of a member. What is still accepted, be
// it a hint in the header or a match with another copy of the same bytes, must
// have the same content.
func TestGunzipBitFlips(t *testing.T) {
	plain := vectorPayloads(t)[0].plain
	packed := Gzip(nil, plain)
	for i := range packed {
		for bit := range 8 {
			packed[i] ^= 1 << bit
			out, err := Gunzip(nil, packed, 1<<20)
			packed[i] ^= 1 << bit
			hint := i >= 4 && i < 10 || i == 3 && bit == 0
			if hint && err != nil || err == nil && !bytes.Equal(out, plain) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
			var at *Error
			if err != nil && (!errors.As(err, &at) || at.Offset < 0 || at.Offset > len(packed)) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
		if _, err := Gunzip(nil, packed[:i], 1<<20); !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut to %d: %v", i, err)
		}
	}
}

func TestGzipAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector empties pools")
	}
	plain := vectorPayloads(t)[0].plain
	packed := Gzip(nil, plain)
	a, b := make([]byte, 0, 64<<10), make([]byte, 0, 64<<10)
	n := testing.AllocsPerRun(50, func() {
		Gzip(a, plain)
		if _, err := Gunzip(b, packed, 1<<20); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzGunzip(f *testing.F) {
	for _, v := range gzipVectors(f) {
		if len(v.GzipHex) < 2000 {
			f.Add(fromHex(f, v.GzipHex))
		}
	}
	f.Add(member(31, "\x01\x00\x00n\x00c\x00"))
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 1 << 16
		got, err := Gunzip(nil, src, limit)
		if err != nil {
			var at *Error
			if got != nil || !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(src) {
				t.Fatalf("%d bytes and %v", len(got), err)
			}
		}
		if errors.Is(err, ErrTooLarge) || len(src) > 3 && src[3]&flagsUnknown != 0 {
			return
		}
		want, ok := stdGunzip(src)
		if len(want) > limit {
			return
		}
		if ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Fatalf("compress/gzip says %v, we %v", ok, err)
		}
	})
}
