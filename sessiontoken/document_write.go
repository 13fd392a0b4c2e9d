package sessiontoken

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// documentWriter writes the token document that documentReader reads, byte
// for byte as .NET does (SessionSecurityTokenCookieSerializer).
type documentWriter struct {
	w   nbfx.Writer
	buf []byte // bootstrap streams
	err error
}

// append appends the document of t to dst.
func (d *documentWriter) append(dst []byte, t *Token) ([]byte, error) {
	if err := t.check(); err != nil {
		return dst, err
	}
	d.err = nil
	d.w.Reset(dst, nbfx.Session45)
	d.w.StartDict(nSessionToken)
	if t.Persistent {
		d.w.AttrDict(nPersistentTrue, "")
	}
	if t.ReferenceMode {
		d.w.AttrDict(nReferenceModeTrue, "")
	}
	if t.Context != "" {
		d.text(nContext, t.Context)
	}
	d.text(nVersion, "1")
	d.text(nSecureConversationVersion, t.SecureConversation.namespace())
	d.text(nID, t.ID)
	d.text(nContextID, t.ContextID)
	d.bytes(nKey, t.Key)
	if t.KeyGeneration != "" {
		d.text(nKeyGeneration, t.KeyGeneration)
	}
	d.time(nEffectiveTime, t.ValidFrom)
	d.time(nExpiryTime, t.ValidTo)
	d.time(nKeyEffectiveTime, t.KeyEffective)
	d.time(nKeyExpiryTime, t.KeyExpires)
	d.w.StartDict(nClaimsPrincipal)
	d.w.StartDict(nIdentities)
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
	d.w.StartDict(nIdentity)
	d.optional(nAuthenticationType, i.AuthenticationType)
	d.optional(nLabel, i.Label)
	d.w.AttrDict(nNameClaimType, or(i.NameClaimType, ClaimTypeName))
	d.w.AttrDict(nRoleClaimType, or(i.RoleClaimType, ClaimTypeRole))
	d.w.StartDict(nClaimCollection)
	for k := range i.Claims {
		d.claim(&i.Claims[k])
	}
	d.w.End()
	if i.Actor != nil {
		d.w.StartDict(nActor)
		d.identity(i.Actor, depth+1)
		d.w.End()
	}
	if i.Bootstrap.Kind != BootstrapNone {
		d.bootstrap(i.Bootstrap)
	}
	d.w.End()
}

// claim writes one element. .NET's claims are never without an issuer, so
// the defaults are written too.
func (d *documentWriter) claim(c *Claim) {
	issuer := or(c.Issuer, LocalAuthority)
	d.w.StartDict(nClaim)
	d.w.AttrDict(nIssuer, issuer)
	d.w.AttrDict(nOriginalIssuer, or(c.OriginalIssuer, issuer))
	d.w.AttrDict(nType, c.Type)
	d.w.AttrDict(nValue, c.Value)
	d.w.AttrDict(nValueType, or(c.ValueType, ValueTypeString))
	if len(c.Properties) > 0 {
		d.properties(c.Properties)
	}
	d.w.End()
}

// properties writes the bag in order. As .NET does it leaves out entries
// without a name or value; a name that occurs twice cannot be read again.
func (d *documentWriter) properties(bag []Property) {
	if len(bag) > maxProperties {
		d.fail(errProperty)
		return
	}
	d.w.StartDict(nClaimProperties)
	for i, p := range bag {
		if p.Name == "" || p.Value == "" {
			continue
		}
		for _, q := range bag[:i] {
			if q.Name == p.Name && q.Value != "" {
				d.fail(errProperty)
			}
		}
		d.w.StartDict(nClaimProperty)
		d.w.AttrDict(nClaimPropertyName, p.Name)
		d.w.AttrDict(nClaimPropertyValue, p.Value)
		d.w.End()
	}
	d.w.End()
}

// bootstrap writes the stream of a BootstrapContext.
func (d *documentWriter) bootstrap(b Bootstrap) {
	kind := nrbf.KindToken
	switch b.Kind {
	case BootstrapString:
		kind = nrbf.KindString
	case BootstrapBytes:
		kind = nrbf.KindBytes
	case BootstrapToken:
	default:
		d.fail(fmt.Errorf("unknown %v", b))
		return
	}
	var err error
	if d.buf, err = nrbf.AppendBootstrap(d.buf[:0], kind, b.Data); err != nil {
		d.fail(err)
		return
	}
	d.bytes(nBootStrapToken, d.buf)
}

func (d *documentWriter) text(id int, s string) {
	d.w.StartDict(id)
	d.w.Text(s)
	d.w.End()
}

func (d *documentWriter) bytes(id int, b []byte) {
	d.w.StartDict(id)
	d.w.Bytes(b)
	d.w.End()
}

func (d *documentWriter) time(id int, t time.Time) {
	ticks, ok := dotnet.Ticks(t)
	if !ok {
		d.fail(errTime)
		return
	}
	d.w.StartDict(id)
	d.w.Int64(ticks)
	d.w.End()
}

// optional writes an attribute that .NET leaves out when it is empty.
func (d *documentWriter) optional(id int, s string) {
	if s != "" {
		d.w.AttrDict(id, s)
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
