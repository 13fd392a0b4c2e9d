package sessiontoken

import (
	"context"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// ReadPrincipal implements [Reader] with Decode. The user is what
// System.Web.Security.FormsIdentity has, one identity of authentication type
// "Forms" with the claim [ClaimTypeName], also if the name is empty; and the
// claims [ClaimTypeRole] that FormsOptions.Roles finds.
func (c *FormsCodec) ReadPrincipal(ctx context.Context, value string) (*Principal, error) {
	var t FormsTicket
	if err := c.decode(ctx, value, &t); err != nil {
		return nil, err
	}
	return c.principal(&t), nil
}

// principal returns the user of a ticket.
func (c *FormsCodec) principal(t *FormsTicket) *Principal {
	// One piece of memory for the usual principal.
	m := &struct {
		principal Principal
		identity  [1]Identity
		name      [1]Claim
	}{}
	claims := append(m.name[:0], localClaim(ClaimTypeName, t.Name))
	if c.o.Roles != nil {
		for _, role := range c.o.Roles(t.UserData) {
			claims = append(claims, localClaim(ClaimTypeRole, role))
		}
	}
	m.identity[0] = Identity{
		AuthenticationType: "Forms",
		NameClaimType:      ClaimTypeName,
		RoleClaimType:      ClaimTypeRole,
		Claims:             claims,
	}
	m.principal.Identities = m.identity[:]
	return &m.principal
}

// localClaim returns a claim with the defaults of System.Security.Claims.
func localClaim(claimType, value string) Claim {
	return Claim{Type: claimType, Value: value, ValueType: dotnet.ValueTypeString,
		Issuer: dotnet.LocalAuthority, OriginalIssuer: dotnet.LocalAuthority}
}
