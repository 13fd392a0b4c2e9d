package machinekey_test

import (
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// generated returns a fresh key, SHA1 and AES as the farms this library meets.
func generated(tb testing.TB) *machinekey.Key {
	tb.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		tb.Fatal(err)
	}
	return keyOf(tb, cfg)
}

func keyOf(tb testing.TB, cfg machinekey.Config) *machinekey.Key {
	tb.Helper()
	key, err := machinekey.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func ringOf(tb testing.TB, primary *machinekey.Key, older ...*machinekey.Key) *machinekey.Ring {
	tb.Helper()
	ring, err := machinekey.NewRing(primary, older...)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func purposeOf(tb testing.TB, purposes ...string) machinekey.Purpose {
	tb.Helper()
	purpose, err := machinekey.UserPurpose(purposes...)
	if err != nil {
		tb.Fatal(err)
	}
	return purpose
}

// protectorOf returns the protector of cfg alone for a user purpose.
func protectorOf(tb testing.TB, cfg machinekey.Config, purposes ...string) *machinekey.Protector {
	tb.Helper()
	p, err := ringOf(tb, keyOf(tb, cfg)).Protector(purposeOf(tb, purposes...))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func protect(tb testing.TB, p *machinekey.Protector, plaintext []byte) []byte {
	tb.Helper()
	protected, err := p.Protect(nil, plaintext)
	if err != nil {
		tb.Fatal(err)
	}
	return protected
}
