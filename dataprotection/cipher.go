package dataprotection

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// What the key's encryptor writes behind the head of a payload. The keys are
// derived for every payload, see [derivation].
//
//	CBC  key modifier (16) || IV (16) || ciphertext || HMAC(Kval, IV || ciphertext)
//	     ciphertext = CBC(Kenc, IV, plaintext || PKCS#7 padding)
//	GCM  key modifier (16) || nonce (12) || ciphertext || tag (16)
//
// The .NET classes are ManagedAuthenticatedEncryptor and AesGcmAuthenticatedEncryptor.
const (
	modifierSize = 16
	nonceSize    = 12
	tagSize      = 16 // of GCM
)

// derived returns how many bytes of keys a payload needs.
func (s suite) derived() int {
	if s.gcm {
		return s.keySize
	}
	return s.keySize + macs[s.mac].size
}

// contextHeader returns what ties derived keys to the suite: the sizes of its
// parts, and what its algorithms make of nothing under fixed keys.
//
//	CBC  0000 || cipher key || block || MAC key || digest || CBC(K_E, 0, "") || HMAC(K_H, "")
//	GCM  0001 || key || nonce || block || tag || tag of GCM(K_E, 0, "")
//
// Sizes are 4 bytes, K_E and K_H derived with empty master key, label and
// context.
func (s suite) contextHeader() ([]byte, error) {
	t := scratches.Get().(*scratch)
	defer scratches.Put(t)
	d := newDerivation(nil, nil, nil, s.derived())
	keys := bytes.Clone(d.derive(t, nil))
	block, err := aes.NewCipher(keys[:s.keySize])
	if err != nil {
		return nil, err
	}
	sizes := func(kind byte, list ...int) []byte {
		h := []byte{0, kind}
		for _, n := range list {
			h = binary.BigEndian.AppendUint32(h, uint32(n))
		}
		return h
	}
	if s.gcm {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("GCM is not allowed here: %w", err) // under GODEBUG=fips140=only
		}
		h := sizes(1, s.keySize, nonceSize, aes.BlockSize, tagSize)
		return gcm.Seal(h, make([]byte, nonceSize), nil, nil), nil
	}
	size := macs[s.mac].size
	h := sizes(0, s.keySize, aes.BlockSize, size, size)
	padding := bytes.Repeat([]byte{aes.BlockSize}, aes.BlockSize)
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(padding, padding)
	return t.hmac(append(h, padding...), s.mac, keys[s.keySize:], nil), nil
}

// sealer is one key of the ring bound to the purposes of one protector. It is
// safe for concurrent use.
type sealer struct {
	*derivation
	key   *key
	suite suite
	head  [headSize]byte
	rand  io.Reader
}

func newSealer(k *key, purposes []byte, rand io.Reader) *sealer {
	s := &sealer{key: k, suite: k.suite, head: head(k.id), rand: rand}
	label := append(s.head[:len(s.head):len(s.head)], purposes...)
	d := newDerivation(secret.View(k.master), label, k.header, k.suite.derived())
	s.derivation = &d
	return s
}

