package sessiontoken

import (
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/coreticket"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// CoreTicket is what ASP.NET Core keeps in its cookies and bearer tokens
// (Microsoft.AspNetCore.Authentication.AuthenticationTicket): a user, and when
// the ticket was issued and expires. Make one with [CoreCodec.NewTicket].
type CoreTicket struct {
	// Scheme is the authentication scheme that is written in the ticket. As in
	// .NET nothing depends on it.
	Scheme string
	// Principal is the user. As in .NET, labels and a Bootstrap that is no
	// string are not issued.
	Principal *Principal
	// Properties hold the times and whatever else the application adds.
	Properties Properties `json:"-"` // applications keep OAuth tokens there

	openedBy string
}

// OpenedBy returns the id of the key that opened the ticket, empty if it was not read.
func (t *CoreTicket) OpenedBy() string { return t.openedBy }

// renew returns the ticket to issue in place of t by the rule of the cookie handler,
// and false if t is not due. Whether to slide at all is a setting of the site
// (SlidingExpiration, on by default). The users of both tickets are one.
func (t *CoreTicket) renew(now time.Time) (*CoreTicket, bool) {
	properties, due := t.Properties.renewed(now)
	if !due {
		return nil, false
	}
	renewed := *t
	renewed.Properties = properties
	return &renewed, true
}

// Format implements [fmt.Formatter] for every verb, so that none prints claim
// values, a bootstrap token or properties but the times.
func (t CoreTicket) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "sessiontoken.CoreTicket{scheme %q, identities %d, %s}",
		t.Scheme, len(t.Principal.identities()), t.Properties.times())
}

// The claims that refer to a SessionStore: of the cookie handler, and of
// Katana on a shared cookie.
const (
	coreSessionID   = "Microsoft.AspNetCore.Authentication.Cookies-SessionId"
	katanaSessionID = "Microsoft.Owin.Security.Cookies-SessionId"
)

// isReference reports whether the ticket only names the entry of a store. The
// handler looks for the claim in all identities, in any case of letters.
func (t *CoreTicket) isReference() bool {
	for i := range t.Principal.Identities {
		claims := t.Principal.Identities[i].Claims
		for k := range claims {
			typ := claims[k].Type
			if len(typ) >= len(katanaSessionID) && // no text in other case is shorter
				(fold.Equal(typ, coreSessionID) || fold.Equal(typ, katanaSessionID)) {
				return true
			}
		}
	}
	return false
}

// coreMemory holds a ticket with the usual number of properties and one identity in one piece.
type coreMemory struct {
	CoreTicket
	principal  Principal
	identity   [1]Identity
	properties [4][2]string
}

// newCoreTicket makes the ticket that a reader has taken apart. It allocates
// the ticket, its text, its claims and their properties, and further memory
// only for more identities, actors and bootstrap tokens.
func newCoreTicket(read *coreticket.Reader, data []byte) *CoreTicket {
	m := new(coreMemory)
	t := &m.CoreTicket
	t.Principal = &m.principal
	all := string(data) // every string of the ticket is a part of this one
	claims := make([]Claim, len(read.Claims))
	var pairs Properties
	if n := len(read.Pairs) - (read.Properties.To - read.Properties.From); n > 0 {
		pairs = make(Properties, 0, n)
	}
	bag := func(s coreticket.Span) Properties {
		if s.From == s.To {
			return nil
		}
		from := len(pairs)
		for _, p := range read.Pairs[s.From:s.To] {
			pairs = append(pairs, [2]string{p.Key.In(all), p.Value.In(all)})
		}
		return pairs[from:len(pairs):len(pairs)]
	}
	for i := range claims {
		s, c := &read.Claims[i], &claims[i]
		c.Type, c.Value, c.ValueType = s.Type.In(all), s.Value.In(all), s.ValueType.In(all)
		c.Issuer, c.OriginalIssuer, c.Properties = s.Issuer.In(all), s.OriginalIssuer.In(all), bag(s.Properties)
	}
	var identity func(to *Identity, s *coreticket.Identity)
	identity = func(to *Identity, s *coreticket.Identity) {
		to.AuthenticationType = s.AuthenticationType.In(all)
		to.NameClaimType, to.RoleClaimType = s.NameClaimType.In(all), s.RoleClaimType.In(all)
		if s.Claims.From < s.Claims.To {
			to.Claims = claims[s.Claims.From:s.Claims.To:s.Claims.To]
		}
		if s.HasBootstrap {
			to.BootstrapKind, to.Bootstrap = "string", secret.New([]byte(s.Bootstrap.In(all)))
		}
		if s.Actor >= 0 {
			to.Actor = new(Identity)
			identity(to.Actor, &read.Actors[s.Actor])
		}
	}
	t.Scheme = read.Scheme.In(all)
	if n := len(read.Identities); n == 1 {
		m.principal.Identities = m.identity[:]
	} else if n > 1 {
		m.principal.Identities = make([]Identity, n)
	}
	for i := range read.Identities {
		identity(&m.principal.Identities[i], &read.Identities[i])
	}
	if s := read.Properties; s.From < s.To {
		t.Properties = m.properties[:0]
		if n := s.To - s.From; n > cap(t.Properties) {
			t.Properties = make(Properties, 0, n)
		}
		for _, p := range read.Pairs[s.From:s.To] {
			t.Properties = append(t.Properties, [2]string{p.Key.In(all), p.Value.In(all)})
		}
		t.Properties = slices.Clip(t.Properties)
	}
	return t
}

// append appends the bytes of t. It refuses what would not read back.
func (t *CoreTicket) append(dst []byte) ([]byte, error) {
	w := coreticket.NewWriter(dst)
	identities := t.Principal.identities()
	w.Begin(t.Scheme, len(identities))
	for i := range identities {
		for id := &identities[i]; id != nil; id = id.Actor {
			w.Identity(id.AuthenticationType, id.NameClaimType, id.RoleClaimType, len(id.Claims))
			for k := range id.Claims {
				c := &id.Claims[k]
				w.Claim(c.Type, c.Value, c.ValueType, c.Issuer, c.OriginalIssuer, len(c.Properties))
				for _, p := range c.Properties {
					w.Pair(p[0], p[1])
				}
			}
			bootstrap := ""
			if id.BootstrapKind == "string" {
				bootstrap = string(secret.View(id.Bootstrap))
			}
			w.EndIdentity(bootstrap, id.Actor != nil)
		}
	}
	w.Properties(len(t.Properties))
	for _, p := range t.Properties {
		w.Pair(p[0], p[1])
	}
	out, err := w.End()
	if err != nil {
		return dst, cannotIssue("%w", err)
	}
	return out, nil
}
