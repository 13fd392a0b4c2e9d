package netfx

import (
	"bytes"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestDeriveKey runs every derive vector on the derivation itself, with those
// purposes that the public API refuses.
func TestDeriveKey(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name, Op, MasterKey, PrimaryPurpose, Label, Context, Derived string
			Purposes                                                     []string
			LengthBits                                                   int
		}
	}
	testkit.JSON(t, "kdf.json", &file)
	ran := 0
	for _, v := range file.Vectors {
		if v.Op != "derive" {
			continue
		}
		ran++
		context := Context(v.Purposes...)
		if got := hex.EncodeToString([]byte(v.PrimaryPurpose)); got != v.Label {
			t.Errorf("%s: label %s, want %s", v.Name, got, v.Label)
		}
		if got := hex.EncodeToString([]byte(context)); got != v.Context {
			t.Errorf("%s: context %s, want %s", v.Name, got, v.Context)
		}
		master, err := hex.DecodeString(v.MasterKey)
		if err != nil {
			t.Fatal(err)
		}
		got := DeriveKey(master, v.PrimaryPurpose, context)
		if hex.EncodeToString(got) != v.Derived || 8*len(got) != v.LengthBits {
			t.Errorf("%s: derived %x, want %s", v.Name, got, v.Derived)
		}
	}
	if ran != 62 {
		t.Errorf("ran %d vectors, want 62", ran)
	}
}

// TestWeakDES takes the defining property of the keys: encrypting under a
// (semi-)weak key is undone by encrypting under its partner.
func TestWeakDES(t *testing.T) {
	pairs := [][2]uint64{
		{0x0101010101010101, 0x0101010101010101},
		{0xfefefefefefefefe, 0xfefefefefefefefe},
		{0x1f1f1f1f0e0e0e0e, 0x1f1f1f1f0e0e0e0e},
		{0xe0e0e0e0f1f1f1f1, 0xe0e0e0e0f1f1f1f1},
		{0x01fe01fe01fe01fe, 0xfe01fe01fe01fe01},
		{0x1fe01fe00ef10ef1, 0xe01fe01ff10ef10e},
		{0x01e001e001f101f1, 0xe001e001f101f101},
		{0x1ffe1ffe0efe0efe, 0xfe1ffe1ffe0efe0e},
		{0x011f011f010e010e, 0x1f011f010e010e01},
		{0xe0fee0fef1fef1fe, 0xfee0fee0fef1fef1},
	}
	seen := map[uint64]bool{}
	for _, pair := range pairs {
		text := []byte("8 bytes.")
		for _, k := range pair {
			seen[k] = true
			key := binary.BigEndian.AppendUint64(nil, k)
			block, err := des.NewCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			block.Encrypt(text, text)

			for _, parity := range []uint64{0, desParity, 1 << 32} {
				binary.BigEndian.PutUint64(key, k^parity)
				if _, err := newBlock("DES", key); err != ErrWeakKey {
					t.Errorf("%x: %v, want ErrWeakKey", key, err)
				}
			}
			for bit := range 64 {
				if bit%8 == 0 {
					continue // parity
				}
				if binary.BigEndian.PutUint64(key, k^1<<bit); weakDES(key) {
					t.Errorf("%x is not weak", key)
				}
			}
		}
		if string(text) != "8 bytes." {
			t.Errorf("%x does not undo %x", pair[1], pair[0])
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d keys, want 16", len(seen))
	}
}

func TestDegenerateTripleDES(t *testing.T) {
	const k1, k1Parity, k2, k3 = "abcdefgh", "`bbddffh", "ijklmnop", "qrstuvwx"
	for _, test := range []struct {
		key  string
		weak bool
	}{
		{k1 + k2, false},
		{k1 + k2 + k3, false},
		{k1 + k2 + k1, false}, // two-key 3DES in 24 bytes
		{k1 + k1, true},
		{k1 + k1Parity, true},
		{k1 + k1 + k3, true},
		{k2 + k1 + k1, true},
		{k2 + k1Parity + k1, true},
	} {
		_, err := newBlock("3DES", []byte(test.key))
		if weak := err == ErrWeakKey; weak != test.weak || !weak && err != nil {
			t.Errorf("%q: %v, want weak %v", test.key, err, test.weak)
		}
	}
}

func TestUnpad(t *testing.T) {
	block := func(text string, pad ...byte) []byte { return append([]byte(text), pad...) }
	for _, test := range []struct {
		padded []byte
		n      int
		ok     bool
	}{
		{bytes.Repeat([]byte{8}, 8), 0, true},
		{block("1234567", 1), 7, true},
		{block("12345", 3, 3, 3), 5, true},
		{block("1234567", 0), 0, false},
		{block("1234567", 9), 0, false},
		{block("1234567", 255), 0, false},
		{block("12345", 3, 2, 3), 0, false},
		{block("12345", 2, 3, 3), 0, false},
		{append([]byte{7}, bytes.Repeat([]byte{8}, 7)...), 0, false},
		{append(bytes.Repeat([]byte{9}, 7), bytes.Repeat([]byte{9}, 9)...), 0, false}, // over one block
	} {
		if n, good := unpad(test.padded, 8); (good == 1) != test.ok || good&^1 != 0 ||
			test.ok && n != test.n {
			t.Errorf("unpad(%x) = %d, %d, want %d, %v", test.padded, n, good, test.n, test.ok)
		}
	}
}

// TestUnpadPlain compares unpad with its description on every padding of a block
// and on those with one byte wrong.
func TestUnpadPlain(t *testing.T) {
	for pad := range 256 {
		for wrong := -1; wrong < 32; wrong++ {
			padded := make([]byte, 32)
			for i := range padded {
				if 32-i <= pad {
					padded[i] = byte(pad)
				}
			}
			padded[31] = byte(pad)
			if wrong >= 0 {
				padded[wrong]++
			}
			last := int(padded[31])
			ok := last >= 1 && last <= 16 &&
				bytes.Equal(padded[32-last:], bytes.Repeat(padded[31:], last))
			n, good := unpad(padded, 16)
			if (good == 1) != ok || good&^1 != 0 || ok && n != 32-last {
				t.Errorf("%x: %d, %d, want %d, %v", padded, n, good, 32-last, ok)
			}
		}
	}
}

func TestOverlap(t *testing.T) {
	b := make([]byte, 10)
	for _, test := range []struct {
		x, y []byte
		want bool
	}{
		{b[:5], b[5:], false},
		{b[:6], b[5:], true},
		{b, b, true},
		{b[2:3], b, true},
		{b[:0], b, false},
		{b, make([]byte, 10), false},
	} {
		if overlap(test.x, test.y) != test.want || overlap(test.y, test.x) != test.want {
			t.Errorf("overlap of %d and %d bytes: want %v", len(test.x), len(test.y), test.want)
		}
	}
}
