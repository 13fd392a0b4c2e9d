package sessiontoken

// Claim types that .NET sites use most. All others are plain URIs too: see the
// constants of System.Security.Claims.ClaimTypes.
const (
	ClaimTypeName           = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	ClaimTypeNameIdentifier = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
	ClaimTypeEmail          = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	ClaimTypeRole           = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
)
