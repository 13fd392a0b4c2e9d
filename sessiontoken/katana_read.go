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

// Causes of a [FormatError] of the layers "katana" and "katana properties".
var (
	errKatanaEnd         = errors.New("data ends early")
	errKatanaLength      = errors.New("length of a string is negative or longer than five bytes")
	errKatanaTrailing    = errors.New("bytes behind the properties")
	errKatanaClaims      = errors.New("number of claims is negative or too large")
	errKatanaPairs       = errors.New("number of properties is negative or too large")
	errKatanaDuplicate   = errors.New("the same property twice")
	errKatanaVersion     = fmt.Errorf("%w: version of the ticket", ErrUnsupported)
	errKatanaNotRead     = fmt.Errorf("%w: version of the ticket is not among KatanaOptions.ReadVersions", ErrUnsupported)
	errKatanaPropVersion = fmt.Errorf("%w: version of the properties is not 1; .NET would drop them and the expiry with them", ErrUnsupported)
	errKatanaText        = fmt.Errorf("%w: text is not UTF-8", ErrUnsupported)
)

// katanaReader takes the bytes of a ticket apart without making anything of
// them: that is left to build, once all is known to be good. After the first
// failure cause is set, and what is read then means nothing.
type katanaReader struct {
	data  []byte
	pos   int
	cause error
	at    int // where it failed

	texts                              []byte // every text once, as far as claims repeat the one before
	version                            KatanaVersion
	authentication, nameType, roleType katanaText
	claims                             []katanaClaim
	bootstrap                          []byte // a part of data
	hasBootstrap                       bool
	properties                         [][2]katanaText
}

// katanaText is a text: where it lies in katanaReader.texts, or standard.
type katanaText struct{ off, n uint32 }

// standard is the text that .NET has as a constant for the place.
var standard = katanaText{off: 1<<32 - 1}

// katanaClaim is one claim. An empty original is the issuer.
type katanaClaim struct{ typ, value, valueType, issuer, original katanaText }

// reset gives r new data and keeps its memory.
func (r *katanaReader) reset(data []byte) {
	*r = katanaReader{data: data, texts: r.texts[:0], claims: r.claims[:0], properties: r.properties[:0]}
}

// size is the memory that r keeps.
func (r *katanaReader) size() int {
	return cap(r.texts) + 40*cap(r.claims) + 16*cap(r.properties)
}

func (r *katanaReader) fail(cause error) {
	if r.cause == nil {
		r.cause, r.at = cause, r.pos
	}
}

// failed returns the failure, if any, with its place.
func (r *katanaReader) failed(layer string) error {
	if r.cause == nil {
		return nil
	}
	return &FormatError{Layer: layer, Offset: r.at, Err: r.cause}
}

func (r *katanaReader) int32() int32 {
	if r.cause != nil || len(r.data)-r.pos < 4 {
		r.fail(errKatanaEnd)
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(r.data[r.pos:]))
	r.pos += 4
	return n
}

