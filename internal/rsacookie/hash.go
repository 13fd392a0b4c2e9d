package rsacookie

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
)

// Hash is the hash algorithm of both transforms (their property HashName).
// OAEP uses SHA-1 whatever it is.
type Hash uint8

// The two that .NET knows. The zero value is its default.
const (
	SHA256       Hash = iota
	InsecureSHA1      // forgers can make two cookies of one SHA-1 value
)

// id is the algorithm as package crypto knows it.
func (h Hash) id() crypto.Hash {
	if h == InsecureSHA1 {
		return crypto.SHA1
	}
	return crypto.SHA256
}

// sum appends the hash of data to dst.
func (h Hash) sum(dst, data []byte) []byte {
	if h == InsecureSHA1 {
		s := sha1.Sum(data)
		return append(dst, s[:]...)
	}
	s := sha256.Sum256(data)
	return append(dst, s[:]...)
}
