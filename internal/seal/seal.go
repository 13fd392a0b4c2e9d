// Package seal says what a codec needs of keys, whatever world they are of:
// the <machineKey> of .NET Framework or the key ring of ASP.NET Core. It stands
// between the question who may read a credential and the question what it says.
package seal

import (
	"context"
	"errors"
)

// Protector protects and unprotects the bytes of one purpose. It is safe for
// concurrent use and keeps following its [Keys].
type Protector interface {
	// Protect appends the protected form of plaintext to dst, with the key
	// that protects now, and returns the extended slice.
	Protect(dst, plaintext []byte) ([]byte, error)
	// Unprotect appends the plaintext of protected to dst and returns the
	// extended slice and the id of the key that opened it. It verifies before
	// it decrypts. The error matches [ErrUnprotect] for everything that the
	// bytes are to blame for, and [ErrUnavailable] if a key might exist that
	// could not be fetched now. Dst then comes back as it was, and the id is
	// empty.
	Unprotect(ctx context.Context, dst, protected []byte) (plaintext []byte, keyID string, err error)
}

// Keys are the keys of a farm, those of today and older ones. They are safe
// for concurrent use.
type Keys interface {
	// Protector returns the protector of a list of purposes. The first is
	// .NET's primary purpose, such as "User.MachineKey.Protect", and the
	// specific ones follow.
	Protector(purposes ...string) (Protector, error)
	// KeyStatus says of the key with an id whether it still opens, and whether
	// what it protected should be protected anew. An id that the keys do not
	// have, such as the empty one, is neither.
	KeyStatus(keyID string) (known, renew bool)
}

// RingTraits are what package cookie asks of a key ring of Data Protection.
type RingTraits struct {
	// ApplicationName is the first purpose of everything, if not empty.
	ApplicationName string
	// Application returns the same keys under another application name.
	Application func(name string) Keys
	// OnRefresh adds a function that is told of every further reading.
	OnRefresh func(func(error))
	// Named returns the id of the key that protected data names, known or not,
	// from its first 20 bytes. It is empty for other data.
	Named func(protected []byte) string
	// Fault says why the ring is not fit for the cookies of the farm, nil if it
	// is.
	Fault func(context.Context) error
}

// The errors of a [Protector] that a codec tells apart. The packages with keys
// wrap them in errors of their own.
var (
	ErrUnprotect   = errors.New("protected data is not valid under this key and purpose")
	ErrUnavailable = errors.New("the keys are not available")
)
