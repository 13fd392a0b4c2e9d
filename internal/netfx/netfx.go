// Package netfx is the cryptography of System.Web: what .NET Framework makes
// with the two keys of a <machineKey>, byte by byte. [NewDerived] is for
// Framework45, [NewLegacy] for the modes before. It is the part of package
// machinekey that has ciphers; what a farm may use and what may be issued is
// decided there. It lies below internal, since tests and tools also look at
// data that no credential has.
package netfx

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Settings are the attributes of a <machineKey>, in the spelling of web.config.
type Settings struct {
	ValidationKey, DecryptionKey secret.Bytes
	// Validation is SHA1, HMACSHA256, HMACSHA384 or HMACSHA512, and for the
	// legacy formats also MD5, 3DES or AES.
	Validation string
	// Decryption is AES, 3DES or DES. There is no Auto.
	Decryption string
	// Mode is the compatibility mode, empty if it is not known. Only unsigned
	// legacy data depends on it.
	Mode string
	// Rand is the source of initialization vectors, crypto/rand if nil. One
	// block is read for each.
	Rand io.Reader
}

var errTooLong = errors.New("plaintext too long")

func fill(r io.Reader, b []byte) error {
	if r == nil {
		rand.Read(b) // documented to never fail
		return nil
	}
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("reading random bytes from Config.Rand: %w", err)
	}
	return nil
}
