package machinekey

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
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

// legacyLayers says which layers are around the data, from the inside.
type legacyLayers struct {
	inner     bool   // H(data) behind the data
	encrypted bool   // CBC over all that
	signed    bool   // H(C) behind the ciphertext C
	iv        IVType // what comes before the data in the ciphertext
}

// layers returns what a protection stands for.
func (p Protection) layers(unsigned bool) legacyLayers {
	switch p {
	case ProtectionAll:
		return legacyLayers{inner: true, encrypted: true, signed: !unsigned}
	case ProtectionEncryption:
		return legacyLayers{encrypted: true, signed: !unsigned}
	case ProtectionValidation:
		return legacyLayers{inner: true}
	}
	return legacyLayers{}
}

// legacyKey is one machine key ready for the legacy formats: the two keys as
// they are configured. It is the part of System.Web's MachineKeySection that
// hashes and encrypts, and safe for concurrent use.
type legacyKey struct {
	legacyLayers
	key     *Key
	block   cipher.Block
	newHash func() hash.Hash
	md5     bool         // the key follows the data, in the place of an HMAC
	refusal *ConfigError // returned by protect, if not nil

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

// newOptionsKey makes k ready for the layers of some options, and for reading
// only if they are too weak to issue anything with.
func newOptionsKey(k *Key, o LegacyOptions) (*legacyKey, error) {
	l, err := newLegacyKey(k, o.Protection.layers(o.InsecureUnsigned))
	if err == nil && o.readOnly() {
		l.refusal = &ConfigError{Code: "insecure_protection", Attribute: "protection",
			Found: o.words(), Want: "a signed protection on every node: this one can be read but is never issued"}
	}
	return l, err
}

// newLegacyKey makes k ready for the given layers, in every mode. A
// *ConfigError says why k cannot serve.
func newLegacyKey(k *Key, layers legacyLayers) (*legacyKey, error) {
	if err := k.fipsAllowed(); err != nil {
		return nil, err
	}
	if err := k.cfg.validateLegacy(); err != nil {
		return nil, err
	}
	l := &legacyKey{legacyLayers: layers, key: k}
	if l.newHash = k.cfg.Validation.legacyHash(); l.newHash == nil { // unreachable: checked above
		return nil, legacyValidationError(k.cfg.Validation.String())
	}
	l.md5 = k.cfg.Validation == InsecureMD5
	cipherKey := k.cfg.legacyCipherKey()
	block, err := newBlock(k.cfg.cipher(), cipherKey)
	if err != nil {
		return nil, err
	}
	l.block = block
	l.blockSize, l.tagSize = block.BlockSize(), l.newHash().Size()
	if layers.encrypted {
		prefixed, err := k.cfg.prefixed(layers)
		if err != nil {
			return nil, err
		}
		if prefixed {
			l.prefixSize = len(cipherKey)
		}
	}
	l.scratch.New = func() any { return l.newScratch() }
	return l, nil
}

// prefixed reports whether a ciphertext begins with a prefix.
func (c Config) prefixed(layers legacyLayers) (bool, error) {
	switch {
	case layers.signed && layers.iv == IVNone:
		return false, errors.New("machinekey: signed data always has a prefix; IVNone needs Unsigned")
	case layers.signed:
		return true, nil
	case layers.iv == IVNone:
		return false, nil
	case c.Mode == ModeUnknown:
		return false, &ConfigError{Code: "invalid_compatibility_mode", Attribute: "compatibilityMode",
			Found: c.Mode.String(), Want: "the mode of the .NET nodes, on which the form of unsigned data depends"}
	}
	return c.Mode != Framework20SP1, nil
}

func (l *legacyKey) newScratch() *legacyScratch {
	t := &legacyScratch{}
	t.enc = cipher.NewCBCEncrypter(l.block, t.zero[:l.blockSize]).(cbc)
	t.dec = cipher.NewCBCDecrypter(l.block, t.zero[:l.blockSize]).(cbc)
	if l.md5 {
		t.mac, t.suffix = l.newHash(), secret.View(l.key.cfg.ValidationKey)
	} else {
		t.mac = hmac.New(l.newHash, secret.View(l.key.cfg.ValidationKey))
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
func (l *legacyKey) verify(t *legacyScratch, signed []byte) ([]byte, bool) {
	data, tag := signed[:len(signed)-l.tagSize], signed[len(signed)-l.tagSize:]
	return data, hmac.Equal(tag, t.digest(t.tag[:0], data, nil))
}

func (l *legacyKey) owner() *Key { return l.key }

// protect appends the protected form of plaintext.
func (l *legacyKey) protect(dst, plaintext []byte) ([]byte, error) {
	if l.refusal != nil {
		e := *l.refusal
		return dst, &e
	}
	return l.seal(dst, plaintext, nil)
}

func (l *legacyKey) unprotect(dst, protected []byte) ([]byte, bool) {
	return l.open(dst, protected, nil)
}

// innerSize is the length of H(data), if there is one.
func (l *legacyKey) innerSize() int {
	if l.inner {
		return l.tagSize
	}
	return 0
}

// seal appends
//
//	prefix || plaintext || H(plaintext) || modifier || padding    encrypted, and then signed
//
// with those parts that the layers have.
func (l *legacyKey) seal(dst, plaintext, modifier []byte) ([]byte, error) {
	if err := l.key.fipsAllowed(); err != nil {
		return dst, err
	}
	if len(modifier) > math.MaxInt/4 ||
		len(plaintext) > math.MaxInt-l.prefixSize-2*l.tagSize-len(modifier)-l.blockSize-len(dst) {
		return dst, errors.New("machinekey: plaintext too long")
	}
	t := l.scratch.Get().(*legacyScratch)
	defer l.scratch.Put(t)
	prefix := t.prefix[:l.prefixSize]
	if err := l.fillPrefix(prefix, plaintext); err != nil {
		return dst, err
	}
	size, pad := l.prefixSize+len(plaintext)+l.innerSize()+len(modifier), 0
	if l.encrypted {
		pad = l.blockSize - size%l.blockSize
	}

	start := len(dst)
	dst = slices.Grow(dst, size+pad+l.tagSize)
	body := dst[start : start+size+pad]
	data := body[l.prefixSize:][:len(plaintext)]
	copy(data, plaintext) // first of all writes: plaintext may overlap dst
	copy(body, prefix)
	rest := body[l.prefixSize+len(data):]
	if l.inner {
		t.digest(rest[:0], data, nil)
		rest = rest[l.tagSize:]
	}
	rest = rest[copy(rest, modifier):]
	for i := range rest {
		rest[i] = byte(pad)
	}
	if l.encrypted {
		t.enc.SetIV(t.zero[:l.blockSize])
		t.enc.CryptBlocks(body, body)
	}
	dst = dst[:start+len(body)]
	if l.signed {
		dst = t.digest(dst, body, nil)
	}
	return dst, nil
}

// open appends the plaintext. It reports false, with no plaintext left behind
// in dst, for data that this key did not seal. What is signed is verified
// before it is decrypted; without a signature the time depends as little as
// possible on what is wrong inside.
func (l *legacyKey) open(dst, protected, modifier []byte) ([]byte, bool) {
	t := l.scratch.Get().(*legacyScratch)
	defer l.scratch.Put(t)
	body, ok := protected, true
	if l.signed {
		if len(body) <= l.tagSize {
			return dst, false
		}
		if body, ok = l.verify(t, body); !ok {
			return dst, false
		}
	}
	if !l.encrypted {
		if l.inner {
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
func (l *legacyKey) unwrap(t *legacyScratch, plain, modifier []byte) ([]byte, bool) {
	n, good := unpadConstantTime(plain, l.blockSize)
	good &= atLeast(n, l.prefixSize+l.innerSize()+len(modifier))
	n = subtle.ConstantTimeSelect(good, n, len(plain))

	data, end := plain[l.prefixSize:n-len(modifier)], plain[n-len(modifier):n]
	good &= subtle.ConstantTimeCompare(end, modifier)
	if l.inner {
		var ok bool
		if data, ok = l.verify(t, data); !ok {
			good = 0
		}
	}
	return data, good == 1
}

// fillPrefix fills prefix as the layers say.
func (l *legacyKey) fillPrefix(prefix, plaintext []byte) error {
	if len(prefix) == 0 {
		return nil
	}
	if l.iv == IVHash {
		l.hashPrefix(prefix, plaintext)
		return nil
	}
	r := l.key.cfg.Rand
	if r == nil {
		rand.Read(prefix) // documented to never fail
		return nil
	}
	if _, err := io.ReadFull(r, prefix); err != nil {
		return fmt.Errorf("machinekey: reading random bytes from Config.Rand: %w", err)
	}
	return nil
}

// hashPrefix fills prefix from the digest D that belongs to the attribute
// validation, without a key:
//
//	D(data) || D(D(data)) || …   cut to the length of prefix
func (l *legacyKey) hashPrefix(prefix, data []byte) {
	h := l.newHash()
	sum := data
	for len(prefix) > 0 {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(nil)
		prefix = prefix[copy(prefix, sum):]
	}
}
