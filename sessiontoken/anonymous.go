package sessiontoken

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// AnonymousID is what an anonymous identification cookie (.ASPXANONYMOUS) says:
// which visitor this is. It authenticates nobody. With cookieSlidingExpiration, the
// default, .NET sends the same ID with a new end once less than half the timeout is
// left. The bytes inside the protection are
//
//	LE64   Expires, FILETIME: 100 ns since 1601, UTC
//	LE32   length of ID in bytes
//	bytes  ID, UTF-8
type AnonymousID struct {
	// ID names the visitor: a GUID in lower case unless the site makes its
	// own. 1 to 128 UTF-16 code units, without U+0000.
	ID string
	// Expires is in UTC, to 100 ns. The id is valid up to and including it.
	Expires time.Time
}

// AnonymousCodec reads and writes the text of anonymous identification cookies
// as AnonymousIdentificationModule does. It is safe for concurrent use.
//
//	text          URL token of at most 512 characters
//	machine key   as the key's mode demands, see [FormsCodec]; purpose machinekey.AnonymousPurpose
//	id            the layout at [AnonymousID]
type AnonymousCodec struct{ systemWebCodec }

// NewAnonymousCodec returns a codec for the keys of a ring, with the same
// rules as [NewFormsCodec]. Nil options are the zero options. They are the
// attributes of <anonymousIdentification>; it fails if others are set:
//
//	Lifetime            cookieTimeout, what NewID gives; zero means 100,000 minutes, some 69 days
//	Protection          cookieProtection, for keys of a legacy mode
//	InsecureUnsigned    as for forms tickets
//	Now                 the clock
//
// Where a site leaves cookieProtection out, .NET takes Validation here, unlike
// for all other cookies, whereas the zero value is machinekey.ProtectionAll:
// for such a site in a legacy mode set machinekey.ProtectionValidation.
func NewAnonymousCodec(keys Keys, opts *FormsOptions) (*AnonymousCodec, error) {
	o := cmp.Or(opts, new(FormsOptions))
	if o.Path != "" || o.InsecureOldLayout || o.Roles != nil || o.ClockSkew != 0 {
		return nil, errors.New(
			"sessiontoken: Path, InsecureOldLayout, Roles and ClockSkew are not for anonymous ids")
	}
	c := new(AnonymousCodec)
	if err := c.init(keys, machinekey.AnonymousPurpose, 100_000*time.Minute, o); err != nil {
		return nil, err
	}
	return c, nil
}

// Decode opens the text of an anonymous identification cookie and checks that
// it has not expired.
//
// The error is [ErrInvalid] for everything that is not authentic; a [*FormatError] for
// authentic data that is no id; or [ErrExpired].
func (c *AnonymousCodec) Decode(ctx context.Context, value string) (*AnonymousID, error) {
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)
	data, key, err := c.protector.decodeURLToken(ctx, s, s.ticket[:0], value, limits.AnonymousText)
	if err != nil {
		return nil, err
	}
	s.ticket = data[:0]
	noteKey(anatomy.From(ctx), layerMachineKey, len(data), key)
	id, err := readAnonymousID(data)
	if err != nil {
		if !c.protector.authenticates(key) {
			err = ErrInvalid
		}
		return nil, err
	}
	if id.Expires.Before(c.o.Now()) {
		return nil, fmt.Errorf("%w at %s", ErrExpired, id.Expires.Format(time.RFC3339))
	}
	return id, nil
}

// NewID returns a fresh id, a random GUID that lasts for the codec's timeout.
func (c *AnonymousCodec) NewID() *AnonymousID {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return &AnonymousID{ID: string(newUUID(nil, random[:])),
		Expires: tickTime(c.o.Now().Add(c.o.Lifetime))}
}

// Encode returns the text of an anonymous identification cookie. It refuses what
// .NET or Decode could not read back: an id that is empty, longer than 128 UTF-16
// code units, not UTF-8 or with U+0000; times outside the years 1601 to 9999; more
// than 512 characters. It also refuses to issue without protection.
func (c *AnonymousCodec) Encode(_ context.Context, id *AnonymousID) (string, error) {
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)
	data, err := id.append(s.ticket[:0])
	s.ticket = data[:0]
	if err != nil {
		return "", err
	}
	return c.protector.encodeURLToken(s, data, limits.AnonymousText)
}

