package machinekey

import (
	"cmp"

	"github.com/webfarm-go/webfarm/internal/netfx"
)

// Protection says which of the two operations the legacy formats apply: the
// attribute protection of <forms>, cookieProtection of <roleManager> and
// <anonymousIdentification>, and the enumeration MachineKeyProtection.
//
//	E   encryption, which is signed as well: see Ring.CookieProtector
//	H   the keyed digest of the attribute validation
//
// It is not recorded in the data, and all use the same keys: what one value of
// the attribute wrote may open under another, with the digest or the
// ciphertext as data.
type Protection string

// The values of the attribute. An empty one is All.
const (
	ProtectionAll          Protection = "All"        // E(data || H(data)): encrypted, and signed twice
	ProtectionEncryption   Protection = "Encryption" // E(data)
	ProtectionValidation   Protection = "Validation" // data || H(data): everybody can read it
	InsecureProtectionNone Protection = "None"       // data: everybody can read and write it
)

// LegacyOptions are the settings that change the protected bytes of a legacy
// mode. The zero value is .NET's default, and the strongest.
type LegacyOptions struct {
	// Protection is the attribute protection of <forms>, or cookieProtection.
	Protection Protection
	// InsecureUnsigned is the switch aspnet:UseLegacyEncryption, and how
	// nodes without the security update of 2010 behave: encryption alone,
	// without a signature over the ciphertext. Data has to be decrypted
	// before anything is verified, so an attacker who can tell failures
	// apart, if only by their timing, may be able to decrypt and forge
	// (CVE-2010-3332). With ProtectionEncryption nothing is ever verified.
	InsecureUnsigned bool
}

func (o LegacyOptions) words() string {
	s := "protection=" + string(o.Protection)
	if o.InsecureUnsigned {
		s += " unsigned"
	}
	return s
}

func (o LegacyOptions) layers() netfx.Layers {
	encrypted := o.Protection == ProtectionAll || o.Protection == ProtectionEncryption
	return netfx.Layers{Inner: o.Protection == ProtectionAll || o.Protection == ProtectionValidation,
		Encrypted: encrypted, Signed: encrypted && !o.InsecureUnsigned}
}

// check fills in the default and refuses a protection that is none of the four.
func (o *LegacyOptions) check() error {
	o.Protection = cmp.Or(o.Protection, ProtectionAll)
	switch o.Protection {
	case ProtectionAll, ProtectionEncryption, ProtectionValidation, InsecureProtectionNone:
		return nil
	}
	return &ConfigError{Code: "invalid_enum", Attribute: "protection",
		Found: string(o.Protection), Want: "All, Encryption, Validation or None"}
}
