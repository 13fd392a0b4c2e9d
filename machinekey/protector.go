package machinekey

// Protector protects and unprotects data for one purpose with the keys of one
// [Ring], as MachineKey.Protect and MachineKey.Unprotect do. [Ring.Protector]
// makes it. It is safe for concurrent use, keeps following its ring, and
// prints without key bytes.
//
// Protected data is
//
//	IV || ciphertext || tag
//
//	IV          one cipher block of random bytes: 16 for AES, 8 for 3DES and DES
//	ciphertext  CBC(Kenc, IV, plaintext || PKCS#7 padding of 1 to 16 (8) bytes)
//	tag         HMAC(Kval, IV || ciphertext): 20, 32, 48 or 64 bytes
//
// Kenc and Kval are derived from the two machine keys and the purpose (NIST
// SP 800-108, HMAC-SHA512). There is no header, key identifier or time in it.
// The .NET class is System.Web.Security.Cryptography.NetFXCryptoService.
type Protector struct{ binding }

// Protect appends the protected form of plaintext to dst, with the primary
// key, and returns the extended slice. Plaintext may be empty. With room in
// dst (plaintext and 96 bytes are enough) it does not allocate. Plaintext may
// overlap the unused capacity of dst, and is then overwritten.
//
// It fails only if Config.Rand does, if the result could not be addressed, or
// under GODEBUG=fips140=only if enforcement was lifted while the key was made.
// Dst then comes back as it was.
func (p *Protector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.binding.protect(dst, plaintext)
}

// Unprotect appends the plaintext of protected to dst and returns the extended
// slice. It tries every key of the ring. The tag is verified over all other
// bytes, in constant time, before anything is decrypted.
//
// [ErrUnprotect] is the only error that the bytes of protected can cause; dst
// then comes back as it was, with no plaintext beyond its length. With room in
// dst (len(protected) is enough) Unprotect does not allocate. Protected may
// overlap the unused capacity of dst: it is then overwritten on success and
// left alone on failure.
func (p *Protector) Unprotect(dst, protected []byte) ([]byte, error) {
	dst, _, err := p.binding.unprotect(dst, protected)
	return dst, err
}

// UnprotectKey is [Protector.Unprotect] and also returns the key that opened
// the data. Compare it with [Ring.Primary] to protect the data anew when it
// was an older one. The key is nil with an error.
func (p *Protector) UnprotectKey(dst, protected []byte) ([]byte, *Key, error) {
	return p.binding.unprotect(dst, protected)
}

// Purpose returns the purpose that p is bound to.
func (p *Protector) Purpose() Purpose { return p.use.purpose }
