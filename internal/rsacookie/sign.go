package rsacookie

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Signature signs with the first of its keys and verifies with all of them,
// in order. It is safe for concurrent use if the private key is.
//
// Signed data is
//
//	0     int32 LE n, the length of the signature
//	4     RSASSA-PKCS1-v1_5 signature over the rest, n bytes
//	4+n   the data, not empty
//
// The comments in .NET's source say big endian; its code does not.
type Signature struct {
	keys []*Key
	hash Hash
}

// NewSignature returns a Signature. There must be a key.
func NewSignature(hash Hash, keys ...*Key) (*Signature, error) {
	if err := checkKeys(hash, keys); err != nil {
		return nil, err
	}
	return &Signature{keys: slices.Clone(keys), hash: hash}, nil
}

func checkKeys(hash Hash, keys []*Key) error {
	if len(keys) == 0 || slices.ContainsFunc(keys,
		func(k *Key) bool { return k == nil || k.public == nil }) {
		return errors.New("rsacookie: no key")
	}
	if hash > InsecureSHA1 {
		return errors.New("rsacookie: unknown hash")
	}
	return nil
}

// Sign appends the signed form of data to dst. It fails if the first key has no private half or
// the key does: [ErrNoPrivateKey], [ErrEmpty] or the key's error.
func (s *Signature) Sign(dst, data []byte) ([]byte, error) {
	key := s.keys[0]
	switch {
	case len(data) == 0:
		return dst, ErrEmpty
	case key.signer == nil:
		return dst, ErrNoPrivateKey
	}
	var sum [sha256.Size]byte
	signature, err := key.signer.Sign(rand.Reader, s.hash.sum(sum[:0], data), s.hash.id())
	if err != nil {
		return dst, fmt.Errorf("rsacookie: sign: %w", err)
	}
	dst = slices.Grow(dst, 4+len(signature)+len(data))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(signature)))
	dst = append(dst, signature...)
	return append(dst, data...), nil
}

// Verify returns the data whose signature a known key made, a part of signed.
// [ErrSignature] is its only error.
func (s *Signature) Verify(signed []byte) ([]byte, error) {
	signature, data, ok := cutField(signed)
	if !ok || len(data) == 0 { // ID1013
		return nil, ErrSignature
	}
	var sum [sha256.Size]byte
	digest := s.hash.sum(sum[:0], data)
	for _, k := range s.keys {
		if rsa.VerifyPKCS1v15(k.public, s.hash.id(), digest, signature) == nil {
			return data, nil
		}
	}
	return nil, ErrSignature
}

// cutField reads an int32 LE length and that many bytes. The length must be
// positive and not exceed what is left.
func cutField(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	b = b[4:]
	if n <= 0 || n > int64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
