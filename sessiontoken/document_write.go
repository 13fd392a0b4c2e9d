package sessiontoken

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// documentWriter writes the token document that documentReader reads, byte
// for byte as .NET does (SessionSecurityTokenCookieSerializer).
type documentWriter struct {
	format Format
	w      nbfx.Writer
	buf    []byte // bootstrap streams
	err    error
}

// append appends the document of t to dst.
func (d *documentWriter) append(dst []byte, t *Token, f Format) ([]byte, error) {
	if err := t.check(); err != nil {
		return dst, err
	}
	d.format, d.err = f, nil
	d.w.Reset(dst, f.dictionary())
	d.start(nSessionToken)
	if t.Persistent {
		d.attr(nPersistentTrue, "")
	}
	if t.ReferenceMode {
		d.attr(nReferenceModeTrue, "")
	}
	if t.Context != "" {
		d.text(nContext, t.Context)
	}
	d.text(nVersion, "1")
	d.text(nSecureConversationVersion, t.SecureConversation.namespace())
	d.text(nID, t.ID)
	d.text(nContextID, t.ContextID)
	d.bytes(nKey, secret.View(t.Key))
	if t.KeyGeneration != "" {
		d.text(nKeyGeneration, t.KeyGeneration)
	}
	d.time(nEffectiveTime, t.ValidFrom)
	d.time(nExpiryTime, t.ValidTo)
	d.time(nKeyEffectiveTime, t.KeyEffective)
	d.time(nKeyExpiryTime, t.KeyExpires)
	d.start(nClaimsPrincipal)
	d.start(nIdentities)
	for i := range t.Principal.Identities {
		d.identity(&t.Principal.Identities[i], 0)
	}
	d.w.End()
	d.w.End()
	d.text(nEndpointID, t.EndpointID)
	d.w.End()
	doc, err := d.w.Done()
	if d.err != nil {
		err = d.err
	}
	if err != nil {
		return dst, fmt.Errorf("sessiontoken: cannot issue: %w", err)
	}
	return doc, nil
}

// identity writes one element; the attributes have this order.
func (d *documentWriter) identity(i *Identity, depth int) {
	if depth > maxActors {
		d.fail(errActorDepth)
		return
	}
	d.start(nIdentity)
	d.optional(nAuthenticationType, i.AuthenticationType)
	d.optional(nLabel, i.Label)
	d.attr(nNameClaimType, or(i.NameClaimType, ClaimTypeName))
	d.attr(nRoleClaimType, or(i.RoleClaimType, ClaimTypeRole))
	if len(i.Claims) > 0 || d.format == WIF45 {
		d.start(nClaimCollection)
		for k := range i.Claims {
			d.claim(&i.Claims[k])
		}
		d.w.End()
	}
	if i.Actor != nil {
		d.start(nActor)
		d.identity(i.Actor, depth+1)
		d.w.End()
	}
	if i.Bootstrap.Kind != BootstrapNone {
		d.bootstrap(i.Bootstrap, depth)
	}
	d.w.End()
}

// claim writes one element. .NET's claims are never without an issuer, so
// the defaults are written too.
func (d *documentWriter) claim(c *Claim) {
	issuer := or(c.Issuer, LocalAuthority)
	d.start(nClaim)
	d.attr(nIssuer, issuer)
	d.attr(nOriginalIssuer, or(c.OriginalIssuer, issuer))
	d.attr(nType, c.Type)
	d.attr(nValue, c.Value)
	d.attr(nValueType, or(c.ValueType, ValueTypeString))
	if len(c.Properties) > 0 {
		d.properties(c.Properties)
	}
	d.w.End()
}

