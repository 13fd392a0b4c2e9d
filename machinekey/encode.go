package machinekey

import (
	"encoding/hex"
	"errors"
	"sync/atomic"
)

// encodeKeys are the keys of Encode and Decode by Protection, each made at its
// first use.
type encodeKeys [InsecureProtectionNone]atomic.Pointer[legacyKey]

var errEncodeProtection = errors.New("machinekey: MachineKey.Encode and Decode know the protections All, Encryption and Validation")

// encodeKey returns k ready for a protection of Encode.
func (k *Key) encodeKey(prot Protection) (*legacyKey, error) {
	switch {
	case k == nil || k.id == "":
		return nil, errNoKey
	case prot >= InsecureProtectionNone:
		return nil, errEncodeProtection
	}
	if l := k.encode[prot].Load(); l != nil {
		return l, nil
	}
	l, err := newLegacyKey(k, prot.layers(false))
	if err != nil {
		return nil, err
	}
	k.encode[prot].CompareAndSwap(nil, l) // of two at the same time either will do
	return l, nil
}

// Encode protects data as MachineKey.Encode does, the predecessor of
// MachineKey.Protect that .NET 4.5 marks obsolete:
//
//	All          hex of C || H(C), C being the encrypted prefix || data || H(data)
//	Encryption   hex of C || H(C), C being the encrypted prefix || data
//	Validation   hex of data || H(data)
//
// in upper case; for C and H see [LegacyProtector]. It does so in every mode,
// Framework45 too. There is no purpose in it: whatever .NET feature the same
// keys protect in a legacy mode can be passed off as such data, and the other
// way round.
//
// The error is a [*ConfigError] if the key does not fit the rules of the legacy
// formats, which [New] names. The switch aspnet:UseLegacyMachineKeyEncryption,
// under which nothing is signed, is not written; for the bytes themselves on
// the path of a request see [Ring.EncodeProtector].
func (k *Key) Encode(data []byte, prot Protection) (string, error) {
	l, err := k.encodeKey(prot)
	if err != nil {
		return "", err
	}
	protected, err := l.seal(nil, data, nil)
	if err != nil {
		return "", err
	}
	return upperHex(protected), nil
}

// Decode returns the data in text, as MachineKey.Decode does. It takes hex of
// either case. The protection must be the one that encoded: it is not
// recorded in the text.
//
// [ErrUnprotect] is the only error that text can cause, also where .NET
// returns null or tells the faults apart.
func (k *Key) Decode(text string, prot Protection) ([]byte, error) {
	l, err := k.encodeKey(prot)
	if err != nil {
		return nil, err
	}
	return l.decode(text)
}

// InsecureDecodeUnsigned is [Key.Decode] for the switch
// aspnet:UseLegacyMachineKeyEncryption: with All and Encryption the ciphertext
// is not signed. The data has to be decrypted before anything is verified, so
// whoever can tell failures apart, if only by their time, may be able to
// decrypt and forge (CVE-2010-3332); with Encryption nothing is ever verified.
// Use it to read old data at rest, not on requests. There is no function to
// write such data.
//
// The form depends on the mode, so a key of ModeUnknown gets a [*ConfigError].
func (k *Key) InsecureDecodeUnsigned(text string, prot Protection) ([]byte, error) {
	switch {
	case k == nil || k.id == "":
		return nil, errNoKey
	case prot >= InsecureProtectionNone:
		return nil, errEncodeProtection
	}
	l, err := newLegacyKey(k, prot.layers(true))
	if err != nil {
		return nil, err
	}
	return l.decode(text)
}

// decode opens hex. The empty text is none.
func (l *legacyKey) decode(text string) ([]byte, error) {
	if err := l.key.fipsAllowed(); err != nil {
		return nil, err
	}
	protected, err := hex.DecodeString(text)
	if err != nil || len(protected) == 0 {
		return nil, ErrUnprotect // without the digit at fault
	}
	data, ok := l.open(nil, protected, nil)
	if !ok {
		return nil, ErrUnprotect
	}
	return data, nil
}

func upperHex(data []byte) string {
	const digits = "0123456789ABCDEF"
	text := make([]byte, 0, 2*len(data))
	for _, b := range data {
		text = append(text, digits[b>>4], digits[b&15])
	}
	return string(text)
}

// EncodeProtector protects and unprotects data as MachineKey.Encode and Decode
// do with MachineKeyProtection.All, as bytes and with all keys of a [Ring]:
//
//	C || H(C)        see LegacyProtector
//
// It serves every compatibility mode. WIF 1.0 session cookies are such data.
// [Ring.EncodeProtector] makes it. It is safe for concurrent use, keeps
// following its ring, and prints without key bytes.
type EncodeProtector struct{ binding }

// EncodeProtector returns the ring's protector of MachineKey.Encode. It is a
// [*ConfigError] if a key of the ring does not fit the rules of the legacy
// formats, which [New] names.
func (r *Ring) EncodeProtector() (*EncodeProtector, error) {
	p := new(EncodeProtector)
	b, err := r.bind(use{pipeline: encodePipeline}, &p.binding, p)
	if err != nil {
		return nil, err
	}
	return b.protector.(*EncodeProtector), nil
}

// Protect appends the protected form of plaintext to dst, under the terms of
// [Protector.Protect]. Room for plaintext and 176 bytes is enough.
func (p *EncodeProtector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.binding.protect(dst, plaintext)
}

// Unprotect appends the plaintext of protected to dst, under the terms of
// [Protector.Unprotect].
func (p *EncodeProtector) Unprotect(dst, protected []byte) ([]byte, error) {
	dst, _, err := p.binding.unprotect(dst, protected)
	return dst, err
}

// UnprotectKey is [EncodeProtector.Unprotect] and also returns the key that
// opened the data, nil with an error.
func (p *EncodeProtector) UnprotectKey(dst, protected []byte) ([]byte, *Key, error) {
	return p.binding.unprotect(dst, protected)
}
