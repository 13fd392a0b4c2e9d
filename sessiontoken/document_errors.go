package sessiontoken

import (
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// The faults of a token document, with .NET's message numbers where it has
// one.
var (
	errRoot       = errors.New("root element is not a session token (ID4230)")
	errVersion    = errors.New("unknown version or secure conversation version (ID4232)")
	errID         = errors.New("element Id is missing or empty (ID4239)")
	errContextID  = errors.New("identifier is missing or empty (ID4230)")
	errTime       = errors.New("time is missing or out of range")
	errBytes      = errors.New("not valid base64")
	errTrailing   = errors.New("data after the document")
	errClaim      = errors.New("claim without type or value")
	errProperty   = errors.New("claim property without name or value, or twice (ID4249, ID4250)")
	errActor      = errors.New("actor must hold exactly one identity (ID3007)")
	errActorDepth = fmt.Errorf("%w: too many nested actors", ErrUnsupported)
	errWindows    = fmt.Errorf("%w: WindowsIdentity, which only Windows can rebuild", ErrUnsupported)
	errPolicy     = fmt.Errorf("%w: SctAuthorizationPolicy of WCF (ID4289)", ErrUnsupported)
	errIdentities = errors.New("no identities")
)

// errOrder is a fault in the order of elements.
type errOrder string

func (e errOrder) Error() string { return "expected " + string(e) + " (ID4230)" }

// bootstrapError turns an error of the bootstrap stream into a fault.
func bootstrapError(err error) error {
	if errors.Is(err, nrbf.ErrNonCanonical) {
		return fmt.Errorf("%w: bootstrap context: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("bootstrap context: %w", err)
}
