package wif

import (
	"bytes"
	"slices"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/limits"
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
//	  BootStrapToken (?)  bytes, the stream of package nrbf; in WIF 1.0 an element
func (d *Reader) identity(depth int) (int, bool) {
	i := FlatIdentity{Actor: -1, IsActor: depth > 0}
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		text := d.r.Text(a.Value)
		switch d.version.name(a.ID) {
		case nAuthenticationType:
			i.Authentication = d.keepOnce(text)
		case nLabel:
			i.Label = d.keep(text)
		case nNameClaimType:
			i.NameType = d.keepOnce(text)
		case nRoleClaimType:
			i.RoleType = d.keepOnce(text)
		case nWindowsLogonName:
			if text.Len > 0 {
				return 0, d.fail(errWindows)
			}
		}
	}
	index := len(d.doc.Identities)
	d.doc.Identities = append(d.doc.Identities, i)
	d.advance()

	i.Claims[0] = int32(len(d.doc.Claims))
	if d.at(nClaimCollection) {
		for {
			for d.plainClaim() {
			}
			if d.advance(); !d.at(nClaim) {
				break
			}
			if !d.claim() {
				return 0, false
			}
		}
		if !d.end() {
			return 0, false
		}
	}
	i.Claims[1] = int32(len(d.doc.Claims))

	if d.at(nActor) {
		if depth >= limits.Actors {
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
		i.Actor = int32(actor)
		if d.kind != nbfx.EndElement {
			return 0, d.fail(errActor)
		}
		d.advance()
	}
	if d.at(nBootStrapToken) && !d.bootstrap(&i) {
		return 0, false
	}
	d.doc.Identities[index] = i
	return index, d.end()
}

// plainClaim reads the next element if it is a claim just as .NET writes it, without
// properties and in short ASCII texts, as nearly all are.
func (d *Reader) plainClaim() bool {
	var v [5]Span
	if !d.r.TakePlain(nClaim, claimAttributes[:], v[:]) {
		return false
	}
	d.addClaim(v[0], v[1], v[2], v[3], v[4])
	return true
}

// claimAttributes is the order in which .NET writes the attributes of a claim.
var claimAttributes = [5]int{nIssuer, nOriginalIssuer, nType, nValue, nValueType}

// addClaim keeps the texts of a claim but those that [Claim] leaves out.
func (d *Reader) addClaim(issuer, original, typ, value, valueType Span) {
	n := len(d.doc.Claims)
	if n == cap(d.doc.Claims) {
		d.doc.Claims = append(d.doc.Claims, FlatClaim{})
	}
	d.doc.Claims = d.doc.Claims[:n+1]
	c := &d.doc.Claims[n]
	c.Issuer, c.OriginalIssuer, c.ValueType = Span{}, Span{}, Span{}
	c.Type, c.Value, c.Properties = d.keepOnce(typ), d.keep(value), [2]int32{}
	if string(d.r.Bytes(valueType)) != dotnet.ValueTypeString {
		c.ValueType = d.keepOnce(valueType)
	}
	if string(d.r.Bytes(issuer)) != dotnet.LocalAuthority {
		c.Issuer = d.keepOnce(issuer)
	}
	if string(d.r.Bytes(original)) != string(d.r.Bytes(issuer)) {
		c.OriginalIssuer = d.keepOnce(original)
	}
}

// claim reads one element, the current node, up to its end.
//
//	Claim                 @Issuer(?) @OriginalIssuer(?) @Type @Value @ValueType(?)
//	  ClaimProperties (?)
//	    ClaimProperty*    @ClaimPropertyName @ClaimPropertyValue
func (d *Reader) claim() bool {
	var typed, valued bool
	var issuer, original, typ, value, valueType Span
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		text := d.r.Text(a.Value)
		switch a.ID {
		case nType:
			typ, typed = text, true
		case nValue:
			value, valued = text, true
		case nValueType:
			valueType = text
		case nIssuer:
			issuer = text
		case nOriginalIssuer:
			original = text
		}
	}
	if !typed || !valued {
		return d.fail(errClaim)
	}
	index := len(d.doc.Claims)
	d.addClaim(issuer, original, typ, value, valueType)
	d.advance()
	if d.at(nClaimProperties) {
		first := len(d.doc.Properties)
		d.advance()
		for d.at(nClaimProperty) {
			if !d.property(first) {
				return false
			}
		}
		if !d.end() {
			return false
		}
		d.doc.Claims[index].Properties = [2]int32{int32(first), int32(len(d.doc.Properties))}
	}
	return d.kind == nbfx.EndElement || d.fail(errOrder("end of element"))
}

// property reads one ClaimProperty of the claim whose properties begin at index first.
func (d *Reader) property(first int) bool {
	var p [2]Span
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len == 0 && (a.ID == nClaimPropertyName || a.ID == nClaimPropertyValue) {
			p[a.ID-nClaimPropertyName] = d.keep(d.r.Text(a.Value))
		}
	}
	if d.version == V45 && (p[0].Len == 0 || p[1].Len == 0) ||
		len(d.doc.Properties)-first >= limits.Properties {
		return d.fail(errProperty)
	}
	for _, q := range d.doc.Properties[first:] {
		if bytes.Equal(d.bytesOf(p[0]), d.bytesOf(q[0])) {
			return d.fail(errProperty)
		}
	}
	d.doc.Properties = append(d.doc.Properties, p)
	d.advance()
	return d.end()
}

// bootstrap reads a BootStrapToken into the blob.
func (d *Reader) bootstrap(i *FlatIdentity) bool {
	if d.version == V10 {
		return d.bootstrapXML(i)
	}
	start := len(d.doc.Blob)
	if !d.rawBytes() {
		return false
	}
	kind, data, err := nrbf.ParseBootstrap(d.doc.Blob[start:])
	if err != nil {
		return d.fail(bootstrapError(err))
	}
	i.Bootstrap = Bootstrap(slices.Index(nrbfKinds[:], kind))
	n := copy(d.doc.Blob[start:], data) // never longer than the stream it came from
	d.doc.Blob = d.doc.Blob[:start+n]
	i.Data = [2]int32{int32(start), int32(start + n)}
	return true
}
