package machinekey

import (
	"fmt"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// Mode is the attribute compatibilityMode of <machineKey>.
type Mode uint8

// The modes of .NET Framework (MachineKeyCompatibilityMode).
const (
	ModeUnknown    Mode = iota // not stated
	Framework20SP1             // .NET 2.0 SP1: the default below targetFramework 4.5
	Framework20SP2             // .NET 2.0 SP2
	Framework45                // .NET 4.5: derived keys, purposes
)

// String returns the spelling of web.config.
func (m Mode) String() string {
	return spelling("Mode", uint8(m), "unknown", "Framework20SP1", "Framework20SP2", "Framework45")
}

// UnmarshalText sets m to the value that web.config spells so. Another text is a
// [*ConfigError], invalid_enum.
func (m *Mode) UnmarshalText(text []byte) error {
	return unmarshal(m, Framework20SP1, Framework45, "compatibilityMode", text)
}

// Validation is the attribute validation of <machineKey>: the algorithm that
// authenticates.
type Validation uint8

// The values of the attribute validation. The last three are legal only in
// the legacy modes; Protect and Unprotect cannot work with them.
const (
	_               Validation = iota // invalid
	HMACSHA1                          // spelled "SHA1": HMAC-SHA1, 20-byte tag
	HMACSHA256                        // 32-byte tag; the default since .NET 4
	HMACSHA384                        // 48-byte tag
	HMACSHA512                        // 64-byte tag
	InsecureMD5                       // spelled "MD5": keyed MD5, legacy modes only
	LegacyTripleDES                   // spelled "3DES": HMAC-SHA1, legacy modes only
	LegacyAES                         // spelled "AES": HMAC-SHA1, legacy modes only
)

// String returns the spelling of web.config.
func (v Validation) String() string {
	return spelling("Validation", uint8(v), "invalid", "SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512", "MD5", "3DES", "AES")
}

// UnmarshalText sets v to the value that web.config spells so. Another text is a
// [*ConfigError], invalid_enum.
func (v *Validation) UnmarshalText(text []byte) error {
	return unmarshal(v, HMACSHA1, LegacyAES, "validation", text)
}

// Decryption is the attribute decryption of <machineKey>: the cipher.
type Decryption uint8

// The values of the attribute decryption.
const (
	Auto              Decryption = iota // AES; in the legacy modes DES for an 8-byte key
	AES                                 // AES-128, 192 or 256 by the length of the key
	InsecureTripleDES                   // spelled "3DES"
	InsecureDES                         // spelled "DES"
)

// String returns the spelling of web.config.
func (d Decryption) String() string {
	return spelling("Decryption", uint8(d), "Auto", "AES", "3DES", "DES")
}

// UnmarshalText sets d to the value that web.config spells so. Another text is a
// [*ConfigError], invalid_enum.
func (d *Decryption) UnmarshalText(text []byte) error {
	return unmarshal(d, Auto, InsecureDES, "decryption", text)
}

// spelling returns the name of a value, or its number for one without.
func spelling(kind string, value uint8, names ...string) string {
	if int(value) < len(names) {
		return names[value]
	}
	return fmt.Sprintf("%s(%d)", kind, value)
}

// unmarshal sets *value to the one from first to last that has the text for its
// name.
func unmarshal[T interface {
	~uint8
	String() string
}](value *T, first, last T, attribute string, text []byte) error {
	want := ""
	for v := first; v <= last; v++ {
		if v.String() == string(text) {
			*value = v
			return nil
		}
		want += ", " + v.String()
	}
	return &ConfigError{Code: webconfig.CodeInvalidEnum, Attribute: attribute, Want: "one of " + want[len(", "):]}
}
