package cookie

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// tokenKind is the session token of WIF (SessionAuthenticationModule).
type tokenKind struct {
	codec *sessiontoken.SessionCodec
	o     sessiontoken.SessionOptions
}

func newTokenKind(codec *sessiontoken.SessionCodec) *tokenKind {
	return &tokenKind{codec, codec.Options()}
}

func (k *tokenKind) reader() sessiontoken.Reader { return k.codec }
func (k *tokenKind) ring() *machinekey.Ring      { return k.codec.Ring() }
func (k *tokenKind) now() time.Time              { return k.o.Now() }
func (k *tokenKind) chunking() Chunking          { return WIF }
func (k *tokenKind) slides() bool                { return false }
func (k *tokenKind) canRemember() bool           { return k.o.Format != sessiontoken.WIF10 }
func (k *tokenKind) purpose() string             { return "token" }
func (k *tokenKind) store() sessiontoken.Store   { return k.o.Store }
func (k *tokenKind) lifetime() time.Duration     { return k.o.Lifetime }
func (k *tokenKind) skew() time.Duration         { return k.o.ClockSkew }

// template has the defaults of <cookieHandler>. The path is that of the
// endpoint, as .NET gives a token its cookie path for an endpoint.
func (k *tokenKind) template() http.Cookie {
	return http.Cookie{Name: "FedAuth", Path: cmp.Or(k.o.Endpoint, "/"), Secure: true, HttpOnly: true}
}

func (k *tokenKind) owns(t Ticket) bool {
	token, ok := t.(*sessiontoken.Token)
	return ok && token != nil
}

func (k *tokenKind) read(ctx context.Context, text string) (Ticket, *sessiontoken.Principal, error) {
	t, err := k.codec.Decode(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	return t, &t.Principal, nil
}

func (k *tokenKind) valid(t Ticket) error { return k.codec.Valid(t.(*sessiontoken.Token)) }

func (k *tokenKind) issue(ctx context.Context, t Ticket) (string, error) {
	return k.codec.Encode(ctx, t.(*sessiontoken.Token))
}

func (k *tokenKind) forget(ctx context.Context, t Ticket) error {
	return k.codec.Delete(ctx, t.(*sessiontoken.Token))
}

func (k *tokenKind) fresh(p *sessiontoken.Principal, o *SignInOptions) (Ticket, error) {
	if err := o.misplaced(true, false, false); err != nil {
		return nil, err
	}
	t, err := k.codec.NewToken(*p)
	if err != nil {
		return nil, err
	}
	t.Persistent, t.Context, t.ReferenceMode = o.Persistent, o.Context, o.Reference
	if o.Lifetime > 0 {
		t.ValidTo = t.ValidFrom.Add(o.Lifetime)
		t.KeyExpires = t.ValidTo
	}
	return t, nil
}

func (k *tokenKind) newID(t Ticket) string { return k.id(t) }

// named has nothing to do: the context id is the name.
func (k *tokenKind) named(t Ticket) Ticket { return t }

func (k *tokenKind) renewed(t Ticket, now time.Time) (Ticket, bool) {
	renewed, due := t.(*sessiontoken.Token).Renew(now, 0, k.o.ClockSkew)
	if !due {
		return nil, false // not a nil pointer in an interface
	}
	if !k.canRemember() {
		renewed.KeyEffective = renewed.ValidFrom
	}
	return renewed, true
}

// keyMargin is by how much KeyExpires is later than the end of the session.
// In other tokens it is ValidTo, which may be that end too.
const keyMargin = 100 * time.Nanosecond

// marked writes the end of the session into KeyExpires, which WIF 4.5 keeps and
// never looks at. Renew keeps the context id and KeyEffective. WIF 1.0 makes a
// SecurityContextSecurityToken of what it reads, which refuses a key whose times
// are not within those of the token.
func (k *tokenKind) marked(t Ticket, _ string, _, ends time.Time) Ticket {
	token := t.(*sessiontoken.Token)
	if ends.IsZero() || !k.canRemember() || token.KeyExpires.Equal(ends.Add(keyMargin)) {
		return t
	}
	c := *token
	c.KeyExpires = ends.Add(keyMargin)
	return &c
}

func (k *tokenKind) endingAt(t Ticket, end time.Time) Ticket {
	c := *t.(*sessiontoken.Token)
	c.ValidTo, c.KeyExpires = end, end
	return &c
}

func (k *tokenKind) facts(t Ticket) facts {
	token := t.(*sessiontoken.Token)
	f := facts{began: token.SignedIn(), issued: token.ValidFrom, expires: token.ValidTo,
		persistent: token.Persistent, reference: token.ReferenceMode}
	if token.KeyExpires.After(token.ValidTo) {
		f.ends = token.KeyExpires.Add(-keyMargin)
	}
	return f
}

func (k *tokenKind) id(t Ticket) string { return t.(*sessiontoken.Token).ContextID }
