package sessiontoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// KatanaOptions are the settings of a [KatanaCodec]. The zero value reads and
// writes what a site with current Katana and no further settings does.
type KatanaOptions struct {
	// Lifetime is ExpireTimeSpan, what NewTicket gives. Zero means Katana's
	// default for the purpose.
	Lifetime time.Duration
	// Version is the layout of the bytes, by the Katana that writes it: "3" (3.0.1 and
	// later), "2" (2.0.0 to 2.1.0: no bootstrap token), "2 with bootstrap token" (3.0.0),
	// "1" (2.0.0-rc1: no defaults, no original issuer). Each Katana reads its own only,
	// and so does a codec with a Version. Without one it reads all and writes "3".
	Version string
	// InsecureNoExpiry also reads and issues tickets without .expires, or with times that
	// are not in Katana's form. They never expire, in .NET mostly by accident.
	InsecureNoExpiry bool
	// Store holds the tickets, and the cookies only their keys, as with
	// CookieAuthenticationOptions.SessionStore. A codec with a store refuses whole
	// tickets, one without refuses references. The ring protects what is in the store
	// under a purpose of this library's own, so only Go nodes can share it. Cookies only.
	Store Store
	// Now is the clock, time.Now if nil. As in Katana fractions of a second are dropped.
	Now func() time.Time
}

// KatanaCodec reads and writes Katana's tickets as Microsoft.Owin.Host.SystemWeb
// does on IIS: the cookies of the cookie middleware, which ASP.NET Identity
// uses, and the tokens of the OAuth server. It is safe for concurrent use.
//
// The text is an onion of four layers. [KatanaCodec.Decode] takes them off, Encode puts them on:
//
//	text            base64 with - and _, no padding               (attacker's bytes up to here)
//	machine key     IV || ciphertext || tag, as of MachineKey.Protect in every compatibility mode
//	gzip            RFC 1952, at most 1 MiB when expanded          (authenticated from here on)
//	ticket          the layout of Katana's TicketSerializer, see internal/katana
type KatanaCodec struct {
	o         KatanaOptions
	rules     ticketRules
	keys      Keys
	protector Protector
	store     Protector // of what is in the store
	scratch   sync.Pool // of *katanaScratch
}

// NewKatanaCodec returns a codec for keys, whose later changes it follows. Nil
// options are the zero options.
func NewKatanaCodec(keys Keys, purpose Purpose, opts *KatanaOptions) (*KatanaCodec, error) {
	rules := purpose.katana
	if rules.lifetime == 0 {
		return nil, errNoPurpose
	}
	c := &KatanaCodec{o: *cmp.Or(opts, new(KatanaOptions)), rules: rules, keys: keys}
	c.o.Lifetime, c.o.Now = cmp.Or(c.o.Lifetime, rules.lifetime), clock(c.o.Now)
	switch {
	case c.o.Lifetime < time.Second:
		return nil, errors.New("sessiontoken: KatanaOptions.Lifetime is shorter than a second")
	case c.o.Store != nil && !rules.cookie:
		return nil, errors.New("sessiontoken: KatanaOptions.Store is for cookies only")
	}
	if _, ok := katana.ParseVersion(c.o.Version); !ok {
		return nil, fmt.Errorf("sessiontoken: KatanaOptions.Version %q is unknown", c.o.Version)
	}
	var err error
	if c.protector, err = protector(keys, rules.purposes...); err != nil {
		return nil, err
	}
	if c.o.Store != nil {
		if c.store, err = protector(keys, katanaStorePurpose, rules.scheme, "v1"); err != nil {
			return nil, err
		}
	}
	c.scratch.New = func() any { return new(katanaScratch) }
	return c, nil
}

// NewTicket returns a ticket for id with the times that Katana gives it, and the other
// properties given, which may be nil. At sign-in by cookie an .issued or .expires among them is
// kept; tokens and codes always begin now. An identity without AuthenticationType gets the one
// of the codec, without which .NET would not count it as authenticated.
func (c *KatanaCodec) NewTicket(id Identity, properties Properties) *KatanaTicket {
	if id.AuthenticationType == "" {
		id.AuthenticationType = c.rules.scheme
	}
	p := c.rules.start(properties, wholeSecond(c.o.Now()), c.o.Lifetime, true)
	return &KatanaTicket{Identity: id, Properties: p,
		Version: cmp.Or(c.o.Version, katana.Version3.String())}
}

// katanaScratch is memory that the next call uses again.
type katanaScratch struct {
	text, protected, packed, plain []byte
	read                           katana.Reader
	write                          katana.Writer
}

// put gives s back to a pool, unless a large value has made it large.
func (s *katanaScratch) put(pool *sync.Pool) {
	s.write = katana.Writer{}
	if size := s.read.Release(); max(cap(s.text), cap(s.plain), size) <= maxScratch {
		pool.Put(s)
	}
}

