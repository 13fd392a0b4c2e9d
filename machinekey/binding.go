package machinekey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// use says what a binding is for. It is comparable: the same use of the same
// ring is the same protector.
type use struct {
	pipeline pipeline
	purpose  purpose       // of the derived and the cookie pipeline
	options  LegacyOptions // of the cookie and the encode pipeline
}

// pipeline is one of the ways in which .NET makes protected bytes of a
// machine key.
type pipeline uint8

const (
	derivedPipeline pipeline = iota + 1 // Protect and Unprotect: a derived key for each purpose
	cookiePipeline                      // that, or the keys themselves, by the mode of the key
	encodePipeline                      // MachineKey.Encode and Decode: the keys themselves in every mode
)

// bound is one key made ready for one use: a *subkey or a *legacyKey. It is
// safe for concurrent use.
type bound interface {
	owner() *Key
	// protect and unprotect are those of a protector, for this key alone.
	protect(dst, plaintext []byte) ([]byte, error)
	unprotect(dst, protected []byte) ([]byte, bool)
}

// bind makes k ready for a use. A *ConfigError says why it cannot serve.
func (u use) bind(k *Key) (bound, error) {
	switch {
	case u.pipeline == derivedPipeline, u.pipeline == cookiePipeline && k.Mode() == Framework45:
		return newSubkey(k, u.purpose)
	case u.pipeline == encodePipeline, k.Mode().legacy():
		return newOptionsKey(k, u.options)
	}
	return nil, &ConfigError{Code: "invalid_compatibility_mode", Attribute: "compatibilityMode",
		Found: k.Mode().String() + " in key " + k.ID(),
		Want:  "Framework20SP1, Framework20SP2 or Framework45: .NET writes another cookie in each; read web.config or set Config.Mode"}
}

// bindAll makes keys ready for a use and takes over what known already has.
func (u use) bindAll(keys []*Key, known []bound) ([]bound, error) {
	all := make([]bound, len(keys))
	for i, k := range keys {
		if j := slices.IndexFunc(known, func(b bound) bool { return b.owner() == k }); j >= 0 {
			all[i] = known[j]
			continue
		}
		b, err := u.bind(k)
		if err != nil {
			return nil, err
		}
		all[i] = b
	}
	return all, nil
}

// binding is a protector: the keys of one ring, each ready for one use. The
// ring replaces them all at once. Nothing in it can be printed: the keys lie
// behind two pointers.
type binding struct {
	use   use
	bound atomic.Pointer[[]bound] // primary first
}

var errNoKeys = errors.New("machinekey: the ring has no keys; use NewRing")

// Protect implements seal.Protector, see [Ring.Protector].
func (b *binding) Protect(dst, plaintext []byte) ([]byte, error) {
	return (*b.bound.Load())[0].protect(dst, plaintext)
}

// Unprotect implements seal.Protector. All keys are at hand, so the context
// plays no part.
func (b *binding) Unprotect(_ context.Context, dst, protected []byte) ([]byte, string, error) {
	for _, s := range *b.bound.Load() {
		key := s.owner()
		if err := key.fipsAllowed(); err != nil {
			return dst, "", err
		}
		if out, ok := s.unprotect(dst, protected); ok {
			return out, key.id, nil
		}
	}
	return dst, "", ErrUnprotect
}

// String describes b by its use and the ids of its keys.
func (b *binding) String() string {
	var ids []string
	for _, s := range *b.bound.Load() {
		ids = append(ids, s.owner().id)
	}
	switch b.use.pipeline {
	case derivedPipeline:
		return fmt.Sprintf("machinekey.Protector{purpose=%v keys=%v}", b.use.purpose, ids)
	case cookiePipeline:
		return fmt.Sprintf("machinekey.Protector{purpose=%v %v keys=%v}", b.use.purpose, b.use.options.words(), ids)
	}
	return fmt.Sprintf("machinekey.Protector{MachineKey.Encode %v keys=%v}", b.use.options.words(), ids)
}
