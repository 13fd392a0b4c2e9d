package netfx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// newBlock returns a cipher by its name in web.config. Like .NET it refuses the
// keys under which DES is weak.
func newBlock(name string, key []byte) (cipher.Block, error) {
	if WeakKey(name, key) {
		return nil, ErrWeakKey
	}
	switch name {
	case "3DES":
		if len(key) == 16 { // two-key 3DES: K1, K2, K1
			key = append(key[:16:16], key[:8]...)
		}
		return des.NewTripleDESCipher(key)
	case "DES":
		return des.NewCipher(key)
	case "AES":
		return aes.NewCipher(key)
	}
	return nil, fmt.Errorf("no cipher %q", name)
}

// ErrWeakKey is the error of a key that .NET refuses too, see [WeakKey].
var ErrWeakKey = errors.New("a weak key of DES")

// WeakKey reports whether .NET refuses a key of DES or 3DES as weak.
func WeakKey(name string, key []byte) bool {
	switch {
	case name == "DES" && len(key) == des.BlockSize:
		return weakDES(key)
	case name == "3DES" && (len(key) == 16 || len(key) == 24):
		return degenerateTripleDES(key)
	}
	return false
}

// desParity masks the lowest bit of each byte, which DES does not use and
// .NET ignores when it compares keys.
const desParity = 0x0101010101010101

// weakDES reports whether key is one of the 4 weak or 12 semi-weak keys of
// DES, as DES.IsWeakKey and DES.IsSemiWeakKey do.
func weakDES(key []byte) bool {
	switch binary.BigEndian.Uint64(key) &^ desParity {
	case 0x0000000000000000, 0xfefefefefefefefe, // weak: encrypting twice gives the input
		0x1e1e1e1e0e0e0e0e, 0xe0e0e0e0f0f0f0f0,

		0x00fe00fe00fe00fe, 0xfe00fe00fe00fe00, // semi-weak: each key of a pair undoes the other
		0x1ee01ee00ef00ef0, 0xe01ee01ef00ef00e,
		0x00e000e000f000f0, 0xe000e000f000f000,
		0x1efe1efe0efe0efe, 0xfe1efe1efe0efe0e,
		0x001e001e000e000e, 0x1e001e000e000e00,
		0xe0fee0fef0fef0fe, 0xfee0fee0fef0fef0:
		return true
	}
	return false
}

// degenerateTripleDES reports whether two neighbouring thirds are the same DES
// key, which leaves single DES, as TripleDES.IsWeakKey does.
func degenerateTripleDES(key []byte) bool {
	third := func(i int) uint64 { return binary.BigEndian.Uint64(key[8*i:]) &^ desParity }
	return third(0) == third(1) || len(key) == 24 && third(1) == third(2)
}

// unpad returns the length of padded without its PKCS#7 padding, of which
// every byte is checked:
//
//	n bytes of value n, 1 <= n <= size
//
// Nobody may have authenticated the data, so it looks at the same bytes whatever
// they are. Padded has at least size bytes; good is 1 or 0.
func unpad(padded []byte, size int) (n, good int) {
	last := padded[len(padded)-1]
	pad := int(last)
	good = atLeast(pad, 1) & atLeast(size, pad)
	for i := range size {
		same := subtle.ConstantTimeByteEq(padded[len(padded)-1-i], last)
		good &= same | atLeast(i, pad) // what is before the padding may differ
	}
	return len(padded) - pad, good
}

// atLeast returns 1 if n >= m, and else 0, without a branch.
func atLeast(n, m int) int { return int(^uint64(int64(n)-int64(m)) >> 63) }
