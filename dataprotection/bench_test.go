package dataprotection_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"testing"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/race"
)

// The floor does the cryptography that the format demands and nothing else.
// What Protect and Unprotect cost above it is this package's own.

var benchPurposes = []string{"SharedCookieApp",
	"Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2"}

// benchPlaintext is as long as the ticket in a cookie of 432 characters.
var benchPlaintext = make([]byte, 224)

func benchmark(b *testing.B, run func(b *testing.B, p dataprotection.Protector, f *floor.Core)) {
	for _, gcm := range []bool{false, true} {
		name, algorithm := "CBC", "AES_256_CBC"
		if gcm {
			name, algorithm = "GCM", "AES_256_GCM"
		}
		b.Run(name, func(b *testing.B) {
			master := bytes.Repeat([]byte{5}, 64)
			ring := open(b, nil, keyXML(1, algorithm, base64.StdEncoding.EncodeToString(master)))
			p, err := ring.Protector(benchPurposes...)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			run(b, p, floor.NewCore(master, gcm, benchPurposes...))
		})
	}
}

func BenchmarkUnprotect(b *testing.B) {
	benchmark(b, func(b *testing.B, p dataprotection.Protector, _ *floor.Core) {
		protected, err := p.Protect(nil, benchPlaintext)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, len(protected))
		for b.Loop() {
			if _, _, err := p.Unprotect(context.Background(), dst, protected); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUnprotectFloor(b *testing.B) {
	benchmark(b, func(b *testing.B, p dataprotection.Protector, f *floor.Core) {
		protected, err := p.Protect(nil, benchPlaintext)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			f.Unprotect(protected)
		}
	})
}

func BenchmarkProtect(b *testing.B) {
	benchmark(b, func(b *testing.B, p dataprotection.Protector, _ *floor.Core) {
		dst := make([]byte, 0, 1024)
		for b.Loop() {
			if _, err := p.Protect(dst, benchPlaintext); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkProtectFloor(b *testing.B) {
	benchmark(b, func(b *testing.B, _ dataprotection.Protector, f *floor.Core) {
		for b.Loop() {
			f.Protect(benchPlaintext)
		}
	})
}

// BenchmarkRefuse is the cost of data that is not authentic, for which nothing
// is decrypted, and of data with a made-up key.
func BenchmarkRefuse(b *testing.B) {
	benchmark(b, func(b *testing.B, p dataprotection.Protector, _ *floor.Core) {
		protected, err := p.Protect(nil, benchPlaintext)
		if err != nil {
			b.Fatal(err)
		}
		for at, name := range map[int]string{4: "key", len(protected) - 1: "tag"} {
			forged := bytes.Clone(protected)
			forged[at] ^= 1
			dst := make([]byte, 0, len(protected))
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := p.Unprotect(b.Context(), dst,
						forged); err != dataprotection.ErrUnprotect {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// TestAllocations allows the cipher of a payload: the expanded key and the
// block mode, which the standard library makes anew.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops entries at random")
	}
	for _, algorithm := range []string{"AES_256_CBC", "AES_256_GCM"} {
		ring := open(t, nil, keyXML(1, algorithm, master))
		p, err := ring.Protector("a")
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, 100, 5000} {
			plaintext := make([]byte, size)
			protected, err := p.Protect(nil, plaintext)
			if err != nil {
				t.Fatal(err)
			}
			dst, id := make([]byte, 0, len(protected)+140), keyID(1)
			for _, tt := range []struct {
				name string
				most float64
				call func()
			}{
				{"Protect", 2, func() { p.Protect(dst, plaintext) }},
				{"Unprotect", 2, func() { p.Unprotect(context.Background(), dst, protected) }},
				{"KeyStatus", 0, func() { ring.KeyStatus(id) }},
			} {
				if n := testing.AllocsPerRun(100, tt.call); n > tt.most {
					t.Errorf("%s %s of %d bytes: %v allocations", algorithm, tt.name, size, n)
				}
			}
		}
	}
}
