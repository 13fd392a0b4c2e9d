package sessiontoken

import (
	"context"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
)

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
	// Name is the user's name. It may be empty: .NET then still takes the user
	// for signed in.
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

// Format implements [fmt.Formatter] for every verb, so that none prints
// UserData.
func (t FormsTicket) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "sessiontoken.FormsTicket{name %q, valid %s to %s}",
		t.Name, t.IssueDate.Format(time.RFC3339), t.Expiration.Format(time.RFC3339))
}

// bytes returns what the layout holds of t.
func (t *FormsTicket) bytes() *forms.Ticket {
	return &forms.Ticket{Version: t.Version, Name: t.Name, IssueDate: t.IssueDate, Expiration: t.Expiration,
		Persistent: t.Persistent, UserData: t.UserData, CookiePath: t.CookiePath}
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
