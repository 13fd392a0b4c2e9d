package sessiontoken

import (
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// documentReader reads the token document: binary XML with names from the
// static dictionary, all in no namespace, in this order ((?) optional):
//
//	SessionToken               @PersistentTrue(?) @ReferenceModeTrue(?), in WIF 1.0 @SessionModeTrue(?)
//	  Context                  text (?)
//	  Version                  "1"
//	  SecureConversationVersion
//	  Id, ContextId            text
//	  Key                      bytes
//	  KeyGeneration            text (?)
//	  EffectiveTime, ExpiryTime, KeyEffectiveTime, KeyExpiryTime   ticks
//	  ClaimsPrincipal (?)
//	    Identities (?)
//	      Identity*            see identity
//	  SctAuthorizationPolicy   one WCF claim, ignored (?)
//	  EndpointId               text (?)
//
// (SessionSecurityTokenCookieSerializer; the order is part of the format.) The
// names are those of 4.5; [Format] has the differences of WIF 1.0.
//
// A first pass checks the document and collects the texts; build then makes
// the Token with one string that all texts share, one slice of claims and one
// of identities, whatever their number.
type documentReader struct {
	format Format
	r      nbfx.Reader
	kind   nbfx.Kind // the current node; comments and blanks are skipped
	err    error

	texts []byte        // what the token will keep; the spans below lie in it
	seen  [64]nbfx.Span // recent texts of the kind that repeats, by hash

	head       tokenHead
	claims     []claimSpans
	properties [][2]nbfx.Span
	identities []identitySpans // actors included
	roots      int             // identities that are not actors
	blob       []byte          // key, then bootstrap data
}

// tokenHead is what a token says besides its principal.
type tokenHead struct {
	id, contextID, keyGeneration nbfx.Span
	endpointID, context          nbfx.Span
	sc                           SecureConversation
	persistent, reference        bool
	from, to, keyFrom, keyTo     time.Time
	keyLen                       int
}

// claimSpans is a claim whose texts still lie in the document.
type claimSpans struct {
	typ, value, valueType, issuer, original nbfx.Span
	properties                              [2]int32 // range
}

// identitySpans is an identity whose texts still lie in the document.
type identitySpans struct {
	authentication, nameType, roleType, label nbfx.Span
	claims                                    [2]int32 // range
	actor                                     int32    // index, or -1
	isActor                                   bool
	bootstrap                                 BootstrapKind
	data                                      [2]int32 // range of blob
}

// read checks a whole document. It may append to doc.
func (d *documentReader) read(doc []byte, f Format) error {
	d.reset(doc, f)
	if !d.document() {
		if err := d.r.Err(); err != nil {
			return nbfxError(err)
		}
		return &FormatError{Layer: "token", Offset: d.r.Offset(), Err: d.err}
	}
	return nil
}

// nbfxError gives an error of the binary XML layer its place.
func nbfxError(err error) error {
	var at *nbfx.Error
	if !errors.As(err, &at) {
		return err
	}
	if cause := at.Err; cause == nbfx.ErrUnsupported {
		return &FormatError{Layer: "nbfx", Offset: at.Offset, Err: fmt.Errorf("%w: %w", ErrUnsupported, cause)}
	}
	return &FormatError{Layer: "nbfx", Offset: at.Offset, Err: at.Err}
}

func (d *documentReader) reset(doc []byte, f Format) {
	d.format, d.err = f, nil
	d.head = tokenHead{}
	d.roots = 0
	d.texts, d.blob = d.texts[:0], d.blob[:0]
	d.claims, d.properties, d.identities = d.claims[:0], d.properties[:0], d.identities[:0]
	clear(d.seen[:])
	d.r.Reset(doc, f.dictionary(), nbfx.Limits{Records: maxRecords})
}

// document reads from the root element to the end.
func (d *documentReader) document() bool {
	d.advance()
	wrapped := d.at(nSecurityContextToken) // the form WCF wraps; no attributes, always persistent
	if !wrapped && !d.at(nSessionToken) {
		return d.fail(d.rootError())
	}
	d.head.persistent = wrapped
	if !wrapped {
		for _, a := range d.r.Attrs() {
			if a.Namespace.Len == 0 {
				d.head.persistent = d.head.persistent || d.format.name(a.ID) == nPersistentTrue
				d.head.reference = d.head.reference || d.format.name(a.ID) == nReferenceModeTrue
			}
		}
	}
	d.advance()
	if !wrapped && d.at(nContext) && !d.text(&d.head.context) {
		return false
	}
	return d.version() &&
		d.element(nID, &d.head.id, errID) &&
		d.element(nContextID, &d.head.contextID, errContextID) && d.trim(&d.head.contextID) &&
		d.key() &&
		(!d.at(nKeyGeneration) || d.text(&d.head.keyGeneration) && d.trim(&d.head.keyGeneration)) &&
		d.time(nEffectiveTime, &d.head.from) &&
		d.time(nExpiryTime, &d.head.to) &&
		d.time(nKeyEffectiveTime, &d.head.keyFrom) &&
		d.time(nKeyExpiryTime, &d.head.keyTo) &&
		d.principal() &&
		d.policy() &&
		(!d.at(nEndpointID) || d.text(&d.head.endpointID)) &&
		d.end() &&
		(d.kind == nbfx.EndDocument || d.fail(errTrailing))
}

// rootError is the fault of a document with another root. It tells a token
// that the other generation wrote.
func (d *documentReader) rootError() error {
	other := WIF45
	if d.format == WIF45 {
		other = WIF10
	}
	if d.kind == nbfx.StartElement && d.r.Name().ID == other.wire(nSessionToken) {
		return otherFormat(other)
	}
	return errRoot
}

// version reads Version and SecureConversationVersion. As in .NET only their
// texts count, not their names.
func (d *documentReader) version() bool {
	if d.kind != nbfx.StartElement {
		return d.fail(errVersion)
	}
	if v, ok := d.content(); !ok || string(d.r.Bytes(v)) != "1" {
		return d.fail(errVersion)
	}
	d.advance()
	if d.kind != nbfx.StartElement {
		return d.fail(errVersion)
	}
	v, ok := d.content()
	if !ok {
		return false
	}
	switch string(d.r.Bytes(v)) {
	case namespaceSC13:
		d.head.sc = SecureConversation13
	case namespaceSCFeb2005:
		d.head.sc = SecureConversationFeb2005
	default:
		return d.fail(errVersion)
	}
	return d.advance()
}

// key reads the element Key, of any length including zero.
func (d *documentReader) key() bool {
	if !d.at(nKey) {
		return d.fail(errOrder("Key"))
	}
	if !d.rawBytes() {
		return false
	}
	d.head.keyLen = len(d.blob)
	return true
}

// time reads an element that holds .NET ticks.
func (d *documentReader) time(id int, t *time.Time) bool {
	if !d.at(id) {
		return d.fail(errOrder(nbfx.Session45[id]))
	}
	ticks, ok := int64(0), false
	k := d.next()
	if k == nbfx.Text {
		if ticks, ok = d.r.Int64(d.r.Value()); !ok {
			return d.fail(errTime)
		}
		k = d.next()
	}
	if k != nbfx.EndElement || !ok {
		return d.fail(errTime)
	}
	if *t, ok = dotnet.Time(ticks); !ok {
		return d.fail(errTime)
	}
	return d.advance()
}

// principal reads ClaimsPrincipal and Identities, both optional.
func (d *documentReader) principal() bool {
	if !d.at(nClaimsPrincipal) {
		return true
	}
	d.advance()
	if d.at(nIdentities) {
		d.advance()
		for d.at(nIdentity) {
			if _, ok := d.identity(0); !ok {
				return false
			}
			d.roots++
		}
		if !d.end() {
			return false
		}
	}
	return d.end()
}

// policy skips SctAuthorizationPolicy, which only WCF writes. Claims whose
// contents .NET validates in ways of its own are not supported.
func (d *documentReader) policy() bool {
	if !d.at(nSctAuthorizationPolicy) {
		return true
	}
	d.advance()
	if d.kind != nbfx.StartElement {
		return d.fail(errPolicy)
	}
	switch n := d.r.Name(); d.format.name(n.ID) {
	case nNull, nNameClaim, nDNSClaim, nSpnClaim, nUpnClaim:
		if n.Namespace.Len > 0 {
			return d.fail(errPolicy)
		}
	default:
		return d.fail(errPolicy)
	}
	_, ok := d.content()
	return ok && d.advance() && d.end()
}

// rawBytes appends the content of the current element to the blob and moves on.
func (d *documentReader) rawBytes() bool {
	for {
		switch d.next() {
		case nbfx.Text:
			var ok bool
			if d.blob, ok = d.r.AppendBytes(d.blob, d.r.Value()); !ok {
				return d.fail(errBytes)
			}
		case nbfx.EndElement:
			return d.advance()
		default:
			return d.fail(errOrder("end of element"))
		}
	}
}

// element reads a required text element that must not be empty.
func (d *documentReader) element(id int, s *nbfx.Span, missing error) bool {
	if !d.at(id) {
		return d.fail(missing)
	}
	if !d.text(s) {
		return false
	}
	return s.Len > 0 || d.fail(missing)
}

// text reads the content of the current element, which must hold nothing but
// text, keeps it and moves on.
func (d *documentReader) text(s *nbfx.Span) bool {
	v, ok := d.content()
	if !ok {
		return false
	}
	*s = d.keep(v)
	return d.advance()
}

// content reads the text up to the end of the current element. The span lies
// in the document reader's buffer.
func (d *documentReader) content() (s nbfx.Span, ok bool) {
	if s, ok := d.r.TakeText(); ok { // the usual form
		d.kind = nbfx.EndElement
		return s, true
	}
	for {
		switch d.next() {
		case nbfx.Text:
			t, ok := d.r.Text(d.r.Value())
			if !ok {
				return s, d.fail(errOrder("text"))
			}
			s = d.r.Concat(s, t)
		case nbfx.EndElement:
			return s, true
		default:
			return s, d.fail(errOrder("end of element"))
		}
	}
}

// keep adds a text of the document to those of the token.
func (d *documentReader) keep(s nbfx.Span) nbfx.Span {
	off := len(d.texts)
	d.texts = append(d.texts, d.r.Bytes(s)...)
	return nbfx.Span{Off: int32(off), Len: s.Len}
}

// keepOnce is keep for texts that repeat: claim types and issuers. A hundred
// claims have a handful of them.
func (d *documentReader) keepOnce(s nbfx.Span) nbfx.Span {
	if s.Len == 0 {
		return nbfx.Span{}
	}
	b := d.r.Bytes(s)
	slot := &d.seen[(int(b[len(b)-1])*7+int(b[len(b)/2])+len(b))%len(d.seen)]
	if string(d.bytesOf(*slot)) != string(b) {
		*slot = d.keep(s)
	}
	return *slot
}

// bytesOf returns a text that has been kept.
func (d *documentReader) bytesOf(s nbfx.Span) []byte { return d.texts[s.Off : s.Off+s.Len] }

// trim cuts white space off both ends of an identifier, which must not be
// empty then (System.Xml.UniqueId).
func (d *documentReader) trim(s *nbfx.Span) bool {
	b := d.bytesOf(*s)
	t := nbfx.TrimSpace(b)
	if len(t) == 0 {
		return d.fail(errContextID)
	}
	for len(b) > 0 && b[0] != t[0] {
		b = b[1:]
		s.Off++
	}
	s.Len = int32(len(t))
	return true
}

// at reports whether the current node starts the named element.
func (d *documentReader) at(id int) bool {
	if d.kind != nbfx.StartElement {
		return false
	}
	n := d.r.Name()
	return d.format.name(n.ID) == id && n.Namespace.Len == 0
}

// end demands the end of the enclosing element and moves on.
func (d *documentReader) end() bool {
	if d.kind != nbfx.EndElement {
		return d.fail(errOrder("end of element"))
	}
	return d.advance()
}

// next moves to the next node that is not a comment.
func (d *documentReader) next() nbfx.Kind {
	d.kind = d.r.Next()
	for d.kind == nbfx.Comment {
		d.kind = d.r.Next()
	}
	return d.kind
}

// advance moves to the next node that is neither a comment nor white space.
// It is true unless the document is malformed there.
func (d *documentReader) advance() bool {
	for d.next() == nbfx.Text {
		s, ok := d.r.Text(d.r.Value())
		if !ok || len(nbfx.TrimSpace(d.r.Bytes(s))) > 0 {
			break
		}
	}
	return d.kind != nbfx.Invalid
}

// fail notes the first fault; it is false for use in conditions.
func (d *documentReader) fail(err error) bool {
	if d.err == nil {
		d.err = err
	}
	return false
}
