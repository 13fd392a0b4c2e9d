package wif

// Element and attribute names of the token document as indices of
// [nbfx.Session45] (System.IdentityModel.SessionDictionary). Those of WIF 1.0
// are mapped to them by [Format].
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
