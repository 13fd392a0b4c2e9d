package sessiontoken

import "github.com/webfarm-go/webfarm/internal/secret"

// katanaMemory holds a ticket with the usual number of properties in one piece.
type katanaMemory struct {
	KatanaTicket
	properties [4]Property
}

// build makes the ticket that read has taken apart. It allocates the ticket,
// its text and its claims, and further memory only for a bootstrap token and
// for many properties.
func (r *katanaReader) build() *KatanaTicket {
	m := new(katanaMemory)
	t, id := &m.KatanaTicket, &m.Identity
	text := string(r.texts) // every string of the ticket is a part of this one
	t.Version = r.version
	id.AuthenticationType = r.authentication.of(text, "")
	id.NameClaimType = orDefault(r.nameType.of(text, ClaimTypeName), ClaimTypeName)
	id.RoleClaimType = orDefault(r.roleType.of(text, ClaimTypeRole), ClaimTypeRole)
	if len(r.claims) > 0 {
		id.Claims = make([]Claim, len(r.claims))
	}
	for i := range id.Claims {
		// Empty ones are filled in as the constructor of
		// System.Security.Claims.Claim does.
		s, c := &r.claims[i], &id.Claims[i]
		c.Type = s.typ.of(text, ClaimTypeName)
		c.Value = s.value.of(text, "")
		c.ValueType, c.Issuer = ValueTypeString, LocalAuthority
		if s.valueType != standard && s.valueType.n > 0 {
			c.ValueType = s.valueType.of(text, "")
		}
		if s.issuer != standard && s.issuer.n > 0 {
			c.Issuer = s.issuer.of(text, "")
		}
		c.OriginalIssuer = c.Issuer
		if s.original.n > 0 {
			c.OriginalIssuer = s.original.of(text, "")
		}
	}
	if r.hasBootstrap {
		id.Bootstrap = Bootstrap{BootstrapString, secret.New(r.bootstrap)}
	}
	t.Properties = r.buildProperties(text, m.properties[:0])
	return t
}

// buildProperties makes the properties, in room if they fit.
func (r *katanaReader) buildProperties(text string, room Properties) Properties {
	n := len(r.properties)
	if n == 0 {
		return nil
	}
	if n > cap(room) {
		room = make(Properties, 0, n)
	}
	for _, p := range r.properties {
		room = append(room, Property{p[0].of(text, ""), p[1].of(text, "")})
	}
	return room[:n:n]
}

// of returns the text, or def if it is the standard one.
func (t katanaText) of(text, def string) string {
	if t == standard {
		return def
	}
	return text[t.off : t.off+t.n]
}

// orDefault returns s, or def if s is empty.
func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
