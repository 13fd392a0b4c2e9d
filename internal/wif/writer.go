package wif

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// Writer writes the token document that [Reader] reads, byte for byte as .NET does
// (SessionSecurityTokenCookieSerializer). Its calls come in the order of the document:
//
//	Begin
//	  StartIdentity
//	    WriteClaim*
//	  EndClaims
//	  StartActor (?)     then one identity and EndActor
//	  EndIdentity
//	Done
type Writer struct {
	version  Version
	w        nbfx.Writer
	endpoint string
	depth    int    // identities around the current one
	listed   bool   // ClaimCollection is open
	nobody   bool   // there was no identity yet
	buf      []byte // bootstrap streams
	err      error  // the first fault
}

// Begin begins the document of a token, which is appended to dst.
func (d *Writer) Begin(dst []byte, v Version, h *Head[string], key []byte) error {
	if err := checkHead(h); err != nil {
		return err
	}
	*d = Writer{version: v, w: d.w, endpoint: h.EndpointID, nobody: true, buf: d.buf[:0]}
	d.w.Reset(dst, v.Dictionary())
	d.start(nSessionToken)
	if h.Persistent {
		d.attr(nPersistentTrue, "")
	}
	if h.Reference {
		d.attr(nReferenceModeTrue, "")
	}
	if h.Context != "" {
		d.text(nContext, h.Context)
	}
	d.text(nVersion, "1")
	d.text(nSecureConversationVersion, h.SecureConversation.namespace())
	d.text(nID, h.ID)
	d.text(nContextID, h.ContextID)
	d.bytes(nKey, key)
	if h.KeyGeneration != "" {
		d.text(nKeyGeneration, h.KeyGeneration)
	}
	d.time(nEffectiveTime, h.ValidFrom)
	d.time(nExpiryTime, h.ValidTo)
	d.time(nKeyEffectiveTime, h.KeyEffective)
	d.time(nKeyExpiryTime, h.KeyExpires)
	d.start(nClaimsPrincipal)
	d.start(nIdentities)
	return nil
}

// StartIdentity starts an identity with this number of claims.
func (d *Writer) StartIdentity(i *Identity[string], claims int) {
	d.nobody = false
	d.start(nIdentity)
	d.optional(nAuthenticationType, i.Authentication)
	d.optional(nLabel, i.Label)
	d.attr(nNameClaimType, cmp.Or(i.NameType, dotnet.NameClaimType))
	d.attr(nRoleClaimType, cmp.Or(i.RoleType, dotnet.RoleClaimType))
	if d.listed = claims > 0 || d.version == V45; d.listed {
		d.start(nClaimCollection)
	}
}

// WriteClaim writes a claim with its properties. .NET's claims are never
// without an issuer, so the defaults are written too.
func (d *Writer) WriteClaim(c *Claim[string], bag [][2]string) {
	issuer := cmp.Or(c.Issuer, dotnet.LocalAuthority)
	d.start(nClaim)
	d.attr(nIssuer, issuer)
	d.attr(nOriginalIssuer, cmp.Or(c.OriginalIssuer, issuer))
	d.attr(nType, c.Type)
	d.attr(nValue, c.Value)
	d.attr(nValueType, cmp.Or(c.ValueType, dotnet.ValueTypeString))
	if len(bag) > 0 {
		d.writeProperties(bag)
	}
	d.w.End()
}

// writeProperties writes the bag in order. Like .NET 4.5 it leaves out entries without a
// name or value. A name that occurs twice cannot be read again.
func (d *Writer) writeProperties(bag [][2]string) {
	if len(bag) > limits.Properties {
		d.fail(errProperty)
		return
	}
	d.start(nClaimProperties)
	for i, p := range bag {
		if d.version == V45 && (p[0] == "" || p[1] == "") {
			continue
		}
		for _, q := range bag[:i] {
			if q[0] == p[0] && (q[1] != "" || d.version == V10) {
				d.fail(errProperty)
			}
		}
		d.start(nClaimProperty)
		d.attr(nClaimPropertyName, p[0])
		d.attr(nClaimPropertyValue, p[1])
		d.w.End()
	}
	d.w.End()
}

