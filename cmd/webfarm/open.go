package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Layers of what has no codec that reports layers.
const (
	layerURLToken  = "text (URL token)"
	layerSealed    = "machine key"
	layerRoles     = "role cookie"
	layerAnonymous = "anonymous id"
	layerState     = "katana properties"
	layerValidity  = "validity"
)

// opened is what inspect learned of one credential.
type opened struct {
	*anatomy.Report
	fault string // of the key of a payload, see layers.txt
}

// refuse ends a report at a layer that refuses the credential.
func (o opened) refuse(name string, size int, err error) (opened, error) {
	o.Err = o.Refuse(name, size, err)
	return o, nil
}

// open inspects the text of a credential. It fails only for the configuration.
func (c *codecs) open(ctx context.Context, k kind, authType, text string) (opened, error) {
	switch {
	case k == site.Forms:
		codec, err := c.forms()
		return openWith(ctx, codec, err, text)
	case k == site.Roles, k == site.Anonymous:
		return c.openURLToken(ctx, k, text)
	case k == site.State:
		return c.openState(ctx, authType, text)
	case k.IsKatana():
		codec, err := c.katana(k, authType)
		return openWith(ctx, codec, err, text)
	}
	codec, err := c.session(k)
	return openWith(ctx, codec, err, text)
}

// openWith inspects text with a codec. The error says why there is none.
func openWith[T any](ctx context.Context, codec interface {
	Decode(context.Context, string) (T, error)
}, err error, text string) (opened, error) {
	if err != nil {
		return opened{}, err
	}
	return opened{Report: anatomy.Of(ctx, codec.Decode, text)}, nil
}

// openURLToken inspects a role cookie or an anonymous id.
func (c *codecs) openURLToken(ctx context.Context, k kind, text string) (opened, error) {
	o, inner, size := opened{Report: new(anatomy.Report)}, layerAnonymous, 0
	var err error
	var id *sessiontoken.AnonymousID
	var seen *anatomy.Report
	if k == site.Roles {
		protector, fault := c.roles()
		if fault != nil {
			return o, fault
		}
		var payload []byte
		payload, err = rolecookie.Decode(ctx, protector, text)
		o.Content, inner, size = payload, layerRoles, len(payload)
	} else {
		// never expired: the validity is judged below
		codec, fault := c.anonymous(func() time.Time { return time.Time{} })
		if fault != nil {
			return o, fault
		}
		seen = anatomy.Of(ctx, func(ctx context.Context, text string) (any, error) {
			id, err = codec.Decode(ctx, text)
			return nil, err
		}, text)
		o.Content = id
	}
	if err != nil {
		o.Content = nil
	}
	sealed, textErr := base64.DecodeURLToken(text)
	if textErr != nil || errors.Is(err, layer.ErrTooLong) {
		return o.refuse(layerURLToken, len(text), err)
	}
	o.Add(layerURLToken, len(text))
	if errors.Is(err, sessiontoken.ErrInvalid) {
		return o.refuse(layerSealed, len(sealed), err)
	}
	o.Add(layerSealed, len(sealed))
	if err != nil {
		return o.refuse(inner, size, err)
	}
	o.Add(inner, size)
	if k == site.Roles {
		return o, nil
	}
	o.Layers[1].Facts = seen.Layers[0].Facts // the key
	return o.judge(id.Expires, c.now())
}

// judge adds the last layer, the validity.
func (o opened) judge(expires, now time.Time) (opened, error) {
	if expires.Before(now) {
		return o.refuse(layerValidity, 0,
			fmt.Errorf("%w at %s", sessiontoken.ErrExpired, expires.Format(time.RFC3339)))
	}
	o.Add(layerValidity, 0)
	return o, nil
}

// openState inspects a state string: the outer layers of a ticket around bare properties.
func (c *codecs) openState(ctx context.Context, authType, text string) (opened, error) {
	o := opened{Report: new(anatomy.Report)}
	keys, err := c.keysOf(site.State)
	if err != nil {
		return o, err
	}
	protector, err := keys.Protector(machinekey.UserPurpose, c.stateClass, authType, "v1")
	if err != nil {
		return o, setupError{err}
	}
	protected, ok := katana.AppendTextDecode(nil, text)
	if !ok {
		return o.refuse(layerURLText, len(text), sessiontoken.ErrInvalid)
	}
	o.Add(layerURLText, len(text))
	plain, key, err := protector.Unprotect(ctx, nil, protected)
	if err != nil {
		return o.refuse(layerSealed, len(protected), sessiontoken.ErrInvalid)
	}
	o.Add(layerSealed, len(protected), anatomy.Fact{Name: "opened by key", Value: key})
	state, err := katana.ReadState(plain)
	if err != nil {
		return o.refuse(layerState, 0, err)
	}
	o.Content = sessiontoken.Properties(state)
	o.Add(layerState, 0)
	return o, nil
}

// middlewares send state strings to identity providers: they are Katana's, with short names, and
// their classes and AuthenticationTypes, which decide the key.
var middlewares = []struct{ short, class, authType string }{
	{"google", katana.StateGoogle, "Google"},
	{"facebook", katana.StateFacebook, "Facebook"},
	{"microsoft", katana.StateMicrosoft, "Microsoft"},
	{"openidconnect", katana.StateOpenIDConnect, "OpenIdConnect"},
	{"wsfederation", katana.StateWSFederation, "Federation"},
}

// findMiddleware returns the whole name of -class, and -auth-type. Either may be left out for a
// middleware with its default AuthenticationType.
func findMiddleware(class, authType string) (string, string, error) {
	var names []string
	for _, m := range middlewares {
		names = append(names, m.short)
		switch {
		case class == "" && authType == m.authType:
			return m.class, authType, nil
		case strings.EqualFold(class, m.short), class == m.class:
			return m.class, cmp.Or(authType, m.authType), nil
		}
	}
	switch known := strings.Join(names, ", "); {
	case class == "":
		return "", "", usageError("-kind state needs -class, the middleware: one of " + known +
			" or the whole name of the class")
	case !strings.Contains(class, "."):
		return "", "", usageError(fmt.Sprintf("-class %q: one of %s or the whole name of the class",
			class, known))
	case authType == "":
		return "", "", usageError("-class with another class needs its -auth-type")
	}
	return class, authType, nil
}
