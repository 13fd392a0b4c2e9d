package machinekey_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/machinekey"
)

// legacyProtectors returns a LegacyProtector for protection All with SHA1 and
// AES-256, and the floor with the same keys.
func legacyProtectors(b *testing.B) (protector, *floor.Legacy) {
	b.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Mode = machinekey.Framework20SP1
	p, err := wrap(ringOf(b, keyOf(b, cfg)).CookieProtector(machinekey.LegacyOptions{},
		machinekey.FormsPurpose))
	if err != nil {
		b.Fatal(err)
	}
	f, err := floor.NewLegacy(cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal())
	if err != nil {
		b.Fatal(err)
	}
	text := []byte("the floor opens what the package protects")
	protected, err := p.Protect(nil, text)
	if err != nil || !bytes.Equal(f.Unprotect(protected), text) {
		b.Fatal(err)
	}
	if opened, err := p.Unprotect(nil, f.Protect(text)); err != nil || !bytes.Equal(opened, text) {
		b.Fatal(err)
	}
	return p, f
}

func benchLegacy(b *testing.B, run func(b *testing.B, p protector, f *floor.Legacy, size int)) {
	for _, size := range []int{256, 1024} {
		b.Run(fmt.Sprintf("SHA1/%d", size), func(b *testing.B) {
			p, f := legacyProtectors(b)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			run(b, p, f, size)
		})
	}
}

func BenchmarkLegacyUnprotect(b *testing.B) {
	benchLegacy(b, func(b *testing.B, p protector, _ *floor.Legacy, size int) {
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

func BenchmarkLegacyUnprotectFloor(b *testing.B) {
	benchLegacy(b, func(b *testing.B, p protector, f *floor.Legacy, size int) {
		protected, err := p.Protect(nil, make([]byte, size))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			f.Unprotect(protected)
		}
	})
}

func BenchmarkLegacyProtect(b *testing.B) {
	benchLegacy(b, func(b *testing.B, p protector, _ *floor.Legacy, size int) {
		plaintext, dst := make([]byte, size), make([]byte, 0, size+176)
		for b.Loop() {
			if _, err := p.Protect(dst, plaintext); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLegacyProtectFloor(b *testing.B) {
	benchLegacy(b, func(b *testing.B, _ protector, f *floor.Legacy, size int) {
		plaintext := make([]byte, size)
		for b.Loop() {
			f.Protect(plaintext)
		}
	})
}
