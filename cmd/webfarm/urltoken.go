package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Layers of the two cookies whose codecs do not report layers.
const (
	layerURLToken  = "text (URL token)"
	layerSealed    = "machine key"
	layerRoles     = "role cookie"
	layerAnonymous = "anonymous id"
	layerValidity  = "validity"
)

// openURLToken inspects a role cookie or an anonymous id.
func (c *codecs) openURLToken(ctx context.Context, k kind, text string) (opened, error) {
	o := opened{Report: new(anatomy.Report)}
	size := 0
	add := func(name string, size int, err error) {
		o.Layers = append(o.Layers, anatomy.Layer{Name: name, Size: size, Err: err})
		o.Err = err
	}
	var err error
	var key []anatomy.Fact // which opened an anonymous id
	inner := layerAnonymous
	if k == kindRoles {
		inner = layerRoles
		protector, setup := c.roles()
		if setup != nil {
			return o, setupError{setup}
		}
		o.roles, err = rolecookie.Decode(ctx, protector, text)
		size = len(o.roles)
	} else {
		// never expired: the validity is judged below
		codec, setup := c.anonymous(func() time.Time { return time.Time{} })
		if setup != nil {
			return o, setupError{setup}
		}
		seen := anatomy.Of(ctx,
			func(ctx context.Context, text string) (*sessiontoken.AnonymousID, error) {
				o.anonymous, err = codec.Decode(ctx, text)
				return o.anonymous, err
			}, text)
		if len(seen.Layers) > 0 {
			key = seen.Layers[0].Facts
		}
	}
	sealed, textErr := base64.DecodeURLToken(text)
	switch {
	case textErr != nil, errors.Is(err, layer.ErrTooLong):
		add(layerURLToken, len(text), err)
		return o, nil
	case errors.Is(err, sessiontoken.ErrInvalid):
		add(layerURLToken, len(text), nil)
		add(layerSealed, len(sealed), err)
		return o, nil
	}
	add(layerURLToken, len(text), nil)
	add(layerSealed, len(sealed), nil)
	add(inner, size, err)
	if err != nil || k == kindRoles {
		return o, nil
	}
	if o.anonymous.Expires.Before(c.now()) {
		err = fmt.Errorf("%w at %s", sessiontoken.ErrExpired,
			o.anonymous.Expires.Format(time.RFC3339))
	}
	add(layerValidity, 0, err)
	o.Layers[1].Facts = key
	return o, nil
}
