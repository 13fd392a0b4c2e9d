package netfx

import (
	"crypto/des"
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Layers says which layers are around the data, from the inside.
type Layers struct {
	Inner     bool   // H(data) behind the data
	Encrypted bool   // CBC over all that
	Signed    bool   // H(C) behind the ciphertext C
	IV        IVType // what comes before the data in the ciphertext
}

// IVType says what stands before the data in a legacy ciphertext, in place of
// an initialization vector, which is always zero (System.Web's IVType).
type IVType uint8

// The types of prefix. Cookies and Encode have random ones.
const (
	IVRandom IVType = iota // random bytes
	IVHash                 // digests of the data without a key: equal data gives equal bytes, as in addresses of resources
	IVNone                 // nothing: the encrypted passwords of Membership, which are unsigned
)

// String returns the name in System.Web.
func (t IVType) String() string {
	switch t {
	case IVRandom:
		return "Random"
	case IVHash:
		return "Hash"
	case IVNone:
		return "None"
	}
	return fmt.Sprintf("IVType(%d)", uint8(t))
}

// NewDerived derives the keys of a purpose, by the rules of Framework45: the
// label is the primary purpose, the context has the specific ones, see [Context].
// The error is [ErrWeakKey], or one of settings that machine keys of Framework45
// do not have.
func NewDerived(s Settings, label, context string) (*Sealer, error) {
	switch s.Validation {
	case "MD5", "3DES", "AES":
		return nil, fmt.Errorf("no HMAC %q", s.Validation)
	}
	d, err := newSealer(s, Layers{Encrypted: true, Signed: true},
		secret.Own(DeriveKey(secret.View(s.ValidationKey), label, context)),
		DeriveKey(secret.View(s.DecryptionKey), label, context))
	if err != nil {
		return nil, err
	}
	d.prefixSize = d.blockSize
	return d, nil
}

// NewLegacy makes a key ready for the given layers, as the modes before
// Framework45 use it. The error is [ErrWeakKey], or one of settings or layers that
// .NET does not have.
func NewLegacy(s Settings, layers Layers) (*Sealer, error) {
	key := secret.View(s.DecryptionKey)
	if s.Decryption == "DES" {
		key = key[:min(len(key), des.BlockSize)]
	}
	l, err := newSealer(s, layers, s.ValidationKey, key)
	if err != nil {
		return nil, err
	}
	if !layers.Encrypted {
		return l, nil
	}
	switch {
	case layers.IV > IVNone:
		return nil, fmt.Errorf("no %v", layers.IV)
	case layers.Signed && layers.IV == IVNone:
		return nil, errors.New("signed data always has a prefix")
	case !layers.Signed && layers.IV != IVNone && s.Mode == "":
		return nil, ErrNoMode
	case layers.Signed || layers.IV != IVNone && s.Mode != "Framework20SP1":
		l.prefixSize, l.hidden = len(key), len(key)
	}
	return l, nil
}

// ErrNoMode is the error of unsigned data, whose form depends on the
// compatibility mode, for settings without one.
var ErrNoMode = errors.New("no compatibility mode")
