package sessiontoken

import (
	"cmp"
	"context"
	"errors"

	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Keys are what codecs protect and unprotect with: a [*machinekey.Ring], or
// others that implement these methods, safe for concurrent use:
//
//	Protector(purposes ...string) (Protector, error)
//	KeyStatus(keyID string) (known, renew bool)
//
// The first purpose is .NET's primary one, such as [machinekey.UserPurpose]. KeyStatus says
// whether a key still opens, and whether what it protected should be protected anew.
type Keys = seal.Keys

// Protector protects and unprotects the bytes of one purpose:
//
//	Protect(dst, plaintext []byte) ([]byte, error)
//	Unprotect(ctx context.Context, dst, protected []byte) (plaintext []byte, keyID string, err error)
//
// Both append to dst. Unprotect verifies before it decrypts. Its error matches
// [machinekey.ErrUnprotect] for everything that the bytes are to blame for, of
// which a codec makes [ErrInvalid]. Any other error says nothing about the credential.
type Protector = seal.Protector

// machineKeys are Keys that have a compatibility mode, as those of a [machinekey.Ring].
type machineKeys interface {
	Keys
	CookieProtector(o machinekey.LegacyOptions, purposes ...string) (Protector, error)
	EncodeProtector(o machinekey.LegacyOptions) (Protector, error)
	Keys() []*machinekey.Key
}

var errNoKeys = errors.New("sessiontoken: a codec needs keys")

// protector returns the protector of MachineKey.Protect for these purposes.
func protector(keys Keys, purposes ...string) (Protector, error) {
	if keys == nil {
		return nil, errNoKeys
	}
	return keys.Protector(append([]string{machinekey.UserPurpose}, purposes...)...)
}

// protectorError is the error of a codec for that of a [Protector].
func protectorError(err error) error {
	if errors.Is(err, seal.ErrUnprotect) {
		return ErrInvalid // not authentic: nothing may be learned
	}
	return err
}

// modeProtector protects what System.Web itself puts into cookies, machine keys in the way
// of their compatibility mode.
type modeProtector struct {
	Protector
	ring   machineKeys // nil for keys of another kind
	legacy machinekey.LegacyOptions
}

func newModeProtector(keys Keys, purpose string, legacy machinekey.LegacyOptions) (p modeProtector, err error) {
	if keys == nil {
		return modeProtector{}, errNoKeys
	}
	p.legacy = legacy
	switch ring, ok := keys.(machineKeys); {
	case ok:
		p.ring = ring
		p.Protector, err = ring.CookieProtector(legacy, purpose)
	case legacy.InsecureUnsigned || cmp.Or(legacy.Protection,
		machinekey.ProtectionAll) != machinekey.ProtectionAll:
		err = errors.New("sessiontoken: Protection and InsecureUnsigned are for machine keys, which these are not")
	default:
		p.Protector, err = keys.Protector(purpose)
	}
	return p, err
}

// unprotect appends the plaintext and returns the id of the key that opened
// it. [ErrInvalid] is the only error that the bytes of protected can cause.
func (p *modeProtector) unprotect(ctx context.Context, dst, protected []byte) ([]byte, string, error) {
	out, key, err := p.Unprotect(ctx, dst, protected)
	return out, key, protectorError(err)
}

// mode returns the compatibility mode of a key, unknown if it has none.
func (p *modeProtector) mode(keyID string) machinekey.Mode {
	if p.ring != nil {
		for _, k := range p.ring.Keys() {
			if k.ID() == keyID {
				return k.Mode()
			}
		}
	}
	return ""
}

// authenticates reports whether data that a key opened is authentic: always, but for the
// options of the legacy modes that are Insecure.
func (p *modeProtector) authenticates(keyID string) bool {
	o := p.legacy
	unsigned := o.Protection == machinekey.InsecureProtectionNone ||
		o.Protection == machinekey.ProtectionEncryption && o.InsecureUnsigned
	return !unsigned || p.mode(keyID) == machinekey.Framework45
}
