package netfx

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"
	"math"
	"reflect"
	"slices"
	"sync"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Sealer is one machine key ready for use. It is safe for concurrent use.
//
// In the legacy formats, those of System.Web's MachineKeySection, the keys are
// used as they are configured:
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
//
// In Framework45 the keys are derived, and the prefix is a real initialization
// vector in the clear (NetFXCryptoService):
//
//	E = IV || C || HMAC(Kval, IV || C)      C = CBC(Kenc, IV, data || PKCS#7 padding)
type Sealer struct {
	Layers
	block         cipher.Block
	newHash       func() hash.Hash
	validationKey secret.Bytes
	md5           bool // the key follows the data, in the place of an HMAC
	random        io.Reader

	blockSize, tagSize int
	prefixSize, hidden int // of the prefix, and of its part that is encrypted: all or nothing

	pool sync.Pool // of *scratch
}

// scratch is what one call needs, kept warm between calls: setting up the MAC
// and the block modes costs more than protecting a cookie does.
type scratch struct {
	mac    hash.Hash
	suffix []byte // for MD5 the validation key, which follows the data
	enc    cbc
	dec    cbc
	zero   [16]byte // the initialization vector, of the largest block size
	prefix [32]byte // the longest key of a cipher
	tag    [sha512.Size]byte
}

// cbc is a block mode that takes a new initialization vector. Those of the
// standard library all do, on which crypto/tls relies too.
type cbc interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

// digests are the hashes inside H, by the attribute validation.
var digests = map[string]func() hash.Hash{
	"SHA1": sha1.New, "3DES": sha1.New, "AES": sha1.New, "MD5": md5.New,
	"HMACSHA256": sha256.New, "HMACSHA384": sha512.New384, "HMACSHA512": sha512.New,
}

func newSealer(s Settings, layers Layers, validation secret.Bytes, key []byte) (*Sealer, error) {
	l := &Sealer{Layers: layers, newHash: digests[s.Validation], validationKey: validation,
		md5: s.Validation == "MD5", random: s.Rand}
	if l.newHash == nil {
		return nil, fmt.Errorf("no digest %q", s.Validation)
	}
	var err error
	if l.block, err = newBlock(s.Decryption, key); err != nil {
		return nil, err
	}
	l.blockSize, l.tagSize = l.block.BlockSize(), l.newHash().Size()
	l.pool.New = func() any { return l.newScratch() }
	return l, nil
}

func (l *Sealer) newScratch() *scratch {
	t := &scratch{}
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
func (t *scratch) digest(dst, data, modifier []byte) []byte {
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
func (l *Sealer) verify(t *scratch, signed []byte) ([]byte, bool) {
	data, tag := signed[:len(signed)-l.tagSize], signed[len(signed)-l.tagSize:]
	return data, hmac.Equal(tag, t.digest(t.tag[:0], data, nil))
}

// Digest returns H.
func (l *Sealer) Digest(data, modifier []byte) []byte {
	return l.newScratch().digest(nil, data, modifier)
}

// innerSize is the length of H(data), if there is one.
func (l *Sealer) innerSize() int {
	if l.Inner {
		return l.tagSize
	}
	return 0
}

// Seal appends
//
//	prefix || plaintext || H(plaintext) || modifier || padding    encrypted, and then signed
//
// with those parts that the layers have.
func (l *Sealer) Seal(dst, plaintext, modifier []byte) ([]byte, error) {
	if len(modifier) > math.MaxInt/4 ||
		len(plaintext) > math.MaxInt-l.prefixSize-2*l.tagSize-len(modifier)-l.blockSize-len(dst) {
		return dst, errTooLong
	}
	t := l.pool.Get().(*scratch)
	defer l.pool.Put(t)
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
		iv, text := l.cut(t, body)
		t.enc.SetIV(iv)
		t.enc.CryptBlocks(text, text)
	}
	dst = dst[:start+len(body)]
	if l.Signed {
		dst = t.digest(dst, body, nil)
	}
	return dst, nil
}

// Open appends the plaintext. It reports false, with no plaintext left behind
// in dst, for data that this key did not seal with this modifier. What is signed
// is verified before it is decrypted; without a signature the time depends as
// little as possible on what is wrong inside.
func (l *Sealer) Open(dst, protected, modifier []byte) ([]byte, bool) {
	t := l.pool.Get().(*scratch)
	defer l.pool.Put(t)
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
		if len(body) < l.innerSize() {
			return dst, false
		}
		if l.Inner {
			if body, ok = l.verify(t, body); !ok {
				return dst, false
			}
		}
		return append(dst, body...), true
	}

	if len(body) <= l.prefixSize+l.innerSize()+len(modifier) || len(body)%l.blockSize != 0 {
		return dst, false
	}
	iv, body := l.cut(t, body)
	start := len(dst)
	out := slices.Grow(dst, len(body))
	plain := out[start : start+len(body)]
	shared := overlap(plain, protected)
	if shared {
		plain = make([]byte, len(body))
	}
	t.dec.SetIV(iv)
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

// cut returns the initialization vector and the ciphertext of an encrypted body.
func (l *Sealer) cut(t *scratch, body []byte) (iv, text []byte) {
	if n := l.prefixSize - l.hidden; n > 0 {
		return body[:n], body[n:]
	}
	return t.zero[:l.blockSize], body
}

// unwrap returns the data in a decrypted body, which is longer than all that
// is around the data. Bad padding is treated as none, and the rest is checked
// all the same, so that the faults take about the same time.
func (l *Sealer) unwrap(t *scratch, plain, modifier []byte) ([]byte, bool) {
	n, good := unpad(plain, l.blockSize)
	good &= atLeast(n, l.hidden+l.innerSize()+len(modifier))
	n = subtle.ConstantTimeSelect(good, n, len(plain))

	data, end := plain[l.hidden:n-len(modifier)], plain[n-len(modifier):n]
	good &= subtle.ConstantTimeCompare(end, modifier)
	if l.Inner {
		var ok bool
		if data, ok = l.verify(t, data); !ok {
			good = 0
		}
	}
	return data, good == 1
}

// fillPrefix fills prefix as the layers say: with random bytes, or from the
// digest D that belongs to the attribute validation, without a key:
//
//	D(data) || D(D(data)) || …   cut to the length of prefix
func (l *Sealer) fillPrefix(prefix, data []byte) error {
	switch {
	case len(prefix) == 0:
		return nil
	case l.IV != IVHash:
		return fill(l.random, prefix)
	}
	h := l.newHash()
	for len(prefix) > 0 {
		h.Reset()
		h.Write(data)
		data = h.Sum(nil)
		prefix = prefix[copy(prefix, data):]
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
