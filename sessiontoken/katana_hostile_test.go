package sessiontoken

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// katanaHeapBound is what one call of Decode may allocate in all, whatever it
// is given: the buffers of a ticket of 1 MiB and 16,384 claims.
const katanaHeapBound = 8 << 20

// sealKatana protects arbitrary data as if it came from a node of the farm.
func sealKatana(t testing.TB, c *KatanaCodec, packed []byte) string {
	t.Helper()
	protected, err := c.protector.Protect(nil, packed)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(protected)
}

// katanaBytes builds the bytes of a ticket: numbers as int32, texts with their
// length, and bytes as they are.
func katanaBytes(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(p))
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// changed inverts the byte at an index from the end.
func changed(b []byte, at int) []byte {
	b[len(b)+at] ^= 0xFF
	return b
}

func cutEnd(b []byte, n int) []byte { return b[:len(b)-n] }

func TestKatanaHostile(t *testing.T) {
	f := readKatanaFile(t)
	c, _ := katanaBench(t, f)
	genuine := *f.vector(t, "pub-060").Text
	seal := func(plain []byte) string { return sealKatana(t, c, flate.Gzip(nil, plain)) }

	def := []byte("\x01\x00")
	head := func(version, claims int) []byte { return katanaBytes(version, "a", def, def, claims) }
	expires := katanaBytes(".expires", "Sat, 13 Jul 2024 22:05:30 GMT")
	tail := katanaBytes(0, 1, 1, expires)
	claims := func(n int) []byte {
		return slices.Concat(head(3, n),
			bytes.Repeat([]byte("\x01\x00\x00\x01\x00\x01\x00\x01\x00"), n), tail)
	}
	ticket := func(parts ...any) string { return seal(slices.Concat(head(3, 0), katanaBytes(parts...))) }
	distinct := func(n int) (b []byte) {
		for i := range n {
			b = append(b, katanaBytes(string(rune(0x4E00+i)), "")...)
		}
		return b
	}
	long := bytes.Repeat([]byte{0xFF}, 4)

	for _, tc := range []struct {
		name, value string
		want        error
	}{
		{"empty", "", ErrInvalid},
		{"garbage", "!!!!", ErrInvalid},
		{"a megabyte of garbage", strings.Repeat("%", 1<<20), ErrInvalid},
		{"a megabyte of white space", strings.Repeat(" \r\n\t", 1<<18), ErrInvalid},
		{"a megabyte of padding", strings.Repeat("====", 1<<18), ErrInvalid},
		{"a megabyte of zeros", strings.Repeat("AAAA", 1<<18), ErrInvalid},
		{"too long", strings.Repeat("AAAA", limits.Text/4+1), ErrInvalid},
		{"half a cookie", genuine[:len(genuine)/2], ErrInvalid},
		{"a cookie twice", genuine + genuine, ErrInvalid},
		{"chunks marker", "chunks:3", ErrInvalid},
		{"gzip bomb", seal(make([]byte, 64<<20)), flate.ErrTooLarge},
		{"not gzip", sealKatana(t, c, []byte("hello")), flate.ErrHeader},
		{"nothing", sealKatana(t, c, nil), flate.ErrTruncated},
		{"gzip of nothing", seal(nil), katana.ErrEnd},
		{"gzip cut", sealKatana(t, c, flate.Gzip(nil, claims(1))[:30]), flate.ErrTruncated},
		{"gzip twice", sealKatana(t, c, bytes.Repeat(flate.Gzip(nil, claims(1)), 2)), flate.ErrTrailing},
		{"gzip with another checksum", sealKatana(t, c, changed(flate.Gzip(nil, claims(1)), -8)),
			flate.ErrChecksum},
		{"gzip with another length", sealKatana(t, c, changed(flate.Gzip(nil, claims(1)), -1)),
			flate.ErrChecksum},
		{"gzip with half a trailer", sealKatana(t, c, cutEnd(flate.Gzip(nil, claims(1)), 4)),
			flate.ErrTruncated},
		{"gzip without trailer", sealKatana(t, c, cutEnd(flate.Gzip(nil, claims(1)), 8)), flate.ErrTruncated},
		{"gzip with bytes behind", sealKatana(t, c, append(flate.Gzip(nil, claims(1)), 0)), flate.ErrTrailing},

		{"version 0", seal(head(0, 0)), katana.ErrVersion},
		{"version -1", seal(head(-1, 0)), katana.ErrVersion},
		{"version 4", seal(head(4, 0)), katana.ErrVersion},
		{"2^31-1 claims", seal(head(3, math.MaxInt32)), katana.ErrClaims},
		{"2^31 claims", seal(head(3, math.MinInt32)), katana.ErrClaims},
		{"-1 claims", seal(head(3, -1)), katana.ErrClaims},
		{"one claim too many", seal(slices.Concat(head(3, 2), make([]byte, 10))), katana.ErrEnd},
		{"16,385 claims", seal(claims(limits.KatanaClaims + 1)), katana.ErrClaims},
		{"16,384 claims, expired", seal(claims(limits.KatanaClaims)), nil},
		{"length of 2^31-1", seal(slices.Concat(katanaBytes(3), long, []byte{7})), katana.ErrEnd},
		{"length of 2^32-1", seal(slices.Concat(katanaBytes(3), long, []byte{15})), katana.ErrLength},
		{"length of six bytes", seal(slices.Concat(katanaBytes(3), long, []byte{0x80, 0})), katana.ErrLength},
		{"length without end", seal(slices.Concat(katanaBytes(3), long[:2])), katana.ErrEnd},
		{"text cut", seal(slices.Concat(katanaBytes(3), []byte{5, 'a'})), katana.ErrEnd},
		{"not UTF-8", seal(slices.Concat(katanaBytes(3, "a\xff", def, def, 0), tail)), katana.ErrText},
		{"surrogate in UTF-8", seal(slices.Concat(katanaBytes(3, "\xED\xA0\x80", def, def, 0),
			tail)), katana.ErrText},
		{"character in two texts", ticket(0, 1, 2, ".a\xC3", "\xA9", expires), katana.ErrText},
		{"half a character", ticket(0, 1, 2, "a\xC3", "", expires), katana.ErrText},
		{"half a character at the end", ticket(0, 1, 2, expires, "a", "b\xC3"), katana.ErrText},
		{"bootstrap not UTF-8", ticket(1, "\xff", 1, 1, expires), katana.ErrText},
		{"bootstrap cut", ticket(5), katana.ErrEnd},
		{"no bootstrap field", ticket(), katana.ErrEnd},
		{"properties of version 0", ticket(0, 0, 1, expires), katana.ErrProperties},
		{"properties of version 2", ticket(0, 2, 1, expires), katana.ErrProperties},
		{"-1 properties", ticket(0, 1, -1), katana.ErrPairs},
		{"2^31-1 properties", ticket(0, 1, math.MaxInt32), katana.ErrPairs},
		{"1,025 properties", ticket(0, 1, limits.Properties+1, distinct(limits.Properties+1)), katana.ErrPairs},
		{"1,024 properties", ticket(0, 1, limits.Properties, distinct(limits.Properties-1), expires), nil},
		{"property twice", ticket(0, 1, 2, expires, expires), katana.ErrDuplicate},
		{"property without value", ticket(0, 1, 1, "a"), katana.ErrEnd},
		{"property cut", ticket(0, 1, 1, ".expires", []byte{29}), katana.ErrEnd},
		{"bytes behind", ticket(0, 1, 1, expires, []byte{0}), katana.ErrTrailing},
		{"no properties", ticket(0, 1, 0), ErrUnsupported},
		{"expires of another form", ticket(0, 1, 1, ".expires", "Sun, 13 Jul 2024 22:05:30 GMT"),
			ErrUnsupported},
		{"issued of another form", ticket(0, 1, 2, expires, ".issued", "0"), ErrUnsupported},
		{"a reference", seal(slices.Concat(head(3, 1),
			katanaBytes(katana.SessionID, "k", def, def, def, 0, 1, 0))), ErrNotInStore},
		{"a reference among others", seal(slices.Concat(head(3, 2),
			katanaBytes("a", "k", def, def, def, katana.SessionID, "k", def, def, def), tail)),
			ErrNotInStore},
		{"a good one", ticket(0, 1, 1, expires), nil},

		{"version 2 of neither layout", seal(slices.Concat(head(2, 0), katanaBytes(1, 1, 1))),
			katana.ErrTrailing},
		{"version 2, bytes behind", seal(slices.Concat(head(2, 0), katanaBytes(1, 1, expires, 0))),
			katana.ErrTrailing},
		{"version 2 with bootstrap, bytes behind",
			seal(slices.Concat(head(2, 0), katanaBytes(0, 1, 1, expires, 0))), katana.ErrTrailing},
		{"version 2 with properties of version 2",
			seal(slices.Concat(head(2, 0), katanaBytes(0, 2, 1, expires))), katana.ErrProperties},
		{"version 1 with too many claims", seal(slices.Concat(head(1, 2), make([]byte, 7))), katana.ErrClaims},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got *KatanaTicket
			var err error
			n := allocated(func() { got, err = c.Decode(ctx, tc.value) })
			if (got == nil) != (err != nil) || !errors.Is(err, tc.want) {
				t.Errorf("got %v and error %v, want %v", got, err, tc.want)
			}
			var at *FormatError
			if pre := !errors.As(err, &at) && errors.Is(err, ErrInvalid); pre && err != ErrInvalid {
				t.Errorf("error %v says more than ErrInvalid", err)
			}
			if n > katanaHeapBound {
				t.Errorf("allocated %d bytes", n)
			}
		})
	}
}

