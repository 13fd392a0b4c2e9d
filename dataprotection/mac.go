package dataprotection

import (
	"bytes"
	"crypto/des"
	"crypto/fips140"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// macKind is an HMAC. The zero value is none.
type macKind uint8

const (
	hmacSHA1 macKind = iota + 1
	hmacSHA256
	hmacSHA384
	hmacSHA512
)

// macs are the hashes, and the sizes of their blocks and digests in bytes.
var macs = [...]struct {
	name        string
	new         func() hash.Hash
	block, size int
}{
	{},
	{"HMACSHA1", sha1.New, sha1.BlockSize, sha1.Size},
	{"HMACSHA256", sha256.New, sha256.BlockSize, sha256.Size},
	{"HMACSHA384", sha512.New384, sha512.BlockSize, sha512.Size384},
	{"HMACSHA512", sha512.New, sha512.BlockSize, sha512.Size},
}

func (m macKind) String() string { return macs[m].name }

// digest is a hash whose state can be put back.
type digest interface {
	hash.Hash
	encoding.BinaryUnmarshaler
	encoding.BinaryAppender
}

// scratch is what one call needs, kept warm between calls. Every payload has
// keys of its own, for which crypto/hmac would make two hashes each time: here
// HMAC is written over one.
type scratch struct {
	sha512 digest
	mac    [len(macs)]hash.Hash // made when needed
	pad    [sha512.BlockSize]byte
	sum    [sha512.Size]byte
	keys   [2 * sha512.Size]byte
	random [32]byte
	behind [modifierSize + 4]byte // of the label
}

var scratches = sync.Pool{New: func() any {
	return &scratch{sha512: sha512.New().(digest)} // documented: all of sha512 are
}}

const (
	ipad = 0x36
	opad = 0x5c
)

// The pads make a block of the inner hash of a key, and of that one of the
// outer.
var (
	toInner = [sha512.BlockSize]byte(bytes.Repeat([]byte{ipad}, sha512.BlockSize))
	toOuter = [sha512.BlockSize]byte(bytes.Repeat([]byte{ipad ^ opad}, sha512.BlockSize))
)

// hmac appends HMAC(key, data) to dst. The key is no longer than the digest, as
// are all that are derived.
func (t *scratch) hmac(dst []byte, kind macKind, key, data []byte) []byte {
	m := &macs[kind]
	if t.mac[kind] == nil {
		t.mac[kind] = m.new()
	}
	h, pad := t.mac[kind], t.pad[:m.block]
	clear(pad[copy(pad, key):])
	subtle.XORBytes(pad, pad, toInner[:])
	h.Reset()
	h.Write(pad)
	h.Write(data)
	inner := h.Sum(t.sum[:0])
	subtle.XORBytes(pad, pad, toOuter[:])
	h.Reset()
	h.Write(pad)
	h.Write(inner)
	return h.Sum(dst)
}

// derivation derives the keys of payloads from a master key, as NIST SP
// 800-108 in counter mode with HMAC-SHA512 does
// (ManagedSP800_108_CTR_HMACSHA512):
//
//	K(i) = HMAC-SHA512(master, BE32(i) || label || 00 || context || BE32(bits))
//	       context = context header || key modifier
//
// The label names the key and the purposes, so that all before the key
// modifier is the same for every payload: the hash is kept as it stands behind
// it, one state for each i.
type derivation struct {
	inner [2]secret.Bytes // behind the inner pad, i, label, 00 and context header
	outer secret.Bytes    // behind the outer pad
	size  int             // bytes wanted, at most two digests
}

func newDerivation(master, label, header []byte, size int) derivation {
	if len(master) > sha512.BlockSize {
		sum := sha512.Sum512(master)
		master = sum[:]
	}
	padded := func(x byte) digest {
		var pad [sha512.BlockSize]byte
		copy(pad[:], master)
		for i := range pad {
			pad[i] ^= x
		}
		h := sha512.New().(digest)
		h.Write(pad[:])
		return h
	}
	d := derivation{outer: freeze(padded(opad)), size: size}
	for i := range d.inner {
		h := padded(ipad)
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(i+1)))
		h.Write(label)
		h.Write([]byte{0})
		h.Write(header)
		d.inner[i] = freeze(h)
	}
	return d
}

func freeze(h digest) secret.Bytes {
	state, _ := h.AppendBinary(nil) // documented to never fail
	return secret.Own(state)
}

// derive returns the keys of one payload, in the memory of t.
func (d *derivation) derive(t *scratch, modifier []byte) []byte {
	behind := binary.BigEndian.AppendUint32(append(t.behind[:0], modifier...), uint32(8*d.size))
	keys := t.keys[:0]
	for i := 0; len(keys) < d.size; i++ {
		t.sha512.UnmarshalBinary(secret.View(d.inner[i]))
		t.sha512.Write(behind)
		inner := t.sha512.Sum(t.sum[:0])
		t.sha512.UnmarshalBinary(secret.View(d.outer))
		t.sha512.Write(inner)
		keys = t.sha512.Sum(keys)
	}
	return keys[:d.size]
}

// fipsEnforced reports whether the program runs with GODEBUG=fips140=only,
// where the standard library panics on SHA-1. It is asked of crypto/des, which
// then returns an error.
func fipsEnforced() bool {
	if !fips140.Enabled() {
		return false
	}
	_, err := des.NewCipher(make([]byte, des.BlockSize))
	return err != nil
}
