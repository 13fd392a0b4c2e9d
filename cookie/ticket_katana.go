package cookie

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// katanaKind is the ticket of Katana (CookieAuthenticationMiddleware).
type katanaKind struct {
	codec *sessiontoken.KatanaCodec
	o     sessiontoken.KatanaOptions
}

func newKatanaKind(codec *sessiontoken.KatanaCodec) *katanaKind {
	return &katanaKind{codec, codec.Options()}
}

// Properties that a ticket gets from this package, when there is a use for
// them. Katana keeps properties it does not know, also when it renews a ticket.
const (
	// propertySession names the session.
	propertySession = "webfarm.session"
	// propertySignedIn is when the session began, in the form of .issued.
	propertySignedIn = "webfarm.signed_in"
	// propertyEnds is when MaxLifetime ends the session, in RFC 3339.
	propertyEnds = "webfarm.ends"
)

func (k *katanaKind) reader() sessiontoken.Reader { return k.codec }
func (k *katanaKind) ring() *machinekey.Ring      { return k.codec.Ring() }
func (k *katanaKind) now() time.Time              { return k.o.Now() }
func (k *katanaKind) chunking() Chunking          { return KatanaSystemWeb }
func (k *katanaKind) slides() bool                { return true }
func (k *katanaKind) canRemember() bool           { return true }
func (k *katanaKind) purpose() string             { return "katana;" + k.codec.AuthenticationType() }
func (k *katanaKind) store() sessiontoken.Store   { return k.o.Store }
func (k *katanaKind) lifetime() time.Duration     { return k.o.ExpireTimeSpan }
func (k *katanaKind) skew() time.Duration         { return 0 }

// template has the defaults of CookieAuthenticationOptions, save that Secure
// depends on the request there; see SessionsOptions.IsTLS.
func (k *katanaKind) template() http.Cookie {
	c := http.Cookie{Path: "/", HttpOnly: true}
	if t := k.codec.AuthenticationType(); t != "" {
		c.Name = KatanaCookieName(t)
	}
	return c
}

func (k *katanaKind) owns(t Ticket) bool {
	ticket, ok := t.(*sessiontoken.KatanaTicket)
	return ok && ticket != nil
}

func (k *katanaKind) read(ctx context.Context, text string) (Ticket, *sessiontoken.Principal, error) {
	t, err := k.codec.Decode(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	return t, t.Principal(), nil
}

func (k *katanaKind) valid(t Ticket) error { return k.codec.Valid(t.(*sessiontoken.KatanaTicket)) }

func (k *katanaKind) issue(ctx context.Context, t Ticket) (string, error) {
	return k.codec.Encode(ctx, t.(*sessiontoken.KatanaTicket))
}

func (k *katanaKind) forget(ctx context.Context, t Ticket) error {
	return k.codec.Delete(ctx, t.(*sessiontoken.KatanaTicket))
}

func (k *katanaKind) fresh(p *sessiontoken.Principal, o *SignInOptions) (Ticket, error) {
	if err := o.misplaced(false, false, true); err != nil {
		return nil, err
	}
	if len(p.Identities) != 1 {
		return nil, errors.New("cookie: a ticket of Katana holds exactly one identity")
	}
	// Properties taken from an older ticket must not make this session that one.
	given := slices.DeleteFunc(slices.Clone(o.Properties), func(p sessiontoken.Property) bool {
		return p.Name == propertySession || p.Name == propertySignedIn || p.Name == propertyEnds
	})
	t := k.codec.NewTicket(p.Identities[0], given)
	if o.Persistent {
		t.Properties.SetPersistent(true)
	}
	if o.Lifetime > 0 {
		issued, _ := t.Properties.Issued()
		t.Properties.SetExpires(issued.Add(o.Lifetime))
	}
	return t, nil
}

// newID is random: the times of a ticket are whole seconds, so two sign-ins of
// a user may be one ticket.
func (k *katanaKind) newID(t Ticket) string {
	ticket := t.(*sessiontoken.KatanaTicket)
	if _, ok := ticket.Properties.Get(propertySession); ok || ticket.SessionKey != "" {
		return k.id(t)
	}
	return "katana:" + rand.Text()
}

func (k *katanaKind) named(t Ticket) Ticket {
	ticket := t.(*sessiontoken.KatanaTicket)
	if k.o.Store == nil || ticket.SessionKey != "" {
		return t
	}
	c := *ticket
	c.SessionKey = rand.Text()
	return &c
}

func (k *katanaKind) renewed(t Ticket, now time.Time) (Ticket, bool) {
	renewed, due := t.(*sessiontoken.KatanaTicket).Renew(now)
	if !due {
		return nil, false
	}
	return renewed, true
}

func (k *katanaKind) marked(t Ticket, id string, began, ends time.Time) Ticket {
	ticket := t.(*sessiontoken.KatanaTicket)
	_, hasID := ticket.Properties.Get(propertySession)
	_, hasTime := ticket.Properties.Get(propertySignedIn)
	hasEnd := ends.IsZero() || k.facts(t).ends.Equal(ends)
	if hasID && hasTime && hasEnd {
		return t
	}
	c := *ticket
	c.Properties = slices.Clone(c.Properties)
	if !hasID {
		c.Properties.Set(propertySession, id)
	}
	if !hasTime {
		c.Properties.Set(propertySignedIn, began.UTC().Format(http.TimeFormat))
	}
	if !hasEnd {
		c.Properties.Set(propertyEnds, ends.UTC().Format(time.RFC3339Nano))
	}
	return &c
}

func (k *katanaKind) endingAt(t Ticket, end time.Time) Ticket {
	c := *t.(*sessiontoken.KatanaTicket)
	c.Properties = slices.Clone(c.Properties)
	c.Properties.SetExpires(end)
	return &c
}

func (k *katanaKind) facts(t Ticket) facts {
	ticket := t.(*sessiontoken.KatanaTicket)
	f := facts{persistent: ticket.Properties.Persistent(), reference: ticket.SessionKey != ""}
	f.issued, _ = ticket.Properties.Issued()
	f.expires, _ = ticket.Properties.Expires()
	f.began = f.issued
	if text, ok := ticket.Properties.Get(propertySignedIn); ok {
		if began, err := time.Parse(http.TimeFormat, text); err == nil {
			f.began = began
		}
	}
	if text, ok := ticket.Properties.Get(propertyEnds); ok {
		f.ends, _ = time.Parse(time.RFC3339Nano, text)
	}
	return f
}

// id is the key in the session store, or the name given at sign-in, or else,
// for a ticket that .NET issued, a hash of the ticket.
func (k *katanaKind) id(t Ticket) string {
	ticket := t.(*sessiontoken.KatanaTicket)
	if ticket.SessionKey != "" {
		return "katana:" + ticket.SessionKey
	}
	if id, ok := ticket.Properties.Get(propertySession); ok {
		return id
	}
	data, err := ticket.Marshal()
	if err != nil { // not for a ticket that was read
		return ""
	}
	sum := sha256.Sum256(data)
	return "katana:" + hex.EncodeToString(sum[:])
}
