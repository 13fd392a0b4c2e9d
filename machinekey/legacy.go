package machinekey

import "fmt"

// Protection says which of the two operations the legacy formats apply: the
// attribute protection of <forms>, cookieProtection of <roleManager> and
// <anonymousIdentification>, and the enumeration MachineKeyProtection.
//
//	E   encryption, which is signed as well: see LegacyProtector
//	H   the keyed digest of the attribute validation
//
// It is not recorded in the data, and all use the same keys: what one value of
// the attribute wrote may open under another, with the digest or the
// ciphertext as data.
type Protection uint8

// The values of the attribute. The zero value is its default.
const (
	ProtectionAll          Protection = iota // E(data || H(data)): encrypted, and signed twice
	ProtectionEncryption                     // E(data)
	ProtectionValidation                     // data || H(data): everybody can read it
	InsecureProtectionNone                   // data: everybody can read and write it
)

// String returns the spelling of web.config.
func (p Protection) String() string {
	switch p {
	case ProtectionAll:
		return "All"
	case ProtectionEncryption:
		return "Encryption"
	case ProtectionValidation:
		return "Validation"
	case InsecureProtectionNone:
		return "None"
	}
	return fmt.Sprintf("Protection(%d)", uint8(p))
}

// UnmarshalText sets p to the value that web.config spells so. Another text is a
// [*ConfigError], invalid_enum.
func (p *Protection) UnmarshalText(text []byte) error {
	return unmarshal(p, ProtectionAll, InsecureProtectionNone, "protection", text)
}

// LegacyOptions are the settings that change the protected bytes of a legacy
// mode. The zero value is .NET's default, and the strongest.
type LegacyOptions struct {
	// Protection is the attribute protection of <forms>, or cookieProtection.
	Protection Protection
	// InsecureUnsigned is the switch aspnet:UseLegacyEncryption, and how
	// nodes without the security update of 2010 behave: encryption alone,
	// without a signature over the ciphertext. Data has to be decrypted
	// before anything is verified, so whoever can tell failures apart, if
	// only by their time, may be able to decrypt and forge (CVE-2010-3332);
	// with ProtectionEncryption nothing is ever verified.
	InsecureUnsigned bool
}

// String describes o in words for logs.
func (o LegacyOptions) String() string {
	s := "protection=" + o.Protection.String()
	if o.InsecureUnsigned {
		s += " unsigned"
	}
	return s
}

// check refuses a protection that is none of the four.
func (o LegacyOptions) check() error {
	if o.Protection > InsecureProtectionNone {
		return &ConfigError{Code: "invalid_enum", Attribute: "protection",
			Found: o.Protection.String(), Want: "All, Encryption, Validation or None"}
	}
	return nil
}

// readOnly reports whether o is too weak to issue anything with.
func (o LegacyOptions) readOnly() bool {
	switch o.Protection {
	case ProtectionAll, ProtectionEncryption:
		return o.InsecureUnsigned
	case ProtectionValidation:
		return false
	}
	return true
}

// LegacyProtector protects and unprotects the forms, role and anonymous
// cookies of the compatibility modes Framework20SP1 and Framework20SP2, with
// the keys of one [Ring]. [Ring.LegacyProtector] makes it. It is safe for
// concurrent use, keeps following its ring, and prints without key bytes.
//
// Protected data is, for ProtectionAll,
//
//	C || H(C)        C = CBC(decryptionKey, IV = 0, prefix || data || H(data) || PKCS#7 padding)
//
//	prefix   random bytes, as many as the cipher's key has: 16, 24 or 32 for AES,
//	         16 or 24 for 3DES, 8 for DES
//	H        SHA1, 3DES, AES    HMAC-SHA1(validationKey, …)      20 bytes
//	         HMACSHA256/384/512 that HMAC                        32, 48, 64 bytes
//	         MD5                MD5(… || validationKey)          16 bytes
//
// and see [Protection] for the other values. The machine keys are used as they
// are, without derivation, so there is no purpose: what one feature of a site
// protects, be it a forms ticket or a page's view state, every other accepts.
// Whoever reads such data has to tell by its content what it is.
// The .NET class is System.Web.Configuration.MachineKeySection.
type LegacyProtector struct{ binding }

// LegacyProtector returns the protector of the legacy modes for these options:
// as long as it is in use, the same options give the same LegacyProtector.
//
// It returns a [*ConfigError] if a key of the ring has another mode
// (Framework45, where these cookies have a [Purpose], or ModeUnknown) or cannot
// serve by the rules of those modes, which [New] names.
func (r *Ring) LegacyProtector(o LegacyOptions) (*LegacyProtector, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := new(LegacyProtector)
	b, err := r.bind(use{pipeline: legacyPipeline, options: o}, &p.binding, p)
	if err != nil {
		return nil, err
	}
	return b.protector.(*LegacyProtector), nil
}

// Protect appends the protected form of plaintext to dst, with the primary
// key, and returns the extended slice. Plaintext may be empty. With room in
// dst (plaintext and 176 bytes are enough) it does not allocate. Plaintext may
// overlap the unused capacity of dst, and is then overwritten.
//
// With InsecureProtectionNone, or with InsecureUnsigned where something is
// encrypted, it returns a [*ConfigError]: such data can be read and is never
// issued. Otherwise it fails as [Protector.Protect] does. Dst then comes back
// as it was.
func (p *LegacyProtector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.binding.protect(dst, plaintext)
}

// Unprotect appends the plaintext of protected to dst and returns the extended
// slice. It tries every key of the ring. The signature is verified over all
// other bytes, in constant time, before anything is decrypted, unless the
// options say that there is none; the digest inside is verified as well.
//
// Its error, dst and allocation are those of [Protector.Unprotect]. Under
// InsecureProtectionNone every key opens everything.
func (p *LegacyProtector) Unprotect(dst, protected []byte) ([]byte, error) {
	dst, _, err := p.binding.unprotect(dst, protected)
	return dst, err
}

// UnprotectKey is [LegacyProtector.Unprotect] and also returns the key that
// opened the data, nil with an error.
func (p *LegacyProtector) UnprotectKey(dst, protected []byte) ([]byte, *Key, error) {
	return p.binding.unprotect(dst, protected)
}

// Options returns the options that p is bound to.
func (p *LegacyProtector) Options() LegacyOptions { return p.use.options }
