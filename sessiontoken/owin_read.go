package sessiontoken

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// The bytes of a ticket (Katana's TicketSerializer and PropertiesSerializer).
// Numbers are int32, little-endian. A string is its length in bytes as a
// 7-bit number, and UTF-8. D is a string that is written as one NUL if it is
// the default given behind it, except in version 1. (2), (3) and so on: only
// in those versions.
//
//	int32    version
//	string   authentication type
//	D        name claim type         the URI of names
//	D        role claim type         the URI of roles
//	int32    number of claims
//	  D        type                  the name claim type
//	  string   value
//	  D        value type            the URI of xs:string
//	  D        issuer                LOCAL AUTHORITY
//	  D        original issuer       this claim's issuer (2, 2 with bootstrap, 3)
//	int32    is there a bootstrap    above zero: yes (2 with bootstrap, 3)
//	string   bootstrap token         if there is one
//	-- properties, all that there is in a state string
//	int32    1
//	int32    number of properties
//	  string   key
//	  string   value

// defaultMark stands for the default of a string.
const defaultMark = "\x00"

// Causes of a [FormatError] of the layers "owin" and "owin properties".
var (
	errOWINEnd         = errors.New("data ends early")
	errOWINLength      = errors.New("length of a string is negative or longer than five bytes")
	errOWINTrailing    = errors.New("bytes behind the properties")
	errOWINClaims      = errors.New("number of claims is negative or too large")
	errOWINPairs       = errors.New("number of properties is negative or too large")
	errOWINDuplicate   = errors.New("the same property twice")
	errOWINVersion     = fmt.Errorf("%w: version of the ticket", ErrUnsupported)
	errOWINNotRead     = fmt.Errorf("%w: version of the ticket is not among OWINOptions.ReadVersions", ErrUnsupported)
	errOWINPropVersion = fmt.Errorf("%w: version of the properties is not 1; .NET would drop them and the expiry with them", ErrUnsupported)
	errOWINText        = fmt.Errorf("%w: text is not UTF-8", ErrUnsupported)
)

// owinReader takes the bytes of a ticket apart without making anything of
// them: that is left to build, once all is known to be good. After the first
// failure cause is set, and what is read then means nothing.
type owinReader struct {
	data  []byte
	pos   int
	cause error
	at    int // where it failed

	texts                              []byte // every text once, as far as claims repeat the one before
	version                            OWINVersion
	authentication, nameType, roleType owinText
	claims                             []owinClaim
	bootstrap                          []byte // a part of data
	hasBootstrap                       bool
	properties                         [][2]owinText
}

// owinText is a text: where it lies in owinReader.texts, or standard.
type owinText struct{ off, n uint32 }

// standard is the text that .NET has as a constant for the place.
var standard = owinText{off: 1<<32 - 1}

// owinClaim is one claim. An empty original is the issuer.
type owinClaim struct{ typ, value, valueType, issuer, original owinText }

// reset gives r new data and keeps its memory.
func (r *owinReader) reset(data []byte) {
	*r = owinReader{data: data, texts: r.texts[:0], claims: r.claims[:0], properties: r.properties[:0]}
}

// size is the memory that r keeps.
func (r *owinReader) size() int {
	return cap(r.texts) + 40*cap(r.claims) + 16*cap(r.properties)
}

func (r *owinReader) fail(cause error) {
	if r.cause == nil {
		r.cause, r.at = cause, r.pos
	}
}

// failed returns the failure, if any, with its place.
func (r *owinReader) failed(layer string) error {
	if r.cause == nil {
		return nil
	}
	return &FormatError{Layer: layer, Offset: r.at, Err: r.cause}
}

func (r *owinReader) int32() int32 {
	if r.cause != nil || len(r.data)-r.pos < 4 {
		r.fail(errOWINEnd)
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(r.data[r.pos:]))
	r.pos += 4
	return n
}

// count reads the number of items that take at least size bytes each, so that
// no memory is taken for items that cannot be there.
func (r *owinReader) count(size, limit int, cause error) int {
	n := r.int32()
	if r.cause != nil {
		return 0
	}
	if n < 0 || int(n) > limit || int(n) > (len(r.data)-r.pos)/size {
		r.fail(cause)
		return 0
	}
	return int(n)
}

// raw reads the bytes of a string.
func (r *owinReader) raw() []byte {
	if start := r.pos + 1; start <= len(r.data) && r.data[start-1] < 0x80 {
		if end := start + int(r.data[start-1]); end <= len(r.data) {
			r.pos = end
			return r.data[start:end]
		}
	}
	return r.rawLong()
}

// rawLong reads a string of 128 bytes and more. As in .NET the length may be
// padded with zero groups.
func (r *owinReader) rawLong() []byte {
	var n int
	var b []byte
	rest := dotnet.Reader(r.data[r.pos:])
	if !rest.ReadUint7(&n) {
		if len(rest) < 5 && (len(rest) == 0 || rest[len(rest)-1] >= 0x80) {
			r.fail(errOWINEnd)
		}
		r.fail(errOWINLength)
		return nil
	}
	if !rest.ReadBytes(&b, n) {
		r.fail(errOWINEnd)
		return nil
	}
	r.pos = len(r.data) - len(rest)
	return b
}

// keep notes a text, which checkTexts will look at.
func (r *owinReader) keep(b []byte) owinText {
	if len(b) > 0 && !utf8.RuneStart(b[0]) {
		r.fail(errOWINText)
	}
	t := owinText{uint32(len(r.texts)), uint32(len(b))}
	r.texts = append(r.texts, b...)
	return t
}