// seal appends a payload of prefix and plaintext.
func (s *sealer) seal(dst, prefix, plaintext []byte) ([]byte, error) {
	const most = headSize + modifierSize + 2*aes.BlockSize + 64
	if len(plaintext) > math.MaxInt-most-len(prefix)-len(dst) {
		return dst, errors.New("dataprotection: plaintext too long")
	}
	t := scratches.Get().(*scratch)
	defer scratches.Put(t)
	front := modifierSize + aes.BlockSize
	if s.suite.gcm {
		front = modifierSize + nonceSize
	}
	random := t.random[:front]
	if s.rand == nil {
		rand.Read(random) // documented to never fail
	} else if _, err := io.ReadFull(s.rand, random); err != nil {
		return dst, fmt.Errorf("dataprotection: reading from RingOptions.Rand: %w", err)
	}
	start, n := len(dst), len(prefix)+len(plaintext)
	dst = slices.Grow(dst, n+most)
	out := dst[start : start+headSize+front+n]
	body := out[headSize+front:]
	copy(body[len(prefix):], plaintext) // first of all writes: plaintext may overlap dst
	copy(body, prefix)
	copy(out, s.head[:])
	copy(out[headSize:], random)

	keys := s.derive(t, random[:modifierSize])
	block, err := aes.NewCipher(keys[:s.suite.keySize])
	if err != nil {
		return dst[:start], err
	}
	if s.suite.gcm {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return dst[:start], err
		}
		sealed := gcm.Seal(body[:0], random[modifierSize:], body, nil)
		return dst[:start+headSize+front+len(sealed)], nil
	}
	pad := aes.BlockSize - n%aes.BlockSize
	for range pad {
		out = append(out, byte(pad))
	}
	body = out[headSize+front:]
	cipher.NewCBCEncrypter(block, random[modifierSize:]).CryptBlocks(body, body)
	out = t.hmac(out, s.suite.mac, keys[s.suite.keySize:], out[headSize+modifierSize:])
	return dst[:start+len(out)], nil
}

// open appends the plaintext of a payload without its head. It reports false,
// with no plaintext left behind in dst, for what this key and these purposes
// did not protect.
func (s *sealer) open(dst, body []byte) ([]byte, bool) {
	if s.suite.gcm {
		return s.openGCM(dst, body)
	}
	tagSize := macs[s.suite.mac].size
	if len(body) < modifierSize+2*aes.BlockSize+tagSize {
		return dst, false
	}
	modifier, signed := body[:modifierSize], body[modifierSize:len(body)-tagSize]
	tag := body[len(body)-tagSize:]
	t := scratches.Get().(*scratch)
	defer scratches.Put(t)

	keys := s.derive(t, modifier)
	// The sum stands where the outer hash has read from, which it may.
	sum := t.hmac(t.sum[:0], s.suite.mac, keys[s.suite.keySize:], signed)
	if subtle.ConstantTimeCompare(sum, tag) != 1 || len(signed)%aes.BlockSize != 0 {
		return dst, false
	}
	block, err := aes.NewCipher(keys[:s.suite.keySize])
	if err != nil {
		return dst, false
	}
	iv := t.random[:copy(t.random[:aes.BlockSize], signed)] // before dst is written, which may overlap
	start := len(dst)
	out := append(dst, signed[aes.BlockSize:]...)
	plain := out[start:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, plain)
	n, ok := unpad(plain)
	if !ok {
		clear(plain)
		return dst, false
	}
	return out[:start+n], true
}

func (s *sealer) openGCM(dst, body []byte) ([]byte, bool) {
	if len(body) < modifierSize+nonceSize+tagSize {
		return dst, false
	}
	t := scratches.Get().(*scratch)
	defer scratches.Put(t)
	block, err := aes.NewCipher(s.derive(t, body[:modifierSize]))
	if err != nil {
		return dst, false
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return dst, false
	}
	nonce := t.random[:copy(t.random[:nonceSize], body[modifierSize:])] // before dst is written
	start := len(dst)
	out := append(dst, body[modifierSize+nonceSize:]...)
	plain, err := gcm.Open(out[start:start], nonce, out[start:], nil)
	if err != nil {
		clear(out[start:])
		return dst, false
	}
	return out[:start+len(plain)], true
}

// unpad returns the length of padded without its PKCS#7 padding. It sees
// authenticated data only and so need not run in constant time.
func unpad(padded []byte) (n int, ok bool) {
	pad := int(padded[len(padded)-1])
	if pad == 0 || pad > aes.BlockSize {
		return 0, false
	}
	n = len(padded) - pad
	for _, b := range padded[n:] {
		if int(b) != pad {
			return 0, false
		}
	}
	return n, true
}
