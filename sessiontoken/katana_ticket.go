package sessiontoken

import (
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/machinekey"
)

// KatanaTicket is what Katana keeps in its cookies and OAuth tokens
// (Microsoft.Owin.Security.AuthenticationTicket): one identity, and when it
// was issued and expires. Make one with [KatanaCodec.NewTicket].
type KatanaTicket struct {
	// Identity is the signed-in user. As in Katana its Label and Actor, the properties of its
	// claims and a Bootstrap that is no string are not issued.
	Identity Identity
	// Properties hold the times and whatever else the application adds.
	Properties Properties `json:"-"` // applications keep OAuth tokens there
	// Version is the layout of the bytes, as in [KatanaOptions]. Empty when
	// issuing means the current one.
	Version string
	// SessionKey names the entry of the session store that holds the ticket; the cookie
	// then holds only this name, which is as good. Decode sets it if the codec has a
	// store. When issuing, empty means a new entry.
	SessionKey machinekey.Secret `json:"-"`

	openedBy string
}

// OpenedBy returns the id of the key that opened the ticket, so that one opened with an
// older key can be issued again. It is empty for a ticket that was not read.
func (t *KatanaTicket) OpenedBy() string { return t.openedBy }

// renew returns the ticket to issue in place of t by the rule of Katana's cookie
// middleware, which compares seconds, and false if t is not due. Whether to slide at all
// is a setting of the site (SlidingExpiration, on by default, and never for OAuth
// tokens). The claims of both tickets share memory.
func (t *KatanaTicket) renew(now time.Time) (*KatanaTicket, bool) {
	properties, due := t.Properties.renewed(wholeSecond(now))
	if !due {
		return nil, false
	}
	renewed := *t
	renewed.Properties = properties
	return &renewed, true
}

// principal returns the user of the ticket. The claims are shared.
func (t *KatanaTicket) principal() *Principal {
	return &Principal{Identities: []Identity{t.Identity}}
}

// Format implements [fmt.Formatter] for every verb, so that none prints claim
// values, a bootstrap token or properties but the times.
func (t KatanaTicket) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "sessiontoken.KatanaTicket{claims %d, %s}",
		len(t.Identity.Claims), t.Properties.times())
}

// katanaMemory holds a ticket with the usual number of properties in one piece.
type katanaMemory struct {
	KatanaTicket
	properties [4][2]string
}

// newKatanaTicket makes the ticket that a reader has taken apart. It allocates the ticket, its
// text and its claims, and further memory only for a bootstrap token and for many properties.
func newKatanaTicket(read *katana.Ticket) *KatanaTicket {
	m := new(katanaMemory)
	t, id := &m.KatanaTicket, &m.Identity
	text := string(read.Texts) // every string of the ticket is a part of this one
	t.Version = read.Version.String()
	id.AuthenticationType = read.AuthenticationType.Of(text, "")
	id.NameClaimType = read.NameType.OfOr(text, ClaimTypeName)
	id.RoleClaimType = read.RoleType.OfOr(text, ClaimTypeRole)
	if len(read.Claims) > 0 {
		id.Claims = make([]Claim, len(read.Claims))
	}
	for i := range id.Claims {
		// Empty ones are filled in as the constructor of System.Security.Claims.Claim does.
		s, c := &read.Claims[i], &id.Claims[i]
		c.Type = s.Type.Of(text, ClaimTypeName)
		c.Value = s.Value.Of(text, "")
		c.ValueType = s.ValueType.OfOr(text, dotnet.ValueTypeString)
		c.Issuer = s.Issuer.OfOr(text, dotnet.LocalAuthority)
		c.OriginalIssuer = s.OriginalIssuer.OfOr(text, c.Issuer)
	}
	if read.HasBootstrap {
		id.BootstrapKind, id.Bootstrap = "string", secret.New(read.Bootstrap)
	}
	if n := len(read.Properties); n > 0 {
		t.Properties = m.properties[:0]
		if n > cap(t.Properties) {
			t.Properties = make(Properties, 0, n)
		}
		for _, p := range read.Properties {
			t.Properties = append(t.Properties, [2]string{p[0].Of(text, ""), p[1].Of(text, "")})
		}
		t.Properties = t.Properties[:n:n]
	}
	return t
}

// append appends the bytes of t. It refuses what would not read back.
func (t *KatanaTicket) append(dst []byte, w *katana.Writer) ([]byte, error) {
	id := &t.Identity
	version, ok := katana.ParseVersion(t.Version)
	if !ok {
		return dst, cannotIssue("unknown version %q", t.Version)
	}
	w.Begin(dst, version, id.AuthenticationType, id.NameClaimType, id.RoleClaimType, len(id.Claims))
	for i := range id.Claims {
		c := &id.Claims[i]
		w.Claim(c.Type, c.Value, c.ValueType, c.Issuer, c.OriginalIssuer)
	}
	var token string
	if id.BootstrapKind == "string" {
		token = string(secret.View(id.Bootstrap))
	}
	w.Bootstrap(token)
	w.Properties(t.Properties)
	out, err := w.End()
	if err != nil {
		return dst, cannotIssue("%w", err)
	}
	return out, nil
}
