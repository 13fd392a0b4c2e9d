package cookie

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newForms returns the framework of the forms ticket (FormsAuthenticationModule),
// with the defaults of <forms>, those of .NET 4.7.2 and later. The ticket is whole
// in its cookie, and has no room to remember anything.
func newForms(codec *sessiontoken.FormsCodec) (framework, *traits) {
	o := codec.Traits()
	f := &tickets[*sessiontoken.FormsTicket]{codec: codec, of: o}
	f.read = func(t *sessiontoken.FormsTicket) session {
		return session{ticket: t, principal: o.Principal(t), began: t.IssueDate,
			issued: t.IssueDate, expires: t.Expiration, persistent: t.Persistent}
	}
	f.make = func(p *sessiontoken.Principal, so *SignInOptions) (*sessiontoken.FormsTicket, error) {
		name := p.Name()
		if name == "" {
			return nil, errors.New("cookie: a forms ticket needs the name of the user")
		}
		t := codec.NewTicket(name, so.UserData)
		t.Persistent = so.Persistent
		if so.Lifetime > 0 {
			t.Expiration = t.IssueDate.Add(so.Lifetime)
		}
		if so.of != nil {
			t.IssueDate, t.Expiration = so.of().issued, so.of().expires
		}
		kept := o.Principal(t)
		for _, role := range rolesOf(p) {
			if !kept.HasRole(role) {
				return nil, errLostRoles
			}
		}
		return t, nil
	}
	f.start = func(t *sessiontoken.FormsTicket) session { return f.read(inTicks(t)) }
	f.write = func(t *sessiontoken.FormsTicket, x *session) *sessiontoken.FormsTicket {
		written := *t
		written.Expiration = x.expires
		return &written
	}
	return f, &traits{kind: KindForms,
		reader: codec, keys: o.Keys, now: o.Now,
		lifetime: o.Lifetime, skew: o.ClockSkew, resolution: 100 * time.Nanosecond,
		purpose:   "forms",
		name:      formsName,
		carriesID: func(Ticket) bool { return false },
		cookie:    http.Cookie{Name: ".ASPXAUTH", Path: o.Path, HttpOnly: true, SameSite: http.SameSiteLaxMode},
		scheme:    chunks.Single, slides: true,
	}
}

// errLostRoles keeps roles from vanishing: a forms ticket holds a name and one
// text, and nothing else of a principal.
var errLostRoles = errors.New("cookie: a forms ticket has no place for the roles of the user but SignInOptions.UserData, " +
	"from which SiteOptions.Roles reads them, or FormsOptions.Roles")

// inTicks returns a copy of t as its cookie will say it: what is finer than a
// tick would name another ticket.
func inTicks(t *sessiontoken.FormsTicket) *sessiontoken.FormsTicket {
	cut := *t
	cut.IssueDate = t.IssueDate.Truncate(100 * time.Nanosecond)
	cut.Expiration = t.Expiration.Truncate(100 * time.Nanosecond)
	return &cut
}

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

// rolesOf returns the roles of all identities, each by its own claim type.
func rolesOf(p *sessiontoken.Principal) (roles []string) {
	for i := range p.Identities {
		id := &p.Identities[i]
		role := cmp.Or(id.RoleClaimType, sessiontoken.ClaimTypeRole)
		for _, c := range id.Claims {
			if fold.Equal(c.Type, role) {
				roles = append(roles, c.Value)
			}
		}
	}
	return roles
}
