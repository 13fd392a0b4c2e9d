package coreticket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// ErrUnsupported is wrapped by what .NET reads and this package refuses.
const ErrUnsupported = layer.Unsupported("not supported")

// Causes of a [layer.Error], and errors of a [Writer].
var (
	ErrVersion   = errors.New("version of the ticket is not 5")
	ErrMalformed = errors.New("malformed")

	errEnd     = fmt.Errorf("%w: data ends early", ErrMalformed)
	errLength  = fmt.Errorf("%w: length of a string is no number of five bytes", ErrMalformed)
	errCount   = fmt.Errorf("%w: a count is negative or more than the data can hold", ErrMalformed)
	errTwice   = fmt.Errorf("%w: the same property twice", ErrMalformed)
	errVersion = fmt.Errorf("%w: version of the properties is not 1; "+
		".NET would drop them and the expiry with them", ErrUnsupported)
	errText  = fmt.Errorf("%w: text is not UTF-8", ErrUnsupported)
	errLimit = fmt.Errorf("%w: more than a limit", ErrUnsupported)
)

// Text is a text of a ticket, see [Text.In].
type Text struct{ at, n uint32 }

// The texts that .NET has as constants lie behind all others.
const constants = 1 << 31

var (
	nameType   = Text{constants + 0, 0}
	roleType   = Text{constants + 1, 0}
	stringType = Text{constants + 2, 0}
	localText  = Text{constants + 3, 0}
)

var constantTexts = [...]string{dotnet.NameClaimType, dotnet.RoleClaimType, dotnet.ValueTypeString,
	dotnet.LocalAuthority}

// In returns the text. Ticket is all that was read.
func (t Text) In(ticket string) string {
	if t.at >= constants {
		return constantTexts[t.at-constants]
	}
	return ticket[t.at : t.at+t.n]
}

// Span is a part of [Reader.Claims] or [Reader.Pairs].
type Span struct{ From, To int }

// Identity is one ClaimsIdentity.
type Identity struct {
	AuthenticationType, NameClaimType, RoleClaimType Text
	Claims                                           Span
	Bootstrap                                        Text
	HasBootstrap                                     bool
	Actor                                            int // in Reader.Actors, -1: none
}

// Claim is one claim.
type Claim struct {
	Type, Value, ValueType, Issuer, OriginalIssuer Text
	Properties                                     Span
}

// Pair is one property of a claim or of the ticket.
type Pair struct{ Key, Value Text }

// Reader takes a ticket apart without making anything of it: all that it finds are places in the
// ticket. It keeps its memory for the next one. The zero value is ready for use.
type Reader struct {
	Scheme     Text
	Identities []Identity
	Actors     []Identity
	Claims     []Claim
	Pairs      []Pair
	Properties Span // of the ticket

	data  []byte
	pos   int
	cause error
	at    int // where it failed
	valid bool
}

// Size returns how many bytes of memory r keeps.
func (r *Reader) Size() int {
	return 80*(cap(r.Identities)+cap(r.Actors)) + 56*cap(r.Claims) + 16*cap(r.Pairs)
}

// Read takes a ticket apart. The error is a [*layer.Error], after which nothing in r
// means anything. R keeps nothing of data.
func (r *Reader) Read(data []byte) error {
	*r = Reader{data: data, Identities: r.Identities[:0],
		Actors: r.Actors[:0], Claims: r.Claims[:0], Pairs: r.Pairs[:0]}
	// If all of it is UTF-8, which it is unless it holds a number above 127, so is
	// every text between the beginnings of two characters.
	r.valid = len(data) <= limits.Token && utf8.Valid(data)
	r.read()
	r.data = nil
	if r.cause != nil {
		return &layer.Error{Layer: "core ticket", Offset: r.at, Err: r.cause}
	}
	return nil
}

func (r *Reader) read() {
	if len(r.data) > limits.Token {
		r.fail(errLimit)
	}
	if r.int32() != 5 {
		r.fail(ErrVersion)
	}
	r.Scheme = r.text()
	for range r.count(identitySize, maxIdentities) {
		r.Identities = append(r.Identities, r.identity(0))
		if r.cause != nil {
			break
		}
	}
	if r.int32() != 1 {
		r.fail(errVersion)
	}
	r.Properties = r.pairs()
}

// The fewest bytes that an identity, a claim and a property take.
const (
	identitySize = 3 + 4 + 2
	claimSize    = 5 + 4
	pairSize     = 2
)

func (r *Reader) fail(cause error) {
	if r.cause == nil {
		r.cause, r.at = cause, r.pos
	}
}

func (r *Reader) int32() int32 {
	if r.cause != nil || len(r.data)-r.pos < 4 {
		r.fail(errEnd)
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(r.data[r.pos:]))
	r.pos += 4
	return n
}

func (r *Reader) boolean() bool {
	if r.cause != nil || r.pos == len(r.data) {
		r.fail(errEnd)
		return false
	}
	r.pos++
	return r.data[r.pos-1] != 0
}

