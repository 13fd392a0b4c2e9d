package sessiontoken

import (
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// tokenMemory holds a token of one identity and a short key in one piece.
type tokenMemory struct {
	Token
	identity [1]Identity
	key      [16]byte
}

// build makes the token that read has checked. It allocates the token, its
// text, its claims and, where they do not fit into the token's own memory,
// the identities, the properties and the bytes.
func (d *documentReader) build() *Token {
	m := new(tokenMemory)
	t := &m.Token
	text := string(d.texts) // every string of the token is a part of this one
	str := func(s nbfx.Span) string { return text[s.Off : s.Off+s.Len] }

	t.ID = str(d.head.id)
	t.ContextID = str(d.head.contextID)
	t.KeyGeneration = str(d.head.keyGeneration)
	t.EndpointID = str(d.head.endpointID)
	t.Context = str(d.head.context)
	t.ValidFrom, t.ValidTo = d.head.from, d.head.to
	t.KeyEffective, t.KeyExpires = d.head.keyFrom, d.head.keyTo
	t.Persistent, t.ReferenceMode = d.head.persistent, d.head.reference
	t.SecureConversation = d.head.sc

	blob := m.key[:0]
	if len(d.blob) > len(m.key) {
		blob = make([]byte, 0, len(d.blob))
	}
	blob = append(blob, d.blob...)
	t.Key = secret.Own(blob[:d.head.keyLen:d.head.keyLen])

	properties := make([]Property, len(d.properties))
	for i, p := range d.properties {
		properties[i] = Property{str(p[0]), str(p[1])}
	}
	claims := make([]Claim, len(d.claims))
	for i := range d.claims {
		s, c := &d.claims[i], &claims[i]
		c.Type, c.Value = str(s.typ), str(s.value)
		c.ValueType, c.Issuer, c.OriginalIssuer = ValueTypeString, LocalAuthority, ""
		if s.valueType.Len > 0 {
			c.ValueType = str(s.valueType)
		}
		if s.issuer.Len > 0 {
			c.Issuer = str(s.issuer)
		}
		c.OriginalIssuer = c.Issuer
		if s.original.Len > 0 {
			c.OriginalIssuer = str(s.original)
		}
		if a, b := s.properties[0], s.properties[1]; a < b {
			c.Properties = properties[a:b:b]
		}
	}

	identities := m.identity[:0]
	if len(d.identities) > len(m.identity) {
		identities = make([]Identity, 0, len(d.identities))
	}
	// Top-level identities first, so that they are one slice; actors behind.
	next := d.roots
	identities = identities[:len(d.identities)]
	root := 0
	for i := range d.identities {
		if !d.identities[i].isActor {
			next = d.place(i, root, next, identities, claims, blob, str)
			root++
		}
	}
	if d.roots > 0 {
		t.Principal.Identities = identities[:d.roots:d.roots]
	}
	return t
}

// place fills identities[at] from the i-th identity of the document, its
// actors from identities[next] on, and returns the next free place.
func (d *documentReader) place(i, at, next int, identities []Identity, claims []Claim, blob []byte, str func(nbfx.Span) string) int {
	s, id := &d.identities[i], &identities[at]
	id.AuthenticationType, id.Label = str(s.authentication), str(s.label)
	if d.format == WIF45 {
		id.NameClaimType, id.RoleClaimType = ClaimTypeName, ClaimTypeRole
	}
	if s.nameType.Len > 0 {
		id.NameClaimType = str(s.nameType)
	}
	if s.roleType.Len > 0 {
		id.RoleClaimType = str(s.roleType)
	}
	if a, b := s.claims[0], s.claims[1]; a < b {
		id.Claims = claims[a:b:b]
	}
	if s.bootstrap != BootstrapNone {
		id.Bootstrap = Bootstrap{s.bootstrap, secret.Own(blob[s.data[0]:s.data[1]:s.data[1]])}
	}
	if s.actor >= 0 {
		id.Actor = &identities[next]
		next = d.place(int(s.actor), next, next+1, identities, claims, blob, str)
	}
	return next
}
