package machinekey

import (
	"crypto/des"
	"fmt"
	"slices"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// minLegacyValidationKey is the shortest validation key of the legacy formats:
// 40 hex digits.
const minLegacyValidationKey = 20

// maxLegacyValidationKey returns the longest validation key: the block size of
// the digest, past which .NET's HMAC runs off its pad. Such a node cannot
// work, so a longer key is not hashed as RFC 2104 would. MD5 has no limit but
// the general one.
func (v Validation) maxLegacyValidationKey() int {
	switch v {
	case HMACSHA384, HMACSHA512:
		return 128
	case InsecureMD5:
		return maxValidationKey
	}
	return 64
}

// validateLegacy checks c by the rules of the legacy formats
// (MachineKeySection.RuntimeDataInitialize and ConfigureEncryptionObject).
func (c Config) validateLegacy() error {
	if c.Validation == InsecureMD5 && !c.AllowInsecure {
		return insecureError("validation", string(c.Validation))
	}
	n, most := c.ValidationKey.Len(), c.Validation.maxLegacyValidationKey()
	if n < minLegacyValidationKey || n > most {
		return &ConfigError{Code: "invalid_validation_key", Attribute: "validationKey",
			Found: byteCount(n), Want: fmt.Sprintf("%d to %d bytes for %v in the legacy formats",
				minLegacyValidationKey, most, c.Validation)}
	}
	d := c.cipher()
	if d != AES && !c.AllowInsecure {
		return insecureError("decryption", string(d))
	}
	if err := c.validateLegacyCipher(d, "decryption"); err != nil {
		return err
	}
	// .NET makes a second cipher of the same key, the one that validation
	// names, and cannot start if it is not fit for it.
	switch {
	case c.Validation == LegacyTripleDES && c.DecryptionKey.Len() == des.BlockSize:
		return c.validateLegacyCipher(InsecureDES, "validation")
	case c.Validation == LegacyTripleDES:
		return c.validateLegacyCipher(InsecureTripleDES, "validation")
	case c.Validation == LegacyAES:
		return c.validateLegacyCipher(AES, "validation")
	}
	return nil
}

// validateLegacyCipher checks the decryption key for a cipher that the named
// attribute demands.
func (c Config) validateLegacyCipher(d Decryption, attribute string) error {
	key := secret.View(c.DecryptionKey)
	if d == InsecureDES {
		key = key[:min(len(key), des.BlockSize)]
	}
	if legal, words := d.keySizes(); !slices.Contains(legal, len(key)) {
		want := fmt.Sprintf("%s (attribute %s)", words, attribute)
		if d == InsecureDES {
			want = fmt.Sprintf("8 bytes or more for DES (attribute %s)", attribute)
		}
		return &ConfigError{Code: "invalid_decryption_key", Attribute: "decryptionKey",
			Found: byteCount(c.DecryptionKey.Len()), Want: want}
	}
	if netfx.WeakKey(string(d), key) {
		return &ConfigError{Code: "weak_decryption_key", Attribute: "decryptionKey",
			Found: fmt.Sprintf("a weak %v key, which .NET refuses too", d),
			Want:  "a freshly generated key"}
	}
	return nil
}
