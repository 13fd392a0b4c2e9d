package katana

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// Reader takes the bytes of a ticket apart. It uses its memory again.
type Reader struct {
	data  []byte
	pos   int
	cause error // after the first failure, what is read means nothing
	at    int   // where it failed
	t     Ticket
}

// reset gives r new data and keeps its memory.
func (r *Reader) reset(data []byte) {
	r.data, r.pos, r.cause = data, 0, nil
	r.t = Ticket{Texts: r.t.Texts[:0], Claims: r.t.Claims[:0], Properties: r.t.Properties[:0]}
}

// Release lets go of the data and returns how many bytes of memory r keeps.
func (r *Reader) Release() int {
	r.data, r.t.Bootstrap = nil, nil
	return cap(r.t.Texts) + 40*cap(r.t.Claims) + 16*cap(r.t.Properties)
}

func (r *Reader) fail(cause error) {
	if r.cause == nil {
		r.cause, r.at = cause, r.pos
	}
}

// failed returns the failure, if any, with its place.
func (r *Reader) failed(name string) error {
	if r.cause == nil {
		return nil
	}
	return &layer.Error{Layer: name, Offset: r.at, Err: r.cause}
}

func (r *Reader) int32() int32 {
	if r.cause != nil || len(r.data)-r.pos < 4 {
		r.fail(ErrEnd)
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(r.data[r.pos:]))
	r.pos += 4
	return n
}

// count reads the number of items that take at least size bytes each, so that
// no memory is taken for items that cannot be there.
func (r *Reader) count(size, limit int, cause error) int {
	n := int(r.int32())
	if n < 0 || n > limit || n > (len(r.data)-r.pos)/size {
		r.fail(cause)
	}
	if r.cause != nil {
		return 0
	}
	return n
}

