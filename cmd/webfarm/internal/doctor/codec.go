package doctor

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// codec opens and issues credentials under a setup.
type codec struct {
	open  func(ctx context.Context, text string) opened
	issue func(ctx context.Context) (string, error) // one to try on another node
}

// codecOf is the codec of a format of package sessiontoken.
func codecOf[T any](c interface {
	Decode(ctx context.Context, text string) (T, error)
	Encode(ctx context.Context, t T) (string, error)
}, err error, sample func() (T, error)) (codec, error) {
	open := func(ctx context.Context, text string) (o opened) {
		o.take(anatomy.Of(ctx, c.Decode, text))
		return o
	}
	issue := func(ctx context.Context) (string, error) {
		t, err := sample()
		if err != nil {
			return "", err
		}
		return c.Encode(ctx, t)
	}
	return codec{open, issue}, err
}

// codec returns an error for an illegal setup.
func (s setup) codec(v view) (codec, error) {
	const user = "webfarm doctor"
	principal := sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: user}}}}}
	keys := s.keys
	if keys == nil {
		ring, err := s.machineKeys()
		if err != nil {
			return codec{}, err
		}
		keys = ring
	}
	switch {
	case s.kind == Forms:
		c, err := sessiontoken.NewFormsCodec(keys, &sessiontoken.FormsOptions{Now: v.clock(),
			Protection: s.protection, InsecureUnsigned: s.unsigned, InsecureOldLayout: s.oldLayout})
		return codecOf(c, err, func() (*sessiontoken.FormsTicket, error) {
			return c.NewTicket(user, ""), nil
		})
	case s.kind == Roles:
		return s.roleCodec(keys)
	case s.kind == Anonymous:
		return s.anonymousCodec(keys, v)
	case s.kind == site.Core, s.kind == site.CoreBearer, s.kind == site.CoreRefresh:
		c, err := sessiontoken.NewCoreCodec(keys, s.ticketPurpose(),
			&sessiontoken.CoreOptions{Now: v.clock()})
		return codecOf(c, err, nil) // nothing is issued
	case s.kind.IsKatana():
		c, err := sessiontoken.NewKatanaCodec(keys, s.ticketPurpose(),
			&sessiontoken.KatanaOptions{Now: v.clock()})
		return codecOf(c, err, func() (*sessiontoken.KatanaTicket, error) {
			return c.NewTicket(principal.Identities[0], nil), nil
		})
	case s.kind.IsSession(), s.kind == site.SQSession:
		last, err := s.sessionTransform(keys)
		if err != nil {
			return codec{}, err
		}
		o := v.sessionOptions(s.kind)
		o.Transforms = []sessiontoken.Protector{sessiontoken.DeflateTransform(), last}
		c, err := sessiontoken.NewSessionCodec(keys, o)
		return codecOf(c, err, func() (*sessiontoken.Token, error) { return c.NewToken(principal) })
	}
	return codec{}, fmt.Errorf("doctor: no codec of %s", s.kind.Plural())
}

var errNotRoles = errors.New("doctor: the data is not a BinaryFormatter stream")

func (s setup) roleCodec(keys sessiontoken.Keys) (codec, error) {
	protector, err := keys.Protector(machinekey.RolePurpose)
	if ring, ok := keys.(machineKeys); ok {
		protector, err = ring.CookieProtector(machinekey.LegacyOptions{Protection: s.protection,
			InsecureUnsigned: s.unsigned}, machinekey.RolePurpose)
	}
	return codec{
		func(ctx context.Context, text string) (o opened) {
			payload, err := rolecookie.Decode(ctx, protector, text)
			o.read(text, err)
			if o.whole = o.whole && isFormatterStream(payload); err == nil && !o.whole {
				o.partly, o.err = true, errNotRoles
			}
			return o
		},
		func(context.Context) (string, error) {
			return rolecookie.Encode(protector, []byte{0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0,
				0, 0, 0, 0, 0, 0, 11})
		},
	}, err
}

