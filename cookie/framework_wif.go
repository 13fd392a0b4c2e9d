package cookie

import (
	"cmp"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newWIF returns the framework of the session token of WIF
// (SessionAuthenticationModule), with the defaults of <cookieHandler>. The path is
// that of the endpoint, as .NET gives a token its cookie path for an endpoint.
func newWIF(codec *sessiontoken.SessionCodec) (framework, *traits) {
	o := codec.Traits()
	// WIF 1.0 makes a SecurityContextSecurityToken of what it reads: that refuses a
	// key whose times are not within the token's.
	remembers := !o.WIF10
	f := &tickets[*sessiontoken.Token]{codec: codec, of: o, drop: codec.Delete}
	f.of.Renew = func(t *sessiontoken.Token, now time.Time) (*sessiontoken.Token, bool) {
		t, due := o.Renew(t, now)
		if due && !remembers {
			t.KeyEffective = t.ValidFrom
		}
		return t, due
	}
	f.read = func(t *sessiontoken.Token) session {
		x := session{ticket: t, principal: &t.Principal, began: o.SignedIn(t),
			issued: t.ValidFrom, expires: t.ValidTo, persistent: t.Persistent,
			reference: t.ReferenceMode}
		if t.KeyExpires.After(t.ValidTo) {
			x.ends = t.KeyExpires.Add(-keyMargin)
		}
		return x
	}
	f.start = f.read
	f.make = func(p *sessiontoken.Principal, o *SignInOptions) (*sessiontoken.Token, error) {
		t, err := codec.NewToken(*p)
		if err != nil {
			return nil, err
		}
		t.Persistent, t.Context, t.ReferenceMode = o.Persistent, o.Context, o.Reference
		if o.Lifetime > 0 {
			t.ValidTo = t.ValidFrom.Add(o.Lifetime)
			t.KeyExpires = t.ValidTo
		}
		if o.of != nil {
			of := o.of()
			t.ValidFrom, t.ValidTo, t.KeyEffective, t.KeyExpires = of.issued, of.expires, of.issued, of.expires
			if remembers {
				t.KeyEffective = of.began
			}
			if of.id != "" {
				t.ContextID = secret.Own([]byte(of.id))
			}
		}
		return t, nil
	}
	// The end of the session is in KeyExpires, which WIF 4.5 keeps and never looks
	// at. A renewal keeps the context id and KeyEffective.
	f.write = func(t *sessiontoken.Token, x *session) *sessiontoken.Token {
		written := *t
		if !x.expires.Equal(t.ValidTo) {
			written.ValidTo, written.KeyExpires = x.expires, x.expires
		}
		if x.marked && remembers && !x.ends.IsZero() {
			written.KeyExpires = x.ends.Add(keyMargin)
		}
		return &written
	}
	return f, &traits{kind: KindFedAuth,
		reader: codec, keys: o.Keys, store: o.Store, now: o.Now,
		lifetime: o.Lifetime, skew: o.ClockSkew, resolution: 100 * time.Nanosecond,
		purpose:   "token",
		name:      func(x session) string { return string(secret.View(x.ticket.(*sessiontoken.Token).ContextID)) },
		carriesID: func(Ticket) bool { return true },
		cookie:    http.Cookie{Name: "FedAuth", Path: cmp.Or(o.Path, "/"), Secure: true, HttpOnly: true},
		scheme:    chunks.WIF, remembers: remembers,
	}
}

// keyMargin is by how much KeyExpires is later than the end of the session.
// In other tokens it is ValidTo, which may be that end too.
const keyMargin = 100 * time.Nanosecond
