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

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// formsKind is the forms ticket (FormsAuthenticationModule).
type formsKind struct {
	codec *sessiontoken.FormsCodec
	o     sessiontoken.FormsOptions
}

func newFormsKind(codec *sessiontoken.FormsCodec) *formsKind {
	return &formsKind{codec, codec.Options()}
}

func (k *formsKind) reader() sessiontoken.Reader { return k.codec }
func (k *formsKind) ring() *machinekey.Ring      { return k.codec.Ring() }
func (k *formsKind) now() time.Time              { return k.o.Now() }
func (k *formsKind) chunking() Chunking          { return Single }
func (k *formsKind) slides() bool                { return true }
func (k *formsKind) canRemember() bool           { return false }
func (k *formsKind) purpose() string             { return "forms" }
func (k *formsKind) store() sessiontoken.Store   { return nil }
func (k *formsKind) lifetime() time.Duration     { return k.o.Timeout }
func (k *formsKind) skew() time.Duration         { return k.o.ClockSkew }

// template has the defaults of <forms>, those of .NET 4.7.2 and later.
func (k *formsKind) template() http.Cookie {
	return http.Cookie{Name: ".ASPXAUTH", Path: k.o.Path, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (k *formsKind) owns(t Ticket) bool {
	ticket, ok := t.(*sessiontoken.FormsTicket)
	return ok && ticket != nil
}

func (k *formsKind) read(ctx context.Context, text string) (Ticket, *sessiontoken.Principal, error) {
	t, err := k.codec.Decode(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	return t, k.codec.Principal(t), nil
}

func (k *formsKind) valid(t Ticket) error { return k.codec.Valid(t.(*sessiontoken.FormsTicket)) }

func (k *formsKind) issue(ctx context.Context, t Ticket) (string, error) {
	return k.codec.Encode(ctx, t.(*sessiontoken.FormsTicket))
}

func (k *formsKind) forget(context.Context, Ticket) error { return nil }

// errLostRoles keeps roles from vanishing: a forms ticket holds a name and one
// text, and nothing else of a principal.
var errLostRoles = errors.New("cookie: a forms ticket has no place for the roles of the user but SignInOptions.UserData, from which FormsOptions.Roles reads them")

func (k *formsKind) fresh(p *sessiontoken.Principal, o *SignInOptions) (Ticket, error) {
	if err := o.misplaced(false, true, false); err != nil {
		return nil, err
	}
	name := p.Name()
	if name == "" {
		return nil, errors.New("cookie: a forms ticket needs the name of the user")
	}
	t := k.codec.NewTicket(name, o.UserData)
	t.Persistent = o.Persistent
	if o.Lifetime > 0 {
		t.Expiration = t.IssueDate.Add(o.Lifetime)
	}
	read := k.codec.Principal(t)
	for i := range p.Identities {
		id := &p.Identities[i]
		role := cmp.Or(id.RoleClaimType, sessiontoken.ClaimTypeRole)
		for _, claim := range id.Claims {
			if fold.Equal(claim.Type, role) && !read.HasRole(claim.Value) {
				return nil, errLostRoles
			}
		}
	}
	return t, nil
}

// newID is the same for two tickets of one user of the same tenth of a
// microsecond: there is no room for more.
func (k *formsKind) newID(t Ticket) string { return k.id(t) }

// named has nothing to do: a forms ticket is whole in its cookie.
func (k *formsKind) named(t Ticket) Ticket { return t }

func (k *formsKind) renewed(t Ticket, now time.Time) (Ticket, bool) {
	renewed, due := t.(*sessiontoken.FormsTicket).Renew(now)
	if !due {
		return nil, false
	}
	return renewed, true
}

// marked can do nothing: there is no room. A store remembers instead; see
// track.go.
func (k *formsKind) marked(t Ticket, _ string, _, _ time.Time) Ticket { return t }

func (k *formsKind) endingAt(t Ticket, end time.Time) Ticket {
	c := *t.(*sessiontoken.FormsTicket)
	c.Expiration = end
	return &c
}

func (k *formsKind) facts(t Ticket) facts {
	ticket := t.(*sessiontoken.FormsTicket)
	return facts{began: ticket.IssueDate, issued: ticket.IssueDate, expires: ticket.Expiration, persistent: ticket.Persistent}
}

// id is a hash of what the ticket says, not of its text: the same ticket has
// more than one text, as hexadecimal digits may be in any case.
func (k *formsKind) id(t Ticket) string {
	ticket := t.(*sessiontoken.FormsTicket)
	h := sha256.New()
	var head [26]byte
	for i, at := range []time.Time{ticket.IssueDate, ticket.Expiration} {
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
