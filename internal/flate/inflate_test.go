package flate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/seed"
)

const testLimit = 1 << 20 // .NET's MaxDecompressedSize

func TestInflateVectors(t *testing.T) {
	for _, p := range vectorPayloads(t) {
		got, err := Inflate(nil, p.deflated, testLimit)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		} else if !bytes.Equal(got, p.plain) {
			t.Errorf("%s: wrong bytes", p.name)
		}
	}
}

// pack makes a stream written as zeros and ones in the order in which they are
// read; blanks are for the reader.
func pack(s string) []byte {
	var out []byte
	n := 0
	for _, c := range s {
		if c == ' ' {
			continue
		}
		if n%8 == 0 {
			out = append(out, 0)
		}
		out[n/8] |= byte(c-'0') << (n % 8)
		n++
	}
	return out
}

// Pieces of streams: numbers have their lowest bit first, codes their highest.
const (
	fixedFinal   = "1 10 "
	fixedMore    = "0 10 "
	fixedA       = "10010001 " // 0x30 + 'a'
	fixedEnd     = "0000000 "
	fixedThree   = "0000001 " // length 3
	dynamicFinal = "1 01 "

	// A dynamic header with 257 literals and one distance, and for the lengths
	// themselves the codes 0 for 18 (zeros), 10 for 0, 11 for 1.
	header = dynamicFinal + "00000 00000 0111 " +
		"000 000 100 010 000 000 000 000 000 000 000 000 000 000 000 000 000 010 "
	zeros138 = "0 1111111 "
	zeros118 = "0 1101011 "
	zeros97  = "0 0110101 " // up to 'a', if first
)

func TestInflateStreams(t *testing.T) {
	manyA := strings.Repeat(fixedA, 40) // enough for the fast loop
	for _, c := range []struct {
		name   string
		stream []byte
		want   string
		err    error
	}{
		{"empty source", nil, "", ErrTruncated},
		{"block of kind 3", pack("1 11"), "", ErrCorrupt},
		{"fixed, empty", pack(fixedFinal + fixedEnd), "", nil},
		{"fixed, end cut", pack(fixedFinal), "", ErrTruncated},
		{"fixed, a", pack(fixedFinal + fixedA + fixedEnd), "a", nil},
		{"fixed, bytes behind", append(pack(fixedFinal+fixedA+fixedEnd), 0xff, 0xff), "a", nil},
		{"fixed, twice", pack(fixedMore + fixedA + fixedEnd + fixedFinal + fixedA + fixedEnd), "aa", nil},
		{"fixed, no final block", pack(fixedMore + fixedA + fixedEnd), "", ErrTruncated},
		{"fixed, run", pack(fixedFinal + fixedA + fixedThree + "00000" + fixedEnd), "aaaa", nil},
		{"fixed, length 258", pack(fixedFinal + fixedA + "11000101 00000" + fixedEnd),
			strings.Repeat("a", 259), nil},
		{"fixed, distance too far", pack(fixedFinal + fixedA + fixedThree + "00001" + fixedEnd),
			"", ErrCorrupt},
		{"fixed, distance into dst", pack(fixedFinal + fixedThree + "00000" + fixedEnd), "", ErrCorrupt},
		{"fixed, length symbol 286", pack(fixedFinal + "11000110" + fixedEnd), "", ErrCorrupt},
		{"fixed, distance symbol 30", pack(fixedFinal + fixedA + fixedThree + "11110" + fixedEnd),
			"", ErrCorrupt},
		{"fixed, length symbol 286 far from the end", pack(fixedFinal + manyA + "11000110" + manyA),
			"", ErrCorrupt},
		{"fixed, distance symbol 30 far from the end",
			pack(fixedFinal + manyA + fixedThree + "11110" + manyA), "", ErrCorrupt},
		{"fixed, distance too far, far from the end",
			pack(fixedFinal + manyA + fixedThree + "11101 0000000000000" + manyA), "", ErrCorrupt},
		{"stored", []byte("\x01\x03\x00\xfc\xffabc"), "abc", nil},
		{"stored, empty", []byte("\x01\x00\x00\xff\xff"), "", nil},
		{"stored, twice", []byte("\x00\x01\x00\xfe\xffa\x01\x01\x00\xfe\xffb"), "ab", nil},
		{"stored, padding not zero", []byte("\xf9\x03\x00\xfc\xffabc"), "abc", nil},
		{"stored after fixed", append(pack(fixedMore+fixedA+fixedEnd+"1 00"),
			"\x01\x00\xfe\xffb"...), "ab", nil},
		{"stored, wrong complement", []byte("\x01\x03\x00\xfc\xfeabc"), "", ErrCorrupt},
		{"stored, length cut", []byte("\x01\x03\x00\xfc"), "", ErrTruncated},
		{"stored, data cut", []byte("\x01\x03\x00\xfc\xffab"), "", ErrTruncated},
		{"stored, claims 65535", []byte("\x01\xff\xff\x00\x00a"), "", ErrTruncated},
		{"dynamic, header cut", pack(dynamicFinal + "00000 00000"), "", ErrTruncated},
		{"dynamic, HLIT 30", pack(dynamicFinal + "01111 00000 0000 000"), "", ErrCorrupt},
		{"dynamic, HDIST 30", pack(dynamicFinal + "00000 01111 0000 000"), "", ErrCorrupt},
		{"dynamic, no code-length codes", pack(dynamicFinal +
			"00000 00000 0000 000 000 000 000 0000"), "", ErrCorrupt},
		{"dynamic, too many code-length codes",
			pack(dynamicFinal + "00000 00000 0000 100 100 100 000 0000"), "", ErrCorrupt},
		{"dynamic, too few code-length codes",
			pack(dynamicFinal + "00000 00000 0000 010 010 010 000 0000"), "", ErrCorrupt},
		{"dynamic, repeats nothing", pack(dynamicFinal + "00000 00000 0000 100 000 000 100 1 00 0"),
			"", ErrCorrupt},
		{"dynamic, lengths run over", pack(header + zeros138 + zeros138), "", ErrCorrupt},
		{"dynamic, end of block alone", pack(header + zeros138 + zeros118 + "11 10 " + "0"), "", nil},
		{"dynamic, bits without a code", pack(header + zeros138 + zeros118 + "11 10 " + "1"), "", ErrCorrupt},
		{"dynamic, no codes at all", pack(header + zeros138 + zeros118 + "10 10 " + "0"), "", ErrCorrupt},
		{"dynamic, a and end of block", pack(header + zeros97 + "11" + zeros138 + "0 1001000 " +
			"11 10 " + "0 0 1"), "aa", nil},
	} {
		got, err := Inflate([]byte("x"), c.stream, 300)
		if !errors.Is(err, c.err) || string(got) != "x"+c.want {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
		}
		compare(t, c.stream, 300)
		if got, err := Inflate(make([]byte, 0, 1000), c.stream, 300); !errors.Is(err, c.err) ||
			string(got) != c.want {
			t.Errorf("%s, with room: got %q, %v", c.name, got, err)
		}
	}
}

