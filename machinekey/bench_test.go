package machinekey_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// The floor benchmarks do the cryptography that the format demands and nothing
// else: an HMAC held and reset, a block mode given its IV, one IV read, buffers
// warm and reused. No length, padding or copy. What Protect and Unprotect cost
// above them is this package's own.

var benchSizes = []int{256, 1024, 8192}

var benchAlgorithms = []struct {
	validation machinekey.Validation
	hash       func() hash.Hash
}{
	{machinekey.HMACSHA1, sha1.New},
	{machinekey.HMACSHA256, sha256.New},
}

type blockMode interface {
	cipher.BlockMode
	SetIV([]byte)
}

func benchmark(b *testing.B, run func(b *testing.B, v machinekey.Validation, h func() hash.Hash, size int)) {
	for _, a := range benchAlgorithms {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", a.validation, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				run(b, a.validation, a.hash, size)
			})
		}
	}
}

func benchProtector(b *testing.B, v machinekey.Validation) protector {
	b.Helper()
	cfg, err := machinekey.Generate(v, machinekey.AES)
	if err != nil {
		b.Fatal(err)
	}
	return protectorOf(b, cfg, "bench")
}

func benchFloor(b *testing.B, h func() hash.Hash) (mac hash.Hash, block cipher.Block) {
	b.Helper()
	kval, kenc := make([]byte, 64), make([]byte, 32)
	rand.Read(kval)
	rand.Read(kenc)
	block, err := aes.NewCipher(kenc)
	if err != nil {
		b.Fatal(err)
	}
	mac = hmac.New(h, kval)
	mac.Reset() // stores the state after the key, as the second use does
	return mac, block
}

func BenchmarkUnprotect(b *testing.B) {
	benchmark(b, func(b *testing.B, v machinekey.Validation, _ func() hash.Hash, size int) {
		p := benchProtector(b, v)
		protected, err := p.Protect(nil, make([]byte, size))
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, len(protected))
		for b.Loop() {
			if _, err := p.Unprotect(dst, protected); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUnprotectFloor(b *testing.B) {
	benchmark(b, func(b *testing.B, _ machinekey.Validation, h func() hash.Hash, size int) {
		mac, block := benchFloor(b, h)
		size += aes.BlockSize // the padding block
		signed := make([]byte, aes.BlockSize+size)
		plain := make([]byte, size)
		tag := make([]byte, 0, mac.Size())
		want := make([]byte, mac.Size())
		mode := cipher.NewCBCDecrypter(block, signed[:aes.BlockSize]).(blockMode)
		for b.Loop() {
			mac.Reset()
			mac.Write(signed)
			if hmac.Equal(mac.Sum(tag), want) {
				b.Fatal("an HMAC of zero")
			}
			mode.SetIV(signed[:aes.BlockSize])
			mode.CryptBlocks(plain, signed[aes.BlockSize:])
		}
	})
}

func BenchmarkProtect(b *testing.B) {
	benchmark(b, func(b *testing.B, v machinekey.Validation, _ func() hash.Hash, size int) {
		p := benchProtector(b, v)
		plaintext := make([]byte, size)
		dst := make([]byte, 0, size+96)
		for b.Loop() {
			if _, err := p.Protect(dst, plaintext); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkProtectFloor(b *testing.B) {
	benchmark(b, func(b *testing.B, _ machinekey.Validation, h func() hash.Hash, size int) {
		mac, block := benchFloor(b, h)
		size += aes.BlockSize
		plain := make([]byte, size)
		out := make([]byte, aes.BlockSize+size, aes.BlockSize+size+mac.Size())
		iv := out[:aes.BlockSize]
		mode := cipher.NewCBCEncrypter(block, iv).(blockMode)
		for b.Loop() {
			rand.Read(iv)
			mode.SetIV(iv)
			mode.CryptBlocks(out[aes.BlockSize:], plain)
			mac.Reset()
			mac.Write(out)
			mac.Sum(out)
		}
	})
}

// BenchmarkProtector measures the derivation of the keys of a purpose.
func BenchmarkProtector(b *testing.B) {
	ring := ringOf(b, generated(b))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ring.Protector(machinekey.UserPurpose, "bench", fmt.Sprint(i)); err != nil {
			b.Fatal(err)
		}
	}
}
