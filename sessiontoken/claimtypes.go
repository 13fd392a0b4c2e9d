package sessiontoken

// Claim types that .NET sites use most (System.Security.Claims.ClaimTypes).
const (
	ClaimTypeName                  = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	ClaimTypeNameIdentifier        = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
	ClaimTypeGivenName             = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"
	ClaimTypeSurname               = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"
	ClaimTypeEmail                 = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	ClaimTypeUPN                   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
	ClaimTypeSID                   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid"
	ClaimTypeRole                  = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
	ClaimTypeWindowsAccountName    = "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"
	ClaimTypePrimarySID            = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid"
	ClaimTypeGroupSID              = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid"
	ClaimTypeAuthenticationMethod  = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod"
	ClaimTypeAuthenticationInstant = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant"
	ClaimTypeIdentityProvider      = "http://schemas.microsoft.com/accesscontrolservice/2010/07/claims/identityprovider"
)

// Values that .NET fills in where a claim leaves them out.
const (
	// ValueTypeString is the default ValueType (ClaimValueTypes.String).
	ValueTypeString = "http://www.w3.org/2001/XMLSchema#string"
	// LocalAuthority is the default Issuer (ClaimsIdentity.DefaultIssuer).
	LocalAuthority = "LOCAL AUTHORITY"
)
