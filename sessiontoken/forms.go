package sessiontoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// FormsOptions are the settings of a [FormsCodec]. The zero value reads and writes what a site
// with <authentication mode="Forms"> and no further settings does.
type FormsOptions struct {
	// Lifetime is the attribute timeout, what NewTicket gives. Zero means 30 minutes.
	Lifetime time.Duration
	// Path is the attribute path, which NewTicket writes into the ticket. Empty
	// means "/". Like .NET, Decode does not compare it.
	Path string
	// Protection is the attribute protection, for keys of a legacy mode; Framework45
	// ignores it. Tickets are never issued without protection.
	Protection machinekey.Protection
	// InsecureUnsigned also reads legacy tickets of a site that sets aspnet:UseLegacyEncryption,
	// or lacks the update MS10-070 of 2010. Under it they cannot be issued.
	InsecureUnsigned bool
	// InsecureOldLayout reads the tickets of a site that sets
	// aspnet:UseLegacyFormsAuthenticationTicketCompatibility, or lacks the update
	// MS11-100 of 2011, and no others. Nothing can be issued. The layout ends texts at
	// the first U+0000: who could register the name "admin\x00x" there got a ticket that
	// says "admin", and no reader can tell (CVE-2011-3416).
	InsecureOldLayout bool
	// Roles makes role claims from UserData, where many sites keep them. Nil: none.
	Roles func(userData string) []string
	// ClockSkew is how long a ticket is still read after its end. Zero is .NET's.
	ClockSkew time.Duration
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// FormsCodec reads and writes the text of forms authentication cookies (.ASPXAUTH) as
// FormsAuthentication.Encrypt and Decrypt do. It is safe for concurrent use.
//
// The text is an onion of three layers. [FormsCodec.Decode] takes them off, Encode puts them on:
//
//	text          upper-case hex, or a URL token in cookieless URLs     (attacker's bytes up to here)
//	machine key   as the key's mode demands, see below                  (authenticated from here on)
//	ticket        the layout of FormsAuthenticationTicketSerializer, see internal/forms
//
// Each key of the ring is used in its own compatibility mode: Framework45 with the purpose
// machinekey.FormsPurpose, Framework20SP1 and Framework20SP2 in the legacy way, which has no
// purpose. A farm that changes its mode puts the same keys into the ring twice, the new mode
// first. A key without a mode is refused, since .NET would write another cookie in each.
type FormsCodec struct{ systemWebCodec }

// systemWebCodec is what the codecs of System.Web's own cookies share.
type systemWebCodec struct {
	o         FormsOptions
	keys      Keys
	protector modeProtector
	scratch   sync.Pool // of *formsScratch
}

// formsScratch is memory that the next call uses again, all of it small.
type formsScratch struct{ text, protected, ticket, utf8 []byte }

func (c *systemWebCodec) init(keys Keys, purpose string, lifetime time.Duration, opts *FormsOptions) (err error) {
	c.keys, c.o = keys, *cmp.Or(opts, new(FormsOptions))
	c.o.Lifetime, c.o.Now = cmp.Or(c.o.Lifetime, lifetime), clock(c.o.Now)
	if c.o.Lifetime < 0 || c.o.ClockSkew < 0 {
		return errors.New("sessiontoken: FormsOptions with a negative duration")
	}
	c.scratch.New = func() any { return new(formsScratch) }
	c.protector, err = newModeProtector(keys, purpose, machinekey.LegacyOptions{
		Protection: c.o.Protection, InsecureUnsigned: c.o.InsecureUnsigned,
	})
	return err
}

// NewFormsCodec returns a codec for keys, whose later changes it follows. Nil options are the
// zero options. It fails with a [*machinekey.ConfigError] if a key has no mode or cannot serve
// in its mode; if such a key comes into the ring later, calls that would try it fail so.
func NewFormsCodec(keys Keys, opts *FormsOptions) (*FormsCodec, error) {
	c := new(FormsCodec)
	if err := c.init(keys, machinekey.FormsPurpose, 30*time.Minute, opts); err != nil {
		return nil, err
	}
	c.o.Path = cmp.Or(c.o.Path, "/")
	return c, nil
}

// Decode opens the text of a forms cookie, hex in any case or a URL token, and checks that it
// has not expired: a ticket is good up to and including its Expiration.
//
// The error is [ErrInvalid] for everything that is not authentic, with no detail except that the
// text says so for more than 4096 characters; a [*FormatError] for authentic data that is no
// ticket, or whose texts Go cannot hold ([ErrUnsupported]); or [ErrExpired].
func (c *FormsCodec) Decode(ctx context.Context, value string) (*FormsTicket, error) {
	t := new(FormsTicket)
	if err := c.decode(ctx, value, t); err != nil {
		return nil, err
	}
	return t, nil
}

// Traits are for package cookie.
func (c *FormsCodec) Traits() codec.Traits[*FormsTicket, *Principal] {
	return codec.Traits[*FormsTicket, *Principal]{Keys: c.keys, Now: c.o.Now,
		Lifetime: c.o.Lifetime, ClockSkew: c.o.ClockSkew, Path: c.o.Path, Valid: c.valid,
		Principal: c.principal, Renew: (*FormsTicket).renew}
}

// decode is Decode into memory of the caller's.
func (c *FormsCodec) decode(ctx context.Context, value string, t *FormsTicket) error {
	r := anatomy.From(ctx)
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)

	// Text to protected bytes.
	if len(value) > limits.FormsText {
		return r.Refuse(layerFormsText, len(value), errTextTooLong)
	}
	protected, ok := forms.AppendHexDecode(s.protected[:0], value)
	if !ok {
		protected, ok = base64.AppendURLTokenDecode(s.protected[:0], value)
	}
	s.protected = protected[:0]
	if !ok || len(protected) == 0 {
		return r.Refuse(layerFormsText, len(value), ErrInvalid)
	}
	r.Add(layerFormsText, len(value))

	// Protected bytes to the ticket: authentic from here on.
	ticket, key, err := c.protector.unprotect(ctx, s.ticket[:0], protected)
	s.ticket = ticket[:0]
	if err != nil {
		return r.Refuse(layerMachineKey, len(protected), err)
	}
	noteMode(r, len(protected), key, &c.protector)

	// The ticket.
	var read forms.Ticket
	if c.o.InsecureOldLayout {
		s.utf8, err = read.ReadOld(ticket, s.utf8)
	} else {
		s.utf8, err = read.Read(ticket, s.utf8)
	}
	if err != nil {
		if !c.protector.authenticates(key) {
			err = ErrInvalid
		}
		return r.Refuse(layerTicket, len(ticket), formatError(err))
	}
	t.fill(&read)
	t.openedBy = key
	noteForms(r, len(ticket), t, c.o.ClockSkew)

	// The clock.
	if err := c.valid(t); err != nil {
		return r.Refuse(layerValidity, 0, err)
	}
	return nil
}

