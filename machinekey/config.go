package machinekey

import "io"

// Config is one <machineKey> element: the two keys, the two algorithms and
// the mode that every node of the farm shares. It is plain data; [New]
// validates it.
//
// Config prints without its keys wherever it stands, see [Secret].
type Config struct {
	// ValidationKey is the attribute validationKey, decoded from hex. At
	// least 1 byte; the legacy formats need 20 to 64 or 128, see [New].
	ValidationKey Secret
	// DecryptionKey is the attribute decryptionKey, decoded from hex: 16, 24
	// or 32 bytes for AES, 16 or 24 for 3DES, 8 for DES (in the legacy modes
	// also more).
	DecryptionKey Secret
	// Validation is the attribute validation. The zero value is invalid:
	// .NET's own default changed from SHA1 (.NET 2) to HMACSHA256 (.NET 4).
	Validation Validation
	// Decryption is the attribute decryption. The zero value is Auto.
	Decryption Decryption
	// Mode is the compatibility mode, explicit or derived from
	// <httpRuntime targetFramework>. Protect and Unprotect ignore it, as
	// MachineKey.Protect does, and so does Encode; the zero value
	// is refused by the credentials that depend on it.
	Mode Mode
	// AllowInsecure admits the algorithms whose Go names begin with
	// Insecure. Without it [New] refuses them.
	AllowInsecure bool
	// AllowKnownKey admits keys that are publicly known, such as samples of
	// documentation, for migrations and tests: with such a key anybody can
	// sign in as anybody. Without it [New] refuses them, see [ErrKnownKey].
	AllowKnownKey bool
	// AllowWeakKey admits keys that can be guessed, for migrations and tests.
	// Without it [New] refuses, with the code weak_key,
	//
	//	a validation key of fewer than 16 bytes
	//	a validation or decryption key with a pattern: one byte or up to 15
	//	bytes repeated, a sequence that counts, text of letters and digits, or
	//	any of those with few exceptions, such as few bytes among zeros: what a
	//	short code describes in 40 bits less than it has, and in fewer than 20
	//	bytes or 3 bits for each byte
	//
	// The patterns refuse fewer than one random key in 2^30.
	//
	// IIS generates 64 random bytes for validation and 24 or 32 for decryption.
	// .NET demands 1 byte in Framework45 and 20 in the legacy modes. NIST SP
	// 800-131A disallows HMAC keys below 112 bits, and by SP 800-107, section
	// 5.3.4, HMAC is no stronger than its key: 16 bytes are as strong as the
	// weakest AES. Of 16 to 19 bytes cookie.LoadSite and the command warn.
	AllowWeakKey bool
	// KnownKeys are refused too, beside those that are built in. Nil: none.
	// See [KnownKeys].
	KnownKeys *KnownKeyList
	// Rand is the source of initialization vectors. Nil means crypto/rand;
	// anything else is for tests, since a predictable source breaks CBC. It
	// is read concurrently if the key is used so.
	Rand io.Reader

	// line is that of <machineKey> in the file, 0 if none was read.
	line int
}
