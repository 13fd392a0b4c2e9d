package netfx

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Layers says which layers are around the data, from the inside.
type Layers struct {
	Inner     bool   // H(data) behind the data
	Encrypted bool   // CBC over all that
	Signed    bool   // H(C) behind the ciphertext C
	IV        IVType // what comes before the data in the ciphertext
}

// IVType says what stands before the data in a legacy ciphertext, in place of
// an initialization vector, which is always zero (System.Web's IVType).
type IVType uint8

// The types of prefix. Cookies and Encode have random ones.
const (
	IVRandom IVType = iota // random bytes
	IVHash                 // digests of the data without a key: equal data gives equal bytes, as in addresses of resources
	IVNone                 // nothing: the encrypted passwords of Membership, which are unsigned
)

// String returns the name in System.Web.
func (t IVType) String() string {
	switch t {
	case IVRandom:
		return "Random"
	case IVHash:
		return "Hash"
	case IVNone:
		return "None"
	}
	return fmt.Sprintf("IVType(%d)", uint8(t))
}

// Legacy is one machine key ready for the legacy formats: the two keys as they
// are configured. It is the part of System.Web's MachineKeySection that hashes
// and encrypts, and safe for concurrent use.
//
//	H = HMAC(validationKey, data || modifier)             for MD5 see digest
//	C = CBC(decryptionKey, IV = 0, prefix || data || H(data) || modifier || PKCS#7 padding)
//	E = C || HMAC(validationKey, C)
//
// with those parts that the layers have. The prefix is as long as the cipher's
// key. It is missing in unsigned data with IVNone or in mode Framework20SP1. The
// modifier binds view state to its page; no credential has one. The second
// cipher that validation "3DES" and "AES" name, for view state alone, is not
// here.
type Legacy struct {
	Layers
	block         cipher.Block
	newHash       func() hash.Hash
	validationKey secret.Bytes
	md5           bool // the key follows the data, in the place of an HMAC
	random        io.Reader

	blockSize, tagSize, prefixSize int

	scratch sync.Pool // of *legacyScratch
}

// legacyScratch is what one call needs, kept warm between calls.
type legacyScratch struct {
	mac    hash.Hash
	suffix []byte // for MD5 the validation key, which follows the data
	enc    cbc
	dec    cbc
	zero   [16]byte // the initialization vector, of the largest block size
	prefix [32]byte // the longest key of a cipher
	tag    [sha512.Size]byte
}

// NewLegacy makes a key ready for the given layers. The error is [ErrWeakKey],
// or one of settings or layers that .NET does not have.
func NewLegacy(s Settings, layers Layers) (*Legacy, error) {
	l := &Legacy{Layers: layers, validationKey: s.ValidationKey, random: s.Rand}
	if l.newHash = legacyHash(s.Validation); l.newHash == nil {
		return nil, fmt.Errorf("no digest %q", s.Validation)
	}
	l.md5 = s.Validation == "MD5"
	key := secret.View(s.DecryptionKey)
	if s.Decryption == "DES" {
		key = key[:min(len(key), des.BlockSize)]
	}
	block, err := newBlock(s.Decryption, key)
	if err != nil {
		return nil, err
	}
	l.block = block
	l.blockSize, l.tagSize = block.BlockSize(), l.newHash().Size()
	if layers.Encrypted {
		prefixed, err := layers.prefixed(s.Mode)
		if err != nil {
			return nil, err
		}
		if prefixed {
			l.prefixSize = len(key)
		}
	}
	l.scratch.New = func() any { return l.newScratch() }
	return l, nil
}

// legacyHash returns the digest inside H, nil for an unknown algorithm.
func legacyHash(validation string) func() hash.Hash {
	switch validation {
	case "SHA1", "3DES", "AES":
		return sha1.New
	case "HMACSHA256":
		return sha256.New
	case "HMACSHA384":
		return sha512.New384
	case "HMACSHA512":
		return sha512.New
	case "MD5":
		return md5.New
	}
	return nil
}