// raw reads the bytes of a string.
func (r *Reader) raw() []byte {
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
func (r *Reader) rawLong() []byte {
	var n int
	var b []byte
	rest := dotnet.Reader(r.data[r.pos:])
	if !rest.ReadUint7(&n) {
		if len(rest) < 5 && (len(rest) == 0 || rest[len(rest)-1] >= 0x80) {
			r.fail(ErrEnd)
		}
		r.fail(ErrLength)
		return nil
	}
	if !rest.ReadBytes(&b, n) {
		r.fail(ErrEnd)
		return nil
	}
	r.pos = len(r.data) - len(rest)
	return b
}

// keep notes a text, which checkTexts will look at.
func (r *Reader) keep(b []byte) Text {
	if len(b) > 0 && !utf8.RuneStart(b[0]) {
		r.fail(ErrText)
	}
	t := Text{uint32(len(r.t.Texts)), uint32(len(b))}
	r.t.Texts = append(r.t.Texts, b...)
	return t
}

// checkTexts refuses text that is not UTF-8: .NET replaces what it cannot read, which would
// make different names of a user equal. All texts are looked at in one go; as each begins
// with the first byte of a character, none can complete the one before it.
func (r *Reader) checkTexts() {
	if r.cause == nil && !(utf8.Valid(r.t.Texts) && utf8.Valid(r.t.Bootstrap)) {
		r.fail(ErrText)
	}
}

// keepOr notes a text that has a default, or is often the one before.
func (r *Reader) keepOr(b []byte, def, before Text, marked bool) Text {
	switch {
	case marked && len(b) == 1 && b[0] == 0:
		return def
	case len(b) > 0 && len(b) == int(before.n) && bytes.Equal(b, r.t.Texts[before.off:][:before.n]):
		return before
	}
	return r.keep(b)
}

// Read takes a ticket of any version apart. What it returns is good until the next Read, and
// its Bootstrap as long as data is. The error is a [*layer.Error].
func (r *Reader) Read(data []byte) (*Ticket, error) {
	r.reset(data)
	number := r.int32()
	switch {
	case r.cause != nil:
		return nil, r.failed(LayerTicket)
	case number == Version3.Number():
		r.t.Version = Version3
	case number == Version2.Number():
		r.t.Version = Version2 // or with bootstrap, seen behind the claims
	case number == Version1.Number():
		r.t.Version = Version1
	default:
		return nil, &layer.Error{Layer: LayerTicket, Offset: 0, Err: ErrVersion}
	}
	marked := r.t.Version.HasDefaults()
	r.t.AuthenticationType = r.keep(r.raw())
	r.t.NameType = r.keepOr(r.raw(), Default, Text{}, marked)
	r.t.RoleType = r.keepOr(r.raw(), Default, Text{}, marked)
	r.readClaims(marked)
	r.readTail()
	if err := r.failed(LayerTicket); err != nil {
		return nil, err
	}
	return &r.t, nil
}

// threeDefaults is how the last three texts of most claims are written.
const threeDefaults = "\x01\x00\x01\x00\x01\x00"

func (r *Reader) readClaims(marked bool) {
	smallest := 5 // one byte for each text
	if !marked {
		smallest = 4
	}
	n := r.count(smallest, limits.KatanaClaims, ErrClaims)
	r.t.Claims = slices.Grow(r.t.Claims, n)[:n]
	var before Claim
	for i := range r.t.Claims {
		c := &r.t.Claims[i]
		c.Type = r.keepOr(r.raw(), r.t.NameType, before.Type, marked)
		c.Value = r.keep(r.raw())
		if marked && len(r.data)-r.pos >= len(threeDefaults) &&
			string(r.data[r.pos:][:len(threeDefaults)]) == threeDefaults {
			r.pos += len(threeDefaults)
			c.ValueType, c.Issuer, c.OriginalIssuer = Default, Default, Text{}
		} else {
			c.ValueType = r.keepOr(r.raw(), Default, before.ValueType, marked)
			c.Issuer = r.keepOr(r.raw(), Default, before.Issuer, marked)
			c.OriginalIssuer = Text{}
			if marked {
				c.OriginalIssuer = r.keepOr(r.raw(), Text{}, before.OriginalIssuer, marked)
			}
		}
		if r.cause != nil {
			return
		}
		before = *c
	}
}

// readTail reads what follows the claims. The two layouts of version 2 differ here. If the
// next number is 1, it is the version of the properties in the one, and announces a
// bootstrap token in the other; only one of them then ends where the data does.
func (r *Reader) readTail() {
	if r.cause != nil {
		return
	}
	if r.t.Version != Version2 {
		r.readBootstrap()
		r.readProperties()
		return
	}
	start, texts := r.pos, len(r.t.Texts)
	again := func(v Version) {
		r.t.Version, r.cause = v, nil
		r.pos, r.t.Texts, r.t.Properties = start, r.t.Texts[:texts], r.t.Properties[:0]
		r.readBootstrap()
		r.readProperties()
	}
	likely, other := Version2, Version2Bootstrap
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
func (r *Reader) readBootstrap() {
	r.t.Bootstrap, r.t.HasBootstrap = nil, false
	if !r.t.Version.HasBootstrap() || r.int32() <= 0 {
		return
	}
	r.t.Bootstrap, r.t.HasBootstrap = r.raw(), true
}

// readProperties reads the properties, which end the data.
func (r *Reader) readProperties() {
	if version := r.int32(); r.cause == nil && version != 1 {
		r.fail(ErrProperties)
	}
	for range r.count(2, limits.Properties, ErrPairs) {
		name := r.raw()
		for _, p := range r.t.Properties {
			if len(name) == int(p[0].n) && bytes.Equal(name, r.t.Texts[p[0].off:][:p[0].n]) {
				r.fail(ErrDuplicate)
			}
		}
		r.t.Properties = append(r.t.Properties, [2]Text{r.keep(name), r.keep(r.raw())})
		if r.cause != nil {
			return
		}
	}
	if r.cause == nil && r.pos != len(r.data) {
		r.fail(ErrTrailing)
	}
	r.checkTexts()
}