// TestKatanaErrorsSayWhere looks at the offsets, and that no data is in errors.
func TestKatanaErrorsSayWhere(t *testing.T) {
	c, _ := katanaBench(t, readKatanaFile(t))
	plain := katanaBytes(3, "s3cr3t", "\x80s3cr3t")
	_, err := c.Decode(ctx, sealKatana(t, c, flate.Gzip(nil, plain)))
	var at *FormatError
	if !errors.As(err, &at) || at.Layer != "katana" || at.Offset != len(plain) ||
		!errors.Is(err, ErrUnsupported) || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("error %v", err)
	}
	_, err = c.Decode(ctx, sealKatana(t, c, flate.Gzip(nil, plain)[:20]))
	if !errors.As(err, &at) || at.Layer != "gzip" || at.Offset != 20 {
		t.Errorf("error %v", err)
	}
}

// TestKatanaNotMalleable changes the protected bytes in every way that could
// matter. Nothing may be accepted, and nothing may be said.
func TestKatanaNotMalleable(t *testing.T) {
	f := readKatanaFile(t)
	c, _ := katanaBench(t, f)
	a := testkit.Unhex(t, *f.vector(t, "pub-001").ProtectedHex)
	b := testkit.Unhex(t, *f.vector(t, "pub-060").ProtectedHex)
	decode := func(protected []byte) (*KatanaTicket, error) {
		return c.Decode(ctx, base64.RawURLEncoding.EncodeToString(protected))
	}
	for _, genuine := range [][]byte{a, b} {
		if _, err := decode(genuine); err != nil {
			t.Fatal(err)
		}
	}
	refuse := func(what string, n int, protected []byte) {
		if got, err := decode(protected); err != ErrInvalid || got != nil {
			t.Fatalf("%s %d: %v, %v", what, n, got, err)
		}
	}
	for i := range a {
		for bit := range 8 {
			a[i] ^= 1 << bit
			refuse("bit", i*8+bit, a)
			a[i] ^= 1 << bit
		}
		refuse("truncated to", i, a[:i])
		refuse("without the first", i+1, a[i+1:])
		refuse("spliced at", i, slices.Concat(a[:i+1], b[min(i+1, len(b)-1):]))
		refuse("spliced at", i, slices.Concat(b[:min(i+1, len(b)-1)], a[i:]))
	}
	refuse("extended", 1, append(a[:len(a):len(a)], 0))
}