func TestInflateLimit(t *testing.T) {
	for _, p := range vectorPayloads(t) {
		for _, room := range []int{0, 1, len(p.plain) - 1, len(p.plain), len(p.plain) + 1,
			len(p.plain) + 5000} {
			dst := make([]byte, 3, 3+room)
			got, err := Inflate(dst, p.deflated, len(p.plain))
			if err != nil || !bytes.Equal(got[3:], p.plain) {
				t.Errorf("%s, room %d: exactly the limit: %v", p.name, room, err)
			}
			got, err = Inflate(dst, p.deflated, len(p.plain)-1)
			if !errors.Is(err, ErrTooLarge) || len(got) != 3 {
				t.Errorf("%s, room %d: one byte over the limit: %v", p.name, room, err)
			}
			for _, limit := range []int{0, -1} {
				if _, err = Inflate(dst, p.deflated, limit); !errors.Is(err, ErrTooLarge) {
					t.Errorf("%s, limit %d: %v", p.name, limit, err)
				}
			}
		}
	}
	if _, err := Inflate(nil, []byte{3, 0}, 0); err != nil {
		t.Errorf("nothing within a limit of nothing: %v", err)
	}
	stored := []byte("\x01\x03\x00\xfc\xffabc")
	if got, err := Inflate(nil, stored, 3); err != nil || string(got) != "abc" {
		t.Errorf("stored, exactly the limit: %v", err)
	}
	if _, err := Inflate(nil, stored, 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("stored, over the limit: %v", err)
	}
}

// A stream of 8 kB that stands for 8 MiB must cost no more than the limit.
func TestInflateBomb(t *testing.T) {
	bomb := stdDeflate(t, make([]byte, 8<<20))
	got, err := Inflate(nil, bomb, testLimit)
	if got != nil || !errors.Is(err, ErrTooLarge) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	edge := stdDeflate(t, make([]byte, testLimit))
	got, err = Inflate(nil, edge, testLimit)
	if err != nil || len(got) != testLimit || cap(got) > testLimit {
		t.Fatalf("limit reached: %d bytes, capacity %d, %v", len(got), cap(got), err)
	}
	if race.Enabled {
		return
	}
	// Growing from 32 kB to 1 MiB by doubling.
	if n := testing.AllocsPerRun(5, func() { Inflate(nil, bomb, testLimit) }); n > 10 {
		t.Errorf("%v allocations for a bomb", n)
	}
}

func TestInflateTruncated(t *testing.T) {
	room := make([]byte, 0, 64<<10)
	for i, p := range vectorPayloads(t) {
		if i%30 != 0 && p.name != "hundred-claims" {
			continue
		}
		for n := range p.deflated {
			got, err := Inflate(room, p.deflated[:n], testLimit)
			var e *Error
			if !errors.As(err, &e) || e.Err != ErrTruncated || e.Offset != n || len(got) != 0 {
				t.Fatalf("%s cut at %d: %v", p.name, n, err)
			}
		}
	}
}

