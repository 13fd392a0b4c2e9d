package cookie

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// forms is the forms ticket (FormsAuthenticationModule). It is whole in its
// cookie, and has no room to remember anything.
type forms struct {
	codec *sessiontoken.FormsCodec
	of    codec.Traits[*sessiontoken.FormsTicket, *sessiontoken.Principal]
}

// newForms has the defaults of <forms>, those of .NET 4.7.2 and later.
func newForms(codec *sessiontoken.FormsCodec) (*forms, *traits) {
	o := codec.Traits()
	k := &traits{
		reader: codec, keys: o.Keys, now: o.Now,
		lifetime: o.Lifetime, skew: o.ClockSkew, resolution: 100 * time.Nanosecond,
		purpose:   "forms",
		name:      formsName,
		carriesID: func(Ticket) bool { return false },
		cookie:    http.Cookie{Name: ".ASPXAUTH", Path: o.Path, HttpOnly: true, SameSite: http.SameSiteLaxMode},
		scheme:    chunks.Single, slides: true,
	}
	k.roomFor.userData = true
	return &forms{codec, o}, k
}

// sessionOf returns the session of a ticket.
func (f *forms) sessionOf(t *sessiontoken.FormsTicket) session {
	return session{ticket: t, principal: f.of.Principal(t), began: t.IssueDate,
		issued: t.IssueDate, expires: t.Expiration, persistent: t.Persistent}
}

func (f *forms) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, f.of.Valid(known.ticket.(*sessiontoken.FormsTicket))
	}
	t, err := f.codec.Decode(ctx, text)
	if err != nil {
		return session{}, err
	}
	return f.sessionOf(t), nil
}

// errLostRoles keeps roles from vanishing: a forms ticket holds a name and one
// text, and nothing else of a principal.
var errLostRoles = errors.New("cookie: a forms ticket has no place for the roles of the user but SignInOptions.UserData, from which FormsOptions.Roles reads them")

func (f *forms) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	if o.ticket != nil {
		t, _ := o.ticket.(*sessiontoken.FormsTicket)
		if t == nil {
			return session{}, errOtherTicket
		}
		return f.sessionOf(inTicks(t)), nil
	}
	name := p.Name()
	if name == "" {
		return session{}, errors.New("cookie: a forms ticket needs the name of the user")
	}
	t := f.codec.NewTicket(name, o.UserData)
	t.Persistent = o.Persistent
	if o.Lifetime > 0 {
		t.Expiration = t.IssueDate.Add(o.Lifetime)
	}
	if o.of != nil {
		t.IssueDate, t.Expiration = o.of().issued, o.of().expires
	}
	x := f.sessionOf(inTicks(t))
	for i := range p.Identities {
		id := &p.Identities[i]
		role := cmp.Or(id.RoleClaimType, sessiontoken.ClaimTypeRole)
		for _, claim := range id.Claims {
			if fold.Equal(claim.Type, role) && !x.principal.HasRole(claim.Value) {
				return session{}, errLostRoles
			}
		}
	}
	return x, nil
}

// inTicks returns a copy of t as its cookie will say it: what is finer than a
// tick would name another ticket.
func inTicks(t *sessiontoken.FormsTicket) *sessiontoken.FormsTicket {
	cut := *t
	cut.IssueDate = t.IssueDate.Truncate(100 * time.Nanosecond)
	cut.Expiration = t.Expiration.Truncate(100 * time.Nanosecond)
	return &cut
}

func (f *forms) renew(x session, now time.Time) (session, bool) {
	t, due := f.of.Renew(x.ticket.(*sessiontoken.FormsTicket), now)
	if !due {
		return x, false
	}
	x.ticket, x.issued, x.expires = t, t.IssueDate, t.Expiration
	return x, true
}

func (f *forms) seal(ctx context.Context, x *session) (string, error) {
	t := *x.ticket.(*sessiontoken.FormsTicket)
	t.Expiration = x.expires
	return f.codec.Encode(ctx, &t)
}

func (f *forms) forget(context.Context, *session) error { return nil }

// formsName is a hash of what the ticket says, not of its text: the same ticket
// has more than one text, as hexadecimal digits may be in any case. It is the
// same for two tickets of one user of the same tenth of a microsecond: there is
// no room for more.
func formsName(x session) string {
	ticket := x.ticket.(*sessiontoken.FormsTicket)
	h := sha256.New()
	var head [26]byte
	for i, at := range []time.Time{ticket.IssueDate, x.expires} {
		binary.LittleEndian.PutUint64(head[12*i:], uint64(at.Unix()))
		binary.LittleEndian.PutUint32(head[12*i+8:], uint32(at.Nanosecond()))
	}
	head[24] = ticket.Version
	if ticket.Persistent {
		head[25] = 1
	}
	h.Write(head[:])
	for _, text := range []string{ticket.Name, ticket.UserData, ticket.CookiePath} {
		var length [8]byte
		binary.LittleEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	return "forms:" + hex.EncodeToString(h.Sum(nil))
}
