package cookie

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// katana is the ticket of Katana (CookieAuthenticationMiddleware).
type katana struct {
	codec *sessiontoken.KatanaCodec
	of    codec.Traits[*sessiontoken.KatanaTicket, *sessiontoken.Principal]
}

// newKatana has the defaults of CookieAuthenticationOptions.
func newKatana(codec *sessiontoken.KatanaCodec) (*katana, *traits) {
	o := codec.Traits()
	f := &katana{codec, o}
	k := &traits{
		reader: codec, keys: o.Keys, store: o.Store, now: o.Now,
		lifetime: o.Lifetime, resolution: time.Second,
		purpose:   "katana;" + o.Scheme,
		name:      f.name,
		carriesID: func(t Ticket) bool { return katanaID(t.(*sessiontoken.KatanaTicket)) != "" },
		cookie:    http.Cookie{Path: "/", HttpOnly: true},
		scheme:    chunks.KatanaSystemWeb, secureAsRequest: true, slides: true, remembers: true,
	}
	if t := o.Scheme; t != "" {
		k.cookie.Name = ".AspNet." + t
	}
	k.roomFor.properties = true
	return f, k
}

// sessionOf returns the session of a ticket.
func (k *katana) sessionOf(t *sessiontoken.KatanaTicket) session {
	x := session{ticket: t, principal: k.of.Principal(t), reference: t.SessionKey.Len() > 0}
	x.readProperties(t.Properties)
	return x
}

func (k *katana) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, k.of.Valid(known.ticket.(*sessiontoken.KatanaTicket))
	}
	t, err := k.codec.Decode(ctx, text)
	if err != nil {
		return session{}, err
	}
	return k.sessionOf(t), nil
}

// begin names the session: its key in the store, or the name that the ticket
// has already, or a random one. The times of a ticket are whole seconds, so two
// sign-ins of a user may be one ticket.
func (k *katana) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	var t sessiontoken.KatanaTicket
	if o.ticket != nil {
		given, _ := o.ticket.(*sessiontoken.KatanaTicket)
		if given == nil {
			return session{}, errOtherTicket
		}
		t = *given
	} else {
		if len(p.Identities) != 1 {
			return session{}, errors.New("cookie: a ticket of Katana holds exactly one identity")
		}
		t = *k.codec.NewTicket(p.Identities[0], o.ownProperties())
		o.writeProperties(&t.Properties)
	}
	if k.of.Store != nil && t.SessionKey.Len() == 0 {
		t.SessionKey = secret.Own([]byte(rand.Text()))
	}
	x := k.sessionOf(&t)
	if x.id = katanaID(&t); x.id == "" {
		x.id = "katana:" + rand.Text()
	}
	return x, nil
}

func (k *katana) renew(x session, now time.Time) (session, bool) {
	t, due := k.of.Renew(x.ticket.(*sessiontoken.KatanaTicket), now)
	if !due {
		return x, false
	}
	x.ticket = t
	x.readTimes(t.Properties)
	return x, true
}

func (k *katana) seal(ctx context.Context, x *session) (string, error) {
	t := *x.ticket.(*sessiontoken.KatanaTicket)
	t.Properties = x.properties(t.Properties)
	return k.codec.Encode(ctx, &t)
}

func (k *katana) forget(ctx context.Context, x *session) error {
	return k.codec.Delete(ctx, x.ticket.(*sessiontoken.KatanaTicket))
}

// name is the hash of a ticket that .NET issued, which has no name.
func (k *katana) name(x session) string {
	t := x.ticket.(*sessiontoken.KatanaTicket)
	if id := katanaID(t); id != "" {
		return id
	}
	data, err := k.of.Bytes(t)
	if err != nil { // not for a ticket that was read
		return ""
	}
	sum := sha256.Sum256(data)
	return "katana:" + hex.EncodeToString(sum[:])
}

// katanaID is the key in the session store or the name given at sign-in, or
// empty.
func katanaID(t *sessiontoken.KatanaTicket) string {
	if t.SessionKey.Len() > 0 {
		return "katana:" + string(secret.View(t.SessionKey))
	}
	id, _ := t.Properties.Get(propertySession)
	return id
}