// count reads the number of items that take at least size bytes each, so that
// no memory is taken for items that cannot be there.
func (r *Reader) count(size, limit int) int {
	n := int(r.int32())
	switch {
	case r.cause != nil:
		return 0
	case n < 0 || n > (len(r.data)-r.pos)/size:
		r.fail(errCount)
		return 0
	case n > limit:
		r.fail(errLimit)
		return 0
	}
	return n
}

// text reads a text.
func (r *Reader) text() Text {
	if r.valid && r.cause == nil && r.pos < len(r.data) {
		from := r.pos + 1
		end := from + int(r.data[r.pos])
		if end < from+0x80 && end < len(r.data) && utf8.RuneStart(r.data[from]) &&
			utf8.RuneStart(r.data[end]) {
			r.pos = end
			return Text{uint32(from), uint32(end - from)}
		}
	}
	return r.anyText()
}

// anyText is text for those that are long or have to be looked at by
// themselves. As in .NET the length may be padded with zero groups.
func (r *Reader) anyText() Text {
	if r.cause != nil {
		return Text{}
	}
	n, rest := 0, dotnet.Reader(r.data[r.pos:])
	if !rest.ReadUint7(&n) {
		if len(rest) < 5 && (len(rest) == 0 || rest[len(rest)-1] >= 0x80) {
			r.fail(errEnd)
		}
		r.fail(errLength)
		return Text{}
	}
	if n > len(rest) {
		r.fail(errEnd)
		return Text{}
	}
	r.pos = len(r.data) - len(rest)
	t := Text{uint32(r.pos), uint32(n)}
	if !utf8.Valid(rest[:n]) {
		r.fail(errText)
	}
	r.pos += n
	return t
}

// textOr reads a text that has a default.
func (r *Reader) textOr(def Text) Text {
	t := r.text()
	if t.n == 1 && r.data[t.at] == 0 {
		return def
	}
	return t
}

// orIfEmpty returns t, or def if t is empty.
func (t Text) orIfEmpty(def Text) Text {
	if t.at < constants && t.n == 0 {
		return def
	}
	return t
}

// identity reads an identity that acts for as many others as depth says.
func (r *Reader) identity(depth int) Identity {
	id := Identity{Actor: -1}
	id.AuthenticationType = r.text()
	id.NameClaimType = r.textOr(nameType).orIfEmpty(nameType)
	id.RoleClaimType = r.textOr(roleType).orIfEmpty(roleType)
	id.Claims = r.claims(id.NameClaimType)
	if id.HasBootstrap = r.boolean(); id.HasBootstrap {
		id.Bootstrap = r.text()
	}
	if !r.boolean() || r.cause != nil {
		return id
	}
	if depth == limits.Actors {
		r.fail(errLimit)
		return id
	}
	actor := r.identity(depth + 1)
	id.Actor = len(r.Actors)
	r.Actors = append(r.Actors, actor)
	return id
}

// plainTail is how most claims end: three defaults and no properties.
const plainTail = "\x01\x00\x01\x00\x01\x00\x00\x00\x00\x00"

func (r *Reader) claims(nameType Text) Span {
	n := r.count(claimSize, maxClaims-len(r.Claims))
	from := len(r.Claims)
	r.Claims = slices.Grow(r.Claims, n)[:from+n]
	for i := from; i < from+n; i++ {
		c := &r.Claims[i]
		*c = Claim{Type: r.textOr(nameType), Value: r.text()}
		rest := r.data[r.pos:]
		if len(rest) >= len(plainTail) && string(rest[:len(plainTail)]) == plainTail {
			r.pos += len(plainTail)
			c.ValueType, c.Issuer, c.OriginalIssuer = stringType, localText, localText
		} else {
			c.ValueType = r.textOr(stringType).orIfEmpty(stringType)
			c.Issuer = r.textOr(localText).orIfEmpty(localText)
			c.OriginalIssuer = r.textOr(c.Issuer).orIfEmpty(c.Issuer)
			c.Properties = r.pairs()
		}
		if r.cause != nil {
			break
		}
	}
	return Span{from, from + n}
}

func (r *Reader) bytes(t Text) []byte { return r.data[t.at:][:t.n] }

// pairs reads the properties of a claim or of the ticket.
func (r *Reader) pairs() Span {
	from := len(r.Pairs)
	n := r.count(pairSize, min(limits.Properties, maxPairs-from))
	for range n {
		p := Pair{Key: r.text()}
		for _, other := range r.Pairs[from:] {
			if bytes.Equal(r.bytes(p.Key), r.bytes(other.Key)) {
				r.fail(errTwice)
			}
		}
		p.Value = r.text()
		if r.cause != nil {
			break
		}
		r.Pairs = append(r.Pairs, p)
	}
	return Span{from, len(r.Pairs)}
}