// EndClaims ends the claims of an identity.
func (d *Writer) EndClaims() {
	if d.listed {
		d.w.End()
	}
}

// StartActor starts the element for the identity that acts for the current one. It is
// false, and starts nothing, if there are too many of them.
func (d *Writer) StartActor() bool {
	if d.depth == limits.Actors {
		d.fail(errActorDepth)
		return false
	}
	d.start(nActor)
	d.depth++
	return true
}

// EndActor ends what StartActor started.
func (d *Writer) EndActor() {
	d.w.End()
	d.depth--
}

// EndIdentity ends an identity, with its bootstrap token if it has one.
func (d *Writer) EndIdentity(kind Bootstrap, token []byte) {
	switch {
	case kind == BootstrapNone:
	case d.version == V10:
		d.bootstrapXML(kind, token)
	default:
		d.bootstrap(kind, token)
	}
	d.w.End()
}

// bootstrap writes the stream of a BootstrapContext.
func (d *Writer) bootstrap(kind Bootstrap, token []byte) {
	err := errBootstrapKind
	if kind == BootstrapWindows {
		err = errWindowsStub
	} else if int(kind) < len(nrbfKinds) {
		d.buf, err = nrbf.AppendBootstrap(d.buf[:0], nrbfKinds[kind], token)
	}
	if err != nil {
		d.fail(err)
		return
	}
	d.bytes(nBootStrapToken, d.buf)
}

// Done ends the document and returns it behind dst.
func (d *Writer) Done() ([]byte, error) {
	d.w.End()
	d.w.End()
	d.text(nEndpointID, d.endpoint)
	d.w.End()
	doc, err := d.w.Done()
	d.endpoint = ""
	switch {
	case d.err != nil:
		return doc, d.err
	case d.nobody:
		return doc, ErrIdentities
	}
	return doc, err
}

// start starts an element.
func (d *Writer) start(name int) { d.w.StartDict(d.version.wire(name)) }

// attr writes an attribute.
func (d *Writer) attr(name int, text string) { d.w.AttrDict(d.version.wire(name), text) }

func (d *Writer) text(id int, s string) {
	d.start(id)
	d.w.Text(s)
	d.w.End()
}

func (d *Writer) bytes(id int, b []byte) {
	d.start(id)
	d.w.Bytes(b)
	d.w.End()
}

func (d *Writer) time(id int, t time.Time) {
	ticks, ok := dotnet.Ticks(t)
	if !ok {
		d.fail(ErrTime)
		return
	}
	d.start(id)
	d.w.Int64(ticks)
	d.w.End()
}

// optional writes an attribute that .NET leaves out when it is empty.
func (d *Writer) optional(id int, s string) {
	if s != "" {
		d.attr(id, s)
	}
}

func (d *Writer) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// checkHead refuses what could be written but not read back.
func checkHead(h *Head[string]) error {
	switch {
	case h.ID == "":
		return errors.New("ID is empty; NewToken sets it")
	case h.ContextID == "":
		return errors.New("ContextID is empty; NewToken sets it")
	case h.ValidTo.Before(h.ValidFrom):
		return errors.New("ValidTo lies before ValidFrom")
	case h.SecureConversation > SCFeb2005:
		return errors.New("unknown SecureConversation version")
	}
	for _, c := range [...]struct{ name, text string }{{"ID", h.ID}, {"ContextID", h.ContextID},
		{"KeyGeneration", h.KeyGeneration}} {
		if !isXMLText(c.text) {
			return fmt.Errorf("%s has characters that XML cannot carry", c.name)
		}
		// The readers of .NET trim two of them, and those of Windows change line ends.
		if c.name != "ID" && (c.text != string(nbfx.TrimSpace([]byte(c.text))) ||
			strings.ContainsAny(c.text, "\r\n")) {
			return errors.New("ContextID or KeyGeneration has line breaks or white space at its ends")
		}
	}
	return nil
}
