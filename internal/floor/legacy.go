package floor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"hash"
)

// Legacy is the floor of data in the legacy modes with protection All: an
// HMAC-SHA1 inside, AES-CBC around it and another HMAC-SHA1 around that.
type Legacy struct {
	mac              hash.Hash
	encrypt, decrypt cbc
	prefix           int
	zero             [aes.BlockSize]byte
	out, sum         []byte
}

// NewLegacy uses HMAC-SHA1 and AES with the keys as they are.
func NewLegacy(validationKey, decryptionKey []byte) (*Legacy, error) {
	block, err := aes.NewCipher(decryptionKey)
	if err != nil {
		return nil, err
	}
	f := &Legacy{mac: hmac.New(sha1.New, validationKey), prefix: len(decryptionKey)}
	f.encrypt = cipher.NewCBCEncrypter(block, f.zero[:]).(cbc)
	f.decrypt = cipher.NewCBCDecrypter(block, f.zero[:]).(cbc)
	return f, nil
}

// Protect returns C || H(C) over a prefix of zeros, until the next call.
func (f *Legacy) Protect(plaintext []byte) []byte {
	f.out = append(f.out[:0], make([]byte, f.prefix)...)
	f.out = append(f.out, plaintext...)
	f.mac.Reset()
	f.mac.Write(plaintext)
	f.out = f.mac.Sum(f.out)
	pad := aes.BlockSize - len(f.out)%aes.BlockSize
	for range pad {
		f.out = append(f.out, byte(pad))
	}
	f.encrypt.SetIV(f.zero[:])
	f.encrypt.CryptBlocks(f.out, f.out)
	f.mac.Reset()
	f.mac.Write(f.out)
	f.out = f.mac.Sum(f.out)
	return f.out
}

// Unprotect returns the plaintext, until the next call.
func (f *Legacy) Unprotect(protected []byte) []byte {
	body := protected[:len(protected)-sha1.Size]
	f.mac.Reset()
	f.mac.Write(body)
	f.sum = f.mac.Sum(f.sum[:0])
	f.out = append(f.out[:0], body...)
	f.decrypt.SetIV(f.zero[:])
	f.decrypt.CryptBlocks(f.out, f.out)
	end := len(f.out) - int(f.out[len(f.out)-1]) - sha1.Size
	f.mac.Reset()
	f.mac.Write(f.out[f.prefix:end])
	f.sum = f.mac.Sum(f.sum[:0])
	return f.out[f.prefix:end]
}
