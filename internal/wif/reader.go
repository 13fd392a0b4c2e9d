package wif

import (
	"errors"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// Reader reads the token document: binary XML with names from the
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
// names are those of 4.5; [Version] has the differences of WIF 1.0.
//
// It takes no memory once its buffers and lists are large enough.
type Reader struct {
	version Version
	r       nbfx.Reader
	kind    nbfx.Kind // the current node; comments and blanks are skipped
	err     error
	doc     Document
	seen    [64]Span // recent texts of the kind that repeats, by hash
}

// Room is how many bytes a Reader likes to find behind the document, for texts that the
// document does not hold as UTF-8.
const Room = 2048

// Read checks a whole document and returns what it says, good until the next
// Read. It may append to data. The error is a [*layer.Error].
func (d *Reader) Read(data []byte, v Version) (*Document, error) {
	d.reset(data, v)
	if !d.document() {
		if err := d.r.Err(); err != nil {
			return nil, nbfxError(err)
		}
		return nil, &layer.Error{Layer: "token", Offset: d.r.Offset(), Err: d.err}
	}
	return &d.doc, nil
}

// nbfxError gives an error of the binary XML layer its place.
func nbfxError(err error) error {
	var at *nbfx.Error
	if !errors.As(err, &at) {
		return err
	}
	cause := at.Err
	if cause == nbfx.ErrUnsupported {
		cause = layer.Unsupported(cause.Error())
	}
	return &layer.Error{Layer: "nbfx", Offset: at.Offset, Err: cause}
}

func (d *Reader) reset(data []byte, v Version) {
	d.version, d.err = v, nil
	doc := &d.doc
	doc.Head, doc.KeyLen, doc.Roots = Head[Span]{}, 0, 0
	doc.Identities, doc.Claims, doc.Properties = doc.Identities[:0], doc.Claims[:0], doc.Properties[:0]
	doc.Texts, doc.Blob = doc.Texts[:0], doc.Blob[:0]
	clear(d.seen[:])
	d.r.Reset(data, v.Dictionary())
}

// document reads from the root element to the end.
func (d *Reader) document() bool {
	d.advance()
	wrapped := d.at(nSecurityContextToken) // the form WCF wraps; no attributes, always persistent
	if !wrapped && !d.at(nSessionToken) {
		return d.fail(d.rootError())
	}
	d.doc.Persistent = wrapped
	if !wrapped {
		for _, a := range d.r.Attrs() {
			if a.Namespace.Len == 0 {
				d.doc.Persistent = d.doc.Persistent || d.version.name(a.ID) == nPersistentTrue
				d.doc.Reference = d.doc.Reference || d.version.name(a.ID) == nReferenceModeTrue
			}
		}
	}
	d.advance()
	if !wrapped && d.at(nContext) && !d.text(&d.doc.Context) {
		return false
	}
	return d.versions() &&
		d.element(nID, &d.doc.ID, errID) &&
		d.element(nContextID, &d.doc.ContextID, errContextID) && d.trim(&d.doc.ContextID) &&
		d.key() &&
		(!d.at(nKeyGeneration) || d.text(&d.doc.KeyGeneration) && d.trim(&d.doc.KeyGeneration)) &&
		d.time(nEffectiveTime, &d.doc.ValidFrom) &&
		d.time(nExpiryTime, &d.doc.ValidTo) &&
		d.time(nKeyEffectiveTime, &d.doc.KeyEffective) &&
		d.time(nKeyExpiryTime, &d.doc.KeyExpires) &&
		d.principal() &&
		d.policy() &&
		(!d.at(nEndpointID) || d.text(&d.doc.EndpointID)) &&
		d.end() &&
		(d.kind == nbfx.EndDocument || d.fail(errTrailing))
}

// rootError is the fault of a document with another root. It tells a token
// that the other generation wrote.
func (d *Reader) rootError() error {
	other, err := V45, ErrV45
	if d.version == V45 {
		other, err = V10, ErrV10
	}
	if d.kind == nbfx.StartElement && d.r.Name().ID == other.wire(nSessionToken) {
		return err
	}
	return errRoot
}

// versions reads Version and SecureConversationVersion. As in .NET only their
// texts count, not their names.
func (d *Reader) versions() bool {
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
		d.doc.SecureConversation = SC13
	case namespaceSCFeb2005:
		d.doc.SecureConversation = SCFeb2005
	default:
		return d.fail(errVersion)
	}
	return d.advance()
}

// key reads the element Key, of any length including zero.
func (d *Reader) key() bool {
	if !d.at(nKey) {
		return d.fail(errOrder("Key"))
	}
	if !d.rawBytes() {
		return false
	}
	d.doc.KeyLen = len(d.doc.Blob)
	return true
}