// valid compares a ticket with the clock (FormsAuthenticationTicket.Expired; .NET does
// not look at the issue date). The error is [ErrExpired].
func (c *FormsCodec) valid(t *FormsTicket) error {
	now := c.o.Now()
	// The first comparison alone settles it for nearly all tickets.
	if t.Expiration.Before(now) && t.Expiration.Before(now.Add(-c.o.ClockSkew)) {
		return fmt.Errorf("%w at %s", ErrExpired, t.Expiration.Format(time.RFC3339))
	}
	return nil
}

// NewTicket returns a ticket as FormsAuthentication.SetAuthCookie makes one:
// version 2, valid from now for the codec's timeout, not persistent, for the
// codec's path. Change what should differ and give it to Encode.
func (c *FormsCodec) NewTicket(name, userData string) *FormsTicket {
	now := tickTime(c.o.Now())
	return &FormsTicket{Version: 2, Name: name, IssueDate: now, Expiration: now.Add(c.o.Lifetime),
		UserData: userData, CookiePath: c.o.Path}
}

// Encode returns the text of a forms cookie for t, upper-case hex.
//
// It refuses what .NET or Decode could not read back: more than 4096 characters (about
// 1900 bytes of ticket), text that is not UTF-8, a name or path with U+0000, times
// outside the years 1 to 9999. It also refuses to write what anybody could have
// written or changed, and the old layout: see [FormsOptions].
func (c *FormsCodec) Encode(_ context.Context, t *FormsTicket) (string, error) {
	if c.o.InsecureOldLayout {
		return "", cannotIssue("FormsOptions.InsecureOldLayout is for reading only")
	}
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)

	// Ticket to bytes.
	n := len(t.Name) + len(t.UserData) + len(t.CookiePath)
	if n > 3*limits.FormsText { // so that a huge text costs nothing more
		return "", cannotIssue("%w: texts of %d bytes", layer.ErrTooLong, n)
	}
	ticket, err := t.bytes().Append(s.ticket[:0])
	s.ticket = ticket[:0]
	if err != nil {
		return "", cannotIssue("%w", err)
	}

	// Bytes to protected bytes.
	protected, err := c.protector.Protect(s.protected[:0], ticket)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}

	// Protected bytes to text.
	s.text = forms.AppendHex(s.text[:0], protected)
	if len(s.text) > limits.FormsText {
		return "", cannotIssue("%w: %d characters, .NET reads %d", layer.ErrTooLong, len(s.text),
			limits.FormsText)
	}
	return string(s.text), nil
}