// prefixed reports whether a ciphertext begins with a prefix.
func (l Layers) prefixed(mode string) (bool, error) {
	switch {
	case l.IV > IVNone:
		return false, fmt.Errorf("no %v", l.IV)
	case l.Signed && l.IV == IVNone:
		return false, errors.New("signed data always has a prefix")
	case l.Signed:
		return true, nil
	case l.IV == IVNone:
		return false, nil
	case mode == "":
		return false, ErrNoMode
	}
	return mode != "Framework20SP1", nil
}

// ErrNoMode is the error of unsigned data, whose form depends on the
// compatibility mode, for settings without one.
var ErrNoMode = errors.New("no compatibility mode")

func (l *Legacy) newScratch() *legacyScratch {
	t := &legacyScratch{}
	t.enc = cipher.NewCBCEncrypter(l.block, t.zero[:l.blockSize]).(cbc)
	t.dec = cipher.NewCBCDecrypter(l.block, t.zero[:l.blockSize]).(cbc)
	if l.md5 {
		t.mac, t.suffix = l.newHash(), secret.View(l.validationKey)
	} else {
		t.mac = hmac.New(l.newHash, secret.View(l.validationKey))
	}
	return t
}

// digest appends H(data, modifier):
//
//	HMAC(validationKey, data || modifier)
//	MD5(data || validationKey || as many zeros as modifier has bytes)   for MD5
//
// .NET copies the key over the modifier, which for MD5 is lost.
func (t *legacyScratch) digest(dst, data, modifier []byte) []byte {
	t.mac.Reset()
	t.mac.Write(data)
	if t.suffix != nil {
		t.mac.Write(t.suffix)
		if len(modifier) > 0 {
			modifier = make([]byte, len(modifier))
		}
	}
	if len(modifier) > 0 {
		t.mac.Write(modifier)
	}
	return t.mac.Sum(dst)
}

// verify reports whether the tag at the end of signed is that of all before
// it, which it returns.
func (l *Legacy) verify(t *legacyScratch, signed []byte) ([]byte, bool) {
	data, tag := signed[:len(signed)-l.tagSize], signed[len(signed)-l.tagSize:]
	return data, hmac.Equal(tag, t.digest(t.tag[:0], data, nil))
}

// Seal appends the protected form of plaintext.
func (l *Legacy) Seal(dst, plaintext []byte) ([]byte, error) {
	return l.SealModified(dst, plaintext, nil)
}

// Open appends the plaintext. It reports false, with no plaintext left behind
// in dst, for data that this key did not seal. What is signed is verified
// before it is decrypted; without a signature the time depends as little as
// possible on what is wrong inside.
func (l *Legacy) Open(dst, protected []byte) ([]byte, bool) {
	return l.OpenModified(dst, protected, nil)
}

// Digest returns H.
func (l *Legacy) Digest(data, modifier []byte) []byte {
	return l.newScratch().digest(nil, data, modifier)
}

// innerSize is the length of H(data), if there is one.
func (l *Legacy) innerSize() int {
	if l.Inner {
		return l.tagSize
	}
	return 0
}

