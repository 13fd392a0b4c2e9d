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

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// katana is the ticket of Katana (CookieAuthenticationMiddleware).
type katana struct {
	codec     *sessiontoken.KatanaCodec
	reference bool // tickets lie in the codec's store
}

// newKatana has the defaults of CookieAuthenticationOptions.
func newKatana(codec *sessiontoken.KatanaCodec) (*katana, *traits) {
	o := codec.Options()
	k := &traits{
		reader: codec, keys: codec.Keys(), store: o.Store, now: o.Now,
		lifetime: o.Lifetime, resolution: time.Second,
		purpose:   "katana;" + codec.AuthenticationType(),
		name:      katanaName,
		carriesID: func(t Ticket) bool { return katanaID(t.(*sessiontoken.KatanaTicket)) != "" },
		cookie:    http.Cookie{Path: "/", HttpOnly: true},
		scheme:    chunks.KatanaSystemWeb, secureAsRequest: true, slides: true, remembers: true,
	}
	if t := codec.AuthenticationType(); t != "" {
		k.cookie.Name = ".AspNet." + t
	}
	k.roomFor.properties = true
	return &katana{codec, o.Store != nil}, k
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

// sessionOf returns the session of a ticket.
func (k *katana) sessionOf(t *sessiontoken.KatanaTicket) session {
	x := session{ticket: t, principal: t.Principal(), reference: t.SessionKey.Len() > 0}
	_, x.persistent = t.Properties.Get(sessiontoken.PropertyPersistent)
	x.issued, _ = t.Properties.Time(sessiontoken.PropertyIssued)
	x.expires, _ = t.Properties.Time(sessiontoken.PropertyExpires)
	x.began = x.issued
	if text, ok := t.Properties.Get(propertySignedIn); ok {
		if began, err := time.Parse(http.TimeFormat, text); err == nil {
			x.began = began
		}
	}
	if text, ok := t.Properties.Get(propertyEnds); ok {
		x.ends, _ = time.Parse(time.RFC3339Nano, text)
	}
	return x
}

func (k *katana) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, k.codec.Valid(known.ticket.(*sessiontoken.KatanaTicket))
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
		// Properties taken from an older ticket must not make this session that one.
		given := slices.DeleteFunc(slices.Clone(o.Properties), func(p [2]string) bool {
			return p[0] == propertySession || p[0] == propertySignedIn || p[0] == propertyEnds
		})
		t = *k.codec.NewTicket(p.Identities[0], given)
		if o.Persistent {
			t.Properties.Set(sessiontoken.PropertyPersistent, "")
		}
		if o.Lifetime > 0 {
			issued, _ := t.Properties.Time(sessiontoken.PropertyIssued)
			t.Properties.SetTime(sessiontoken.PropertyExpires, issued.Add(o.Lifetime))
		}
	}
	if k.reference && t.SessionKey.Len() == 0 {
		t.SessionKey = secret.Own([]byte(rand.Text()))
	}
	x := k.sessionOf(&t)
	if x.id = katanaID(&t); x.id == "" {
		x.id = "katana:" + rand.Text()
	}
	return x, nil
}

func (k *katana) renew(x session, now time.Time) (session, bool) {
	t, due := x.ticket.(*sessiontoken.KatanaTicket).Renew(now)
	if !due {
		return x, false
	}
	x.ticket = t
	x.issued, _ = t.Properties.Time(sessiontoken.PropertyIssued)
	x.expires, _ = t.Properties.Time(sessiontoken.PropertyExpires)
	return x, true
}

// seal writes the end of the ticket and, of what a session is marked with, what
// the ticket does not have yet.
func (k *katana) seal(ctx context.Context, x *session) (string, error) {
	t := *x.ticket.(*sessiontoken.KatanaTicket)
	t.Properties = slices.Clone(t.Properties)
	was := k.sessionOf(&t)
	if !x.expires.Equal(was.expires) {
		t.Properties.SetTime(sessiontoken.PropertyExpires, x.expires)
	}
	if x.marked {
		if _, ok := t.Properties.Get(propertySession); !ok {
			t.Properties.Set(propertySession, x.id)
		}
		if _, ok := t.Properties.Get(propertySignedIn); !ok {
			t.Properties.Set(propertySignedIn, x.began.UTC().Format(http.TimeFormat))
		}
		if !x.ends.IsZero() && !x.ends.Equal(was.ends) {
			t.Properties.Set(propertyEnds, x.ends.UTC().Format(time.RFC3339Nano))
		}
	}
	return k.codec.Encode(ctx, &t)
}

func (k *katana) forget(ctx context.Context, x *session) error {
	return k.codec.Delete(ctx, x.ticket.(*sessiontoken.KatanaTicket))
}

// katanaName is the hash of a ticket that .NET issued, which has no name.
func katanaName(x session) string {
	t := x.ticket.(*sessiontoken.KatanaTicket)
	if id := katanaID(t); id != "" {
		return id
	}
	data, err := t.Marshal()
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
