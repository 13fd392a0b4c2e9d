package netfx

import (
	"encoding/binary"
	"errors"

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

// Apply returns the key that one application of a legacy mode really uses:
//
//	bytes 0 to 3   LE32(hash of the virtual path), for IsolateApps
//	bytes 4 to 7   LE32(hash of the application's id), for IsolateByAppId
//
// and the rest of the key. It fails for a key of less than 8 bytes.
func (i Isolation) Apply(key secret.Bytes) (secret.Bytes, error) {
	if i == (Isolation{}) {
		return key, nil
	}
	if key.Len() < 8 {
		return secret.Bytes{}, errors.New("a key that is isolated has at least 8 bytes")
	}
	b := key.Reveal()
	if i.AppPathHash != nil {
		binary.LittleEndian.PutUint32(b, uint32(*i.AppPathHash))
	}
	if i.AppIDHash != nil {
		binary.LittleEndian.PutUint32(b[4:], uint32(*i.AppIDHash))
	}
	return secret.Own(b), nil
}