// Decode opens the text of a cookie, its chunks already joined, or of a token,
// and checks that it has not expired. There is no clock skew, and as in Katana
// a ticket may have been issued in the future.
//
// The error is [ErrInvalid] for everything that is not authentic, with no detail; a
// [*FormatError] for authentic data that does not parse or that .NET reads only by
// accident, the latter with [ErrUnsupported]; [ErrExpired]; [ErrNotInStore] for a
// reference that leads nowhere; or what the store returned.
func (c *KatanaCodec) Decode(ctx context.Context, value string) (*KatanaTicket, error) {
	r := anatomy.From(ctx)
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)

	// Text to protected bytes; nothing of it can be trusted.
	protected, ok := katana.AppendTextDecode(s.protected[:0], value)
	s.protected = protected[:0]
	if !ok {
		return nil, r.Refuse(layerURLText, len(value), ErrInvalid)
	}
	r.Add(layerURLText, len(value))

	// Protected bytes to the gzip member: authentic from here on.
	packed, key, err := c.protector.Unprotect(ctx, s.packed[:0], protected)
	s.packed = packed[:0]
	if err != nil {
		return nil, r.Refuse(layerMachineKey, len(protected), protectorError(err))
	}
	noteKey(r, layerMachineKey, len(protected), key)

	// Gzip member to the bytes of the ticket.
	plain, err := flate.Gunzip(s.plain[:0], packed, limits.Token)
	s.plain = plain[:0]
	if err != nil {
		return nil, r.Refuse(layerGzip, len(packed), flateError("gzip", err))
	}
	r.Add(layerGzip, len(packed))

	// Bytes to the ticket.
	read, err := s.read.Read(plain)
	if err != nil {
		return nil, r.Refuse(layerKatana, len(plain), formatError(err))
	}
	t := newKatanaTicket(read)
	if c.o.Version != "" && c.o.Version != t.Version {
		return nil, r.Refuse(layerKatana, len(plain), errKatanaNotRead)
	}
	t.openedBy = key
	noteKatana(r, len(plain), t)

	// The ticket in the store, if t refers to one.
	if t, err = c.dereference(ctx, s, t, r); err != nil {
		return nil, err
	}

	// The clock.
	noteTimes(r, t.Properties)
	if err := c.valid(t); err != nil {
		if r == nil && errors.Is(err, ErrExpired) {
			_ = c.Delete(ctx, t) // as Katana does; a store that cannot now will drop it itself
		}
		return nil, r.Refuse(layerValidity, 0, err)
	}
	return t, nil
}

// ReadPrincipal implements [Reader] with Decode.
func (c *KatanaCodec) ReadPrincipal(ctx context.Context, value string) (*Principal, error) {
	t, err := c.Decode(ctx, value)
	if err != nil {
		return nil, err
	}
	return t.principal(), nil
}

// Traits are for package cookie.
func (c *KatanaCodec) Traits() codec.Traits[*KatanaTicket, *Principal] {
	return codec.Traits[*KatanaTicket, *Principal]{Keys: c.keys, Store: c.o.Store, Now: c.o.Now,
		Lifetime: c.o.Lifetime, Scheme: c.rules.scheme, Valid: c.valid,
		Principal: (*KatanaTicket).principal, Renew: (*KatanaTicket).renew,
		Bytes: func(t *KatanaTicket) ([]byte, error) { return t.append(nil, new(katana.Writer)) }}
}

// valid compares a ticket with the clock: .expires itself is still valid. The error is
// [ErrExpired], or matches [ErrUnsupported] for times that .NET reads only by accident.
func (c *KatanaCodec) valid(t *KatanaTicket) error {
	if fault := c.timeFault(t.Properties); fault != "" {
		return &FormatError{Layer: "katana", Offset: -1,
			Err: fmt.Errorf("%w: %s", ErrUnsupported, fault)}
	}
	if expires, ok := t.Properties.Time(PropertyExpires); ok &&
		expires.Before(wholeSecond(c.o.Now())) {
		return fmt.Errorf("%w at %s", ErrExpired, expires.Format(time.RFC3339))
	}
	return nil
}

// timeFault says what is wrong with times that .NET cannot read and takes for missing.
func (c *KatanaCodec) timeFault(p Properties) string {
	if c.o.InsecureNoExpiry {
		return ""
	}
	_, _, fault := p.end()
	if _, ok := p.Time(PropertyIssued); fault == "" && !ok && p.has(PropertyIssued) {
		fault = ".issued is not in the form of RFC 1123"
	}
	return fault
}

// Encode returns the text of a cookie, ready to be cut into chunks, or of a token, and
// leaves t as it is. With a store it puts the ticket there, over the entry that
// t.SessionKey names if any, and returns the text of a reference.
//
// It refuses what .NET or Decode would not read back as it is: text that is not UTF-8,
// types and issuers that stand for a default, a property twice, a ticket that never
// expires, more than 1 MiB.
func (c *KatanaCodec) Encode(ctx context.Context, t *KatanaTicket) (string, error) {
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)

	if fault := c.timeFault(t.Properties); fault != "" {
		return "", cannotIssue("%s", fault)
	}
	if isKatanaReference(&t.Identity) {
		return "", cannotIssue("a claim of the type that refers to a store")
	}

	// The ticket to the store, and a reference in its place.
	var err error
	if c.o.Store != nil {
		if t, err = c.refer(ctx, s, t); err != nil {
			return "", err
		}
	}

	// Ticket to bytes.
	plain, err := t.append(s.plain[:0], &s.write)
	s.plain = plain[:0]
	if err != nil {
		return "", err
	}

	// Bytes to the gzip member.
	packed := flate.Gzip(s.packed[:0], plain)
	s.packed = packed[:0]

	// Gzip member to protected bytes.
	protected, err := c.protector.Protect(s.protected[:0], packed)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}

	// Protected bytes to text.
	s.text = katana.AppendText(s.text[:0], protected)
	return string(s.text), nil
}

// wholeSecond is Katana's clock, which has no fractions of a second
// (Microsoft.Owin.Infrastructure.SystemClock).
func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
