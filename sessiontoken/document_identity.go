package sessiontoken

import (
	"bytes"

	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// identity reads one element, the current node, and moves on. It returns the
// index of the identity, whose number of enclosing actors is depth.
//
//	Identity              @WindowsLogonName(?) @AuthenticationType(?) @Label(?) @NameClaimType(?) @RoleClaimType(?)
//	  ClaimCollection (?)
//	    Claim*            see claim
//	  Actor (?)           exactly one Identity
//	  BootStrapToken (?)  bytes, the stream of package nrbf
func (d *documentReader) identity(depth int) (int, bool) {
	i := identitySpans{actor: -1, isActor: depth > 0}
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		var s *nbfx.Span
		var windows nbfx.Span
		switch a.ID {
		case nAuthenticationType:
			s = &i.authentication
		case nLabel:
			s = &i.label
		case nNameClaimType:
			s = &i.nameType
		case nRoleClaimType:
			s = &i.roleType
		case nWindowsLogonName:
			s = &windows
		default:
			continue
		}
		var ok bool
		if *s, ok = d.r.Text(a.Value); !ok {
			return 0, d.fail(errOrder("text"))
		}
		if windows.Len > 0 {
			return 0, d.fail(errWindows)
		}
	}
	index := len(d.identities)
	d.identities = append(d.identities, i)
	d.advance()

	i.claims[0] = int32(len(d.claims))
	if d.at(nClaimCollection) {
		d.advance()
		for d.at(nClaim) {
			if !d.claim() {
				return 0, false
			}
		}
		if !d.end() {
			return 0, false
		}
	}
	i.claims[1] = int32(len(d.claims))

	if d.at(nActor) {
		if depth >= maxActors {
			return 0, d.fail(errActorDepth)
		}
		d.advance()
		if !d.at(nIdentity) {
			return 0, d.fail(errActor)
		}
		actor, ok := d.identity(depth + 1)
		if !ok {
			return 0, false
		}
		i.actor = int32(actor)
		if d.kind != nbfx.EndElement {
			return 0, d.fail(errActor)
		}
		d.advance()
	}
	if d.at(nBootStrapToken) && !d.bootstrap(&i) {
		return 0, false
	}
	d.identities[index] = i
	return index, d.end()
}

// claim reads one element, the current node, and moves on.
//
//	Claim                 @Issuer(?) @OriginalIssuer(?) @Type @Value @ValueType(?)
//	  ClaimProperties (?)
//	    ClaimProperty*    @ClaimPropertyName @ClaimPropertyValue
func (d *documentReader) claim() bool {
	var c claimSpans
	var typed, valued, ok bool
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		var s *nbfx.Span
		switch a.ID {
		case nType:
			s, typed = &c.typ, true
		case nValue:
			s, valued = &c.value, true
		case nValueType:
			s = &c.valueType
		case nIssuer:
			s = &c.issuer
		case nOriginalIssuer:
			s = &c.original
		default:
			continue
		}
		if *s, ok = d.r.Text(a.Value); !ok {
			return d.fail(errOrder("text"))
		}
	}
	if !typed || !valued {
		return d.fail(errClaim)
	}
	d.advance()
	if d.at(nClaimProperties) {
		first := len(d.properties)
		d.advance()
		for d.at(nClaimProperty) {
			if !d.property(first) {
				return false
			}
		}
		if !d.end() {
			return false
		}
		c.properties = [2]int32{int32(first), int32(len(d.properties))}
	}
	d.claims = append(d.claims, c)
	return d.end()
}

// property reads one ClaimProperty of the claim whose properties begin at
// index first.
func (d *documentReader) property(first int) bool {
	var p [2]nbfx.Span
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 || a.ID != nClaimPropertyName && a.ID != nClaimPropertyValue {
			continue
		}
		var ok bool
		if p[a.ID-nClaimPropertyName], ok = d.r.Text(a.Value); !ok {
			return d.fail(errOrder("text"))
		}
	}
	if p[0].Len == 0 || p[1].Len == 0 || len(d.properties)-first >= maxProperties {
		return d.fail(errProperty)
	}
	for _, q := range d.properties[first:] {
		if bytes.Equal(d.r.Bytes(p[0]), d.r.Bytes(q[0])) {
			return d.fail(errProperty)
		}
	}
	d.properties = append(d.properties, p)
	d.advance()
	return d.end()
}

// bootstrap reads a BootStrapToken into the blob.
func (d *documentReader) bootstrap(i *identitySpans) bool {
	start := len(d.blob)
	if !d.bytes() {
		return false
	}
	kind, data, err := nrbf.ParseBootstrap(d.blob[start:])
	if err != nil {
		return d.fail(bootstrapError(err))
	}
	switch kind {
	case nrbf.KindString:
		i.bootstrap = BootstrapString
	case nrbf.KindBytes:
		i.bootstrap = BootstrapBytes
	default:
		i.bootstrap = BootstrapToken
	}
	n := copy(d.blob[start:], data) // never longer than the stream it came from
	d.blob = d.blob[:start+n]
	i.data = [2]int32{int32(start), int32(start + n)}
	return true
}
