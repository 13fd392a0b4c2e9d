package sessiontoken

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// KatanaTicket is what Katana keeps in its cookies and OAuth tokens
// (Microsoft.Owin.Security.AuthenticationTicket): one identity, and when it
// was issued and expires. Make one with [KatanaCodec.NewTicket].
type KatanaTicket struct {
	// Identity is the signed-in user. As in Katana its Label and Actor, the
	// properties of its claims and a Bootstrap that is no string are not
	// issued.
	Identity Identity
	// Properties hold the times and whatever else the application adds.
	Properties Properties `json:"-"` // applications keep OAuth tokens there
	// Version is that of the bytes, both when reading and when issuing. The
	// zero value is the current one.
	Version KatanaVersion
	// SessionKey names the entry of the session store that holds the ticket;
	// the cookie then holds only this name. Decode sets it if the codec has a
	// store. When issuing, empty means a new entry.
	SessionKey string `json:"-"`

	openedBy string
}

// KatanaVersion is a version of the bytes of a ticket (Katana's
// TicketSerializer). The zero value is the current one.
type KatanaVersion uint8

// The versions, by the Katana that writes them. Each reads its own only.
const (
	KatanaVersion3          KatanaVersion = iota // number 3, Katana 3.0.1 and later
	KatanaVersion2                               // number 2, Katana 2.0.0 to 2.1.0: no bootstrap token
	KatanaVersion2Bootstrap                      // number 2 again, Katana 3.0.0: with bootstrap token
	KatanaVersion1                               // number 1, Katana 2.0.0-rc1: no defaults, no original issuer
)

// number returns what the bytes begin with.
func (v KatanaVersion) number() int32 {
	switch v {
	case KatanaVersion3:
		return 3
	case KatanaVersion2, KatanaVersion2Bootstrap:
		return 2
	case KatanaVersion1:
		return 1
	}
	return 0
}

// hasBootstrap reports whether the layout has a field for a bootstrap token.
func (v KatanaVersion) hasBootstrap() bool {
	return v == KatanaVersion3 || v == KatanaVersion2Bootstrap
}

// String returns the number and what tells the two formats 2 apart.
func (v KatanaVersion) String() string {
	switch v {
	case KatanaVersion3, KatanaVersion2, KatanaVersion1:
		return fmt.Sprint(v.number())
	case KatanaVersion2Bootstrap:
		return "2 with bootstrap token"
	}
	return fmt.Sprintf("KatanaVersion(%d)", uint8(v))
}

// OpenedBy returns the id of the key that opened the ticket, so that one opened with an
// older key of the ring can be issued again, or nil for a ticket that was not
// read from protected text.
func (t *KatanaTicket) OpenedBy() string { return t.openedBy }

// Renew returns the ticket to issue in place of t, by the rule of Katana's
// cookie middleware for sliding expiration: when less time remains than has
// elapsed, seconds compared, the new ticket is issued now and lives as long
// as t did. It returns false for a ticket without .issued or .expires, for one
// whose .refresh is False, and for one that has expired.
//
// Whether to slide at all is a setting of the site (SlidingExpiration, on by
// default, and never for OAuth tokens), and this rule knows no end: bound it
// where sign-ins must not last for ever. The claims of both tickets share
// memory.
func (t *KatanaTicket) Renew(now time.Time) (*KatanaTicket, bool) {
	now = wholeSecond(now)
	issued, hasIssued := t.Properties.Issued()
	expires, hasExpires := t.Properties.Expires()
	if allow, known := t.Properties.AllowRefresh(); !hasIssued || !hasExpires || known && !allow {
		return nil, false
	}
	if remaining := expires.Sub(now); remaining < 0 || remaining >= now.Sub(issued) {
		return nil, false
	}
	renewed := *t
	renewed.Properties = slices.Clone(t.Properties)
	renewed.Properties.SetIssued(now)
	renewed.Properties.SetExpires(now.Add(expires.Sub(issued)))
	return &renewed, true
}

// Principal returns the user of the ticket. The claims are shared.
func (t *KatanaTicket) Principal() *Principal {
	return &Principal{Identities: []Identity{t.Identity}}
}

// String describes the ticket for a log: no claim values, no properties but
// the times.
func (t KatanaTicket) String() string {
	at := func(v time.Time, ok bool) string {
		if !ok {
			return "none"
		}
		return v.Format(time.RFC3339)
	}
	return fmt.Sprintf("sessiontoken.KatanaTicket{%d claims, issued %s, expires %s}",
		len(t.Identity.Claims), at(t.Properties.Issued()), at(t.Properties.Expires()))
}

// Format implements [fmt.Formatter] for every verb, so that none prints
// properties or a bootstrap token.
func (t KatanaTicket) Format(s fmt.State, _ rune) { io.WriteString(s, t.String()) }

// LogValue implements [slog.LogValuer].
func (t KatanaTicket) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Marshal returns the bytes of the ticket as Katana's TicketSerializer
// writes them, without compression and protection: the innermost layer.
func (t *KatanaTicket) Marshal() ([]byte, error) { return appendKatanaTicket(nil, t) }

// Unmarshal reads the bytes of a ticket of any version. It checks the
// form only: no key and no clock, and a ticket that refers to a store or
// never expires passes. Use it on data that is authentic already.
func (t *KatanaTicket) Unmarshal(data []byte) error {
	var r katanaReader
	if err := r.read(data, nil); err != nil {
		return err
	}
	*t = *r.build()
	return nil
}