// isFormatterStream reports whether a payload begins like a BinaryFormatter stream: a record of type
// 0 that ends with the version 1.0. Role cookies have no other mark.
func isFormatterStream(b []byte) bool {
	return len(b) >= 17 && b[0] == 0 && string(b[9:17]) == "\x01\x00\x00\x00\x00\x00\x00\x00"
}

func (s setup) anonymousCodec(keys sessiontoken.Keys, v view) (codec, error) {
	c, err := sessiontoken.NewAnonymousCodec(keys, &sessiontoken.FormsOptions{
		Protection: s.protection, InsecureUnsigned: s.unsigned,
		Now: func() time.Time { return time.Time{} }}) // reads what has expired
	return codec{
		func(ctx context.Context, text string) (o opened) {
			id, err := c.Decode(ctx, text)
			if o.read(text, err); err != nil {
				return o
			}
			if o.to = id.Expires; id.Expires.Before(v.now) {
				o.err = fmt.Errorf("%w at %s", sessiontoken.ErrExpired,
					id.Expires.Format(time.RFC3339))
			}
			return o
		},
		func(ctx context.Context) (string, error) {
			id := c.NewID()
			id.Expires = v.now.Add(time.Hour)
			return c.Encode(ctx, id)
		},
	}, err
}

// read notes the outcome for a format of two layers.
func (o *opened) read(text string, err error) {
	o.err, o.whole = err, err == nil
	o.layers = []Layer{{"text", len(text), true}, {"machine key", 0, err == nil}}
}

// ticketPurpose is the purpose of a ticket of Katana or ASP.NET Core.
func (s setup) ticketPurpose() sessiontoken.Purpose {
	switch s.kind {
	case Bearer:
		return sessiontoken.AccessToken("Bearer")
	case Refresh:
		return sessiontoken.RefreshToken("Bearer")
	case site.CoreBearer:
		return sessiontoken.AccessToken(s.authType)
	case site.CoreRefresh:
		return sessiontoken.RefreshToken(s.authType)
	case AuthCode:
		return sessiontoken.AuthorizationCode()
	}
	return sessiontoken.Cookie(s.authType)
}

// sessionOptions are the options of a codec of sessions, without transforms.
func (v view) sessionOptions(k Kind) *sessiontoken.SessionOptions {
	return &sessiontoken.SessionOptions{WIF10: k == WIF10, Endpoint: v.endpoint, Now: v.clock(),
		ClockSkew: cmp.Or(v.skew, -1)} // zero would mean the default
}

// sessionTransform is the outer transform of sessions.
func (s setup) sessionTransform(keys sessiontoken.Keys) (sessiontoken.Protector, error) {
	ring, ok := keys.(machineKeys)
	switch {
	case s.kind == site.SQSession:
		return sessiontoken.MachineKeyTransform(keys, "github.com/webfarm-go/webfarm/cookie.SQSession")
	case !s.encode:
		return sessiontoken.MachineKeyTransform(keys)
	case !s.unsigned || !ok:
		return sessiontoken.MachineKeyEncodeTransform(keys)
	}
	p, err := ring.EncodeProtector(machinekey.LegacyOptions{InsecureUnsigned: true})
	return unsignedEncode{p}, err
}

// unsignedEncode is MachineKey.Encode under aspnet:UseLegacyMachineKeyEncryption, for old cookies.
// Its only check is the digest inside.
type unsignedEncode struct{ protector machinekey.Protector }

func (unsignedEncode) String() string { return "machine key (hex, unsigned)" }

func (unsignedEncode) Protect([]byte, []byte) ([]byte, error) { return nil, errNotIssued }

func (u unsignedEncode) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	protected, err := hex.DecodeString(string(data))
	if err != nil {
		return dst, "", sessiontoken.ErrInvalid
	}
	dst, _, err = u.protector.Unprotect(ctx, dst, protected) // the key id is of another form
	return dst, "", err
}

var errNotIssued = errors.New("doctor: data without a signature is not issued")
