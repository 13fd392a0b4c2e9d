package netfx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"math"
	"reflect"
	"slices"
	"sync"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Derived is one machine key ready for one purpose: the two derived keys. It is
// System.Web's NetFXCryptoService and safe for concurrent use.
type Derived struct {
	hash   func() hash.Hash
	kval   secret.Bytes // derived from the validation key
	block  cipher.Block // keyed with what is derived from the decryption key
	random io.Reader

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

// NewDerived derives the keys of a purpose, by the rules of Framework45: the
// label is the primary purpose, the context is that of the specific ones, see
// [Context]. The error is [ErrWeakKey], or one of settings that machine keys of
// Framework45 do not have.
func NewDerived(s Settings, label, context string) (*Derived, error) {
	d := &Derived{random: s.Rand}
	switch s.Validation {
	case "SHA1":
		d.hash = sha1.New
	case "HMACSHA256":
		d.hash = sha256.New
	case "HMACSHA384":
		d.hash = sha512.New384
	case "HMACSHA512":
		d.hash = sha512.New
	default:
		return nil, fmt.Errorf("no HMAC %q", s.Validation)
	}
	block, err := newBlock(s.Decryption, DeriveKey(secret.View(s.DecryptionKey), label, context))
	if err != nil {
		return nil, err
	}
	d.block = block
	d.kval = secret.Own(DeriveKey(secret.View(s.ValidationKey), label, context))
	d.blockSize, d.tagSize = block.BlockSize(), d.hash().Size()
	d.scratch.New = func() any { return d.newScratch() }
	return d, nil
}

func (d *Derived) newScratch() *scratch {
	zero := make([]byte, d.blockSize)
	return &scratch{
		mac: hmac.New(d.hash, secret.View(d.kval)),
		enc: cipher.NewCBCEncrypter(d.block, zero).(cbc),
		dec: cipher.NewCBCDecrypter(d.block, zero).(cbc),
	}
}

// Seal appends IV || ciphertext || tag.
func (d *Derived) Seal(dst, plaintext []byte) ([]byte, error) {
	pad := d.blockSize - len(plaintext)%d.blockSize
	overhead := d.blockSize + pad + d.tagSize
	if len(plaintext) > math.MaxInt-overhead-len(dst) {
		return dst, errTooLong
	}
	t := d.scratch.Get().(*scratch)
	defer d.scratch.Put(t)
	iv := t.iv[:d.blockSize]
	if err := fill(d.random, iv); err != nil {
		return dst, err
	}

	start := len(dst)
	dst = slices.Grow(dst, len(plaintext)+overhead)
	signed := dst[start : start+d.blockSize+len(plaintext)+pad]
	body := signed[d.blockSize:]
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

// Open appends the plaintext. It reports false, with no plaintext left
// behind in dst, for data that this key and purpose did not protect.
func (d *Derived) Open(dst, protected []byte) ([]byte, bool) {
	if len(protected) <= d.blockSize+d.tagSize {
		return dst, false
	}
	signed, tag := protected[:len(protected)-d.tagSize], protected[len(protected)-d.tagSize:]
	iv, ciphertext := signed[:d.blockSize], signed[d.blockSize:]
	t := d.scratch.Get().(*scratch)
	defer d.scratch.Put(t)

	t.mac.Reset()
	t.mac.Write(signed)
	if !hmac.Equal(tag, t.mac.Sum(t.tag[:0])) || len(ciphertext)%d.blockSize != 0 {
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
	n, ok := unpad(plain, d.blockSize)
	switch {
	case !ok:
		clear(plain)
		return dst, false
	case shared:
		return append(dst, plain[:n]...), true
	}
	return out[:start+n], true
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
