// Package rsacookie holds the two RSA transforms of cookies in a WIF farm that shares a
// certificate: encryption and signature (System.IdentityModel.RsaEncryptionCookieTransform and
// RsaSignatureCookieTransform). The signature is the outer one:
//
//	signed     int32 LE n | n bytes signature | encrypted
//	encrypted  key hash | int32 LE n | n bytes wrapped key | int32 LE m | m bytes ciphertext
//
// The ciphertext has no check of its own. Open the signature first and hand
// only what it covers to [Encryption.Decrypt].
package rsacookie

import "errors"

// The errors that data can cause. Neither says more, so that nobody can learn
// from them what a forged cookie decrypts to.
var (
	// ErrSignature means that no key of the verifier signed the data, or that
	// it is not laid out as signed data.
	ErrSignature = errors.New("rsacookie: not signed with a known key")
	// ErrDecrypt means that the data cannot be decrypted: for another key,
	// not laid out as encrypted data, or not the work of this transform.
	ErrDecrypt = errors.New("rsacookie: cannot be decrypted with a known key")
	// ErrNoPrivateKey means that the first key can only read.
	ErrNoPrivateKey = errors.New("rsacookie: no private key to sign with")
	// ErrEmpty means that there is nothing to encrypt or sign, which .NET refuses too (ID6044).
	ErrEmpty = errors.New("rsacookie: no data")
)
