package wif

import (
	"time"

	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// Document is what a token document says, as flat records: lists of claims and
// identities that refer to each other by index, whose texts lie in one buffer.
// A caller can build its own types from it and copy no text twice.
type Document struct {
	Head[Span]
	KeyLen     int            // the key is the beginning of Blob
	Identities []FlatIdentity // actors included, each behind the one that it acts for
	Roots      int            // identities that are not actors
	Claims     []FlatClaim
	Properties [][2]Span // names and values
	Texts      []byte    // what the spans lie in
	Blob       []byte    // key, then bootstrap data
}

// Span is a part of Document.Texts.
type Span = nbfx.Span

// Head is what a token says besides its key and its user. T is the type of its
// texts: Span when it was read, string when it is written.
type Head[T Span | string] struct {
	ID, ContextID, KeyGeneration T
	EndpointID, Context          T
	SecureConversation           SecureConversation
	Persistent, Reference        bool
	ValidFrom, ValidTo           time.Time
	KeyEffective, KeyExpires     time.Time
}

// Identity is what an identity says besides its claims. An empty NameType or
// RoleType stands for the default of .NET when written; when read it was left
// out, which WIF 4.5 takes for the default.
type Identity[T Span | string] struct {
	Authentication, Label, NameType, RoleType T
}

// FlatIdentity is an identity of a [Document].
type FlatIdentity struct {
	Identity[Span]
	Claims    [2]int32 // range of Document.Claims
	Actor     int32    // index of the identity that acts for this one, or -1
	IsActor   bool
	Bootstrap Bootstrap
	Data      [2]int32 // range of Document.Blob: the bootstrap token
}

// Claim is one claim. An empty ValueType or Issuer stands for the default of
// .NET, an empty OriginalIssuer for the issuer.
type Claim[T Span | string] struct {
	Type, Value, ValueType, Issuer, OriginalIssuer T
}

// FlatClaim is a claim of a [Document].
type FlatClaim struct {
	Claim[Span]
	Properties [2]int32 // range of Document.Properties
}

// Bootstrap says in which form a bootstrap token was kept.
type Bootstrap uint8

// The forms of a bootstrap token.
const (
	BootstrapNone    Bootstrap = iota // there is none
	BootstrapString                   // text
	BootstrapBytes                    // bytes
	BootstrapToken                    // the XML of a token object
	BootstrapWindows                  // a Windows token was there, and no data is; WIF 1.0 only
)

// nrbfKinds are the forms that the stream of package nrbf can have.
var nrbfKinds = [...]nrbf.Kind{BootstrapString: nrbf.KindString, BootstrapBytes: nrbf.KindBytes,
	BootstrapToken: nrbf.KindToken}
