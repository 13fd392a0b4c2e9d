package machinekey

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Generate returns a configuration with fresh random keys for compatibility
// mode Framework45, of the lengths that "Generate Keys" of the IIS manager
// writes:
//
//	SHA1, HMACSHA256          validation key of 64 bytes  (128 hex digits)
//	HMACSHA384, HMACSHA512    validation key of 128 bytes (256 hex digits)
//	Auto, AES                 decryption key of 32 bytes  (64 hex digits)
//
// Anything else is a [*ConfigError]. That includes 3DES and DES: new keys are
// the moment to leave them. A farm that cannot fills a [Config] by hand, where
// AllowInsecure has to be written out.
func Generate(v Validation, d Decryption) (Config, error) {
	var size int
	switch v {
	case HMACSHA1, HMACSHA256:
		size = 64
	case HMACSHA384, HMACSHA512:
		size = 128
	default:
		return Config{}, &ConfigError{Code: "invalid_validation_algorithm", Attribute: "validation",
			Found: cmp.Or(string(v), "none"),
			Want:  "SHA1, HMACSHA256, HMACSHA384 or HMACSHA512 for new keys"}
	}
	d = cmp.Or(d, Auto)
	if d != Auto && d != AES {
		return Config{}, &ConfigError{Code: "invalid_decryption_algorithm", Attribute: "decryption",
			Found: string(d), Want: "AES or Auto for new keys"}
	}
	return Config{
		ValidationKey: randomKey(size),
		DecryptionKey: randomKey(32),
		Validation:    v,
		Decryption:    d,
		Mode:          Framework45,
	}, nil
}

func randomKey(size int) Secret {
	key := make([]byte, size)
	rand.Read(key) // documented to never fail
	return secret.Own(key)
}

// WebConfig returns the <machineKey> element to paste inside <system.web> on
// every .NET node. It is the one function of this package that prints keys:
// treat the result as a secret. All attributes are written out, except
// compatibilityMode where Mode is empty; c is not validated.
func (c Config) WebConfig() string {
	var b strings.Builder
	fmt.Fprintf(&b,
		`<machineKey validationKey="%X" decryptionKey="%X" validation="%v" decryption="%v"`,
		secret.View(c.ValidationKey), secret.View(c.DecryptionKey), c.Validation,
		cmp.Or(c.Decryption, Auto))
	if c.Mode != "" {
		fmt.Fprintf(&b, ` compatibilityMode="%v"`, c.Mode)
	}
	b.WriteString(" />")
	return b.String()
}
