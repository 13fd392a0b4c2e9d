package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/flate"
)

// Lifetimes that Katana gives new tickets
// (CookieAuthenticationOptions.ExpireTimeSpan and those of
// OAuthAuthorizationServerOptions).
const (
	DefaultKatanaCookieLifetime = 14 * 24 * time.Hour
	DefaultKatanaTokenLifetime  = 20 * time.Minute // access tokens, and refresh tokens unless the site sets another
	DefaultKatanaCodeLifetime   = 5 * time.Minute
)

// KatanaOptions are the settings of an [KatanaCodec]. The zero value reads and
// writes what a site with current Katana and no further settings does.
type KatanaOptions struct {
	// ExpireTimeSpan is the lifetime that NewTicket gives. Zero means
	// Katana's default for the kind of credential.
	ExpireTimeSpan time.Duration
	// Version is that of the tickets which NewTicket makes.
	Version KatanaVersion
	// ReadVersions are the versions that are read; nil means all. Each
	// Katana reads only its own.
	ReadVersions []KatanaVersion
	// InsecureNoExpiry also reads and issues tickets without .expires, or
	// with times that are not in Katana's form. They never expire, in .NET
	// mostly by accident.
	InsecureNoExpiry bool
	// Store holds the tickets, and the cookies only their keys, as with
	// CookieAuthenticationOptions.SessionStore. A codec with a store refuses
	// whole tickets, one without refuses references. What is in the store is
	// protected with the ring under a purpose of this library's own: Go nodes
	// can share it, .NET nodes cannot. Cookies only.
	Store Store
	// Now is the clock, time.Now if nil. Fractions of a second are dropped,
	// as in Katana.
	Now func() time.Time
}

// KatanaCodec reads and writes Katana's tickets as Microsoft.Owin.Host.SystemWeb
// does on IIS: the cookies of the cookie middleware, which ASP.NET Identity
// uses, and the tokens of the OAuth server. It is safe for concurrent use.
//
// The text is an onion. [KatanaCodec.Decode] takes the layers off from the
// outside to the inside, Encode puts them on:
//
//	text            base64 with - and _, no padding               (attacker's bytes up to here)
//	machine key     IV || ciphertext || tag, as of MachineKey.Protect in every compatibility mode
//	gzip            RFC 1952, at most 1 MiB when expanded          (authenticated from here on)
//	katana            the ticket; see katana_read.go for the layout
type KatanaCodec struct {
	o                  KatanaOptions
	authenticationType string // of an identity that has none
	restart            bool   // new tickets start now, whatever their properties say
	keys               Keys
	protector          Protector
	store              Protector // of what is in the store
	scratch            sync.Pool // of *katanaScratch
}

// The first purposes of Katana. The code's is the name of the class, the
// tokens' is its namespace.
const (
	purposeKatanaCookie = "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware"
	purposeKatanaOAuth  = "Microsoft.Owin.Security.OAuth"
	purposeKatanaServer = "Microsoft.Owin.Security.OAuth.OAuthAuthorizationServerMiddleware"
	purposeKatanav1     = "v1"
)

// katanaBearer is OAuthDefaults.AuthenticationType.
const katanaBearer = "Bearer"