// TestKatanaTextMutations flips every bit of a text. What is still accepted must
// be the same ticket, as in .NET, whose decoder is lenient.
func TestKatanaTextMutations(t *testing.T) {
	f := readKatanaFile(t)
	c, _ := katanaBench(t, f)
	text := *f.vector(t, "pub-060").Text
	want, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	try := func(what string, n int, value string) {
		got, err := c.Decode(ctx, value)
		if err == nil {
			accepted++
		}
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) || err != nil && err != ErrInvalid {
			t.Fatalf("%s %d: %v, %v", what, n, got, err)
		}
	}
	raw := []byte(text)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			try("bit", i*8+bit, string(raw))
			raw[i] ^= 1 << bit
		}
		try("white space at", i, text[:i]+"\r\n\t "+text[i:])
		try("truncated to", i, text[:i])
	}
	if accepted < len(raw) { // four blanks fit everywhere
		t.Errorf("%d texts accepted", accepted)
	}
}

// dotNetText is Katana's decoder, said in another way: translate, pad, and
// read standard base64 that may have white space in it.
func dotNetText(value string) ([]byte, bool) {
	value = strings.NewReplacer("-", "+", "_", "/").Replace(value)
	value += strings.Repeat("=", (4-len(value)%4)%4)
	value = strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "").Replace(value)
	out, err := base64.StdEncoding.DecodeString(value)
	return out, err == nil
}

func compareKatanaText(t *testing.T, value string) {
	t.Helper()
	got, ok := katana.AppendTextDecode(nil, value)
	want, wantOK := dotNetText(value)
	if ok != wantOK || ok && !bytes.Equal(got, want) {
		t.Fatalf("%q: got %x %v, want %x %v", value, got, ok, want, wantOK)
	}
}

func TestKatanaText(t *testing.T) {
	pieces := []string{"", "A", "Q", "-", "_", "+", "/", "=", " ", "\n", "!"}
	var all func(prefix string, left int)
	all = func(prefix string, left int) {
		compareKatanaText(t, prefix)
		if left > 0 {
			for _, p := range pieces[1:] {
				all(prefix+p, left-1)
			}
		}
	}
	all("", 4)
	all("AAAAAAAA", 3) // longer texts, with a prefix that cannot fail
}