// SealModified appends
//
//	prefix || plaintext || H(plaintext) || modifier || padding    encrypted, and then signed
//
// with those parts that the layers have.
func (l *Legacy) SealModified(dst, plaintext, modifier []byte) ([]byte, error) {
	if len(modifier) > math.MaxInt/4 ||
		len(plaintext) > math.MaxInt-l.prefixSize-2*l.tagSize-len(modifier)-l.blockSize-len(dst) {
		return dst, errTooLong
	}
	t := l.scratch.Get().(*legacyScratch)
	defer l.scratch.Put(t)
	prefix := t.prefix[:l.prefixSize]
	if err := l.fillPrefix(prefix, plaintext); err != nil {
		return dst, err
	}
	size, pad := l.prefixSize+len(plaintext)+l.innerSize()+len(modifier), 0
	if l.Encrypted {
		pad = l.blockSize - size%l.blockSize
	}

	start := len(dst)
	dst = slices.Grow(dst, size+pad+l.tagSize)
	body := dst[start : start+size+pad]
	data := body[l.prefixSize:][:len(plaintext)]
	copy(data, plaintext) // first of all writes: plaintext may overlap dst
	copy(body, prefix)
	rest := body[l.prefixSize+len(data):]
	if l.Inner {
		t.digest(rest[:0], data, nil)
		rest = rest[l.tagSize:]
	}
	rest = rest[copy(rest, modifier):]
	for i := range rest {
		rest[i] = byte(pad)
	}
	if l.Encrypted {
		t.enc.SetIV(t.zero[:l.blockSize])
		t.enc.CryptBlocks(body, body)
	}
	dst = dst[:start+len(body)]
	if l.Signed {
		dst = t.digest(dst, body, nil)
	}
	return dst, nil
}

// OpenModified is [Legacy.Open] for data with a modifier, which must be the same.
func (l *Legacy) OpenModified(dst, protected, modifier []byte) ([]byte, bool) {
	t := l.scratch.Get().(*legacyScratch)
	defer l.scratch.Put(t)
	body, ok := protected, true
	if l.Signed {
		if len(body) <= l.tagSize {
			return dst, false
		}
		if body, ok = l.verify(t, body); !ok {
			return dst, false
		}
	}
	if !l.Encrypted {
		if l.Inner {
			if len(body) < l.tagSize {
				return dst, false
			}
			if body, ok = l.verify(t, body); !ok {
				return dst, false
			}
		}
		return append(dst, body...), true
	}

	around := l.prefixSize + l.innerSize() + len(modifier)
	if len(body)%l.blockSize != 0 || len(body) <= around {
		return dst, false
	}
	start := len(dst)
	out := slices.Grow(dst, len(body))
	plain := out[start : start+len(body)]
	shared := overlap(plain, protected)
	if shared {
		plain = make([]byte, len(body))
	}
	t.dec.SetIV(t.zero[:l.blockSize])
	t.dec.CryptBlocks(plain, body)
	data, ok := l.unwrap(t, plain, modifier)
	switch {
	case !ok:
		clear(plain)
		return dst, false
	case shared:
		return append(dst, data...), true
	}
	return out[:start+copy(plain, data)], true
}

// unwrap returns the data in a decrypted body, which is longer than all that
// is around the data. Bad padding is treated as none, and the rest is checked
// all the same, so that the faults take about the same time.
func (l *Legacy) unwrap(t *legacyScratch, plain, modifier []byte) ([]byte, bool) {
	n, good := unpadConstantTime(plain, l.blockSize)
	good &= atLeast(n, l.prefixSize+l.innerSize()+len(modifier))
	n = subtle.ConstantTimeSelect(good, n, len(plain))

	data, end := plain[l.prefixSize:n-len(modifier)], plain[n-len(modifier):n]
	good &= subtle.ConstantTimeCompare(end, modifier)
	if l.Inner {
		var ok bool
		if data, ok = l.verify(t, data); !ok {
			good = 0
		}
	}
	return data, good == 1
}

// fillPrefix fills prefix as the layers say.
func (l *Legacy) fillPrefix(prefix, plaintext []byte) error {
	if len(prefix) == 0 {
		return nil
	}
	if l.IV == IVHash {
		l.hashPrefix(prefix, plaintext)
		return nil
	}
	return fill(l.random, prefix)
}

// hashPrefix fills prefix from the digest D that belongs to the attribute
// validation, without a key:
//
//	D(data) || D(D(data)) || …   cut to the length of prefix
func (l *Legacy) hashPrefix(prefix, data []byte) {
	h := l.newHash()
	sum := data
	for len(prefix) > 0 {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(nil)
		prefix = prefix[copy(prefix, sum):]
	}
}
