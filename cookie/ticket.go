package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Ticket is what a session cookie says: a [*sessiontoken.Token], a
// [*sessiontoken.FormsTicket] or a [*sessiontoken.KatanaTicket], and nothing
// else.
type Ticket interface {
	// OpenedBy returns the key that opened the ticket, nil for a new one.
	OpenedBy() *machinekey.Key
}

// kind is what [Sessions] needs to know of one kind of ticket. The
// implementations are in ticket_token.go, ticket_forms.go and ticket_katana.go.
// A ticket given to a kind is one of its own.
type kind interface {
	// owns reports whether t is a ticket of this kind and not nil.
	owns(t Ticket) bool
	// reader is the codec.
	reader() sessiontoken.Reader
	// ring returns the keys, nil for certificates.
	ring() *machinekey.Ring
	now() time.Time
	// template returns the cookie with the defaults of .NET.
	template() http.Cookie
	// chunking is the default.
	chunking() Chunking
	// slides is the default.
	slides() bool
	// canRemember reports whether a ticket has room for the time of sign-in,
	// so that it survives renewals.
	canRemember() bool
	// purpose names what the kind reads: equal for two kinds if, and only if, one
	// reads what the other does. The name of the cookie has no part in it.
	purpose() string
	// store is that of the codec, or nil.
	store() sessiontoken.Store
	// lifetime is that of the codec, and skew its clock skew.
	lifetime() time.Duration
	skew() time.Duration

	// read opens a text and checks its validity.
	read(ctx context.Context, text string) (Ticket, *sessiontoken.Principal, error)
	// valid checks the validity of a ticket read earlier.
	valid(t Ticket) error
	// issue returns the text for a ticket and, in reference mode, puts the
	// ticket into the codec's store.
	issue(ctx context.Context, t Ticket) (string, error)
	// forget removes a ticket in reference mode from the codec's store.
	forget(ctx context.Context, t Ticket) error

	// fresh returns a new ticket for a user.
	fresh(p *sessiontoken.Principal, o *SignInOptions) (Ticket, error)
	// newID is id for a ticket that begins a session: no two of them are alike,
	// as far as the kind has room for that.
	newID(t Ticket) string
	// named returns t, or a copy, that knows its place in the codec's store
	// before it is put there.
	named(t Ticket) Ticket
	// renewed returns the ticket that takes the place of t by the rule of its
	// framework, if t is due.
	renewed(t Ticket, now time.Time) (Ticket, bool)
	// marked returns t, or a copy, that remembers the id of its session, when
	// it began and, unless that is zero, when it ends whatever happens, as far
	// as the kind has room. Of id and beginning those stay that t has already.
	marked(t Ticket, id string, began, ends time.Time) Ticket
	// endingAt returns a copy of t that ends at the given time.
	endingAt(t Ticket, end time.Time) Ticket
	// facts says what Sessions looks at.
	facts(t Ticket) facts
	// id names the session: it stays the same when a ticket is renewed, as
	// far as the ticket remembers it. It may be a secret.
	id(t Ticket) string
}

// facts are what all tickets have.
type facts struct {
	// began is when the user signed in, as far as the ticket remembers.
	began time.Time
	// ends is when the session ends, however often it is renewed, as far as the
	// ticket remembers; or zero.
	ends time.Time
	// issued and expires limit the ticket.
	issued, expires time.Time
	// persistent asks for a cookie that outlives the browser.
	persistent bool
	// reference says that the ticket lies in the codec's store.
	reference bool
}

// SignInOptions are what a sign-in adds to the user. Nil and the zero value
// are a session that ends with the browser.
type SignInOptions struct {
	// Persistent keeps the cookie when the browser is closed ("remember me"),
	// as long as the ticket is valid.
	Persistent bool
	// Lifetime replaces that of the codec. It is cut to
	// SessionsOptions.MaxLifetime.
	Lifetime time.Duration
	// UserData is the text of a forms ticket, where many sites keep the
	// roles. Other tickets have none.
	UserData string
	// Context is the context of a session token. Other tickets have none.
	Context string
	// Reference keeps a session token in the store and only its name in the
	// cookie (IsReferenceMode). Katana's tickets follow the codec.
	Reference bool
	// Properties are those of a Katana ticket. Other tickets have none.
	Properties sessiontoken.Properties
}

// misplaced returns an error if o sets what a kind of ticket has no place for.
func (o *SignInOptions) misplaced(token, forms, katana bool) error {
	switch {
	case o.UserData != "" && !forms:
		return errors.New("cookie: SignInOptions.UserData is for forms tickets")
	case o.Context != "" && !token:
		return errors.New("cookie: SignInOptions.Context is for session tokens")
	case o.Reference && !token:
		return errors.New("cookie: SignInOptions.Reference is for session tokens")
	case len(o.Properties) > 0 && !katana:
		return errors.New("cookie: SignInOptions.Properties are for tickets of Katana")
	case o.Lifetime < 0:
		return fmt.Errorf("cookie: SignInOptions.Lifetime is %v", o.Lifetime)
	}
	return nil
}
