package machinekey

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Key is a validated machine key. It is immutable, safe for concurrent use,
// and prints without its key bytes.
type Key struct {
	cfg  *Config // a copy
	id   string
	fips *ConfigError // what FIPS 140-3 does not approve, nil if nothing
}

// New validates cfg and copies it. It refuses, with a [*ConfigError], what .NET
// refuses, algorithms whose name begins with Insecure unless cfg.AllowInsecure
// is set, publicly known keys ([ErrKnownKey]) unless cfg.AllowKnownKey is set,
// and weak ones unless [Config.AllowWeakKey] is. .NET uses a machine key in two
// ways, which have different rules:
//
//	                 Protect and Unprotect;           the legacy formats: cookies of Framework20SP1
//	                 Framework45                      and SP2, MachineKey.Encode and Decode
//	validation       SHA1, HMACSHA256, 384 or 512     also MD5, 3DES and AES
//	validation key   1 byte or more                   20 to 64 bytes; HMACSHA384 and 512: 20 to 128;
//	                                                  MD5: 20 or more
//	AES              16, 24 or 32 bytes               the same
//	3DES             16 or 24 bytes                   the same
//	DES              8 bytes                          8 or more; the first 8 are used
//	Auto             AES                              DES for 8 bytes, else AES
//	validation 3DES  -                                the decryption key must also fit 3DES (8 bytes: DES)
//	validation AES   -                                the decryption key must also fit AES
//
// The weak keys of DES and 3DES are refused too: the configured one in the
// legacy formats, the derived one in the others.
//
// Without a mode or with Framework45 a key must fit the left column, with a legacy
// mode one of the two. What it does not fit, [Ring.Protector] on the one hand
// or [Ring.CookieProtector] and [Ring.EncodeProtector] on the other refuse it
// for, as .NET does at first use.
//
// Under GODEBUG=fips140=only New also refuses what the standard library
// forbids: HMAC-SHA1, MD5, 3DES, DES, and a validation key below 14 bytes.
func New(cfg Config) (*Key, error) {
	cfg.Decryption = cmp.Or(cfg.Decryption, Auto)
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := cfg.refuseKnown(); err != nil {
		return nil, err
	}
	if err := cfg.refuseWeak(); err != nil {
		return nil, err
	}
	cfg.KnownKeys = nil
	k := &Key{cfg: &cfg, id: fingerprint(cfg), fips: fipsError(cfg)}
	if err := k.fipsAllowed(); err != nil {
		return nil, err
	}
	return k, nil
}

// ID returns a fingerprint for logs and [Ring.KeyStatus]: 8 hex digits, the
// same on every node and in every process for the same keys and algorithms, and
// in a legacy mode the mode, as in "5f938e11-20SP1". The digits are the
// beginning of a SHA-256 digest, so they do not reveal a randomly generated
// key. With a list of keys, one can find out which of them it is.
func (k *Key) ID() string { return k.id }

// Mode returns the compatibility mode of the configuration. Protect and
// Unprotect do not depend on it.
func (k *Key) Mode() Mode { return k.cfg.Mode }

// String describes k by its ID and algorithms, without key bytes.
func (k *Key) String() string {
	if k == nil || k.cfg == nil {
		return "machinekey.Key{invalid}"
	}
	return fmt.Sprintf("machinekey.Key{id=%s validation=%v decryption=%v mode=%v}",
		k.id, k.cfg.Validation, k.cfg.Decryption, cmp.Or(k.cfg.Mode, "unknown"))
}

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
	if c.Mode != "" && c.Mode != Framework45 && !c.Mode.legacy() {
		return &ConfigError{Code: "invalid_enum", Attribute: "compatibilityMode",
			Found: string(c.Mode), Want: "Framework20SP1, Framework20SP2 or Framework45"}
	}
	if c.Decryption != Auto && !slices.Contains(ciphers, c.Decryption) {
		return &ConfigError{Code: "invalid_decryption_algorithm", Attribute: "decryption",
			Found: string(c.Decryption), Want: "Auto, AES, 3DES or DES"}
	}
	if !slices.Contains(validations, c.Validation) {
		return &ConfigError{Code: "invalid_validation_algorithm", Attribute: "validation",
			Found: cmp.Or(string(c.Validation), "none"),
			Want:  "SHA1, HMACSHA256, HMACSHA384 or HMACSHA512"}
	}
	err := c.validateDerived()
	if err == nil || !c.Mode.legacy() {
		return err
	}
	return c.validateLegacy() // a key of a legacy mode may serve it alone
}

// validateDerived checks c by the rules of Protect and Unprotect.
func (c Config) validateDerived() error {
	switch c.Validation {
	case InsecureMD5, LegacyTripleDES, LegacyAES:
		return legacyValidationError(string(c.Validation))
	}
	if n := c.ValidationKey.Len(); n == 0 || uint64(n) > maxValidationKey {
		return &ConfigError{Code: "invalid_validation_key", Attribute: "validationKey",
			Found: byteCount(n), Want: "at least 1 byte; Generate makes one of the usual length"}
	}
	if (c.Decryption == InsecureTripleDES || c.Decryption == InsecureDES) && !c.AllowInsecure {
		return insecureError("decryption", string(c.Decryption))
	}
	return c.Decryption.check(c.DecryptionKey)
}

// check refuses a key of a length that Framework45 does not take for d.
func (d Decryption) check(key Secret) error {
	legal, words := d.keySizes()
	if slices.Contains(legal, key.Len()) {
		return nil
	}
	return &ConfigError{Code: "invalid_decryption_key", Attribute: "decryptionKey",
		Found: byteCount(key.Len()), Want: words}
}

// maxValidationKey is the limit of the key derivation, which counts bits in a
// 32-bit number.
const maxValidationKey = math.MaxUint32 / 8

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
	h.Write([]byte{byte(1 + slices.Index(validations, cfg.Validation)),
		byte(1 + slices.Index(ciphers, cfg.cipher()))})
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(cfg.ValidationKey.Len())))
	h.Write(secret.View(cfg.ValidationKey))
	h.Write(secret.View(cfg.DecryptionKey))
	id := hex.EncodeToString(h.Sum(nil)[:4])
	if cfg.Mode.legacy() {
		id += "-" + strings.TrimPrefix(string(cfg.Mode), "Framework")
	}
	return id
}
