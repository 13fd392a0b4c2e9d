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
//	  BootStrapToken (?)  bytes, the stream of package nrbf; in WIF 1.0 an element
func (d *documentReader) identity(depth int) (int, bool) {
	i := identitySpans{actor: -1, isActor: depth > 0}
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		text, ok := d.r.Text(a.Value)
		if !ok {
			return 0, d.fail(errOrder("text"))
		}
		switch d.format.name(a.ID) {
		case nAuthenticationType:
			i.authentication = d.keepOnce(text)
		case nLabel:
			i.label = d.keep(text)
		case nNameClaimType:
			i.nameType = d.keepOnce(text)
		case nRoleClaimType:
			i.roleType = d.keepOnce(text)
		case nWindowsLogonName:
			if text.Len > 0 {
				return 0, d.fail(errWindows)
			}
		}
	}
	index := len(d.identities)
	d.identities = append(d.identities, i)
	d.advance()

	i.claims[0] = int32(len(d.claims))
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

// plainClaim reads the next element if it is a claim just as .NET writes it,
// without properties and in short ASCII texts, as nearly all are.
func (d *documentReader) plainClaim() bool {
	var v [5]nbfx.Span
	if !d.r.TakePlain(nClaim, claimAttributes[:], v[:]) {
		return false
	}
	d.addClaim(v[0], v[1], v[2], v[3], v[4])
	return true
}

// claimAttributes is the order in which .NET writes the attributes of a claim.
var claimAttributes = [5]int{nIssuer, nOriginalIssuer, nType, nValue, nValueType}

// addClaim keeps the texts of a claim. build fills in what is left out here:
// the default value type and issuer, and an original issuer that is the issuer.
func (d *documentReader) addClaim(issuer, original, typ, value, valueType nbfx.Span) {
	n := len(d.claims)
	if n == cap(d.claims) {
		d.claims = append(d.claims, claimSpans{})
	}
	d.claims = d.claims[:n+1]
	c := &d.claims[n]
	c.issuer, c.original, c.valueType = nbfx.Span{}, nbfx.Span{}, nbfx.Span{}
	c.typ, c.value, c.properties = d.keepOnce(typ), d.keep(value), [2]int32{}
	if string(d.r.Bytes(valueType)) != ValueTypeString {
		c.valueType = d.keepOnce(valueType)
	}
	if string(d.r.Bytes(issuer)) != LocalAuthority {
		c.issuer = d.keepOnce(issuer)
	}
	if string(d.r.Bytes(original)) != string(d.r.Bytes(issuer)) {
		c.original = d.keepOnce(original)
	}
}

// claim reads one element, the current node, up to its end.
//
//	Claim                 @Issuer(?) @OriginalIssuer(?) @Type @Value @ValueType(?)
//	  ClaimProperties (?)
//	    ClaimProperty*    @ClaimPropertyName @ClaimPropertyValue
func (d *documentReader) claim() bool {
	var typed, valued bool
	var issuer, original, typ, value, valueType nbfx.Span
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 {
			continue
		}
		text, ok := d.r.Text(a.Value)
		if !ok {
			return d.fail(errOrder("text"))
		}
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
	index := len(d.claims)
	d.addClaim(issuer, original, typ, value, valueType)
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
		d.claims[index].properties = [2]int32{int32(first), int32(len(d.properties))}
	}
	return d.kind == nbfx.EndElement || d.fail(errOrder("end of element"))
}

// property reads one ClaimProperty of the claim whose properties begin at
// index first.
func (d *documentReader) property(first int) bool {
	var p [2]nbfx.Span
	for _, a := range d.r.Attrs() {
		if a.Namespace.Len > 0 || a.ID != nClaimPropertyName && a.ID != nClaimPropertyValue {
			continue
		}
		text, ok := d.r.Text(a.Value)
		if !ok {
			return d.fail(errOrder("text"))
		}
		p[a.ID-nClaimPropertyName] = d.keep(text)
	}
	if d.format == WIF45 && (p[0].Len == 0 || p[1].Len == 0) || len(d.properties)-first >= maxProperties {
		return d.fail(errProperty)
	}
	for _, q := range d.properties[first:] {
		if bytes.Equal(d.bytesOf(p[0]), d.bytesOf(q[0])) {
			return d.fail(errProperty)
		}
	}
	d.properties = append(d.properties, p)
	d.advance()
	return d.end()
}

// bootstrap reads a BootStrapToken into the blob.
func (d *documentReader) bootstrap(i *identitySpans) bool {
	if d.format == WIF10 {
		return d.bootstrapXML(i)
	}
	start := len(d.blob)
	if !d.rawBytes() {
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