// time reads an element that holds .NET ticks.
func (d *Reader) time(id int, t *time.Time) bool {
	if !d.at(id) {
		return d.fail(errOrder(nbfx.Session45[id]))
	}
	if d.next() != nbfx.Text {
		return d.fail(ErrTime)
	}
	ticks, ok := d.r.Int64(d.r.Value())
	if !ok || d.next() != nbfx.EndElement {
		return d.fail(ErrTime)
	}
	if *t, ok = dotnet.Time(ticks); !ok {
		return d.fail(ErrTime)
	}
	return d.advance()
}

// principal reads ClaimsPrincipal and Identities, both optional.
func (d *Reader) principal() bool {
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
			d.doc.Roots++
		}
		if !d.end() {
			return false
		}
	}
	return d.end()
}

// policy skips SctAuthorizationPolicy, which only WCF writes. Claims whose
// contents .NET validates in ways of its own are not supported.
func (d *Reader) policy() bool {
	if !d.at(nSctAuthorizationPolicy) {
		return true
	}
	d.advance()
	if d.kind != nbfx.StartElement {
		return d.fail(errPolicy)
	}
	switch n := d.r.Name(); d.version.name(n.ID) {
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
func (d *Reader) rawBytes() bool {
	for {
		switch d.next() {
		case nbfx.Text:
			var ok bool
			if d.doc.Blob, ok = d.r.AppendBytes(d.doc.Blob, d.r.Value()); !ok {
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
func (d *Reader) element(id int, s *Span, missing error) bool {
	if !d.at(id) {
		return d.fail(missing)
	}
	if !d.text(s) {
		return false
	}
	return s.Len > 0 || d.fail(missing)
}

// text keeps the content of the current element, which must be text, and moves on.
func (d *Reader) text(s *Span) bool {
	v, ok := d.content()
	if !ok {
		return false
	}
	*s = d.keep(v)
	return d.advance()
}

// content reads the text up to the end of the current element. The span lies
// in the document reader's buffer.
func (d *Reader) content() (s Span, ok bool) {
	if s, ok := d.r.TakeText(); ok { // the usual form
		d.kind = nbfx.EndElement
		return s, true
	}
	for {
		switch d.next() {
		case nbfx.Text:
			s = d.r.Concat(s, d.r.Text(d.r.Value()))
		case nbfx.EndElement:
			return s, true
		default:
			return s, d.fail(errOrder("end of element"))
		}
	}
}

// keep adds a text of the document to those of the token.
func (d *Reader) keep(s Span) Span {
	off := len(d.doc.Texts)
	d.doc.Texts = append(d.doc.Texts, d.r.Bytes(s)...)
	return Span{Off: int32(off), Len: s.Len}
}

// keepOnce is keep for texts that repeat: claim types and issuers.
func (d *Reader) keepOnce(s Span) Span {
	if s.Len == 0 {
		return Span{}
	}
	b := d.r.Bytes(s)
	slot := &d.seen[(int(b[len(b)-1])*7+int(b[len(b)/2])+len(b))%len(d.seen)]
	if string(d.bytesOf(*slot)) != string(b) {
		*slot = d.keep(s)
	}
	return *slot
}

// bytesOf returns a text that has been kept.
func (d *Reader) bytesOf(s Span) []byte { return d.doc.Texts[s.Off : s.Off+s.Len] }

// trim cuts white space off both ends of an identifier, which must not be
// empty then (System.Xml.UniqueId).
func (d *Reader) trim(s *Span) bool {
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
func (d *Reader) at(id int) bool {
	if d.kind != nbfx.StartElement {
		return false
	}
	n := d.r.Name()
	return d.version.name(n.ID) == id && n.Namespace.Len == 0
}

// end demands the end of the enclosing element and moves on.
func (d *Reader) end() bool {
	if d.kind != nbfx.EndElement {
		return d.fail(errOrder("end of element"))
	}
	return d.advance()
}

// next moves to the next node that is not a comment.
func (d *Reader) next() nbfx.Kind {
	d.kind = d.r.Next()
	for d.kind == nbfx.Comment {
		d.kind = d.r.Next()
	}
	return d.kind
}

// advance moves to the next node that is neither a comment nor white space.
// It is true unless the document is malformed there.
func (d *Reader) advance() bool {
	for d.next() == nbfx.Text && len(nbfx.TrimSpace(d.r.Bytes(d.r.Text(d.r.Value())))) == 0 {
	}
	return d.kind != nbfx.Invalid
}

// fail notes the first fault; it is false for use in conditions.
func (d *Reader) fail(err error) bool {
	if d.err == nil {
		d.err = err
	}
	return false
}
