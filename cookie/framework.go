package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Ticket is what a session cookie says: a [*sessiontoken.Token], a
// [*sessiontoken.FormsTicket], a [*sessiontoken.KatanaTicket] or a
// [*sessiontoken.CoreTicket], and nothing else.
type Ticket interface {
	// OpenedBy returns the id of the key that opened the ticket, empty for a new
	// one.
	OpenedBy() string
}

// framework is what the four frameworks of .NET do each in its own way. All else
// is the same for them and looks at [session] and [traits] only.
type framework interface {
	// open returns what a text says, if it is valid. What it returned for this text
	// before, or nil, spares the decoding: only its validity is checked.
	open(ctx context.Context, text string, known *session) (session, error)
	// begin returns a session that is not in a cookie yet: of a user, or of the
	// ticket in o, which is left as it is.
	begin(p *sessiontoken.Principal, o *SignInOptions) (session, error)
	// renew returns what takes the place of x by the rule of the framework, if x is
	// due.
	renew(x session, now time.Time) (session, bool)
	// seal returns the text for x and, in reference mode, puts its ticket into the
	// codec's store. It writes what x says into a copy of the ticket: when it
	// expires and, if x is marked, what the ticket has room for.
	seal(ctx context.Context, x *session) (string, error)
	// forget removes a ticket in reference mode from the codec's store.
	forget(ctx context.Context, x *session) error
}

// tickets is the framework of a codec of tickets T. What T has of its own is in
// framework_wif.go, framework_forms.go, framework_katana.go and framework_core.go.
type tickets[T interface {
	comparable
	Ticket
}] struct {
	codec interface {
		Decode(context.Context, string) (T, error)
		Encode(context.Context, T) (string, error)
	}
	of    codec.Traits[T, *sessiontoken.Principal]
	read  func(T) session                                          // what a ticket says
	make  func(*sessiontoken.Principal, *SignInOptions) (T, error) // a ticket of a new session
	start func(T) session                                          // that begins with a ticket
	write func(T, *session) T                                      // a copy for a session
	drop  func(context.Context, T) error                           // from the codec's store, or nil
}

func (f *tickets[T]) open(ctx context.Context, text string, known *session) (session, error) {
	if known != nil {
		return *known, f.of.Valid(known.ticket.(T))
	}
	t, err := f.codec.Decode(ctx, text)
	if err != nil {
		return session{}, err
	}
	return f.read(t), nil
}

func (f *tickets[T]) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	var t, none T
	var err error
	if o.ticket == nil {
		t, err = f.make(p, o)
	} else if t, _ = o.ticket.(T); t == none {
		err = errOtherTicket
	}
	if err != nil {
		return session{}, err
	}
	return f.start(t), nil
}

func (f *tickets[T]) renew(x session, now time.Time) (session, bool) {
	t, due := f.of.Renew(x.ticket.(T), now)
	if !due {
		return x, false
	}
	renewed := f.read(t)
	x.ticket, x.issued, x.expires = t, renewed.issued, renewed.expires
	return x, true
}

func (f *tickets[T]) seal(ctx context.Context, x *session) (string, error) {
	return f.codec.Encode(ctx, f.write(x.ticket.(T), x))
}

func (f *tickets[T]) forget(ctx context.Context, x *session) error {
	if f.drop == nil {
		return nil
	}
	return f.drop(ctx, x.ticket.(T))
}

// traits are what never changes for a codec.
type traits struct {
	kind   Kind                // KindFedAuth, KindForms, KindKatana or KindCore
	reader sessiontoken.Reader // the codec
	keys   sessiontoken.Keys   // nil for certificates
	store  sessiontoken.Store  // of the codec, or nil
	now    func() time.Time

	lifetime   time.Duration // of a new ticket
	skew       time.Duration // of clocks, that the codec allows
	resolution time.Duration // of the times in a ticket

	// purpose names what the codec reads: equal for two codecs if, and only if, one
	// reads what the other does. The name of the cookie has no part in it.
	purpose string
	// name returns the id of the session that a ticket is of, as far as the ticket
	// remembers it, or a hash of the ticket. It may be a secret, and is worth some
	// microseconds.
	name func(session) string
	// carriesID reports whether name is written in a ticket, and not a hash of it.
	carriesID func(Ticket) bool

	// cookie has the defaults of .NET.
	cookie http.Cookie
	scheme chunks.Scheme
	// slides says that the framework renews sessions unless told not to.
	slides bool
	// remembers says that a ticket has room for the time of sign-in, so that it
	// survives renewals. A store remembers for the others; see track.go.
	remembers bool
	// authenticationType is that of the identities in a ticket, if all have one.
	authenticationType string
}

// hasProperties reports whether sessions live in the properties of tickets; see
// properties.go.
func (k *traits) hasProperties() bool { return k.kind == KindKatana || k.kind == KindCore }

// session is a session of any framework.
type session struct {
	// ticket is the framework's own.
	ticket    Ticket
	principal *sessiontoken.Principal
	// id names the session: it stays the same when the ticket is renewed. It is
	// empty until somebody asks; see traits.name.
	id string
	// began is when the user signed in, as far as it is known.
	began time.Time
	// ends is when the session ends, however often it is renewed, or zero.
	ends time.Time
	// issued and expires limit the ticket.
	issued, expires time.Time
	// persistent asks for a cookie that outlives the browser.
	persistent bool
	// reference says that the ticket lies in the codec's store.
	reference bool
	// marked has seal write id, began and ends.
	marked bool
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
	// Properties are those of a ticket of Katana or ASP.NET Core. Other tickets
	// have none.
	Properties sessiontoken.Properties

	ticket Ticket // of Issue and late
	// of returns the session whose times and id a copy keeps; see bridge. It is a
	// function because no verb of package fmt shows what is behind one.
	of func() *session
}

// misplaced returns an error if o sets what a ticket has no place for.
func (o *SignInOptions) misplaced(k *traits) error {
	switch {
	case o.UserData != "" && k.kind != KindForms:
		return errors.New("cookie: SignInOptions.UserData is for forms tickets")
	case o.Context != "" && k.kind != KindFedAuth:
		return errors.New("cookie: SignInOptions.Context is for session tokens")
	case o.Reference && k.kind != KindFedAuth:
		return errors.New("cookie: SignInOptions.Reference is for session tokens")
	case len(o.Properties) > 0 && !k.hasProperties():
		return errors.New("cookie: SignInOptions.Properties are for tickets of Katana and ASP.NET Core")
	case o.Lifetime < 0:
		return fmt.Errorf("cookie: SignInOptions.Lifetime is %v", o.Lifetime)
	}
	return nil
}

// errOtherTicket refuses a ticket of another framework, or none.
var errOtherTicket = errors.New("cookie: ticket of another framework")