// properties writes the bag in order. As .NET 4.5 does it leaves out entries
// without a name or value; a name that occurs twice cannot be read again.
func (d *documentWriter) properties(bag []Property) {
	if len(bag) > maxProperties {
		d.fail(errProperty)
		return
	}
	d.start(nClaimProperties)
	for i, p := range bag {
		if d.format == WIF45 && (p.Name == "" || p.Value == "") {
			continue
		}
		for _, q := range bag[:i] {
			if q.Name == p.Name && (q.Value != "" || d.format == WIF10) {
				d.fail(errProperty)
			}
		}
		d.start(nClaimProperty)
		d.attr(nClaimPropertyName, p.Name)
		d.attr(nClaimPropertyValue, p.Value)
		d.w.End()
	}
	d.w.End()
}

// bootstrap writes the stream of a BootstrapContext, or what WIF 1.0 has in
// its place.
func (d *documentWriter) bootstrap(b Bootstrap, depth int) {
	if d.format == WIF10 {
		d.bootstrapXML(b, depth)
		return
	}
	kind := nrbf.KindToken
	switch b.Kind {
	case BootstrapString:
		kind = nrbf.KindString
	case BootstrapBytes:
		kind = nrbf.KindBytes
	case BootstrapToken:
	case BootstrapWindows:
		d.fail(fmt.Errorf("%w: %v exists in WIF 1.0 only", ErrUnsupported, b))
		return
	default:
		d.fail(fmt.Errorf("unknown %v", b))
		return
	}
	var err error
	if d.buf, err = nrbf.AppendBootstrap(d.buf[:0], kind, secret.View(b.Data)); err != nil {
		d.fail(err)
		return
	}
	d.bytes(nBootStrapToken, d.buf)
}

// start starts an element, whose name is one of vocabulary.go.
func (d *documentWriter) start(name int) { d.w.StartDict(d.format.wire(name)) }

// attr writes an attribute, whose name is one of vocabulary.go.
func (d *documentWriter) attr(name int, text string) { d.w.AttrDict(d.format.wire(name), text) }

func (d *documentWriter) text(id int, s string) {
	d.start(id)
	d.w.Text(s)
	d.w.End()
}

func (d *documentWriter) bytes(id int, b []byte) {
	d.start(id)
	d.w.Bytes(b)
	d.w.End()
}

func (d *documentWriter) time(id int, t time.Time) {
	ticks, ok := dotnet.Ticks(t)
	if !ok {
		d.fail(errTime)
		return
	}
	d.start(id)
	d.w.Int64(ticks)
	d.w.End()
}

// optional writes an attribute that .NET leaves out when it is empty.
func (d *documentWriter) optional(id int, s string) {
	if s != "" {
		d.attr(id, s)
	}
}

func (d *documentWriter) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// or returns s, or the default for an empty one.
func or(s, byDefault string) string {
	if s == "" {
		return byDefault
	}
	return s
}

// check refuses what could be written but not read back.
func (t *Token) check() error {
	for _, c := range []struct {
		name, text string
		required   bool
	}{
		{"ID", t.ID, true},
		{"ContextID", t.ContextID, true},
		{"KeyGeneration", t.KeyGeneration, false},
	} {
		if c.required && c.text == "" {
			return fmt.Errorf("sessiontoken: cannot issue: %s is empty; NewToken sets it", c.name)
		}
		if !isXMLText(c.text) {
			return fmt.Errorf("sessiontoken: cannot issue: %s has characters that XML cannot carry", c.name)
		}
	}
	// The readers of .NET trim these two, and those of Windows change line ends.
	for _, s := range []string{t.ContextID, t.KeyGeneration} {
		if s != string(nbfx.TrimSpace([]byte(s))) || strings.ContainsAny(s, "\r\n") {
			return errors.New("sessiontoken: cannot issue: ContextID or KeyGeneration has line breaks or white space at its ends")
		}
	}
	if t.ValidTo.Before(t.ValidFrom) {
		return errors.New("sessiontoken: cannot issue: ValidTo lies before ValidFrom")
	}
	if t.SecureConversation > SecureConversationFeb2005 {
		return errors.New("sessiontoken: cannot issue: unknown SecureConversation version")
	}
	if len(t.Principal.Identities) == 0 {
		return fmt.Errorf("sessiontoken: cannot issue: %w", errIdentities)
	}
	return nil
}
