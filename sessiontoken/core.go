package sessiontoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	webbase64 "github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/coreticket"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// CoreOptions are the settings of a [CoreCodec]. The zero value reads and
// writes what a site does that leaves ASP.NET Core's settings as they are.
type CoreOptions struct {
	// Lifetime is ExpireTimeSpan, what NewTicket gives. Zero means the default
	// of ASP.NET Core for the purpose.
	Lifetime time.Duration
	// InsecureNoExpiry also reads and issues tickets without .expires, which
	// never end by themselves.
	InsecureNoExpiry bool
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// CoreCodec reads and writes the tickets of ASP.NET Core: those of the cookie handler, which
// ASP.NET Core Identity uses and Katana with Microsoft.Owin.Security.Interop, and bearer tokens
// of AddBearerToken. It is safe for concurrent use.
//
//	text            base64url, no padding                          (attacker's bytes up to here)
//	key ring        a payload of Data Protection
//	ticket          the layout of TicketSerializer, see internal/coreticket
//
// The keys are a [*dataprotection.Ring].
//
// [*dataprotection.Ring]: https://pkg.go.dev/github.com/webfarm-go/webfarm/dataprotection#Ring
type CoreCodec struct {
	o         CoreOptions
	rules     ticketRules
	keys      Keys
	protector Protector
	scratch   sync.Pool // of *coreScratch
}

// NewCoreCodec returns a codec for keys, whose later changes it follows. Nil
// options are the zero options.
func NewCoreCodec(keys Keys, purpose Purpose, opts *CoreOptions) (*CoreCodec, error) {
	rules := purpose.core
	switch {
	case purpose.katana.lifetime == 0:
		return nil, errNoPurpose
	case rules.lifetime == 0:
		return nil, errors.New("sessiontoken: AuthorizationCode is for Katana; ASP.NET Core has none")
	}
	c := &CoreCodec{o: *cmp.Or(opts, new(CoreOptions)), rules: rules, keys: keys}
	c.o.Lifetime, c.o.Now = cmp.Or(c.o.Lifetime, rules.lifetime), clock(c.o.Now)
	switch {
	case keys == nil:
		return nil, errNoKeys
	case c.o.Lifetime < time.Second:
		return nil, errors.New("sessiontoken: CoreOptions.Lifetime is shorter than a second")
	}
	var err error
	if c.protector, err = keys.Protector(rules.purposes...); err != nil {
		return nil, err
	}
	c.scratch.New = func() any { return new(coreScratch) }
	return c, nil
}

// NewTicket returns a ticket for p with the times that the handler gives it, and the other
// properties given, which may be nil. An .issued or .expires among them is kept. An identity
// without AuthenticationType stays so, and does not count as authenticated. P is shared.
func (c *CoreCodec) NewTicket(p *Principal, properties Properties) *CoreTicket {
	// AddBearerToken sets the end alone.
	properties = c.rules.start(properties, c.o.Now(), c.o.Lifetime, c.rules.cookie)
	return &CoreTicket{Scheme: c.rules.scheme, Principal: p, Properties: properties}
}

// coreScratch is the memory that one call needs and the next can use again.
type coreScratch struct {
	text, protected, plain []byte
	read                   coreticket.Reader
}

func (s *coreScratch) put(pool *sync.Pool) {
	if max(cap(s.text), cap(s.plain), s.read.Size()) <= maxScratch {
		pool.Put(s)
	}
}

// Decode opens the text of a cookie, its chunks already joined, or of a token,
// and checks that it has not expired. There is no clock skew, and as in
// ASP.NET Core a ticket may have been issued in the future.
//
// The error is [ErrInvalid] for everything that is not authentic, with no detail; a
// [*FormatError] for authentic data that does not parse or that this library refuses, the
// latter with [ErrUnsupported]; [ErrExpired]; [ErrNotInStore] for a reference to the
// SessionStore of a .NET node; or one that says that the keys are not available.
func (c *CoreCodec) Decode(ctx context.Context, value string) (*CoreTicket, error) {
	r := anatomy.From(ctx)
	s := c.scratch.Get().(*coreScratch)
	defer s.put(&c.scratch)

	// Text to protected bytes; nothing of it can be trusted.
	if len(value) > limits.Text {
		return nil, r.Refuse(layerURLText, len(value), ErrInvalid)
	}
	protected, ok := webbase64.AppendDecodeWeb(s.protected[:0], value)
	s.protected = protected[:0]
	if !ok {
		return nil, r.Refuse(layerURLText, len(value), ErrInvalid)
	}
	r.Add(layerURLText, len(value))

	// Protected bytes to the bytes of the ticket: authentic from here on.
	plain, key, err := c.protector.Unprotect(ctx, s.plain[:0], protected)
	s.plain = plain[:0]
	if err != nil {
		return nil, r.Refuse(layerKeyRing, len(protected), protectorError(err))
	}
	noteKey(r, layerKeyRing, len(protected), key)

	// Bytes to the ticket.
	if err := s.read.Read(plain); err != nil {
		return nil, r.Refuse(layerCore, len(plain), formatError(err))
	}
	t := newCoreTicket(&s.read, plain)
	t.openedBy = key
	noteCore(r, len(plain), t)
	if t.isReference() {
		return nil, r.Refuse(layerStore, 0, fmt.Errorf(
			"%w: the cookie is a reference to the SessionStore of the .NET nodes, which has the claims", ErrNotInStore))
	}

	// The clock.
	noteTimes(r, t.Properties)
	if err := c.valid(t); err != nil {
		return nil, r.Refuse(layerValidity, 0, err)
	}
	return t, nil
}

// ReadPrincipal implements [Reader] with Decode.
func (c *CoreCodec) ReadPrincipal(ctx context.Context, value string) (*Principal, error) {
	t, err := c.Decode(ctx, value)
	if err != nil {
		return nil, err
	}
	return t.Principal, nil
}

// Traits are for package cookie.
func (c *CoreCodec) Traits() codec.Traits[*CoreTicket, *Principal] {
	return codec.Traits[*CoreTicket, *Principal]{Keys: c.keys, Now: c.o.Now, Lifetime: c.o.Lifetime,
		Scheme: c.rules.scheme, Valid: c.valid, Renew: (*CoreTicket).renew,
		Principal: func(t *CoreTicket) *Principal { return t.Principal }}
}

// valid compares a ticket with the clock: .expires itself is still valid. The error is
// [ErrExpired], or matches [ErrUnsupported] for times that .NET reads as none.
func (c *CoreCodec) valid(t *CoreTicket) error {
	expires, there, fault := c.end(t.Properties)
	if fault != "" {
		return &FormatError{Layer: "core ticket", Offset: -1,
			Err: fmt.Errorf("%w: %s", ErrUnsupported, fault)}
	}
	if there && expires.Before(c.o.Now()) {
		return fmt.Errorf("%w at %s", ErrExpired, expires.Format(time.RFC3339))
	}
	return nil
}

// end returns when a ticket ends, if it does, or says what is wrong with an end
// that .NET does not see.
func (c *CoreCodec) end(p Properties) (expires time.Time, there bool, fault string) {
	expires, there, fault = p.end()
	if !there && c.o.InsecureNoExpiry {
		fault = ""
	}
	return expires, there, fault
}

// Encode returns the text of a cookie, ready to be cut into chunks, or of a token, and leaves t
// as it is. It refuses what .NET or Decode would not read back as it is.
func (c *CoreCodec) Encode(_ context.Context, t *CoreTicket) (string, error) {
	s := c.scratch.Get().(*coreScratch)
	defer s.put(&c.scratch)

	if _, _, fault := c.end(t.Properties); fault != "" {
		return "", cannotIssue("%s", fault)
	}
	if t.isReference() {
		return "", cannotIssue("a claim of the type that refers to a store")
	}

	// Ticket to bytes.
	plain, err := t.append(s.plain[:0])
	s.plain = plain[:0]
	if err != nil {
		return "", err
	}

	// Bytes to protected bytes.
	protected, err := c.protector.Protect(s.protected[:0], plain)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}

	// Protected bytes to text.
	s.text = webbase64.AppendEncodeURL(s.text[:0], protected)
	return string(s.text), nil
}
