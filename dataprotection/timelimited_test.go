package dataprotection_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

func TestTimeLimited(t *testing.T) {
	clock := now
	ring := open(t, &dataprotection.RingOptions{Interval: -1,
		Now: func() time.Time { return clock }}, plainKey(1))
	p, err := ring.TimeLimited("invite")
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(time.Hour + 123456789)
	protected, err := p.Protect(nil, []byte("bob"), end)
	if err != nil {
		t.Fatal(err)
	}
	clock = end.Truncate(100) // the last moment
	got, expires, err := p.Unprotect(t.Context(), []byte("dst"), protected)
	if err != nil || string(got) != "dstbob" || !expires.Equal(clock) {
		t.Errorf("Unprotect = %q, %v, %v", got, expires, err)
	}
	clock = clock.Add(100)
	dst := make([]byte, 3, 100)
	got, _, err = p.Unprotect(t.Context(), dst, protected)
	if !errors.Is(err, dataprotection.ErrExpired) || len(got) != 3 ||
		strings.Contains(string(dst[:cap(dst)]), "bob") ||
		!strings.Contains(err.Error(), "2026-06-01T13:00:00.1234567Z") {
		t.Errorf("Unprotect = %q, %v", got, err)
	}

	// Authentic data without a date.
	inner := protector(t, ring, "invite",
		"Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1")
	for _, plaintext := range []string{"", "7 bytes", "\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x2b\xca\x28\x75\xf4\x37\x40\x00"} {
		protected, err := inner.Protect(nil, []byte(plaintext))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := p.Unprotect(t.Context(), nil,
			protected); err != dataprotection.ErrUnprotect || len(got) > 0 {
			t.Errorf("%q: %q, %v", plaintext, got, err)
		}
	}
	for _, year := range []int{0, 10000} {
		if _, err := p.Protect(nil, nil, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
			t.Errorf("protected until the year %d", year)
		}
	}
}

// TestOverlap protects and opens within one buffer.
func TestOverlap(t *testing.T) {
	for _, algorithm := range []string{"AES_256_CBC", "AES_256_GCM"} {
		p := protector(t, open(t, nil, keyXML(1, algorithm, master)), "a")
		for _, size := range []int{0, 1, 15, 16, 17, 100} {
			for shift := range 70 {
				want := strings.Repeat("x", size)
				buffer := make([]byte, 500)
				plaintext := buffer[shift : shift+copy(buffer[shift:], want)]
				protected, err := p.Protect(buffer[:0], plaintext)
				if err != nil {
					t.Fatal(err)
				}
				moved := append(buffer[:shift], protected...)[shift:]
				if got, _, err := p.Unprotect(t.Context(), buffer[:0], moved); err != nil ||
					string(got) != want {
					t.Fatalf("%s, %d bytes at %d: %q, %v", algorithm, size, shift, got, err)
				}
			}
		}
	}
}

// failing is a source of randomness that fails.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestRandFails(t *testing.T) {
	p := protector(t, open(t, &dataprotection.RingOptions{Rand: failing{}}, plainKey(1)), "a")
	got, err := p.Protect([]byte("dst"), []byte("data"))
	if err == nil || !strings.Contains(err.Error(), "no entropy") || string(got) != "dst" {
		t.Errorf("Protect = %q, %v", got, err)
	}
}
