package machinekey_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
)

// algorithms are all pairs that Framework45 knows, with fresh keys.
func algorithms(tb testing.TB) map[string]machinekey.Config {
	tb.Helper()
	random := seed.Of(tb)
	configs := map[string]machinekey.Config{}
	for _, v := range []machinekey.Validation{machinekey.HMACSHA1, machinekey.HMACSHA256,
		machinekey.HMACSHA384, machinekey.HMACSHA512} {
		for _, c := range []struct {
			decryption machinekey.Decryption
			size       int
		}{
			{machinekey.Auto, 32}, {machinekey.AES, 16}, {machinekey.AES, 24}, {machinekey.AES, 32},
			{machinekey.InsecureTripleDES, 16}, {machinekey.InsecureTripleDES, 24}, {machinekey.InsecureDES, 8},
		} {
			cfg := machinekey.Config{ValidationKey: machinekey.NewSecret(random.Bytes(64)),
				DecryptionKey: machinekey.NewSecret(random.Bytes(c.size)), Validation: v,
				Decryption: c.decryption, AllowInsecure: true}
			configs[fmt.Sprintf("%v-%v-%d", v, c.decryption, 8*c.size)] = cfg
		}
	}
	return configs
}

func TestRoundTrip(t *testing.T) {
	for name, cfg := range algorithms(t) {
		p := protectorOf(t, cfg, "round trip")
		for size := range 70 {
			plaintext := bytes.Repeat([]byte{byte(size)}, size)
			prefix := []byte("prefix")
			protected, err := p.Protect(prefix, plaintext)
			if err != nil || !bytes.HasPrefix(protected, prefix) {
				t.Fatalf("%s, %d bytes: Protect %v", name, size, err)
			}
			got, err := p.Unprotect(prefix, protected[len(prefix):])
			if err != nil || string(got) != "prefix"+string(plaintext) {
				t.Fatalf("%s, %d bytes: Unprotect = %q, %v", name, size, got, err)
			}
		}
	}
}

// TestMalleability changes a protected value in every single-bit way, cuts it
// at every length and glues two together at every block.
func TestMalleability(t *testing.T) {
	for name, cfg := range algorithms(t) {
		p := protectorOf(t, cfg, "malleability")
		one := protect(t, p, []byte("the first of two values"))
		two := protect(t, p, []byte("and the second: 23 too."))
		dst := append(make([]byte, 0, 200), "dst"...)
		refuse := func(what string, protected []byte) {
			t.Helper()
			got, key, err := p.UnprotectKey(dst, protected)
			if err != machinekey.ErrUnprotect || key != "" || string(got) != "dst" {
				t.Errorf("%s: %s: %q, %v, %v", name, what, got, key, err)
			}
			if spare := dst[len(dst):cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
				t.Fatalf("%s: %s: left %x behind dst", name, what, spare)
			}
		}
		for i := range one {
			for bit := range 8 {
				flipped := bytes.Clone(one)
				flipped[i] ^= 1 << bit
				refuse(fmt.Sprintf("bit %d of byte %d", bit, i), flipped)
			}
			refuse(fmt.Sprintf("cut to %d", i), one[:i])
			refuse(fmt.Sprintf("without the first %d", i+1), one[i+1:])
		}
		for i := 8; i < len(one); i += 8 {
			refuse(fmt.Sprintf("splice at %d", i), append(bytes.Clone(one[:i]), two[i:]...))
			refuse(fmt.Sprintf("block %d twice", i), append(bytes.Clone(one[:i]), one[i-8:]...))
		}
		refuse("nil", nil)
		refuse("zeros", make([]byte, 160))
		refuse("extended", append(bytes.Clone(one), 0))
		refuse("both", append(bytes.Clone(one), two...))
	}
}

