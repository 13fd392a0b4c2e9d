// Package coreticket reads and writes the bytes of an ASP.NET Core cookie ticket
// (Microsoft.AspNetCore.Authentication.TicketSerializer and PropertiesSerializer). It knows
// neither how they are protected nor how they travel.
//
// Numbers are int32, little-endian. A string is its length in bytes as a 7-bit
// number, and UTF-8. D is a string that is written as one NUL if it is the
// default given behind it. A boolean is one byte.
//
//	int32    5                          the version
//	string   scheme
//	int32    number of identities
//	  identity
//	int32    1                          the version of the properties
//	int32    number of properties
//	  string   key
//	  string   value
//
//	identity:
//	string   authentication type        "" if not authenticated
//	D        name claim type            the URI of names
//	D        role claim type            the URI of roles
//	int32    number of claims
//	  D        type                     the name claim type
//	  string   value
//	  D        value type               the URI of xs:string
//	  D        issuer                   LOCAL AUTHORITY
//	  D        original issuer          this claim's issuer
//	  int32    number of properties
//	    string   key
//	    string   value
//	bool     is there a bootstrap token
//	string   bootstrap token            if there is one
//	bool     is there an actor
//	identity actor                      if there is one
//
// As in .NET bytes behind the end are ignored, any boolean but 0 is true, and an empty value
// type, issuer, original issuer, name or role claim type is read as the default. Stricter than
// .NET, on purpose: text that is not UTF-8, which .NET would change, so that different names
// become one; properties of another version, which .NET drops and the end of the ticket with
// them; and what is over the bounds of limits.go and of package limits.
package coreticket
