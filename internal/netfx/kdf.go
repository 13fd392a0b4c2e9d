package netfx

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
)

// DeriveKey derives the key of a purpose from a configured key, as System.Web's
// SP800_108 does: NIST SP 800-108 in counter mode with HMAC-SHA512. The result
// is as long as master.
//
//	L       = 8 * len(master)
//	K(i)    = HMAC-SHA512(master, BE32(i) || label || 00 || context || BE32(L))   i = 1, 2, ...
//	derived = K(1) || K(2) || ...   cut to L bits
//
// The label is the primary purpose, the context the encoded specific ones.
// Since L is an input, a shorter key is no prefix of a longer one.
func DeriveKey(master []byte, label, context string) []byte {
	input := make([]byte, 4, 4+len(label)+1+len(context)+4)
	input = append(input, label...)
	input = append(input, 0)
	input = append(input, context...)
	input = binary.BigEndian.AppendUint32(input, uint32(8*len(master)))

	mac := hmac.New(sha512.New, master)
	derived := make([]byte, 0, len(master)+sha512.Size)
	for i := uint32(1); len(derived) < len(master); i++ {
		binary.BigEndian.PutUint32(input, i)
		mac.Reset()
		mac.Write(input)
		derived = mac.Sum(derived)
	}
	return derived[:len(master)]
}

// Context returns the context of a derivation, which holds the specific
// purposes, each as V7(length in bytes) || UTF-8. V7 is the 7-bit variable
// length integer of .NET's BinaryWriter. The lengths make the list injective:
// {"a", "b"} and {"ab"} are different.
func Context(specific ...string) string {
	var b []byte
	for _, s := range specific {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return string(b)
}