// TestWrongPadding lets the tag pass and the padding fail, as with a wrong
// decryption key alone: nothing of the garbage may stay in dst, and the right
// key, tried later, must still open the data.
func TestWrongPadding(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	right := keyOf(t, cfg)
	purpose := purposeOf("padding")
	writer, err := wrap(ringOf(t, right).Protector(purpose...))
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("some text over one block, twice as long")
	protected := protect(t, writer, text)

	refused := 0
	for range 20 {
		cfg.DecryptionKey = machinekey.NewSecret(seed.Of(t).Bytes(cfg.DecryptionKey.Len()))
		wrong := keyOf(t, cfg)
		reader, err := wrap(ringOf(t, wrong).Protector(purpose...))
		if err != nil {
			t.Fatal(err)
		}
		dst := append(make([]byte, 0, 200), "dst"...)
		got, err := reader.Unprotect(dst, protected)
		if err == nil {
			continue // 1 in 256: the garbage happens to end in a padding
		}
		refused++
		if err != machinekey.ErrUnprotect || string(got) != "dst" {
			t.Errorf("Unprotect = %q, %v", got, err)
		}
		if spare := dst[len(dst):cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
			t.Errorf("left %x behind dst", spare)
		}

		both, err := wrap(ringOf(t, wrong, right).Protector(purpose...))
		if err != nil {
			t.Fatal(err)
		}
		for offset := range 2 * len(protected) { // dst overlaps protected in every way
			buf := make([]byte, 4*len(protected))
			in := buf[len(protected):][:len(protected)]
			copy(in, protected)
			got, key, err := both.UnprotectKey(buf[:offset], in)
			if err != nil || key != right.ID() || !bytes.Equal(got[offset:], text) {
				t.Fatalf("offset %d: %q, %v, %v", offset, got, key, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no wrong key was refused")
	}
}

// TestOverlap lets dst and the input overlap at every distance.
func TestOverlap(t *testing.T) {
	p := protectorOf(t, machinekey.Config{ValidationKey: machinekey.NewSecret([]byte("v")),
		DecryptionKey: machinekey.NewSecret(make([]byte, 16)), Validation: machinekey.HMACSHA1,
		Rand: constant(7), AllowWeakKey: true}, "overlap")
	text := []byte("forty bytes of text, more than 2 blocks.")
	protected := protect(t, p, text)
	const room = 200
	for distance := range room {
		buf := make([]byte, 3*room)
		in := buf[room:][:len(text)]
		copy(in, text)
		got, err := p.Protect(buf[:distance+room/2], in)
		if err != nil || !bytes.Equal(got[distance+room/2:], protected) {
			t.Fatalf("Protect, dst of %d: %x, %v", distance+room/2, got, err)
		}

		buf = make([]byte, 3*room)
		in = buf[room:][:len(protected)]
		copy(in, protected)
		in[0] ^= 1
		if got, err := p.Unprotect(buf[:distance+room/2], in); err == nil ||
			len(got) != distance+room/2 {
			t.Fatalf("Unprotect of a forgery: %x, %v", got, err)
		}
		in[0] ^= 1
		if !bytes.Equal(in, protected) {
			t.Fatal("a refused input was changed")
		}
		got, err = p.Unprotect(buf[:distance+room/2], in)
		if err != nil || !bytes.Equal(got[distance+room/2:], text) {
			t.Fatalf("Unprotect, dst of %d: %q, %v", distance+room/2, got, err)
		}
	}
}

// constant is a source of one byte value.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	for name, cfg := range algorithms(t) {
		p := protectorOf(t, cfg, "allocations")
		plaintext := make([]byte, 1000)
		protected := protect(t, p, plaintext)
		forged := bytes.Clone(protected)
		forged[0] ^= 1
		dst := make([]byte, 0, len(plaintext)+96)
		for what, run := range map[string]func(){
			"Protect":               func() { p.Protect(dst, plaintext) },
			"Unprotect":             func() { p.Unprotect(dst, protected) },
			"Unprotect of forgery":  func() { p.Unprotect(nil, forged) },
			"Unprotect of too few":  func() { p.Unprotect(nil, forged[:20]) },
			"UnprotectKey":          func() { p.UnprotectKey(dst, protected) },
			"Unprotect, exact room": func() { p.Unprotect(dst[:0:len(protected)], protected) },
		} {
			if n := testing.AllocsPerRun(50, run); n != 0 {
				t.Errorf("%s: %s allocates %v times", name, what, n)
			}
		}
	}
}

// TestRand checks what is read from Config.Rand: one block per call, and
// nothing written if it fails.
func TestRand(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	source := bytes.NewReader(make([]byte, 40))
	cfg.Rand = iotest.OneByteReader(source)
	p := protectorOf(t, cfg, "rand")
	for _, left := range []int{24, 8} {
		protect(t, p, []byte("text"))
		if source.Len() != left {
			t.Errorf("%d bytes left in Rand, want %d", source.Len(), left)
		}
	}
	dst := append(make([]byte, 0, 200), "dst"...)
	got, err := p.Protect(dst, []byte("text"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "dst" {
		t.Errorf("Protect = %q, %v, want io.ErrUnexpectedEOF", got, err)
	}
	if spare := dst[3:cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
		t.Errorf("left %x behind dst", spare)
	}
}

// TestFreshIV protects the same text twice: the values differ in every block.
func TestFreshIV(t *testing.T) {
	p := protectorOf(t, algorithms(t)["SHA1-AES-256"], "iv")
	one, two := protect(t, p, []byte("text")), protect(t, p, []byte("text"))
	for i := 0; i < 32; i += 16 {
		if bytes.Equal(one[i:i+16], two[i:i+16]) {
			t.Errorf("block %d is the same twice", i/16)
		}
	}
}

func TestZeroValues(t *testing.T) {
	var none *machinekey.Ring // as an interface it is not nil
	if _, err := none.Protector(machinekey.FormsPurpose); err == nil {
		t.Error("a nil Ring made a Protector")
	}
	var r machinekey.Ring
	if _, err := wrap(r.Protector(machinekey.FormsPurpose)); err == nil {
		t.Error("the zero Ring made a Protector")
	}
	if r.Primary() != nil || len(r.Keys()) != 0 {
		t.Error("the zero Ring has keys")
	}
	if err := r.Replace(generated(t)); err != nil {
		t.Error(err)
	}
	if _, err := r.Protector(); err == nil {
		t.Error("no purpose got a Protector")
	}
	if _, err := wrap(r.Protector(machinekey.FormsPurpose)); err != nil {
		t.Error(err)
	}
}
