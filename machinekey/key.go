package machinekey

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
)

// Key is a validated machine key. It is immutable, safe for concurrent use,
// and prints without its key bytes in every form (%v, %#v, slog, JSON).
type Key struct {
	cfg  *sealed // deep copy
	id   string
	fips *ConfigError // what FIPS 140-3 does not approve, nil if nothing
}

// sealed keeps a configuration two pointers away from its Key: package fmt,
// which knows no Formatter in an unexported field, follows one pointer there
// when the verb does not fit.
type sealed struct{ *Config }

// New validates cfg and copies it. It refuses, with a [*ConfigError]:
//
//   - an unknown mode or algorithm;
//   - an algorithm whose name begins with Insecure, and Auto where a legacy
//     mode takes it for DES, unless cfg.AllowInsecure is set;
//   - an empty validation key, and a decryption key whose length the algorithm
//     does not take;
//   - what the standard library forbids under GODEBUG=fips140=only:
//     HMAC-SHA1, 3DES, DES, and a validation key below 14 bytes.
//
// With a legacy mode (Framework20SP1, Framework20SP2) it also accepts what
// only the legacy formats can use: the validations MD5, 3DES and AES, and DES
// with a key longer than 8 bytes. [Ring.Protector] refuses such a key, as
// MachineKey.Protect does in .NET.
func New(cfg Config) (*Key, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.ValidationKey = bytes.Clone(cfg.ValidationKey)
	cfg.DecryptionKey = bytes.Clone(cfg.DecryptionKey)
	cfg.Warnings = nil
	k := &Key{cfg: &sealed{&cfg}, id: fingerprint(cfg), fips: fipsError(cfg)}
	if err := k.fipsAllowed(); err != nil {
		return nil, err
	}
	return k, nil
}

// ID returns a fingerprint for logs: 8 hex digits, the same on every node and
// in every process for keys that open each other's data. It is the beginning
// of a SHA-256 digest over the keys and algorithms, so it does not reveal a
// randomly generated key; whoever already has a list of keys can find out
// which one it is.
func (k *Key) ID() string { return k.id }

// Mode returns the compatibility mode of the configuration. Protect and
// Unprotect do not depend on it.
func (k *Key) Mode() Mode { return k.cfg.Mode }

// String describes k by its ID and algorithms, without key bytes.
func (k Key) String() string {
	if k.cfg == nil {
		return "machinekey.Key{invalid}"
	}
	return fmt.Sprintf("machinekey.Key{id=%s validation=%v decryption=%v mode=%v}",
		k.id, k.cfg.Validation, k.cfg.Decryption, k.cfg.Mode)
}

// GoString is String: %#v shows no key either.
func (k Key) GoString() string { return k.String() }

// Format implements [fmt.Formatter] for every verb and flag, so that no
// format prints the fields.
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.String()) }

// LogValue implements [slog.LogValuer] without the keys.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText keeps the keys out of JSON and every other text encoding.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// fipsAllowed returns an error if FIPS 140-3 is enforced and k is not
// approved. It is asked at each use and not only by New, since enforcement can
// be lifted for a part of the program.
func (k *Key) fipsAllowed() error {
	if k.fips == nil || !fipsEnforced() {
		return nil
	}
	e := *k.fips
	return &e
}

func (c Config) validate() error {
	if c.Mode > Framework45 {
		return &ConfigError{Code: "invalid_enum", Attribute: "compatibilityMode",
			Found: c.Mode.String(), Want: "Framework20SP1, Framework20SP2 or Framework45"}
	}
	if c.Decryption > InsecureDES {
		return &ConfigError{Code: "invalid_decryption_algorithm", Attribute: "decryption",
			Found: c.Decryption.String(), Want: "Auto, AES, 3DES or DES"}
	}
	if err := c.validateAuthentication(); err != nil {
		return err
	}
	if d := c.cipher(); d != AES && !c.AllowInsecure {
		return insecureError("decryption", d.String())
	}
	n := len(c.DecryptionKey)
	if c.cipher().takes(n) || c.Mode.legacy() && c.cipher() == InsecureDES && n > 8 {
		return nil
	}
	return &ConfigError{Code: "invalid_decryption_key", Attribute: "decryptionKey",
		Found: byteCount(n), Want: c.cipher().keySizes()}
}

func (c Config) validateAuthentication() error {
	switch c.Validation {
	case HMACSHA1, HMACSHA256, HMACSHA384, HMACSHA512:
	case InsecureMD5, LegacyTripleDES, LegacyAES:
		if !c.Mode.legacy() {
			return legacyValidationError(c.Validation.String())
		}
		if c.Validation == InsecureMD5 && !c.AllowInsecure {
			return insecureError("validation", c.Validation.String())
		}
	default:
		return &ConfigError{Code: "invalid_validation_algorithm", Attribute: "validation",
			Found: c.Validation.String(), Want: "SHA1, HMACSHA256, HMACSHA384 or HMACSHA512"}
	}
	// The upper limit is the one of the key derivation, which counts bits in
	// a 32-bit number.
	if n := len(c.ValidationKey); n == 0 || uint64(n) > math.MaxUint32/8 {
		return &ConfigError{Code: "invalid_validation_key", Attribute: "validationKey",
			Found: byteCount(n), Want: "at least 1 byte; Generate makes one of the usual length"}
	}
	return nil
}

func legacyValidationError(found string) error {
	return &ConfigError{Code: "invalid_validation_algorithm", Attribute: "validation", Found: found,
		Want: "SHA1, HMACSHA256, HMACSHA384 or HMACSHA512: MachineKey.Protect and Framework45 know no other"}
}

func insecureError(attribute, found string) error {
	return &ConfigError{Code: "insecure_algorithm", Attribute: attribute, Found: found,
		Want: "AllowInsecure in the Config, or better another algorithm on every node"}
}

func byteCount(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// fingerprint returns the first 4 bytes of
//
//	SHA-256("webfarm machinekey id" || 00 || validation || cipher || BE64(len) || validationKey || decryptionKey)
//
// in hex. The first string keeps the digest apart from every other use of the
// keys, the length keeps the keys apart from one another.
func fingerprint(cfg Config) string {
	h := sha256.New()
	io.WriteString(h, "webfarm machinekey id\x00")
	h.Write([]byte{byte(cfg.Validation), byte(cfg.cipher())})
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(cfg.ValidationKey))))
	h.Write(cfg.ValidationKey)
	h.Write(cfg.DecryptionKey)
	return hex.EncodeToString(h.Sum(nil)[:4])
}
