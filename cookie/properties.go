package cookie

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// What the tickets of Katana and ASP.NET Core have in common: a session lives in
// their properties. They keep those that they do not know, also when they renew
// a ticket, so these are from this package, when there is a use for them.
const (
	// propertySession names the session.
	propertySession = "webfarm.session"
	// propertySignedIn is when the session began, in the form of .issued.
	propertySignedIn = "webfarm.signed_in"
	// propertyEnds is when MaxLifetime ends the session, in RFC 3339.
	propertyEnds = "webfarm.ends"
)

// readProperties takes what the properties of a ticket say.
func (x *session) readProperties(p sessiontoken.Properties) {
	x.issued, _ = p.Time(sessiontoken.PropertyIssued)
	x.expires, _ = p.Time(sessiontoken.PropertyExpires)
	_, x.persistent = p.Get(sessiontoken.PropertyPersistent)
	x.began = x.issued
	if text, ok := p.Get(propertySignedIn); ok {
		if began, err := time.Parse(http.TimeFormat, text); err == nil {
			x.began = began
		}
	}
	if text, ok := p.Get(propertyEnds); ok {
		x.ends, _ = time.Parse(time.RFC3339Nano, text)
	}
}

// nameAtRandom names a session that has no name yet. The times of a ticket are
// whole seconds, so two sign-ins of a user may be one ticket.
func (x *session) nameAtRandom(prefix string) {
	if x.id == "" {
		x.id = prefix + rand.Text()
	}
}

// properties returns a copy of those of x's ticket with its end and, of what a
// session is marked with, what they do not have yet.
func (x *session) properties(p sessiontoken.Properties) sessiontoken.Properties {
	p = slices.Clone(p)
	var was session
	was.readProperties(p)
	if !x.expires.Equal(was.expires) {
		p.SetTime(sessiontoken.PropertyExpires, x.expires)
	}
	if x.marked {
		if _, ok := p.Get(propertySession); !ok {
			p.Set(propertySession, x.id)
		}
		if _, ok := p.Get(propertySignedIn); !ok {
			p.Set(propertySignedIn, x.began.UTC().Format(http.TimeFormat))
		}
		if !x.ends.IsZero() && !x.ends.Equal(was.ends) {
			p.Set(propertyEnds, x.ends.UTC().Format(time.RFC3339Nano))
		}
	}
	return p
}

// ownProperties are those that a sign-in gives a ticket: taken from an older
// ticket they must not make this session that one.
func (o *SignInOptions) ownProperties() sessiontoken.Properties {
	return slices.DeleteFunc(slices.Clone(o.Properties), func(p [2]string) bool {
		return p[0] == propertySession || p[0] == propertySignedIn || p[0] == propertyEnds
	})
}

// writeProperties writes what else a sign-in says into a new ticket.
func (o *SignInOptions) writeProperties(p *sessiontoken.Properties) {
	if o.Persistent {
		p.Set(sessiontoken.PropertyPersistent, "")
	}
	if o.Lifetime > 0 {
		issued, _ := p.Time(sessiontoken.PropertyIssued)
		p.SetTime(sessiontoken.PropertyExpires, issued.Add(o.Lifetime))
	}
	if o.of != nil {
		p.SetTime(sessiontoken.PropertyIssued, o.of().issued)
		p.SetTime(sessiontoken.PropertyExpires, o.of().expires)
	}
}
