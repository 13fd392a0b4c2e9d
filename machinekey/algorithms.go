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
	switch m {
	case ModeUnknown:
		return "unknown"
	case Framework20SP1:
		return "Framework20SP1"
	case Framework20SP2:
		return "Framework20SP2"
	case Framework45:
		return "Framework45"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
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
	switch v {
	case 0:
		return "invalid"
	case HMACSHA1:
		return "SHA1"
	case HMACSHA256:
		return "HMACSHA256"
	case HMACSHA384:
		return "HMACSHA384"
	case HMACSHA512:
		return "HMACSHA512"
	case InsecureMD5:
		return "MD5"
	case LegacyTripleDES:
		return "3DES"
	case LegacyAES:
		return "AES"
	}
	return fmt.Sprintf("Validation(%d)", uint8(v))
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
	switch d {
	case Auto:
		return "Auto"
	case AES:
		return "AES"
	case InsecureTripleDES:
		return "3DES"
	case InsecureDES:
		return "DES"
	}
	return fmt.Sprintf("Decryption(%d)", uint8(d))
}

// UnmarshalText sets d to the value that web.config spells so. Another text is a
// [*ConfigError], invalid_enum.
func (d *Decryption) UnmarshalText(text []byte) error {
	return unmarshal(d, Auto, InsecureDES, "decryption", text)
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
