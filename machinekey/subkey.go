package machinekey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"reflect"
	"slices"
	"sync"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// subkey is one machine key bound to one purpose: the two derived keys, ready
// for use. It is System.Web's NetFXCryptoService and safe for concurrent use.
type subkey struct {
	key   *Key
	hash  func() hash.Hash
	kval  secret.Bytes // derived from ValidationKey
	block cipher.Block // keyed with what is derived from DecryptionKey

	blockSize, tagSize int

	scratch sync.Pool // of *scratch
}

// scratch is what one call needs, kept warm between calls: setting up the MAC
// and the block modes costs more than protecting a cookie does.
type scratch struct {
	mac hash.Hash
	enc cbc
	dec cbc
	iv  [aes.BlockSize]byte // the largest there is, as is the tag's size
	tag [sha512.Size]byte
}

// cbc is a block mode that takes a new initialization vector. Those of the
// standard library all do, on which crypto/tls relies too.
type cbc interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

// newSubkey derives the keys of a purpose by the rules of Framework45. A
// *ConfigError says why k cannot serve it.
func newSubkey(k *Key, p purpose) (*subkey, error) {
	if err := k.fipsAllowed(); err != nil {
		return nil, err
	}
	if k.cfg.isolated {
		return nil, &ConfigError{Code: "isolated_key", Attribute: "validationKey",
			Found: "an isolated or generated key of a legacy mode in key " + k.id,
			Want:  "fixed keys without modifiers: MachineKey.Protect and Framework45 do not use such keys as they are"}
	}
	s := &subkey{key: k}
	switch k.cfg.Validation {
	case HMACSHA1:
		s.hash = sha1.New
	case HMACSHA256:
		s.hash = sha256.New
	case HMACSHA384:
		s.hash = sha512.New384
	case HMACSHA512:
		s.hash = sha512.New
	default:
		return nil, legacyValidationError(fmt.Sprintf("%v in key %s", k.cfg.Validation, k.id))
	}
	block, err := newBlock(k.cfg.Decryption, deriveKey(secret.View(k.cfg.DecryptionKey), p))
	if err != nil {
		return nil, err
	}
	s.block = block
	s.kval = secret.Own(deriveKey(secret.View(k.cfg.ValidationKey), p))
	s.blockSize, s.tagSize = block.BlockSize(), s.hash().Size()
	s.scratch.New = func() any { return s.newScratch() }
	return s, nil
}

func (s *subkey) owner() *Key { return s.key }

func (s *subkey) newScratch() *scratch {
	zero := make([]byte, s.blockSize)
	return &scratch{
		mac: hmac.New(s.hash, secret.View(s.kval)),
		enc: cipher.NewCBCEncrypter(s.block, zero).(cbc),
		dec: cipher.NewCBCDecrypter(s.block, zero).(cbc),
	}
}

// protect appends IV || ciphertext || tag.
func (s *subkey) protect(dst, plaintext []byte) ([]byte, error) {
	if err := s.key.fipsAllowed(); err != nil {
		return dst, err
	}
	pad := s.blockSize - len(plaintext)%s.blockSize
	overhead := s.blockSize + pad + s.tagSize
	if len(plaintext) > math.MaxInt-overhead-len(dst) {
		return dst, errors.New("machinekey: plaintext too long")
	}
	t := s.scratch.Get().(*scratch)
	defer s.scratch.Put(t)
	iv := t.iv[:s.blockSize]
	if err := s.readIV(iv); err != nil {
		return dst, err
	}

	start := len(dst)
	dst = slices.Grow(dst, len(plaintext)+overhead)
	signed := dst[start : start+s.blockSize+len(plaintext)+pad]
	body := signed[s.blockSize:]
	copy(body, plaintext) // first of all writes: plaintext may overlap dst
	for i := len(plaintext); i < len(body); i++ {
		body[i] = byte(pad)
	}
	copy(signed, iv)
	t.enc.SetIV(iv)
	t.enc.CryptBlocks(body, body)

	t.mac.Reset()
	t.mac.Write(signed)
	return t.mac.Sum(dst[:start+len(signed)]), nil
}

// unprotect appends the plaintext. It reports false, with no plaintext left
// behind in dst, for data that this key and purpose did not protect.
func (s *subkey) unprotect(dst, protected []byte) ([]byte, bool) {
	if len(protected) <= s.blockSize+s.tagSize {
		return dst, false
	}
	signed, tag := protected[:len(protected)-s.tagSize], protected[len(protected)-s.tagSize:]
	iv, ciphertext := signed[:s.blockSize], signed[s.blockSize:]
	t := s.scratch.Get().(*scratch)
	defer s.scratch.Put(t)

	t.mac.Reset()
	t.mac.Write(signed)
	if !hmac.Equal(tag, t.mac.Sum(t.tag[:0])) || len(ciphertext)%s.blockSize != 0 {
		return dst, false
	}

	start := len(dst)
	out := slices.Grow(dst, len(ciphertext))
	plain := out[start : start+len(ciphertext)]
	shared := overlap(plain, protected)
	if shared {
		plain = make([]byte, len(ciphertext))
	}
	t.dec.SetIV(iv)
	t.dec.CryptBlocks(plain, ciphertext)
	n, ok := unpad(plain, s.blockSize)
	switch {
	case !ok:
		clear(plain)
		return dst, false
	case shared:
		return append(dst, plain[:n]...), true
	}
	return out[:start+n], true
}

// readIV fills iv. With Config.Rand set it reads exactly one block, so that
// tests can reproduce recorded bytes.
func (s *subkey) readIV(iv []byte) error {
	r := s.key.cfg.Rand
	if r == nil {
		rand.Read(iv) // documented to never fail
		return nil
	}
	if _, err := io.ReadFull(r, iv); err != nil {
		return fmt.Errorf("machinekey: reading an initialization vector from Config.Rand: %w", err)
	}
	return nil
}

// overlap reports whether a and b share memory. It matters because the block
// modes panic on buffers that overlap other than from the same first byte.
func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	i, j := reflect.ValueOf(&a[0]).Pointer(), reflect.ValueOf(&b[0]).Pointer()
	return i < j+uintptr(len(b)) && j < i+uintptr(len(a))
}
