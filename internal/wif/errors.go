package wif

import (
	"errors"

	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// Authentic data that somebody else wrote.
var (
	// ErrV45 means data of WIF 4.5 where that of 1.0 was expected.
	ErrV45 = errors.New("the token is of WIF 4.5")
	// ErrV10 means data of WIF 1.0 where that of 4.5 was expected.
	ErrV10 = errors.New("the token is of WIF 1.0")
	// ErrCoreWCF means data of CoreWCF, which has a format of its own.
	ErrCoreWCF = errors.New("the token is of CoreWCF, whose tokens only CoreWCF reads; " +
		"let a site on .NET Framework or this library issue the cookie")
)

// The faults of a token document, with .NET's message numbers where it has one.
var (
	// ErrIdentities means a token without an identity.
	ErrIdentities = errors.New("no identities")
	// ErrTime means a time that is missing or out of .NET's range.
	ErrTime = errors.New("time is missing or out of range")

	errRoot      = errors.New("root element is not a session token (ID4230)")
	errVersion   = errors.New("unknown version or secure conversation version (ID4232)")
	errID        = errors.New("element Id is missing or empty (ID4239)")
	errContextID = errors.New("identifier is missing or empty (ID4230)")
	errBytes     = errors.New("not valid base64")
	errTrailing  = errors.New("data after the document")
	errClaim     = errors.New("claim without type or value")
	errProperty  = errors.New("claim property without name or value, or twice (ID4249, ID4250)")
	errActor     = errors.New("actor must hold exactly one identity (ID3007)")

	errBootstrapKind = errors.New("bootstrap token of an unknown kind")
)

// The kinds of documents that are not read.
const (
	errActorDepth  = layer.Unsupported("too many nested actors")
	errWindows     = layer.Unsupported("WindowsIdentity, which only Windows can rebuild")
	errWindowsStub = layer.Unsupported("stub of a Windows token, which exists in WIF 1.0 only")
	errPolicy      = layer.Unsupported("SctAuthorizationPolicy of WCF (ID4289)")
)

// errOrder is a fault in the order of elements.
type errOrder string

func (e errOrder) Error() string { return "expected " + string(e) + " (ID4230)" }

// bootstrapError turns an error of the bootstrap stream into a fault.
func bootstrapError(err error) error {
	text := "bootstrap context: " + err.Error()
	if errors.Is(err, nrbf.ErrNonCanonical) {
		return layer.Unsupported(text)
	}
	return errors.New(text)
}