// Every single bit of some streams turned over: no panic, and no result beyond
// the limit. The first, which make the tables, must also be judged as
// compress/flate does.
func TestInflateBitFlips(t *testing.T) {
	room := make([]byte, 0, 4096)
	for _, p := range vectorPayloads(t) {
		if p.name != "one-claim" && p.name != "several-identities" && p.name != "no-claims" {
			continue
		}
		src, limit := bytes.Clone(p.deflated), len(p.plain)+10
		for i := range 8 * len(src) {
			src[i/8] ^= 1 << (i % 8)
			if got, err := Inflate(room, src, limit); len(got) > limit ||
				err != nil && len(got) != 0 {
				t.Fatalf("%s, bit %d: %d bytes, %v", p.name, i, len(got), err)
			}
			if p.name == "no-claims" && (i < 800 || i%8 == 0) {
				compare(t, src, limit)
			}
			src[i/8] ^= 1 << (i % 8)
		}
	}
}

// Codes of up to 15 bits, which take sub-tables, and every distance.
func TestInflateLongCodes(t *testing.T) {
	var skewed, far []byte
	for i, n := 0, 1; i < 20; i, n = i+1, n+n/2+1 {
		skewed = append(skewed, bytes.Repeat([]byte{byte(i * 7)}, n)...)
	}
	rng := seed.Of(t)
	rng.Shuffle(len(skewed), func(i, j int) { skewed[i], skewed[j] = skewed[j], skewed[i] })
	for range 40000 {
		far = append(far, byte(rng.Uint32()))
	}
	for n := 1; n < 32768; n = n*5/4 + 1 {
		far = append(far, far[len(far)-n:][:min(n, 3+n%300)]...)
	}
	for _, plain := range [][]byte{skewed, far, append(bytes.Clone(skewed), far...)} {
		for level := flate.HuffmanOnly; level <= 9; level++ {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, level)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(plain)
			w.Close()
			got, err := Inflate(nil, out.Bytes(), testLimit)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("level %d: %v", level, err)
			}
		}
	}
}

func TestInflateAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector empties pools")
	}
	for _, p := range vectorPayloads(t) {
		room := make([]byte, 7, 7+len(p.plain)) // not a byte to spare
		if n := testing.AllocsPerRun(20, func() {
			if _, err := Inflate(room, p.deflated, testLimit); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", p.name, n)
		}
	}
}

func TestError(t *testing.T) {
	_, err := Inflate(nil, []byte{1, 3, 0, 0, 0}, 10)
	if want := "flate: corrupt input at byte 1"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, err := range []error{ErrCorrupt, ErrTruncated, ErrTooLarge} {
		if !strings.HasPrefix(err.Error(), "flate: ") {
			t.Errorf("%q has no prefix", err)
		}
	}
}

// compare runs src through Inflate, with no room, little and plenty, and through
// compress/flate.
func compare(t *testing.T, src []byte, limit int) {
	t.Helper()
	std, stdErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(src)), int64(limit)+1))
	var first error
	for i, room := range []int{0, min(len(std), limit), limit + 1000} {
		prefix := []byte("pre")
		got, err := Inflate(append(make([]byte, 0, room+3), prefix...), src, limit)
		if err == nil {
			if stdErr != nil || !bytes.Equal(got[3:], std) {
				t.Fatalf("%x: %d bytes, compress/flate has %d, %v", src, len(got)-3,
					len(std), stdErr)
			}
			continue
		}
		if string(got) != "pre" {
			t.Fatalf("%x: result %q with error %v", src, got, err)
		}
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(src) {
			t.Fatalf("%x: error %#v", src, err)
		}
		if i == 0 {
			first = e.Err
		} else if e.Err != first {
			t.Fatalf("%x: %v with room %d, %v without", src, err, room, first)
		}
		switch {
		case len(std) > limit:
			if e.Err != ErrTooLarge {
				t.Fatalf("%x: %v, compress/flate goes beyond the limit", src, err)
			}
		case stdErr == nil || e.Err == ErrTooLarge:
			t.Fatalf("%x: %v, compress/flate has %d bytes, %v", src, err, len(std), stdErr)
		case stdErr == io.ErrUnexpectedEOF && e.Err == ErrCorrupt,
			stdErr != io.ErrUnexpectedEOF && e.Err == ErrTruncated:
			// Both at once, and one looks ahead further than the other: only in
			// the last bytes.
			if e.Offset < len(src)-3 {
				t.Fatalf("%x: %v, compress/flate: %v", src, err, stdErr)
			}
		}
	}
}

func FuzzInflate(f *testing.F) {
	seeds := vectorPayloads(f)
	for _, p := range seeds {
		if len(p.deflated) < 1200 {
			f.Add(p.deflated)
			f.Add(Deflate(nil, p.plain))
		}
	}
	f.Add([]byte("\x00\x01\x00\xfe\xffa\x4b\x04\x00"))
	f.Fuzz(func(t *testing.T, src []byte) {
		compare(t, src, 1<<16)
	})
}