// FormsTicket says who signed in with forms authentication and for how long
// (System.Web.Security.FormsAuthenticationTicket). The layout of its bytes, the
// same in all modes, stands in internal/forms.
//
// The texts of .NET can hold what Go's cannot: unpaired surrogates, and a
// U+0000 that some programs take for the end. So that no two names become one,
// a ticket with an unpaired surrogate anywhere, or with U+0000 in Name or
// CookiePath, is neither read ([ErrUnsupported]) nor issued.
type FormsTicket struct {
	// Version is the application's; .NET itself writes 2.
	Version byte
	// Name is the user's name. It may be empty: .NET then still takes the user for signed in.
	Name string
	// IssueDate and Expiration are in UTC, to 100 ns. The ticket is valid up
	// to and including Expiration; IssueDate serves the renewal.
	IssueDate, Expiration time.Time
	// Persistent says that the cookie outlives the browser session.
	Persistent bool
	// UserData is the application's text, often the user's roles.
	UserData string `json:"-"`
	// CookiePath is the path of the cookie, which .NET uses when it renews.
	CookiePath string

	openedBy string
}

// renew returns the ticket that .NET would issue in place of t at now
// (FormsAuthentication.RenewTicketIfOld), and false with t itself if t still serves or
// has expired. When no more time is left than has passed, the new one begins now and
// lasts as long as t did, whatever the site's timeout is.
func (t *FormsTicket) renew(now time.Time) (*FormsTicket, bool) {
	at, ok := dotnet.Ticks(now)
	issued, issuedOK := dotnet.Ticks(t.IssueDate)
	expires, expiresOK := dotnet.Ticks(t.Expiration)
	if !ok || !issuedOK || !expiresOK || expires < at || expires-at > at-issued {
		return t, false
	}
	begin, ok := dotnet.Time(at)
	end, endOK := dotnet.Time(at + (expires - issued))
	if !ok || !endOK {
		return t, false
	}
	renewed := *t
	renewed.IssueDate, renewed.Expiration, renewed.openedBy = begin, end, ""
	return &renewed, true
}

// OpenedBy returns the id of the key that opened the ticket, so that one opened with an
// older key can be issued again. It is empty for a ticket that was not read.
func (t *FormsTicket) OpenedBy() string { return t.openedBy }

// Format implements [fmt.Formatter] for every verb, so that none prints UserData.
func (t FormsTicket) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "sessiontoken.FormsTicket{name %q, valid %s to %s}",
		t.Name, t.IssueDate.Format(time.RFC3339), t.Expiration.Format(time.RFC3339))
}

// bytes returns what the layout holds of t.
func (t *FormsTicket) bytes() *forms.Ticket {
	return &forms.Ticket{Version: t.Version, Persistent: t.Persistent,
		IssueDate: t.IssueDate, Expiration: t.Expiration,
		Name: t.Name, UserData: t.UserData, CookiePath: t.CookiePath}
}

// fill takes over what the layout holds.
func (t *FormsTicket) fill(read *forms.Ticket) {
	t.Version, t.Persistent = read.Version, read.Persistent
	t.IssueDate, t.Expiration = read.IssueDate, read.Expiration
	t.Name, t.UserData, t.CookiePath = read.Name, read.UserData, read.CookiePath
}

// ReadPrincipal implements [Reader] with Decode. The user is what
// System.Web.Security.FormsIdentity has, one identity of authentication type
// "Forms" with the claim [ClaimTypeName], also if the name is empty; and the
// claims [ClaimTypeRole] that FormsOptions.Roles finds.
func (c *FormsCodec) ReadPrincipal(ctx context.Context, value string) (*Principal, error) {
	var t FormsTicket
	if err := c.decode(ctx, value, &t); err != nil {
		return nil, err
	}
	return c.principal(&t), nil
}

// principal returns the user of a ticket.
func (c *FormsCodec) principal(t *FormsTicket) *Principal {
	// One piece of memory for the usual principal.
	m := &struct {
		principal Principal
		identity  [1]Identity
		name      [1]Claim
	}{}
	claims := append(m.name[:0], localClaim(ClaimTypeName, t.Name))
	if c.o.Roles != nil {
		for _, role := range c.o.Roles(t.UserData) {
			claims = append(claims, localClaim(ClaimTypeRole, role))
		}
	}
	m.identity[0] = Identity{
		AuthenticationType: "Forms",
		NameClaimType:      ClaimTypeName,
		RoleClaimType:      ClaimTypeRole,
		Claims:             claims,
	}
	m.principal.Identities = m.identity[:]
	return &m.principal
}

// localClaim returns a claim with the defaults of System.Security.Claims.
func localClaim(claimType, value string) Claim {
	return Claim{Type: claimType, Value: value, ValueType: dotnet.ValueTypeString,
		Issuer: dotnet.LocalAuthority, OriginalIssuer: dotnet.LocalAuthority}
}