// decodeURLToken appends to dst what is protected in a URL token.
func (p *modeProtector) decodeURLToken(ctx context.Context, s *formsScratch, dst []byte, value string, limit int) ([]byte, string, error) {
	if len(value) > limit {
		return nil, "", errTextTooLong
	}
	protected, ok := base64.AppendURLTokenDecode(s.protected[:0], value)
	s.protected = protected[:0]
	if !ok || len(protected) == 0 {
		return nil, "", ErrInvalid
	}
	return p.unprotect(ctx, dst, protected)
}

// encodeURLToken protects payload and returns the URL token.
func (p *modeProtector) encodeURLToken(s *formsScratch, payload []byte, limit int) (string, error) {
	if len(payload) > limit { // so that a huge one costs nothing more
		return "", cannotIssue("%w: payload of %d bytes", layer.ErrTooLong, len(payload))
	}
	protected, err := p.Protect(s.protected[:0], payload)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}
	s.text = base64.AppendURLToken(s.text[:0], protected)
	if len(s.text) > limit {
		return "", cannotIssue("%w: %d characters, .NET reads %d", layer.ErrTooLong, len(s.text), limit)
	}
	return string(s.text), nil
}

var (
	errAnonymousTruncated = errors.New("ends too soon")
	errAnonymousTime      = errors.New("time outside the years 1601 to 9999")
	errAnonymousLength    = errors.New("id that is empty or longer than 128 characters")
	errAnonymousText      = fmt.Errorf("%w: id that is not UTF-8 or contains U+0000",
		ErrUnsupported)
)

// readAnonymousID reads the layout. Like .NET it tolerates bytes after the id. It
// refuses text that is not UTF-8, of which .NET could make one id of two.
func readAnonymousID(data []byte) (*AnonymousID, error) {
	fault := func(offset int, err error) (*AnonymousID, error) {
		return nil, &FormatError{Layer: "anonymous id", Offset: offset, Err: err}
	}
	const head = 12 // the two numbers
	r := dotnet.Reader(data)
	var expires int64
	var n int32
	var text []byte
	if !r.ReadInt64(&expires) || !r.ReadInt32(&n) || !r.ReadBytes(&text, int(n)) {
		return fault(len(data)-len(r), errAnonymousTruncated)
	}
	at, ok := forms.FileTime(expires)
	switch id := string(text); {
	case !ok:
		return fault(0, errAnonymousTime)
	case !utf8.ValidString(id):
		return fault(head, errAnonymousText)
	case id == "" || dotnet.UTF16Len(id) > limits.AnonymousID:
		return fault(head, errAnonymousLength)
	case strings.IndexByte(id, 0) >= 0:
		return fault(head, errAnonymousText)
	default:
		return &AnonymousID{ID: id, Expires: at}, nil
	}
}

// append appends the bytes of a.
func (a *AnonymousID) append(dst []byte) ([]byte, error) {
	ticks, ok := dotnet.Ticks(a.Expires)
	switch {
	case !ok || ticks < forms.FileTimeEpoch:
		return dst, cannotIssue("anonymous id with a time outside the years 1601 to 9999")
	case a.ID == "" || len(a.ID) > 3*limits.AnonymousID || dotnet.UTF16Len(a.ID) > limits.AnonymousID:
		return dst, cannotIssue("anonymous id that is empty or longer than 128 characters")
	case !utf8.ValidString(a.ID) || strings.IndexByte(a.ID, 0) >= 0:
		return dst, cannotIssue("anonymous id that is not UTF-8 or contains U+0000")
	}
	dst = dotnet.AppendInt64(dst, ticks-forms.FileTimeEpoch)
	dst = dotnet.AppendInt32(dst, int32(len(a.ID)))
	return append(dst, a.ID...), nil
}
