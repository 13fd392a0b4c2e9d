package flate

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/seed"
)

// cookieLen is the length of the cookie text around a deflated token of n
// bytes: padded and signed, base64 inside a document of about 350 bytes, base64
// again.
func cookieLen(n int) int {
	protected := 16 + (n/16+1)*16 + 20
	return base64.StdEncoding.EncodedLen(350 + base64.StdEncoding.EncodedLen(protected))
}

// Streams must not be longer than those of compress/flate: every byte travels
// in a cookie.
func TestDeflateSize(t *testing.T) {
	var ours, theirs int
	for _, p := range vectorPayloads(t) {
		n, std := len(Deflate(nil, p.plain)), len(stdDeflate(t, p.plain))
		ours += n
		theirs += std
		if cookieLen(n)*100 > cookieLen(std)*101 {
			t.Errorf("%s: %d bytes, compress/flate %d", p.name, n, std)
		}
		switch p.name {
		case "one-claim", "chunk-size-1000", "chunks-3", "hundred-claims":
			t.Logf("%s: %d bytes of %d, compress/flate %d, .NET %d", p.name, n, len(p.plain), std,
				len(p.deflated))
		}
	}
	t.Logf("all: %d bytes, compress/flate %d", ours, theirs)
	if ours > theirs {
		t.Errorf("%d bytes in all, compress/flate %d", ours, theirs)
	}
}

func TestDeflateRoundTrip(t *testing.T) {
	rng := seed.Of(t)
	random := make([]byte, 200000)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	mixed := make([]byte, 0, maxSegment+5000) // two segments, many blocks, all distances
	for len(mixed) < maxSegment+5000 {
		n := 1 + rng.IntN(2000)
		if back := 1 + rng.IntN(40000); back <= len(mixed) && rng.IntN(8) > 0 {
			n = min(n, back)
			mixed = append(mixed, mixed[len(mixed)-back:][:n]...)
		} else {
			at := rng.IntN(len(random) - n)
			mixed = append(mixed, random[at:at+n]...)
		}
	}
	var fibonacci []byte // codes longer than the format allows, unless limited
	for i, a, b := 0, 1, 1; i < 23; i, a, b = i+1, b, a+b {
		fibonacci = append(fibonacci, bytes.Repeat([]byte{byte(i)}, a)...)
	}
	rng.Shuffle(len(fibonacci),
		func(i, j int) { fibonacci[i], fibonacci[j] = fibonacci[j], fibonacci[i] })
	cases := map[string][]byte{
		"empty": {}, "one byte": {7}, "same byte": bytes.Repeat([]byte{'a'}, 100000),
		"two bytes": bytes.Repeat([]byte("ab"), 1000), "random": random, "random short": random[:50],
		"stored edge": random[:maxStored], "stored edge + 1": random[:maxStored+1],
		"mixed": mixed, "fibonacci": fibonacci,
	}
	for n := range 20 {
		cases["short "+string(rune('a'+n))] = []byte("aaaaaaaaabcdaaaabcde")[:n]
	}
	for _, p := range vectorPayloads(t) {
		cases[p.name] = p.plain
	}
	for name, plain := range cases {
		checkRoundTrip(t, name, plain)
	}
	if n := len(Deflate(nil, random)); n > len(random)+5*(len(random)/maxTokens+2) {
		t.Errorf("random data grew to %d bytes", n)
	}
}

func checkRoundTrip(t *testing.T, name string, plain []byte) {
	t.Helper()
	out := Deflate([]byte("pre"), plain)
	if string(out[:3]) != "pre" {
		t.Fatalf("%s: prefix lost", name)
	}
	got, err := Inflate(nil, out[3:], len(plain))
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s: Inflate: %d bytes of %d, %v", name, len(got), len(plain), err)
	}
	rest := bytes.NewReader(out[3:])
	got, err = io.ReadAll(flate.NewReader(rest))
	if err != nil || !bytes.Equal(got, plain) || rest.Len() != 0 {
		t.Fatalf("%s: compress/flate: %d bytes of %d, %d left, %v", name, len(got), len(plain),
			rest.Len(), err)
	}
	// The same, into room that just suffices.
	room := make([]byte, 3, len(out))
	if again := Deflate(room, plain); !bytes.Equal(again[3:], out[3:]) || &again[0] != &room[0] {
		t.Fatalf("%s: differs, or was moved, when room just suffices", name)
	}
}

func TestDeflateStored(t *testing.T) {
	plain := bytes.Repeat([]byte("stored"), 30000)
	var w bitWriter
	w.stored(plain, 1)
	got, err := Inflate(nil, w.out, len(plain))
	if err != nil || !bytes.Equal(got, plain) || len(w.out) != len(plain)+3*(1+storedLenSize) {
		t.Errorf("%d bytes stored in %d, %v", len(got), len(w.out), err)
	}
}

func TestConcurrent(t *testing.T) {
	payloads := vectorPayloads(t)[:20]
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, p := range payloads {
				got, err := Inflate(nil, Deflate(nil, p.plain), testLimit)
				if err != nil || !bytes.Equal(got, p.plain) {
					t.Errorf("%s: %v", p.name, err)
				}
			}
		})
	}
	wait.Wait()
}

// Positions of earlier inputs must never count, not even when stamps run out.
func TestDeflateStamps(t *testing.T) {
	d := new(deflater)
	plain := bytes.Repeat([]byte("http://schemas.xmlsoap.org/"), 9)
	var first []byte
	for i, base := range []uint32{0, 1, 1 << 20, 1<<31 - 1, 1 << 31, 1<<31 + 1} {
		d.matches.base = base
		d.w = bitWriter{}
		d.segment(plain, true)
		d.w.align()
		if i == 0 {
			first = d.w.out
		} else if !bytes.Equal(d.w.out, first) {
			t.Errorf("base %d: another result", base)
		}
		got, err := Inflate(nil, d.w.out, len(plain))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("base %d: %v", base, err)
		}
	}
}

func TestDeflateAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector empties pools")
	}
	for _, p := range vectorPayloads(t) {
		room := make([]byte, 0, len(Deflate(nil, p.plain)))
		if n := testing.AllocsPerRun(20, func() { Deflate(room, p.plain) }); n != 0 {
			t.Errorf("%s: %v allocations", p.name, n)
		}
	}
}

func FuzzDeflate(f *testing.F) {
	for _, p := range vectorPayloads(f) {
		if len(p.plain) < 3000 {
			f.Add(p.plain, uint16(0))
		}
	}
	f.Add([]byte("ab"), uint16(40000))
	f.Fuzz(func(t *testing.T, plain []byte, repeats uint16) {
		if n := len(plain) + 1; int(repeats)*n < 1<<18 {
			plain = bytes.Repeat(plain, 1+int(repeats))
		}
		checkRoundTrip(t, "input", plain)
	})
}