// count reads the number of items that take at least size bytes each, so that
// no memory is taken for items that cannot be there.
func (r *katanaReader) count(size, limit int, cause error) int {
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
func (r *katanaReader) raw() []byte {
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
func (r *katanaReader) rawLong() []byte {
	var n int
	var b []byte
	rest := dotnet.Reader(r.data[r.pos:])
	if !rest.ReadUint7(&n) {
		if len(rest) < 5 && (len(rest) == 0 || rest[len(rest)-1] >= 0x80) {
			r.fail(errKatanaEnd)
		}
		r.fail(errKatanaLength)
		return nil
	}
	if !rest.ReadBytes(&b, n) {
		r.fail(errKatanaEnd)
		return nil
	}
	r.pos = len(r.data) - len(rest)
	return b
}

// keep notes a text, which checkTexts will look at.
func (r *katanaReader) keep(b []byte) katanaText {
	if len(b) > 0 && !utf8.RuneStart(b[0]) {
		r.fail(errKatanaText)
	}
	t := katanaText{uint32(len(r.texts)), uint32(len(b))}
	r.texts = append(r.texts, b...)
	return t
}

// checkTexts refuses text that is not UTF-8: .NET replaces what it cannot
// read, which would make different names of a user equal, and never writes
// such text. All texts are looked at in one go; as each begins with the first
// byte of a character, none can complete the one before it.
func (r *katanaReader) checkTexts() {
	if r.cause == nil && !(utf8.Valid(r.texts) && utf8.Valid(r.bootstrap)) {
		r.fail(errKatanaText)
	}
}

// keepOr notes a text that has a default, or is often the one before.
func (r *katanaReader) keepOr(b []byte, def, before katanaText, marked bool) katanaText {
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
func (r *katanaReader) read(data []byte, versions []KatanaVersion) error {
	r.reset(data)
	number := r.int32()
	switch {
	case r.cause != nil:
		return r.failed("katana")
	case number == KatanaVersion3.number():
		r.version = KatanaVersion3
	case number == KatanaVersion2.number():
		r.version = KatanaVersion2 // or with bootstrap, seen behind the claims
	case number == KatanaVersion1.number():
		r.version = KatanaVersion1
	default:
		return &FormatError{Layer: "katana", Offset: 0, Err: errKatanaVersion}
	}
	marked := r.version != KatanaVersion1
	r.authentication = r.keep(r.raw())
	r.nameType = r.keepOr(r.raw(), standard, katanaText{}, marked)
	r.roleType = r.keepOr(r.raw(), standard, katanaText{}, marked)
	r.readClaims(marked)
	r.readTail()
	if err := r.failed("katana"); err != nil {
		return err
	}
	if len(versions) > 0 && !slices.Contains(versions, r.version) {
		return &FormatError{Layer: "katana", Offset: 0, Err: errKatanaNotRead}
	}
	return nil
}

// threeDefaults is how the last three texts of most claims are written.
const threeDefaults = "\x01\x00\x01\x00\x01\x00"

func (r *katanaReader) readClaims(marked bool) {
	smallest := 5 // one byte for each text
	if !marked {
		smallest = 4
	}
	n := r.count(smallest, maxKatanaClaims, errKatanaClaims)
	r.claims = slices.Grow(r.claims, n)[:n]
	var before katanaClaim
	for i := range r.claims {
		c := &r.claims[i]
		c.typ = r.keepOr(r.raw(), r.nameType, before.typ, marked)
		c.value = r.keep(r.raw())
		if marked && len(r.data)-r.pos >= len(threeDefaults) && string(r.data[r.pos:][:len(threeDefaults)]) == threeDefaults {
			r.pos += len(threeDefaults)
			c.valueType, c.issuer, c.original = standard, standard, katanaText{}
		} else {
			c.valueType = r.keepOr(r.raw(), standard, before.valueType, marked)
			c.issuer = r.keepOr(r.raw(), standard, before.issuer, marked)
			c.original = katanaText{}
			if marked {
				c.original = r.keepOr(r.raw(), katanaText{}, before.original, marked)
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
func (r *katanaReader) readTail() {
	if r.cause != nil {
		return
	}
	if r.version != KatanaVersion2 {
		r.readBootstrap()
		r.readProperties()
		return
	}
	start, texts := r.pos, len(r.texts)
	again := func(v KatanaVersion) {
		r.version, r.cause = v, nil
		r.pos, r.texts, r.properties = start, r.texts[:texts], r.properties[:0]
		r.readBootstrap()
		r.readProperties()
	}
	likely, other := KatanaVersion2, KatanaVersion2Bootstrap
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
func (r *katanaReader) readBootstrap() {
	r.bootstrap, r.hasBootstrap = nil, false
	if !r.version.hasBootstrap() || r.int32() <= 0 {
		return
	}
	r.bootstrap, r.hasBootstrap = r.raw(), true
}

// readProperties reads the properties, which end the data.
func (r *katanaReader) readProperties() {
	if version := r.int32(); r.cause == nil && version != 1 {
		r.fail(errKatanaPropVersion)
	}
	for range r.count(2, maxProperties, errKatanaPairs) {
		name := r.raw()
		for _, p := range r.properties {
			if len(name) == int(p[0].n) && bytes.Equal(name, r.texts[p[0].off:][:p[0].n]) {
				r.fail(errKatanaDuplicate)
			}
		}
		r.properties = append(r.properties, [2]katanaText{r.keep(name), r.keep(r.raw())})
		if r.cause != nil {
			return
		}
	}
	if r.cause == nil && r.pos != len(r.data) {
		r.fail(errKatanaTrailing)
	}
	r.checkTexts()
}
