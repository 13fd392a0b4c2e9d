package rsacookie

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Encryption encrypts for the first of its keys and decrypts with the one that the data
// names. It is safe for concurrent use if the private keys are.
//
// Encrypted data is
//
//	h     hash of the public key's XML, 32 bytes (20 with SHA-1)
//	4     int32 LE n, the length of the next field
//	n     RSA-OAEP (SHA-1, MGF1 with SHA-1) of AES-256 key (32) || IV (16)
//	4     int32 LE m, the length of the next field
//	m     AES-256-CBC of the data with PKCS#7 padding
//
// and nothing after it. Whoever can change it can change the data, so it must
// be inside a [Signature].
type Encryption struct {
	keys   []*Key
	hashes [][]byte // of the keys, in the same order
	hash   Hash
}

// sizeKey and sizeKeyIV are the lengths of what RSA wraps.
const (
	sizeKey   = 32
	sizeKeyIV = sizeKey + aes.BlockSize
)

// NewEncryption returns an Encryption. At least one key must have a private
// half, and the first must be able to wrap 48 bytes.
func NewEncryption(hash Hash, keys ...*Key) (*Encryption, error) {
	if err := checkKeys(hash, keys); err != nil {
		return nil, err
	}
	e := &Encryption{keys: slices.Clone(keys), hash: hash}
	for _, k := range keys {
		e.hashes = append(e.hashes, k.Hash(hash))
	}
	if !slices.ContainsFunc(keys, func(k *Key) bool { return k.decrypter != nil }) {
		return nil, errors.New("rsacookie: no private key to decrypt with")
	}
	// Here rather than at the first cookie: a key that is too short, or a
	// program that allows FIPS 140-3 only, which SHA-1 in OAEP is not.
	if _, err := wrap(keys[0].public, make([]byte, sizeKeyIV)); err != nil {
		return nil, fmt.Errorf("rsacookie: key cannot encrypt: %w", err)
	}
	return e, nil
}

// Encrypt appends the encrypted form of data to dst. Its errors are
// [ErrEmpty] and those of crypto/rsa.
func (e *Encryption) Encrypt(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, ErrEmpty
	}
	var keyIV [sizeKeyIV]byte
	rand.Read(keyIV[:]) // never fails
	wrapped, err := wrap(e.keys[0].public, keyIV[:])
	if err != nil {
		return dst, fmt.Errorf("rsacookie: encrypt: %w", err)
	}
	return e.seal(dst, &keyIV, wrapped, data), nil
}

// seal is Encrypt with everything random given.
func (e *Encryption) seal(dst []byte, keyIV *[sizeKeyIV]byte, wrapped, data []byte) []byte {
	block, _ := aes.NewCipher(keyIV[:sizeKey]) // of the right length
	pad := aes.BlockSize - len(data)%aes.BlockSize
	size := len(data) + pad
	dst = slices.Grow(dst, len(e.hashes[0])+8+len(wrapped)+size)
	dst = append(dst, e.hashes[0]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(wrapped)))
	dst = append(dst, wrapped...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	start := len(dst)
	dst = append(dst, data...)
	for range pad {
		dst = append(dst, byte(pad))
	}
	cipher.NewCBCEncrypter(block, keyIV[sizeKey:]).CryptBlocks(dst[start:], dst[start:])
	return dst
}

// Decrypt appends to dst the data inside encrypted. [ErrDecrypt] is its only
// error, and dst then comes back as it was.
func (e *Encryption) Decrypt(dst, encrypted []byte) ([]byte, error) {
	hash, wrapped, ciphertext, ok := cutEncryption(encrypted, e.hash.id().Size())
	if !ok {
		return dst, ErrDecrypt
	}
	i := slices.IndexFunc(e.hashes, func(h []byte) bool { return bytes.Equal(h, hash) })
	if i < 0 || e.keys[i].decrypter == nil || len(wrapped) != e.keys[i].public.Size() {
		return dst, ErrDecrypt
	}
	keyIV, err := e.keys[i].decrypter.Decrypt(rand.Reader, wrapped,
		&rsa.OAEPOptions{Hash: crypto.SHA1})
	if err != nil || len(keyIV) != sizeKeyIV {
		return dst, ErrDecrypt
	}
	block, _ := aes.NewCipher(keyIV[:sizeKey]) // of the right length
	start := len(dst)
	out := append(dst, ciphertext...)
	cipher.NewCBCDecrypter(block, keyIV[sizeKey:]).CryptBlocks(out[start:], out[start:])
	n, ok := unpad(out[start:])
	if !ok {
		clear(out[start:])
		return dst, ErrDecrypt
	}
	return out[:start+n], nil
}

func wrap(key *rsa.PublicKey, keyIV []byte) ([]byte, error) {
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, key, keyIV, nil)
}

// cutEncryption takes encrypted data apart. The ciphertext is at least one block.
func cutEncryption(b []byte, sizeHash int) (hash, wrapped, ciphertext []byte, ok bool) {
	if len(b) < sizeHash {
		return nil, nil, nil, false
	}
	hash = b[:sizeHash]
	if wrapped, b, ok = cutField(b[sizeHash:]); ok {
		ciphertext, b, ok = cutField(b)
	}
	return hash, wrapped, ciphertext, ok && len(b) == 0 && len(ciphertext)%aes.BlockSize == 0
}

// unpad returns the length of b without its PKCS#7 padding. It need not run
// in constant time: what it sees has been signed.
func unpad(b []byte) (n int, ok bool) {
	last := b[len(b)-1]
	n = len(b) - int(last)
	return n, last > 0 && last <= aes.BlockSize && n >= 0 &&
		bytes.Count(b[n:], []byte{last}) == int(last)
}
