package machinekey

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
)

// deriveKey derives the key of a purpose from a configured key, as System.Web's
// SP800_108 does: NIST SP 800-108 in counter mode with HMAC-SHA512. The result
// is as long as master.
//
//	L       = 8 * len(master)
//	K(i)    = HMAC-SHA512(master, BE32(i) || label || 00 || context || BE32(L))   i = 1, 2, ...
//	derived = K(1) || K(2) || ...   cut to L bits
//
// The label is the primary purpose, the context the encoded specific ones.
// Since L is an input, a shorter key is no prefix of a longer one.
func deriveKey(master []byte, p purpose) []byte {
	input := make([]byte, 4, 4+len(p.primary)+1+len(p.specific)+4)
	input = append(input, p.primary...)
	input = append(input, 0)
	input = append(input, p.specific...)
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
