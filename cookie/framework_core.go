package cookie

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// core is the ticket of ASP.NET Core (CookieAuthenticationHandler). It is whole
// in its cookies.
type core struct {
	codec *sessiontoken.CoreCodec
	of    codec.Traits[*sessiontoken.CoreTicket, *sessiontoken.Principal]
}

// newCore has the defaults of CookieAuthenticationOptions.
func newCore(codec *sessiontoken.CoreCodec) (*core, *traits) {
	o := codec.Traits()
	k := &traits{
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
		scheme: chunks.Core, secureAsRequest: true, slides: true, remembers: true,
	}
	k.roomFor.properties = true
	return &core{codec, o}, k
}

// sessionOf returns the session of a ticket.
func (c *core) sessionOf(t *sessiontoken.CoreTicket) session {
	x := session{ticket: t, principal: t.Principal}
	x.readProperties(t.Properties)
	return x
}

func (c *core) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, c.of.Valid(known.ticket.(*sessiontoken.CoreTicket))
	}
	t, err := c.codec.Decode(ctx, text)
	if err != nil {
		return session{}, err
	}
	return c.sessionOf(t), nil
}

// begin names the session as the ticket has it already, or at random: the times
// of a ticket are whole seconds, so two sign-ins of a user may be one ticket.
func (c *core) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	var t sessiontoken.CoreTicket
	if o.ticket != nil {
		given, _ := o.ticket.(*sessiontoken.CoreTicket)
		if given == nil {
			return session{}, errOtherTicket
		}
		t = *given
	} else {
		t = *c.codec.NewTicket(p, o.ownProperties())
		o.writeProperties(&t.Properties)
	}
	x := c.sessionOf(&t)
	if x.id, _ = t.Properties.Get(propertySession); x.id == "" {
		x.id = "core:" + rand.Text()
	}
	return x, nil
}

func (c *core) renew(x session, now time.Time) (session, bool) {
	t, due := c.of.Renew(x.ticket.(*sessiontoken.CoreTicket), now)
	if !due {
		return x, false
	}
	x.ticket = t
	x.readTimes(t.Properties)
	return x, true
}

func (c *core) seal(ctx context.Context, x *session) (string, error) {
	t := *x.ticket.(*sessiontoken.CoreTicket)
	t.Properties = x.properties(t.Properties)
	return c.codec.Encode(ctx, &t)
}

func (c *core) forget(context.Context, *session) error { return nil }

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
