package nbfx

import (
	"slices"
	"strings"
)

// Session45 is the static dictionary of the session token in .NET 4.5
// (System.IdentityModel.SessionDictionary), in its order. A name travels as twice its index.
var Session45 = slices.Concat(firstNames, identityNames, []string{""}, laterNames,
	[]string{"ReferenceModeTrue"})

// WIF10 is the static dictionary of WIF 1.0 (Microsoft.IdentityModel): two
// more strings at 18 and 19, and SessionModeTrue for ReferenceModeTrue.
var WIF10 = slices.Concat(firstNames, []string{
	"http://www.w3.org/2005/08/addressing/anonymous",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/issuer/self",
}, identityNames, []string{""}, laterNames, []string{"SessionModeTrue"})

// What the dictionaries have in common, each with the place of its first name.
// The spellings subjectID, WindowIdentity and BootStrapToken are .NET's own.
var (
	// 0 in both
	firstNames = strings.Fields(`
		Claim SecurityContextToken Version SecureConversationVersion Issuer OriginalIssuer
		IssuerRef ClaimCollection Actor ClaimProperty ClaimProperties Value ValueType Label
		Type subjectID ClaimPropertyName ClaimPropertyValue`)
	// 18 and 20
	identityNames = strings.Fields(`AuthenticationType NameClaimType RoleClaimType Null`)
	// 23 and 25, after the empty name
	laterNames = strings.Fields(`
		Key EffectiveTime ExpiryTime KeyGeneration KeyEffectiveTime KeyExpiryTime SessionId Id
		ValidFrom ValidTo ContextId SessionToken SessionTokenCookie BootStrapToken Context
		ClaimsPrincipal WindowsPrincipal WindowIdentity Identity Identities WindowsLogonName
		PersistentTrue SctAuthorizationPolicy Right EndpointId WindowsSidClaim
		DenyOnlySidClaim X500DistinguishedNameClaim X509ThumbprintClaim NameClaim DnsClaim
		RsaClaim MailAddressClaim SystemClaim HashClaim SpnClaim UpnClaim UrlClaim Sid`)
)
