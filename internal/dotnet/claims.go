package dotnet

// What System.Security.Claims takes where a claim or an identity says nothing.
const (
	// ValueTypeString is the default of Claim.ValueType.
	ValueTypeString = "http://www.w3.org/2001/XMLSchema#string"
	// LocalAuthority is ClaimsIdentity.DefaultIssuer.
	LocalAuthority = "LOCAL AUTHORITY"
	// NameClaimType is ClaimsIdentity.DefaultNameClaimType.
	NameClaimType = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	// RoleClaimType is ClaimsIdentity.DefaultRoleClaimType.
	RoleClaimType = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
)