// NewKatanaCookieCodec returns a codec for the cookies of the cookie middleware
// with the given AuthenticationType, whose case and spaces count. It is
// "ApplicationCookie" with ASP.NET Identity (there are also "ExternalCookie",
// "TwoFactorCookie" and "TwoFactorRememberBrowser"), and "Cookies" where the
// site names none. The name of the cookie plays no part.
func NewKatanaCookieCodec(keys Keys, authenticationType string, opts *KatanaOptions) (*KatanaCodec, error) {
	c, err := newKatanaCodec(keys, []string{purposeKatanaCookie, authenticationType, purposeKatanav1}, DefaultKatanaCookieLifetime, opts)
	if err != nil {
		return nil, err
	}
	c.authenticationType = authenticationType
	if c.o.Store != nil {
		if c.store, err = protector(keys, purposeKatanaStore, authenticationType, purposeKatanav1); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// NewKatanaAccessTokenCodec returns a codec for the bearer tokens that the OAuth
// server of Katana issues.
//
// Claims without an issuer get [LocalAuthority]. That is what ASP.NET
// Identity's UseOAuthBearerTokens wants: its "Bearer" reader refuses a token
// with a claim of any other issuer.
func NewKatanaAccessTokenCodec(keys Keys, opts *KatanaOptions) (*KatanaCodec, error) {
	return newKatanaTokenCodec(keys, []string{purposeKatanaOAuth, "Access_Token", purposeKatanav1}, DefaultKatanaTokenLifetime, opts)
}

// NewKatanaRefreshTokenCodec returns a codec for refresh tokens. Sites often
// hand out a random name instead, and keep the protected text in a database.
func NewKatanaRefreshTokenCodec(keys Keys, opts *KatanaOptions) (*KatanaCodec, error) {
	return newKatanaTokenCodec(keys, []string{purposeKatanaOAuth, "Refresh_Token", purposeKatanav1}, DefaultKatanaTokenLifetime, opts)
}

// NewKatanaAuthorizationCodeCodec returns a codec for authorization codes, with
// the same reservation as for refresh tokens. That a code is used only once
// is for the caller to see to.
func NewKatanaAuthorizationCodeCodec(keys Keys, opts *KatanaOptions) (*KatanaCodec, error) {
	return newKatanaTokenCodec(keys, []string{purposeKatanaServer, "Authentication_Code", purposeKatanav1}, DefaultKatanaCodeLifetime, opts)
}

// NewKatanaCodec returns a codec for a site that made its own TicketDataFormat
// with these purposes. New tickets live as long as those of cookies.
func NewKatanaCodec(keys Keys, purposes []string, opts *KatanaOptions) (*KatanaCodec, error) {
	c, err := newKatanaTokenless(keys, purposes, DefaultKatanaCookieLifetime, opts)
	if err == nil && len(purposes) == 3 && purposes[0] == purposeKatanaCookie && purposes[2] == purposeKatanav1 {
		c.authenticationType = purposes[1] // it reads what NewKatanaCookieCodec's does
	}
	return c, err
}

// newKatanaTokenCodec is for tokens, whose server sets the times over those that
// the application gave.
func newKatanaTokenCodec(keys Keys, purposes []string, lifetime time.Duration, opts *KatanaOptions) (*KatanaCodec, error) {
	c, err := newKatanaTokenless(keys, purposes, lifetime, opts)
	if err != nil {
		return nil, err
	}
	c.authenticationType, c.restart = katanaBearer, true
	return c, nil
}

// newKatanaTokenless is newKatanaCodec without a store.
func newKatanaTokenless(keys Keys, purposes []string, lifetime time.Duration, opts *KatanaOptions) (*KatanaCodec, error) {
	if opts != nil && opts.Store != nil {
		return nil, errors.New("sessiontoken: KatanaOptions.Store is for cookies only")
	}
	return newKatanaCodec(keys, purposes, lifetime, opts)
}

func newKatanaCodec(keys Keys, purposes []string, lifetime time.Duration, opts *KatanaOptions) (*KatanaCodec, error) {
	c := &KatanaCodec{}
	if opts != nil {
		c.o = *opts
		c.o.ReadVersions = slices.Clone(c.o.ReadVersions)
	}
	if c.o.ExpireTimeSpan == 0 {
		c.o.ExpireTimeSpan = lifetime
	}
	if c.o.ExpireTimeSpan < time.Second {
		return nil, errors.New("sessiontoken: KatanaOptions.ExpireTimeSpan is shorter than a second")
	}
	for _, v := range append([]KatanaVersion{c.o.Version}, c.o.ReadVersions...) {
		if v.number() == 0 {
			return nil, fmt.Errorf("sessiontoken: KatanaOptions names an unknown version, %v", v)
		}
	}
	if c.o.Now == nil {
		c.o.Now = time.Now
	}
	c.keys = keys
	var err error
	if c.protector, err = protector(keys, purposes...); err != nil {
		return nil, err
	}
	c.scratch.New = func() any { return new(katanaScratch) }
	return c, nil
}

// NewTicket returns a ticket for id with the times that Katana gives it, and
// the other properties given, which may be nil. At sign-in by cookie an
// .issued or .expires among them is kept; tokens and codes always begin now.
// An identity without AuthenticationType gets the one of the codec, without
// which .NET would not count it as authenticated.
func (c *KatanaCodec) NewTicket(id Identity, properties Properties) *KatanaTicket {
	if id.AuthenticationType == "" {
		id.AuthenticationType = c.authenticationType
	}
	p := slices.Clone(properties)
	issued, ok := p.Issued()
	if !ok || c.restart {
		issued = wholeSecond(c.o.Now())
		p.SetIssued(issued)
	}
	if _, ok := p.Expires(); !ok || c.restart {
		p.SetExpires(issued.Add(c.o.ExpireTimeSpan))
	}
	return &KatanaTicket{Identity: id, Properties: p, Version: c.o.Version}
}

// katanaScratch is the memory that one call needs and the next can use again.
// Nothing of it ends up in a ticket or a text.
type katanaScratch struct {
	text, protected, packed, plain []byte
	read                           katanaReader
}

// put gives s back to a pool, unless a large value has made it large.
func (s *katanaScratch) put(pool *sync.Pool) {
	s.read.data, s.read.bootstrap = nil, nil
	if max(cap(s.text), cap(s.plain), s.read.size()) <= maxScratch {
		pool.Put(s)
	}
}

// Decode opens the text of a cookie, its chunks already joined, or of a token,
// and checks that it has not expired. There is no clock skew, and as in Katana
// a ticket may have been issued in the future.
//
// The error is [ErrInvalid] for everything that is not authentic, with no
// detail; a [*FormatError] for authentic data that does not parse or that
// .NET reads only by accident, the latter with [ErrUnsupported]; [ErrExpired];
// [ErrNotInStore] for a reference that leads nowhere; or what the store
// returned.
func (c *KatanaCodec) Decode(ctx context.Context, value string) (*KatanaTicket, error) {
	r := anatomy.From(ctx)
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)

	// Text to protected bytes; nothing of it can be trusted.
	protected, ok := s.decodeKatanaText(value)
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
	plain, err := flate.Gunzip(s.plain[:0], packed, maxToken)
	s.plain = plain[:0]
	if err != nil {
		return nil, r.Refuse(layerGzip, len(packed), gzipError(err))
	}
	r.Add(layerGzip, len(packed))

	// Bytes to the ticket.
	if err := s.read.read(plain, c.o.ReadVersions); err != nil {
		return nil, r.Refuse(layerKatana, len(plain), err)
	}
	t := s.read.build()
	t.openedBy = key
	noteKatana(r, len(plain), t)

	// The ticket in the store, if t refers to one.
	if t, err = c.dereference(ctx, s, t, r); err != nil {
		return nil, err
	}

	// The clock.
	noteKatanaTimes(r, t)
	if err := c.Valid(t); err != nil {
		if r == nil {
			c.forgetExpired(ctx, t, err)
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
	return t.Principal(), nil
}

// Keys returns the keys that the codec was made with.
func (c *KatanaCodec) Keys() Keys { return c.keys }

// AuthenticationType returns that of the middleware whose cookies the codec
// reads, "Bearer" for tokens, and "" for a codec with purposes of its own.
func (c *KatanaCodec) AuthenticationType() string { return c.authenticationType }

// Options returns the options with the defaults filled in.
func (c *KatanaCodec) Options() KatanaOptions {
	o := c.o
	o.ReadVersions = slices.Clone(o.ReadVersions)
	return o
}

// Valid compares a ticket with the clock, as Decode has done already: .expires
// itself is still valid. It is for a ticket that is kept between requests. The
// error is [ErrExpired], or matches [ErrUnsupported] for times that .NET reads
// only by accident.
func (c *KatanaCodec) Valid(t *KatanaTicket) error {
	if fault := c.timeFault(t.Properties); fault != "" {
		return &FormatError{Layer: "katana", Offset: -1, Err: fmt.Errorf("%w: %s", ErrUnsupported, fault)}
	}
	if expires, ok := t.Properties.Expires(); ok && expires.Before(wholeSecond(c.o.Now())) {
		return fmt.Errorf("%w at %s", ErrExpired, expires.Format(time.RFC3339))
	}
	return nil
}

// timeFault says what is wrong with times that .NET reads only by accident: a
// time that it cannot read counts for it as missing.
func (c *KatanaCodec) timeFault(p Properties) string {
	if c.o.InsecureNoExpiry {
		return ""
	}
	if text, there := p.Get(PropertyExpires); !there {
		return "no .expires, so the ticket would never expire"
	} else if _, ok := parseKatanaTime(text); !ok {
		return ".expires is not in the form of RFC 1123, so for .NET the ticket would never expire"
	}
	if text, there := p.Get(PropertyIssued); there {
		if _, ok := parseKatanaTime(text); !ok {
			return ".issued is not in the form of RFC 1123"
		}
	}
	return ""
}

// Encode returns the text of a cookie, ready to be cut into chunks, or of a
// token, and leaves t as it is. With a store it puts the ticket there, over
// the entry that t.SessionKey names if any, and returns the text of a
// reference.
//
// It refuses what .NET or Decode would not read back as it is: text that is
// not UTF-8, types and issuers that stand for a default, a property twice,
// a ticket that never expires, more than 1 MiB.
func (c *KatanaCodec) Encode(ctx context.Context, t *KatanaTicket) (string, error) {
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)

	if fault := c.timeFault(t.Properties); fault != "" {
		return "", errors.New("sessiontoken: cannot issue: " + fault)
	}
	if isKatanaReference(&t.Identity) {
		return "", errors.New("sessiontoken: cannot issue: a claim of the type that refers to a store")
	}
	if c.o.Store != nil {
		return c.encodeReference(ctx, s, t)
	}
	return c.seal(s, t)
}

// seal puts all layers on.
func (c *KatanaCodec) seal(s *katanaScratch, t *KatanaTicket) (string, error) {
	plain, err := appendKatanaTicket(s.plain[:0], t)
	s.plain = plain[:0]
	if err != nil {
		return "", err
	}
	packed := flate.Gzip(s.packed[:0], plain)
	s.packed = packed[:0]
	protected, err := c.protector.Protect(s.protected[:0], packed)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}
	return s.encodeKatanaText(protected), nil
}

// gzipError gives an error of the gzip layer its place.
func gzipError(err error) error {
	var at *flate.Error
	if !errors.As(err, &at) {
		return err
	}
	return &FormatError{Layer: "gzip", Offset: at.Offset, Err: at.Err}
}
