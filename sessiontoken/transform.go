package sessiontoken

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// The steps between a token and its envelope, which WIF calls transforms
// (System.IdentityModel.CookieTransform), are protectors. One of a farm's own must refuse empty
// data, and not keep or change what it is given. The error of the outermost one does not reach
// the caller of a codec, unless it says that keys are not available; that of an inner one does.

// layerOf names a step for errors, and reports whether it is one of this package.
// Others are named by their method String, if they have one.
func layerOf(p Protector) (name string, ready bool) {
	switch p.(type) {
	case deflateTransform:
		return layerDeflate, true
	case machineKeyTransform:
		return layerMachineKey, true
	case machineKeyTextTransform:
		return layerMachineKeyText, true
	case rsaEncryption:
		return layerRSAEncryption, true
	case rsaSignature:
		return layerRSASignature, true
	}
	if named, ok := p.(fmt.Stringer); ok {
		return named.String(), false
	}
	return layerTransform, false
}

// chain is a list of transforms as WIF has it: Encode runs from the first to
// the last, Decode from the last to the first.
type chain []step

// step is a transform of a chain.
type step struct {
	Protector
	name  string
	ready bool // one of this package, which never returns its argument
}

// defaultTransforms are those of MachineKeySessionSecurityTokenHandler, and
// of the handlers that sites with WIF 1.0 wrote for a farm.
func defaultTransforms(keys Keys, f wif.Version) ([]Protector, error) {
	t, err := MachineKeyTransform(keys)
	if f == wif.V10 {
		t, err = MachineKeyEncodeTransform(keys)
	}
	if err != nil {
		return nil, err
	}
	return []Protector{DeflateTransform(), t}, nil
}

// newChain refuses a list whose outermost transform does not authenticate:
// nothing that is not authentic may be decompressed, decrypted or parsed.
func newChain(list []Protector) (chain, error) {
	if len(list) == 0 {
		return nil,
			errors.New("sessiontoken: SessionOptions.Transforms is empty; leave it nil for the default")
	}
	c := make(chain, len(list))
	for i, t := range list {
		if t == nil {
			return nil, fmt.Errorf("sessiontoken: SessionOptions.Transforms[%d] is nil", i)
		}
		name, ready := layerOf(t)
		c[i] = step{t, name, ready}
	}
	if last := c[len(c)-1]; last.name == layerDeflate || last.name == layerRSAEncryption {
		return nil, fmt.Errorf("sessiontoken: the last of SessionOptions.Transforms, %q, does not "+
			"authenticate; anybody could make cookies for it", last.name)
	}
	return c, nil
}

// encode runs data, which may lie in turn[1], through all steps. They write into
// the two buffers in turn.
func (c chain) encode(turn *[2][]byte, data []byte) ([]byte, error) {
	for i := range c {
		buf := &turn[i&1]
		var err error
		if c[i].ready {
			data, err = c[i].Protect((*buf)[:0], data)
		} else {
			data, err = c[i].Protect(nil, data) // it might return its argument
			data = append((*buf)[:0], data...)
		}
		if err != nil {
			return nil, cannotIssue("%s: %w", c[i].name, err)
		}
		*buf = data[:0]
	}
	return data, nil
}

// decode runs protected bytes back through all steps. The result has room
// behind it for the reader. The key is the machine key of a step, if any.
func (c chain) decode(ctx context.Context, turn *[2][]byte, data []byte, r *anatomy.Report) ([]byte, string, error) {
	var key string
	for i := len(c) - 1; i >= 0; i-- {
		buf := &turn[i&1]
		size := len(data)
		var k string
		var err error
		if c[i].ready {
			data, k, err = c[i].Unprotect(ctx, (*buf)[:0], data)
		} else {
			data, k, err = c[i].Unprotect(ctx, nil, data)
			data = append((*buf)[:0], data...)
		}
		if err != nil {
			switch {
			case errors.Is(err, seal.ErrUnavailable):
			case i == len(c)-1:
				err = ErrInvalid // not authentic: nothing may be learned
			case !errors.As(err, new(*FormatError)):
				err = &FormatError{Layer: c[i].name, Offset: -1, Err: err}
			}
			return nil, "", r.Refuse(c[i].name, size, err)
		}
		noteKey(r, c[i].name, size, k)
		if k != "" {
			key = k
		}
		if i == 0 {
			data = slices.Grow(data, wif.Room)
		}
		*buf = data[:0]
	}
	if len(data) > limits.Token {
		err := &FormatError{Layer: "payload", Offset: limits.Token, Err: flate.ErrTooLarge}
		return nil, "", r.Refuse(c[0].name, len(data), err)
	}
	return data, key, nil
}

// errEmpty is the error of a transform without data (.NET: ID6044, ID6045).
var errEmpty = errors.New("sessiontoken: nothing to transform")

// deflateTransform is raw RFC 1951.
type deflateTransform struct{}

// DeflateTransform compresses with raw DEFLATE and inflates at most 1 MiB
// (DeflateCookieTransform).
func DeflateTransform() Protector { return deflateTransform{} }

func (deflateTransform) Protect(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, errEmpty
	}
	return flate.Deflate(dst, data), nil
}

func (deflateTransform) Unprotect(_ context.Context, dst, data []byte) ([]byte, string, error) {
	out, err := flate.Inflate(dst, data, limits.Token)
	if err != nil {
		return dst, "", flateError(layerDeflate, err)
	}
	return out, "", nil
}

// machineKeyTransform is MachineKey.Protect.
type machineKeyTransform struct{ Protector }

// MachineKeyTransform protects as MachineKey.Protect does. Without purposes it is for the one
// that .NET 4.5 has for session tokens (System.IdentityModel.Services.MachineKeyTransform).
// Tokens with purposes of their own are another credential: neither is read as the other. It
// follows the keys.
func MachineKeyTransform(keys Keys, purposes ...string) (Protector, error) {
	if len(purposes) == 0 {
		purposes = []string{"System.IdentityModel.Services.MachineKeyTransform"}
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
	return t.Protector.Protect(dst, data)
}

// machineKeyTextTransform is MachineKey.Encode.
type machineKeyTextTransform struct{ protector Protector }

// MachineKeyEncodeTransform protects as MachineKey.Encode with MachineKeyProtection.All does:
//
//	hex(C || H(C)) in upper case, as UTF-8 bytes; see machinekey.Ring.EncodeProtector
//
// WIF 1.0 has no handler for a farm with machine keys; this is what the handlers do that sites
// wrote or took from Thinktecture. Unprotect takes hex of either case. It follows the keys.
func MachineKeyEncodeTransform(keys Keys) (Protector, error) {
	ring, ok := keys.(machineKeys)
	if !ok {
		return nil, errors.New("sessiontoken: MachineKey.Encode needs machine keys")
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
	// The protected bytes go into the second half of the room, the plaintext into the first.
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
