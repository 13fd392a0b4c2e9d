package machinekey

import (
	"encoding/binary"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Isolation holds the two numbers with which the legacy modes make the keys of
// each application different, where web.config says ",IsolateApps" or
// ",IsolateByAppId" behind a key. They are what .NET Framework's own
// culture-invariant, case-insensitive hash of a string gives, on a server
// whose string hashes are not randomized: a hash over the sort keys of Windows
// that this package does not compute. Take them from the .NET side, such as
//
//	StringComparer.InvariantCultureIgnoreCase.GetHashCode(HttpRuntime.AppDomainAppVirtualPath)
//	StringComparer.InvariantCultureIgnoreCase.GetHashCode(HttpRuntime.AppDomainAppId)
type Isolation struct {
	// AppPathHash is the hash of the virtual path, for IsolateApps. Nil
	// means that it is not isolated so, or not known.
	AppPathHash *int32
	// AppIDHash is the hash of the application's id, for IsolateByAppId.
	// Nil means the same.
	AppIDHash *int32
}

// apply overwrites the beginning of a key:
//
//	bytes 0 to 3   LE32(hash of the virtual path), for IsolateApps
//	bytes 4 to 7   LE32(hash of the application's id), for IsolateByAppId
func (i Isolation) apply(attribute string, key []byte) error {
	if (i.AppPathHash != nil || i.AppIDHash != nil) && len(key) < 8 {
		return &ConfigError{Code: "invalid_" + strings.TrimSuffix(attribute, "Key") + "_key", Attribute: attribute,
			Found: byteCount(len(key)), Want: "at least 8 bytes for a key that is isolated"}
	}
	if i.AppPathHash != nil {
		binary.LittleEndian.PutUint32(key, uint32(*i.AppPathHash))
	}
	if i.AppIDHash != nil {
		binary.LittleEndian.PutUint32(key[4:], uint32(*i.AppIDHash))
	}
	return nil
}

// Isolate returns c with the keys that one application of a legacy mode really
// uses, where a fixed key of the web.config has ",IsolateApps" or
// ",IsolateByAppId" behind it. Each key has its own modifiers. Such keys serve
// the legacy formats alone: as in .NET, [Ring.Protector] refuses them.
//
// Other modes know no isolated fixed keys: there it is a [*ConfigError]. So is
// a publicly known key without AllowKnownKey or a weak one without AllowWeakKey,
// as [New] does not recognize it afterwards.
func (c Config) Isolate(validation, decryption Isolation) (Config, error) {
	if !c.Mode.legacy() {
		return Config{}, &ConfigError{Code: "isolated_key", Attribute: "compatibilityMode", Found: c.Mode.String(),
			Want: "Framework20SP1 or Framework20SP2: no other mode takes a fixed key with ,IsolateApps or ,IsolateByAppId"}
	}
	if err := c.refuseKnown(); err != nil {
		return Config{}, err
	}
	if err := c.refuseWeak(); err != nil {
		return Config{}, err
	}
	validationKey, decryptionKey := c.ValidationKey.Reveal(), c.DecryptionKey.Reveal()
	if err := validation.apply("validationKey", validationKey); err != nil {
		return Config{}, err
	}
	if err := decryption.apply("decryptionKey", decryptionKey); err != nil {
		return Config{}, err
	}
	c.ValidationKey, c.DecryptionKey = secret.Own(validationKey), secret.Own(decryptionKey)
	c.isolated = c.isolated || validation != (Isolation{}) || decryption != (Isolation{})
	return c, nil
}
