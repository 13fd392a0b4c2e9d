// Package rsacookie holds the two RSA transforms of cookies in a WIF farm
// that shares a certificate: encryption and signature
// (System.IdentityModel.RsaEncryptionCookieTransform and
// RsaSignatureCookieTransform). The signature is the outer one:
//
//	signed     int32 LE n | n bytes signature | encrypted
//	encrypted  key hash | int32 LE n | n bytes wrapped key | int32 LE m | m bytes ciphertext
//
// The ciphertext has no check of its own. Open the signature first and hand
// only what it covers to [Encryption.Decrypt].
package rsacookie
