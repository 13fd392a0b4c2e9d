package machinekey

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
)

// use says what a binding is for. It is comparable: the same use of the same
// ring is the same protector.
type use struct {
	pipeline pipeline
	purpose  Purpose       // of the derived and the cookie pipeline
	options  LegacyOptions // of the legacy and the cookie pipeline
}

// pipeline is one of the ways in which .NET makes protected bytes of a
// machine key.
type pipeline uint8

const (
	derivedPipeline pipeline = iota + 1 // Protect and Unprotect: a derived key for each purpose
	legacyPipeline                      // the cookies of the legacy modes: the keys themselves, no purpose
	encodePipeline                      // MachineKey.Encode and Decode: the same in every mode
	cookiePipeline                      // the first or the second, by the mode of the key
)

// bound is one key made ready for one use: a *subkey or a *legacyKey. It is
// safe for concurrent use.
type bound interface {
	owner() *Key
	// protect and unprotect are those of Protector, for this key alone.
	protect(dst, plaintext []byte) ([]byte, error)
	unprotect(dst, protected []byte) ([]byte, bool)
}

// bind makes k ready for a use. A *ConfigError says why it cannot serve.
func (u use) bind(k *Key) (bound, error) {
	switch u.pipeline {
	case derivedPipeline:
		s, err := newSubkey(k, u.purpose)
		if err != nil {
			return nil, err
		}
		return s, nil
	case legacyPipeline:
		l, err := newCookieKey(k, u.options)
		if err != nil {
			return nil, err
		}
		return l, nil
	case encodePipeline:
		l, err := newLegacyKey(k, legacyLayers{inner: true, encrypted: true, signed: true})
		if err != nil {
			return nil, err
		}
		return l, nil
	case cookiePipeline:
		return bindCookie(k, u)
	}
	return nil, errNoRing // unreachable: the ring makes all uses
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

// binding is what every protector is made of: the keys of one ring, each
// ready for one use. The ring replaces them all at once.
type binding struct {
	use       use
	bound     atomic.Pointer[[]bound] // primary first; nil in the zero value
	protector any                     // the protector that this is the inside of
}

var errNoRing = errors.New("machinekey: the protector was not made by a Ring")

func (b *binding) protect(dst, plaintext []byte) ([]byte, error) {
	all := b.bound.Load()
	if all == nil {
		return dst, errNoRing
	}
	return (*all)[0].protect(dst, plaintext)
}

func (b *binding) unprotect(dst, protected []byte) ([]byte, *Key, error) {
	all := b.bound.Load()
	if all == nil {
		return dst, nil, errNoRing
	}
	for _, s := range *all {
		key := s.owner()
		if err := key.fipsAllowed(); err != nil {
			return dst, nil, err
		}
		if out, ok := s.unprotect(dst, protected); ok {
			return out, key, nil
		}
	}
	return dst, nil, ErrUnprotect
}

// describe names the type, what it is for and the IDs of its keys.
func (b *binding) describe() string {
	var ids []string
	if all := b.bound.Load(); all != nil {
		for _, s := range *all {
			ids = append(ids, s.owner().id)
		}
	}
	switch b.use.pipeline {
	case derivedPipeline:
		return fmt.Sprintf("machinekey.Protector{purpose=%v keys=%v}", b.use.purpose, ids)
	case legacyPipeline:
		return fmt.Sprintf("machinekey.LegacyProtector{%v keys=%v}", b.use.options, ids)
	case encodePipeline:
		return fmt.Sprintf("machinekey.EncodeProtector{keys=%v}", ids)
	case cookiePipeline:
		return fmt.Sprintf("machinekey.CookieProtector{purpose=%v %v keys=%v}", b.use.purpose, b.use.options, ids)
	}
	return "machinekey.Protector{invalid}"
}

// String describes the protector by its use and the IDs of its keys.
func (b *binding) String() string { return b.describe() }

// GoString is String: %#v shows no key.
func (b *binding) GoString() string { return b.describe() }

// Format implements [fmt.Formatter] for every verb and flag, so that no
// format prints the fields.
func (b *binding) Format(s fmt.State, _ rune) { io.WriteString(s, b.describe()) }

// LogValue implements [slog.LogValuer] without the keys.
func (b *binding) LogValue() slog.Value { return slog.StringValue(b.describe()) }

// MarshalText keeps the keys out of JSON and every other text encoding.
func (b *binding) MarshalText() ([]byte, error) { return []byte(b.describe()), nil }
