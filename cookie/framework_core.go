package cookie

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newCore returns the framework of the ticket of ASP.NET Core
// (CookieAuthenticationHandler), with the defaults of CookieAuthenticationOptions.
// The ticket is whole in its cookies.
func newCore(codec *sessiontoken.CoreCodec) (framework, *traits) {
	o := codec.Traits()
	f := &tickets[*sessiontoken.CoreTicket]{codec: codec, of: o}
	f.read = func(t *sessiontoken.CoreTicket) session {
		x := session{ticket: t, principal: t.Principal}
		x.readProperties(t.Properties)
		return x
	}
	f.make = func(p *sessiontoken.Principal, o *SignInOptions) (*sessiontoken.CoreTicket, error) {
		t := codec.NewTicket(p, o.ownProperties())
		o.writeProperties(&t.Properties)
		return t, nil
	}
	f.start = func(t *sessiontoken.CoreTicket) session {
		x := f.read(t)
		x.id, _ = t.Properties.Get(propertySession)
		x.nameAtRandom("core:")
		return x
	}
	f.write = func(t *sessiontoken.CoreTicket, x *session) *sessiontoken.CoreTicket {
		written := *t
		written.Properties = x.properties(t.Properties)
		return &written
	}
	return f, &traits{kind: KindCore,
		reader: codec, keys: o.Keys, now: o.Now,
		lifetime: o.Lifetime, resolution: time.Second,
		purpose: "core;" + o.Scheme,
		name:    coreName,
		carriesID: func(t Ticket) bool {
			_, ok := t.(*sessiontoken.CoreTicket).Properties.Get(propertySession)
			return ok
		},
		cookie: http.Cookie{Name: site.CoreName(o.Scheme), Path: "/", HttpOnly: true,
			SameSite: http.SameSiteLaxMode},
		scheme: chunks.Core, slides: true, remembers: true, authenticationType: o.Scheme,
	}
}

// coreName is the name given at sign-in, or a hash of a ticket that .NET
// issued, which has none: of all that it says, dates included.
func coreName(x session) string {
	t := x.ticket.(*sessiontoken.CoreTicket)
	if id, _ := t.Properties.Get(propertySession); id != "" {
		return id
	}
	h := sha256.New()
	write := func(texts ...string) {
		for _, text := range texts {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
			h.Write([]byte(text))
		}
	}
	bag := func(p sessiontoken.Properties) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(p))))
		for _, pair := range p {
			write(pair[0], pair[1])
		}
	}
	write(t.Scheme)
	for i := range t.Principal.Identities {
		for id := &t.Principal.Identities[i]; id != nil; id = id.Actor {
			write(id.AuthenticationType, id.NameClaimType, id.RoleClaimType)
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(id.Claims))))
			for k := range id.Claims {
				c := &id.Claims[k]
				write(c.Type, c.Value, c.ValueType, c.Issuer, c.OriginalIssuer)
				bag(c.Properties)
			}
		}
	}
	bag(t.Properties)
	return "core:" + hex.EncodeToString(h.Sum(nil))
}
