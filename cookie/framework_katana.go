package cookie

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newKatana returns the framework of the ticket of Katana
// (CookieAuthenticationMiddleware), with the defaults of
// CookieAuthenticationOptions.
func newKatana(codec *sessiontoken.KatanaCodec) (framework, *traits) {
	o := codec.Traits()
	f := &tickets[*sessiontoken.KatanaTicket]{codec: codec, of: o, drop: codec.Delete}
	f.read = func(t *sessiontoken.KatanaTicket) session {
		x := session{ticket: t, principal: o.Principal(t), reference: t.SessionKey.Len() > 0}
		x.readProperties(t.Properties)
		return x
	}
	f.make = func(p *sessiontoken.Principal, o *SignInOptions) (*sessiontoken.KatanaTicket, error) {
		if len(p.Identities) != 1 {
			return nil, errors.New("cookie: a ticket of Katana holds exactly one identity")
		}
		t := codec.NewTicket(p.Identities[0], o.ownProperties())
		o.writeProperties(&t.Properties)
		return t, nil
	}
	f.start = func(given *sessiontoken.KatanaTicket) session {
		t := *given
		if o.Store != nil && t.SessionKey.Len() == 0 {
			t.SessionKey = secret.Own([]byte(rand.Text()))
		}
		x := f.read(&t)
		x.id = katanaID(&t)
		x.nameAtRandom("katana:")
		return x
	}
	f.write = func(t *sessiontoken.KatanaTicket, x *session) *sessiontoken.KatanaTicket {
		written := *t
		written.Properties = x.properties(t.Properties)
		return &written
	}
	k := &traits{kind: KindKatana,
		reader: codec, keys: o.Keys, store: o.Store, now: o.Now,
		lifetime: o.Lifetime, resolution: time.Second,
		purpose:   "katana;" + o.Scheme,
		carriesID: func(t Ticket) bool { return katanaID(t.(*sessiontoken.KatanaTicket)) != "" },
		cookie:    http.Cookie{Path: "/", HttpOnly: true},
		scheme:    chunks.KatanaSystemWeb, slides: true, remembers: true, authenticationType: o.Scheme,
	}
	if o.Scheme != "" {
		k.cookie.Name = site.KatanaPrefix + o.Scheme
	}
	k.name = func(x session) string {
		t := x.ticket.(*sessiontoken.KatanaTicket)
		if id := katanaID(t); id != "" {
			return id
		}
		data, err := o.Bytes(t)
		if err != nil { // not for a ticket that was read
			return ""
		}
		sum := sha256.Sum256(data) // of a ticket that .NET issued, which has no name
		return "katana:" + hex.EncodeToString(sum[:])
	}
	return f, k
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
