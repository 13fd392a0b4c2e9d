package sessiontoken

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/webfarm-go/webfarm/machinekey"
)

var errNoMachineKeys = errors.New("sessiontoken: MachineKey.Encode needs machine keys")

// machineKeyTransform is MachineKey.Protect.
type machineKeyTransform struct{ protector Protector }

// MachineKeyTransform protects as MachineKey.Protect does. Without purposes it
// is for the one that .NET 4.5 has for session tokens
// (System.IdentityModel.Services.MachineKeyTransform). Tokens with purposes of
// their own are another credential: neither is read as the other. It follows
// the keys.
func MachineKeyTransform(keys Keys, purposes ...string) (Protector, error) {
	if len(purposes) == 0 {
		purposes = []string{purposeTransform}
	}
	p, err := protector(keys, purposes...)
	if err != nil {
		return nil, err
	}
	return machineKeyTransform{p}, nil
}

func (t machineKeyTransform) Protect(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, errEmpty
	}
	return t.protector.Protect(dst, data)
}

func (t machineKeyTransform) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	return t.protector.Unprotect(ctx, dst, data)
}

// machineKeyTextTransform is MachineKey.Encode.
type machineKeyTextTransform struct{ protector Protector }

// MachineKeyEncodeTransform protects as MachineKey.Encode with
// MachineKeyProtection.All does:
//
//	hex(C || H(C)) in upper case, as UTF-8 bytes; see machinekey.Ring.EncodeProtector
//
// WIF 1.0 has no handler for a farm with machine keys; this is what the
// handlers do that sites wrote or took from Thinktecture. Unprotect takes hex of
// either case. It follows the keys.
func MachineKeyEncodeTransform(keys Keys) (Protector, error) {
	ring, ok := keys.(machineKeys)
	if !ok {
		return nil, errNoMachineKeys
	}
	p, err := ring.EncodeProtector(machinekey.LegacyOptions{})
	if err != nil {
		return nil, err
	}
	return machineKeyTextTransform{p}, nil
}

func (t machineKeyTextTransform) Protect(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, errEmpty
	}
	out, err := t.protector.Protect(dst, data)
	if err != nil {
		return dst, err
	}
	return spellHex(out, len(dst)), nil
}

func (t machineKeyTextTransform) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	// The protected bytes go into the second half of the room, the plaintext
	// into the first.
	n := hex.DecodedLen(len(data))
	dst = slices.Grow(dst, 2*n)
	protected := dst[len(dst)+n : len(dst)+2*n]
	if _, err := hex.Decode(protected, data); err != nil {
		return dst, "", machinekey.ErrUnprotect
	}
	return t.protector.Unprotect(ctx, dst, protected)
}

// spellHex replaces the bytes of b from start on by their hex digits.
func spellHex(b []byte, start int) []byte {
	const digits = "0123456789ABCDEF"
	n := len(b) - start
	b = slices.Grow(b, n)[:start+2*n]
	for i := n - 1; i >= 0; i-- { // from the end, so that nothing is overwritten before it is read
		c := b[start+i]
		b[start+2*i], b[start+2*i+1] = digits[c>>4], digits[c&15]
	}
	return b
}
