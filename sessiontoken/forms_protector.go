package sessiontoken

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/webfarm-go/webfarm/machinekey"
)

// modeProtector protects what System.Web itself puts into cookies, with the
// keys of a ring, each in the way of its compatibility mode:
//
//	Framework45                     Ring.Protector of the purpose
//	Framework20SP1, Framework20SP2  Ring.LegacyProtector, without purpose
//
// It follows the ring although it has to bind each key by itself: the first
// key is compared with the ring's at every call, the others whenever the first
// does not do.
type modeProtector struct {
	ring    *machinekey.Ring
	purpose machinekey.Purpose
	legacy  machinekey.LegacyOptions
	mu      sync.Mutex // held by bind
	bound   atomic.Pointer[boundKeys]
}

// boundKeys are the keys of a ring at one time, in its order.
type boundKeys struct{ list []boundKey }

// boundKey is a key with its protector, [machinekey.Protector] or
// [machinekey.LegacyProtector].
type boundKey struct {
	key       *machinekey.Key
	protector interface {
		Protect(dst, plaintext []byte) ([]byte, error)
		Unprotect(dst, protected []byte) ([]byte, error)
	}
}

func newModeProtector(ring *machinekey.Ring, purpose machinekey.Purpose, legacy machinekey.LegacyOptions) (*modeProtector, error) {
	if ring == nil || ring.Primary() == nil {
		return nil, errors.New("sessiontoken: a codec needs a ring with keys")
	}
	p := &modeProtector{ring: ring, purpose: purpose, legacy: legacy}
	if _, err := p.bind(); err != nil {
		return nil, err
	}
	return p, nil
}

// protect appends the protected form of plaintext, with the first key.
func (p *modeProtector) protect(dst, plaintext []byte) ([]byte, error) {
	keys, err := p.keys()
	if err != nil {
		return dst, err
	}
	return keys.list[0].protector.Protect(dst, plaintext)
}

// unprotect appends the plaintext and returns the key that opened it.
// [ErrInvalid] is the only error that the bytes of protected can cause.
func (p *modeProtector) unprotect(dst, protected []byte) ([]byte, *machinekey.Key, error) {
	keys, err := p.keys()
	if err != nil {
		return dst, nil, err
	}
	for {
		out, key, err := keys.unprotect(dst, protected)
		if err == nil && key == keys.list[0].key {
			return out, key, nil
		}
		// An older key opened it, or none did: are these still the keys?
		now, bindErr := p.bind()
		switch {
		case bindErr != nil:
			return dst, nil, bindErr
		case now == keys:
			return out, key, err
		}
		keys = now
	}
}

func (k *boundKeys) unprotect(dst, protected []byte) ([]byte, *machinekey.Key, error) {
	for i := range k.list {
		out, err := k.list[i].protector.Unprotect(dst, protected)
		if err == nil {
			return out, k.list[i].key, nil
		}
		if err != machinekey.ErrUnprotect {
			return dst, nil, err
		}
	}
	return dst, nil, ErrInvalid
}

// authenticates reports whether what key opened is authentic: all but the
// insecure variants of the legacy modes.
func (p *modeProtector) authenticates(key *machinekey.Key) bool {
	switch {
	case key.Mode() == machinekey.Framework45:
		return true
	case p.legacy.Protection == machinekey.ProtectionEncryption:
		return !p.legacy.InsecureUnsigned
	}
	return p.legacy.Protection != machinekey.InsecureProtectionNone
}

// keys returns the bound keys if the first one is still the ring's.
func (p *modeProtector) keys() (*boundKeys, error) {
	if keys := p.bound.Load(); keys.list[0].key == p.ring.Primary() {
		return keys, nil
	}
	return p.bind()
}

// bind returns the keys that the ring has now: the same pointer as before if
// they have not changed.
func (p *modeProtector) bind() (*boundKeys, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys, bound := p.ring.Keys(), p.bound.Load()
	if bound.equal(keys) {
		return bound, nil
	}
	next := &boundKeys{make([]boundKey, len(keys))}
	for i, key := range keys {
		b, err := p.bindKey(key)
		if err != nil {
			return nil, err
		}
		next.list[i] = b
	}
	p.bound.Store(next)
	return next, nil
}

func (k *boundKeys) equal(keys []*machinekey.Key) bool {
	if k == nil || len(k.list) != len(keys) {
		return false
	}
	for i := range keys {
		if k.list[i].key != keys[i] {
			return false
		}
	}
	return true
}

// bindKey gives a key a protector by its mode.
func (p *modeProtector) bindKey(key *machinekey.Key) (boundKey, error) {
	alone, err := machinekey.NewRing(key)
	if err != nil {
		return boundKey{}, err
	}
	b := boundKey{key: key}
	switch key.Mode() {
	case machinekey.Framework45:
		b.protector, err = alone.Protector(p.purpose)
	case machinekey.Framework20SP1, machinekey.Framework20SP2:
		b.protector, err = alone.LegacyProtector(p.legacy)
	default:
		err = &machinekey.ConfigError{Code: "unknown_mode", Attribute: "compatibilityMode",
			Found: key.Mode().String() + " in key " + key.ID(),
			Want: "Framework20SP1, Framework20SP2 or Framework45: .NET writes another cookie in each; " +
				"read web.config or set Config.Mode"}
	}
	return b, err
}