// checkTexts refuses text that is not UTF-8: .NET replaces what it cannot
// read, which would make different names of a user equal, and never writes
// such text. All texts are looked at in one go; as each begins with the first
// byte of a character, none can complete the one before it.
func (r *owinReader) checkTexts() {
	if r.cause == nil && !(utf8.Valid(r.texts) && utf8.Valid(r.bootstrap)) {
		r.fail(errOWINText)
	}
}

// keepOr notes a text that has a default, or is often the one before.
func (r *owinReader) keepOr(b []byte, def, before owinText, marked bool) owinText {
	switch {
	case marked && len(b) == 1 && b[0] == 0:
		return def
	case len(b) > 0 && len(b) == int(before.n) && bytes.Equal(b, r.texts[before.off:][:before.n]):
		return before
	}
	return r.keep(b)
}

// read takes a ticket apart that has one of the given versions, or any if
// there are none.
func (r *owinReader) read(data []byte, versions []OWINVersion) error {
	r.reset(data)
	number := r.int32()
	switch {
	case r.cause != nil:
		return r.failed("owin")
	case number == OWINVersion3.number():
		r.version = OWINVersion3
	case number == OWINVersion2.number():
		r.version = OWINVersion2 // or with bootstrap, seen behind the claims
	case number == OWINVersion1.number():
		r.version = OWINVersion1
	default:
		return &FormatError{Layer: "owin", Offset: 0, Err: errOWINVersion}
	}
	marked := r.version != OWINVersion1
	r.authentication = r.keep(r.raw())
	r.nameType = r.keepOr(r.raw(), standard, owinText{}, marked)
	r.roleType = r.keepOr(r.raw(), standard, owinText{}, marked)
	r.readClaims(marked)
	r.readTail()
	if err := r.failed("owin"); err != nil {
		return err
	}
	if len(versions) > 0 && !slices.Contains(versions, r.version) {
		return &FormatError{Layer: "owin", Offset: 0, Err: errOWINNotRead}
	}
	return nil
}

// threeDefaults is how the last three texts of most claims are written.
const threeDefaults = "\x01\x00\x01\x00\x01\x00"

func (r *owinReader) readClaims(marked bool) {
	smallest := 5 // one byte for each text
	if !marked {
		smallest = 4
	}
	n := r.count(smallest, maxOWINClaims, errOWINClaims)
	r.claims = slices.Grow(r.claims, n)[:n]
	var before owinClaim
	for i := range r.claims {
		c := &r.claims[i]
		c.typ = r.keepOr(r.raw(), r.nameType, before.typ, marked)
		c.value = r.keep(r.raw())
		if marked && len(r.data)-r.pos >= len(threeDefaults) && string(r.data[r.pos:][:len(threeDefaults)]) == threeDefaults {
			r.pos += len(threeDefaults)
			c.valueType, c.issuer, c.original = standard, standard, owinText{}
		} else {
			c.valueType = r.keepOr(r.raw(), standard, before.valueType, marked)
			c.issuer = r.keepOr(r.raw(), standard, before.issuer, marked)
			c.original = owinText{}
			if marked {
				c.original = r.keepOr(r.raw(), owinText{}, before.original, marked)
			}
		}
		if r.cause != nil {
			return
		}
		before = *c
	}
}

// readTail reads what follows the claims. The two layouts of version 2 differ
// here. If the next number is 1, it is the version of the properties in the
// one, and announces a bootstrap token of one character in the other; only
// one of them then ends where the data does.
func (r *owinReader) readTail() {
	if r.cause != nil {
		return
	}
	if r.version != OWINVersion2 {
		r.readBootstrap()
		r.readProperties()
		return
	}
	start, texts := r.pos, len(r.texts)
	again := func(v OWINVersion) {
		r.version, r.cause = v, nil
		r.pos, r.texts, r.properties = start, r.texts[:texts], r.properties[:0]
		r.readBootstrap()
		r.readProperties()
	}
	likely, other := OWINVersion2, OWINVersion2Bootstrap
	if next := r.int32(); next != 1 {
		likely, other = other, likely
	}
	if again(likely); r.cause == nil {
		return
	}
	if again(other); r.cause != nil {
		again(likely) // whose failure says more
	}
}

// readBootstrap reads the bootstrap token, whose size is only a flag.
func (r *owinReader) readBootstrap() {
	r.bootstrap, r.hasBootstrap = nil, false
	if !r.version.hasBootstrap() || r.int32() <= 0 {
		return
	}
	r.bootstrap, r.hasBootstrap = r.raw(), true
}

// readProperties reads the properties, which end the data.
func (r *owinReader) readProperties() {
	if version := r.int32(); r.cause == nil && version != 1 {
		r.fail(errOWINPropVersion)
	}
	for range r.count(2, maxProperties, errOWINPairs) {
		name := r.raw()
		for _, p := range r.properties {
			if len(name) == int(p[0].n) && bytes.Equal(name, r.texts[p[0].off:][:p[0].n]) {
				r.fail(errOWINDuplicate)
			}
		}
		r.properties = append(r.properties, [2]owinText{r.keep(name), r.keep(r.raw())})
		if r.cause != nil {
			return
		}
	}
	if r.cause == nil && r.pos != len(r.data) {
		r.fail(errOWINTrailing)
	}
	r.checkTexts()
}
