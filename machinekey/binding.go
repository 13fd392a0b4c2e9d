package machinekey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/webfarm-go/webfarm/internal/netfx"
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

// bound is one key made ready for one use. It is safe for concurrent use.
type bound struct {
	key     *Key
	sealer  *netfx.Sealer
	refusal *ConfigError // of Protect, if the use is for reading only
}

// bind makes k ready for a use. A *ConfigError says why it cannot serve.
func (u use) bind(k *Key) (*bound, error) {
	if err := k.fipsAllowed(); err != nil {
		return nil, err
	}
	switch {
	case u.pipeline == derivedPipeline, u.pipeline == cookiePipeline && k.Mode() == Framework45:
		return k.derived(u.purpose)
	case u.pipeline == encodePipeline, k.Mode().legacy():
		return k.legacy(u.options)
	}
	return nil, &ConfigError{Code: "invalid_compatibility_mode", Attribute: "compatibilityMode",
		Found: "unknown in key " + k.ID(),
		Want:  "Framework20SP1, Framework20SP2 or Framework45: .NET writes another cookie in each; read web.config or set Config.Mode"}
}

// derived makes k ready by the rules of Framework45.
func (k *Key) derived(p purpose) (*bound, error) {
	switch k.cfg.Validation {
	case InsecureMD5, LegacyTripleDES, LegacyAES:
		return nil, legacyValidationError(fmt.Sprintf("%v in key %s", k.cfg.Validation, k.id))
	}
	d := k.cfg.Decryption
	if err := d.check(k.cfg.DecryptionKey); err != nil { // good for the legacy formats alone
		return nil, err
	}
	if d == Auto {
		d = AES
	}
	s, err := netfx.NewDerived(k.cfg.settings(d), p.primary, p.specific)
	if err != nil { // a weak key: the rest was checked
		return nil, &ConfigError{Code: "weak_derived_key", Attribute: "decryptionKey",
			Found: fmt.Sprintf("a weak %v key for this purpose, which .NET refuses too", d),
			Want:  "a freshly generated key"}
	}
	return &bound{key: k, sealer: s}, nil
}

// legacy makes k ready for the legacy formats, and for reading only if the
// options are too weak to issue anything with.
func (k *Key) legacy(o LegacyOptions) (*bound, error) {
	if err := k.cfg.validateLegacy(); err != nil {
		return nil, err
	}
	layers := o.layers()
	l, err := netfx.NewLegacy(k.cfg.settings(k.cfg.cipher()), layers)
	if err != nil { // no mode: the rest was checked
		return nil, &ConfigError{Code: "invalid_compatibility_mode", Attribute: "compatibilityMode",
			Found: "unknown",
			Want:  "the mode of the .NET nodes, on which the form of unsigned data depends"}
	}
	b := &bound{key: k, sealer: l}
	if !layers.Signed && (layers.Encrypted || !layers.Inner) {
		b.refusal = &ConfigError{Code: "insecure_protection", Attribute: "protection",
			Found: o.words(),
			Want:  "a signed protection on every node: this one can be read but is never issued"}
	}
	return b, nil
}

func (c *Config) settings(d Decryption) netfx.Settings {
	return netfx.Settings{ValidationKey: c.ValidationKey, DecryptionKey: c.DecryptionKey,
		Validation: string(c.Validation), Decryption: string(d), Mode: string(c.Mode), Rand: c.Rand}
}

// bindAll makes keys ready for a use and takes over what known already has.
func (u use) bindAll(keys []*Key, known []*bound) ([]*bound, error) {
	all := make([]*bound, len(keys))
	for i, k := range keys {
		if j := slices.IndexFunc(known, func(b *bound) bool { return b.key == k }); j >= 0 {
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
	bound atomic.Pointer[[]*bound] // primary first
}

var errNoKeys = errors.New("machinekey: the ring has no keys; use NewRing")

// Protect implements seal.Protector, see [Ring.Protector].
func (b *binding) Protect(dst, plaintext []byte) ([]byte, error) {
	primary := (*b.bound.Load())[0]
	if err := primary.key.fipsAllowed(); err != nil {
		return dst, err
	}
	if primary.refusal != nil {
		e := *primary.refusal
		return dst, &e
	}
	dst, err := primary.sealer.Seal(dst, plaintext, nil)
	if err != nil {
		err = fmt.Errorf("machinekey: %w", err)
	}
	return dst, err
}

// Unprotect implements seal.Protector. All keys are at hand, so the context
// plays no part.
func (b *binding) Unprotect(_ context.Context, dst, protected []byte) ([]byte, string, error) {
	for _, s := range *b.bound.Load() {
		if err := s.key.fipsAllowed(); err != nil {
			return dst, "", err
		}
		if out, ok := s.sealer.Open(dst, protected, nil); ok {
			return out, s.key.id, nil
		}
	}
	return dst, "", ErrUnprotect
}

// String describes b by its use and the ids of its keys.
func (b *binding) String() string {
	var ids []string
	for _, s := range *b.bound.Load() {
		ids = append(ids, s.key.id)
	}
	of, options := fmt.Sprintf("purpose=%v", b.use.purpose), " "+b.use.options.words()
	switch b.use.pipeline {
	case derivedPipeline:
		options = ""
	case encodePipeline:
		of = "MachineKey.Encode"
	}
	return fmt.Sprintf("machinekey.Protector{%s%s keys=%v}", of, options, ids)
}
