package machinekey

import "github.com/webfarm-go/webfarm/internal/seal"

// Protector protects and unprotects data for one purpose with the keys of one
// [Ring], whose changes it follows. Its methods are
//
//	Protect(dst, plaintext []byte) ([]byte, error)
//	Unprotect(ctx context.Context, dst, protected []byte) (plaintext []byte, keyID string, err error)
//
// Both append to dst and return the extended slice. Protect uses the primary
// key. Plaintext may be empty. It fails only if Config.Rand does, if the result
// could not be addressed, if the options are good for reading only, or under
// GODEBUG=fips140=only if enforcement was lifted while the key was made.
//
// Unprotect tries every key of the ring and returns the id of the one that
// opened the data, see [Ring.KeyStatus]. The tag is verified over all other
// bytes, in constant time, before anything is decrypted, unless the options
// say that there is none. [ErrUnprotect] is the only error that the bytes of
// protected can cause.
//
// With an error dst comes back as it was, with no plaintext beyond its length.
// With room in dst neither allocates: len(protected) is enough for Unprotect,
// plaintext and 176 bytes for Protect. The argument may overlap the unused
// capacity of dst: it is then overwritten, by Unprotect on success only. A
// Protector is safe for concurrent use and prints without key bytes.
type Protector = seal.Protector

// Protector returns the protector of MachineKey.Protect(data, purposes...), if
// the first purpose is [UserPurpose], or of another primary purpose of .NET.
// Order and case matter. As in .NET an own purpose that is empty or only white
// space is an error, and so is text that is not valid Unicode: here, invalid
// UTF-8. As long as it is in use, the same purposes give the same Protector.
// Protected data is
//
//	IV || ciphertext || tag
//
//	IV          one cipher block of random bytes: 16 for AES, 8 for 3DES and DES
//	ciphertext  CBC(Kenc, IV, plaintext || PKCS#7 padding of 1 to 16 (8) bytes)
//	tag         HMAC(Kval, IV || ciphertext): 20, 32, 48 or 64 bytes
//
// Kenc and Kval are derived from the two machine keys and the purposes (NIST
// SP 800-108, HMAC-SHA512). There is no header, key identifier or time in it.
// The compatibility mode of the keys plays no part.
// The .NET class is System.Web.Security.Cryptography.NetFXCryptoService.
//
// It is a [*ConfigError] if a key of the ring cannot serve: validation MD5,
// 3DES or AES, a decryption key of a length that only the legacy modes take,
// or, by rare chance, a derived DES or 3DES key that is weak.
func (r *Ring) Protector(purposes ...string) (Protector, error) {
	p, err := parsePurpose(purposes)
	if err != nil {
		return nil, err
	}
	return r.bind(use{pipeline: derivedPipeline, purpose: p})
}

// CookieProtector returns the protector of the cookies that System.Web itself
// writes (forms, role and anonymous), each key of the ring in the way of its
// own compatibility mode:
//
//	Framework45                     as Protector does with the purposes
//	Framework20SP1, Framework20SP2  as the options say, without a purpose
//
// So a farm that changes its mode puts the same keys into the ring twice, the
// new mode first. In the legacy modes protected data is, for ProtectionAll,
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
// The reader of such data must tell by its content what it is.
// The .NET class is System.Web.Configuration.MachineKeySection.
//
// It is a [*ConfigError] if a key of the ring cannot serve by the rules of its
// mode, which [New] names, or has none. With
// InsecureProtectionNone, or with InsecureUnsigned where something is
// encrypted, Protect returns one: such data can be read and is never issued.
func (r *Ring) CookieProtector(o LegacyOptions, purposes ...string) (Protector, error) {
	p, err := parsePurpose(purposes)
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return r.bind(use{pipeline: cookiePipeline, purpose: p, options: o})
}

// EncodeProtector returns the protector of MachineKey.Encode and Decode, the
// predecessors of MachineKey.Protect that .NET 4.5 marks obsolete, in bytes;
// .NET writes them as upper-case hex and reads either case:
//
//	All          C || H(C), C being the encrypted prefix || data || H(data)
//	Encryption   C || H(C), C being the encrypted prefix || data
//	Validation   data || H(data)
//
// For C and H see [Ring.CookieProtector]. It is the same in every mode, and
// has no purpose: whatever .NET feature the same keys protect in a legacy mode
// can be passed off as such data, and the other way round. WIF 1.0 session
// cookies are such data.
//
// InsecureUnsigned stands for aspnet:UseLegacyMachineKeyEncryption here. Its
// form depends on the mode, so the keys need one.
//
// It is a [*ConfigError] if a key of the ring does not fit the rules of the
// legacy formats, which [New] names. Protect returns one for what is unsigned.
func (r *Ring) EncodeProtector(o LegacyOptions) (Protector, error) {
	if err := o.check(); err != nil || o.Protection == InsecureProtectionNone {
		return nil, &ConfigError{Code: "invalid_enum", Attribute: "protection",
			Found: string(o.Protection),
			Want:  "All, Encryption or Validation for MachineKey.Encode and Decode"}
	}
	return r.bind(use{pipeline: encodePipeline, options: o})
}
