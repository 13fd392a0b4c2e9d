// Package wif has the wire formats of WIF 4.5 and 1.0: the text and the envelope of a session
// cookie, and inside its protected bytes the payload and the token document.
//
// It turns bytes into plain values and back. It knows no keys and no clock, and
// what it reads beyond the envelope must be authentic already.
package wif

import "github.com/webfarm-go/webfarm/internal/nbfx"

// Version is the generation of WIF that wrote a token. It is configured and never guessed: the
// two documents look alike but number their names differently.
//
//	                         V45                          V10
//	payload                  NRBF around the document     the document
//	names                    63, nbfx.Session45           65, nbfx.WIF10: later by two from 18 on
//	reference mode           ReferenceModeTrue            SessionModeTrue
//	no claims                empty ClaimCollection        no ClaimCollection
//	property without value   left out; refused            written; read
//	bootstrap token          bytes, nested NRBF           one XML element, or WindowsSecurityTokenStub
//	no name or role type     the default                  left empty when read
//
// Envelope, times and checks are the same.
type Version uint8

// The two generations.
const (
	V45 Version = iota // System.IdentityModel, .NET 4.5 and later
	V10                // Microsoft.IdentityModel, WIF 1.0 for .NET 3.5 and 4.0
)

// firstShifted is the first name that WIF 1.0 has two places further on.
const firstShifted = 18

// Dictionary returns the names of the version.
func (v Version) Dictionary() []string {
	if v == V10 {
		return nbfx.WIF10
	}
	return nbfx.Session45
}

// wire returns the index in the version's dictionary of a name of 4.5.
func (v Version) wire(name int) int {
	if v == V10 && name >= firstShifted {
		return name + 2
	}
	return name
}

// name returns the name of 4.5 at an index of the version's dictionary, -1 for
// what 4.5 does not have.
func (v Version) name(wire int) int {
	switch {
	case v != V10 || wire < firstShifted:
		return wire
	case wire < firstShifted+2:
		return -1
	}
	return wire - 2
}

// SecureConversation is the version of WS-SecureConversation that the envelope
// names. It has no other effect.
type SecureConversation uint8

// The two versions that .NET knows (SecureConversationVersion).
const (
	SC13      SecureConversation = iota // 200512, what .NET writes
	SCFeb2005                           // February 2005
)

const (
	namespaceSC13      = "http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"
	namespaceSCFeb2005 = "http://schemas.xmlsoap.org/ws/2005/02/sc"
)

// namespace returns the URI of v.
func (v SecureConversation) namespace() string {
	if v == SCFeb2005 {
		return namespaceSCFeb2005
	}
	return namespaceSC13
}

// Element and attribute names of the token document as indices of [nbfx.Session45]
// (System.IdentityModel.SessionDictionary). Those of WIF 1.0 are mapped to them by [Version].
const (
	nClaim                     = 0
	nSecurityContextToken      = 1
	nVersion                   = 2
	nSecureConversationVersion = 3
	nIssuer                    = 4
	nOriginalIssuer            = 5
	nClaimCollection           = 7
	nActor                     = 8
	nClaimProperty             = 9
	nClaimProperties           = 10
	nValue                     = 11
	nValueType                 = 12
	nLabel                     = 13
	nType                      = 14
	nClaimPropertyName         = 16
	nClaimPropertyValue        = 17
	nAuthenticationType        = 18
	nNameClaimType             = 19
	nRoleClaimType             = 20
	nNull                      = 21
	nKey                       = 23
	nEffectiveTime             = 24
	nExpiryTime                = 25
	nKeyGeneration             = 26
	nKeyEffectiveTime          = 27
	nKeyExpiryTime             = 28
	nID                        = 30
	nContextID                 = 33
	nSessionToken              = 34
	nBootStrapToken            = 36
	nContext                   = 37
	nClaimsPrincipal           = 38
	nIdentity                  = 41
	nIdentities                = 42
	nWindowsLogonName          = 43
	nPersistentTrue            = 44
	nSctAuthorizationPolicy    = 45
	nEndpointID                = 47
	nNameClaim                 = 52
	nDNSClaim                  = 53
	nSpnClaim                  = 58
	nUpnClaim                  = 59
	nReferenceModeTrue         = 62 // SessionModeTrue in WIF 1.0
)
