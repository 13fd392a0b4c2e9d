package cookie

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// wif is the session token of WIF (SessionAuthenticationModule).
type wif struct {
	codec *sessiontoken.SessionCodec
	of    codec.Traits[*sessiontoken.Token, *sessiontoken.Principal]
	// remembers is false for WIF 1.0, which makes a SecurityContextSecurityToken of
	// what it reads: that refuses a key whose times are not within the token's.
	remembers bool
}

// newWIF has the defaults of <cookieHandler>. The path is that of the endpoint,
// as .NET gives a token its cookie path for an endpoint.
func newWIF(codec *sessiontoken.SessionCodec) (*wif, *traits) {
	o := codec.Traits()
	w := &wif{codec, o, !o.WIF10}
	k := &traits{
		reader: codec, keys: o.Keys, store: o.Store, now: o.Now,
		lifetime: o.Lifetime, skew: o.ClockSkew, resolution: 100 * time.Nanosecond,
		purpose:   "token",
		name:      func(x session) string { return string(secret.View(x.ticket.(*sessiontoken.Token).ContextID)) },
		carriesID: func(Ticket) bool { return true },
		cookie:    http.Cookie{Name: "FedAuth", Path: cmp.Or(o.Path, "/"), Secure: true, HttpOnly: true},
		scheme:    chunks.WIF, remembers: w.remembers, ownPersistence: true,
	}
	k.roomFor.context, k.roomFor.reference = true, true
	return w, k
}

// keyMargin is by how much KeyExpires is later than the end of the session.
// In other tokens it is ValidTo, which may be that end too.
const keyMargin = 100 * time.Nanosecond

// sessionOf returns the session of a token.
func (w *wif) sessionOf(t *sessiontoken.Token) session {
	x := session{ticket: t, principal: &t.Principal, began: w.of.SignedIn(t),
		issued: t.ValidFrom, expires: t.ValidTo, persistent: t.Persistent,
		reference: t.ReferenceMode}
	if t.KeyExpires.After(t.ValidTo) {
		x.ends = t.KeyExpires.Add(-keyMargin)
	}
	return x
}

func (w *wif) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, w.of.Valid(known.ticket.(*sessiontoken.Token))
	}
	t, err := w.codec.Decode(ctx, text)
	if err != nil {
		return session{}, err
	}
	return w.sessionOf(t), nil
}

func (w *wif) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	if o.ticket != nil {
		t, _ := o.ticket.(*sessiontoken.Token)
		if t == nil {
			return session{}, errOtherTicket
		}
		return w.sessionOf(t), nil
	}
	t, err := w.codec.NewToken(*p)
	if err != nil {
		return session{}, err
	}
	t.Persistent, t.Context, t.ReferenceMode = o.Persistent, o.Context, o.Reference
	if o.Lifetime > 0 {
		t.ValidTo = t.ValidFrom.Add(o.Lifetime)
		t.KeyExpires = t.ValidTo
	}
	if o.of != nil {
		of := o.of()
		t.ValidFrom, t.ValidTo, t.KeyEffective, t.KeyExpires = of.issued, of.expires, of.issued, of.expires
		if w.remembers {
			t.KeyEffective = of.began
		}
		if of.id != "" {
			t.ContextID = secret.Own([]byte(of.id))
		}
	}
	return w.sessionOf(t), nil
}

func (w *wif) renew(x session, now time.Time) (session, bool) {
	t, due := w.of.Renew(x.ticket.(*sessiontoken.Token), now)
	if !due {
		return x, false
	}
	if !w.remembers {
		t.KeyEffective = t.ValidFrom
	}
	x.ticket, x.issued, x.expires = t, t.ValidFrom, t.ValidTo
	return x, true
}

// seal writes the end of the session into KeyExpires, which WIF 4.5 keeps and
// never looks at. A renewal keeps the context id and KeyEffective.
func (w *wif) seal(ctx context.Context, x *session) (string, error) {
	t := *x.ticket.(*sessiontoken.Token)
	if !x.expires.Equal(t.ValidTo) {
		t.ValidTo, t.KeyExpires = x.expires, x.expires
	}
	if x.marked && w.remembers && !x.ends.IsZero() {
		t.KeyExpires = x.ends.Add(keyMargin)
	}
	return w.codec.Encode(ctx, &t)
}

func (w *wif) forget(ctx context.Context, x *session) error {
	return w.codec.Delete(ctx, x.ticket.(*sessiontoken.Token))
}
