package machinekey

import (
	"crypto/des"
	"crypto/fips140"
	"fmt"
)

// minFIPSKey is the shortest HMAC key that FIPS 140-3 approves: 112 bits.
const minFIPSKey = 112 / 8

// fipsEnforced reports whether the program runs with GODEBUG=fips140=only,
// where the standard library panics on what is not approved. Enforcement can
// be lifted for one call chain, so the answer holds for the moment only. It is
// asked of crypto/des, which then returns an error.
func fipsEnforced() bool {
	if !fips140.Enabled() {
		return false
	}
	_, err := des.NewCipher(make([]byte, des.BlockSize))
	return err != nil
}

// fipsError returns what FIPS 140-3 does not approve in a valid cfg, or nil.
func fipsError(cfg Config) *ConfigError {
	e := &ConfigError{Code: "not_fips_approved"}
	switch {
	case cfg.Validation != HMACSHA256 && cfg.Validation != HMACSHA384 && cfg.Validation != HMACSHA512:
		e.Attribute, e.Found = "validation", string(cfg.Validation)
		e.Want = "HMACSHA256, HMACSHA384 or HMACSHA512 on every node, since GODEBUG=fips140=only is set"
	case cfg.cipher() != AES:
		e.Attribute, e.Found = "decryption", string(cfg.cipher())
		e.Want = "AES on every node, since GODEBUG=fips140=only is set"
	case cfg.ValidationKey.Len() < minFIPSKey:
		e.Attribute, e.Found = "validationKey", byteCount(cfg.ValidationKey.Len())
		e.Want = fmt.Sprintf("at least %d bytes, since GODEBUG=fips140=only is set", minFIPSKey)
	default:
		return nil
	}
	return e
}
