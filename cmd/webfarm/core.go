package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Names of the layers of what is no ticket. Package sessiontoken has those of tickets.
const (
	layerURLText     = "text (base64url)"
	layerKeyRing     = "key ring"
	layerTimeLimited = "time-limited payload"
	layerSession     = "session key"
	layerAntiforgery = "antiforgery token"
	layerPlaintext   = "plaintext"
)

// timeLimited is the last purpose of ToTimeLimitedDataProtector.
const timeLimited = "Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1"

// errNoRing refuses a payload that there is no key ring for.
var errNoRing = errors.New("webfarm: no key ring was given")

// use is one thing that a payload may be.
type use struct {
	kind   kind
	scheme string // of a ticket
}

// uses are what a credential may be. A payload does not say what it is, and names often leave the
// scheme open: then they are what ASP.NET Core and its Identity protect by default.
func (c *codecs) uses(found credential) []use {
	var list []use
	guess := found.kind == site.Protected && len(c.purposes) == 0
	add := func(k kind, schemes ...string) {
		if found.kind != k && !guess {
			return
		}
		if found.authType != "" {
			schemes = []string{found.authType}
		}
		for _, s := range schemes {
			list = append(list, use{k, s})
		}
	}
	var schemes []string
	for _, own := range c.site.Core {
		schemes = append(schemes, own.AuthenticationType)
	}
	add(site.Core, append(schemes, site.DefaultScheme, "Identity.Application")...)
	add(site.CoreBearer, "BearerToken", "Identity.Bearer")
	add(site.CoreRefresh, "BearerToken", "Identity.Bearer")
	for _, k := range []kind{site.CoreSession, site.Antiforgery, site.Protected} {
		if k == found.kind || guess {
			list = append(list, use{kind: k})
		}
	}
	return list
}

// openCore inspects what is protected with the key ring. It returns what it was found to be.
func (c *codecs) openCore(ctx context.Context, found credential) (opened, use, error) {
	uses := c.uses(found)
	p, _ := payload.Recognise(found.text)
	var first opened
	isOpen := func(l anatomy.Layer) bool { return l.Name == layerKeyRing && l.Err == nil }
	for i, u := range uses {
		o, err := c.openUse(ctx, u, found.text, p)
		if err != nil {
			return o, u, err
		}
		o.fault = c.describe(o.Report, p, found.kind == site.Protected)
		if slices.ContainsFunc(o.Layers, isOpen) {
			return o, u, nil
		}
		if i == 0 {
			first = o
		}
	}
	if len(uses) > 1 && found.kind == site.Protected {
		return first, use{kind: site.Protected}, nil
	}
	return first, uses[0], nil
}

// openUse inspects a payload as what it may be.
func (c *codecs) openUse(
	ctx context.Context, u use, text string, p payload.Payload,
) (opened, error) {
	if c.core != nil && u.scheme != "" {
		codec, err := c.coreCodec(u.kind, u.scheme)
		return openWith(ctx, codec, err, text)
	}
	o := opened{Report: new(anatomy.Report)}
	if p.Data == nil {
		return o.refuse(layerURLText, len(text), sessiontoken.ErrInvalid)
	}
	o.Add(layerURLText, len(text))
	if c.core == nil {
		return o.refuse(layerKeyRing, len(p.Data), errNoRing)
	}
	content := &protectedReport{Purposes: c.purposes}
	switch u.kind {
	case site.CoreSession:
		content.Purposes = []string{"SessionMiddleware"}
	case site.Antiforgery:
		content.Purposes = []string{"Microsoft.AspNetCore.Antiforgery.AntiforgeryToken.v1"}
	}
	plain, key, err := c.unprotect(ctx, p.Data, content.Purposes)
	limited := false
	if errors.Is(err, dataprotection.ErrUnprotect) && u.kind == site.Protected {
		purposes := slices.Concat(content.Purposes, []string{timeLimited})
		plain, key, err = c.unprotect(ctx, p.Data, purposes)
		limited = err == nil
	}
	switch {
	case errors.Is(err, dataprotection.ErrUnprotect):
		return o.refuse(layerKeyRing, len(p.Data), sessiontoken.ErrInvalid)
	case err != nil:
		return o, setupError{err}
	}
	o.Add(layerKeyRing, len(p.Data), anatomy.Fact{Name: "opened by key", Value: key})
	o.Content = content
	if limited {
		if plain, err = content.limit(plain); err != nil {
			return o.refuse(layerTimeLimited, 0, err)
		}
		o.Add(layerTimeLimited, len(plain))
	}
	name, err := content.read(u.kind, plain)
	if err != nil {
		return o.refuse(name, len(plain), err)
	}
	o.Add(name, len(plain))
	if !limited {
		return o, nil
	}
	return o.judge(*content.Expires, c.now())
}

// coreCodec returns the codec of a kind of tickets of ASP.NET Core.
func (c *codecs) coreCodec(k kind, scheme string) (*sessiontoken.CoreCodec, error) {
	return setup(sessiontoken.NewCoreCodec(c.core, c.purpose(k, scheme),
		&sessiontoken.CoreOptions{Lifetime: c.lifetime, InsecureNoExpiry: c.insecure, Now: c.now}))
}

func (c *codecs) unprotect(
	ctx context.Context, data []byte, purposes []string,
) (plain []byte, key string, err error) {
	if len(purposes) == 0 {
		return nil, "", dataprotection.ErrUnprotect
	}
	p, err := c.core.Protector(purposes...)
	if err != nil {
		return nil, "", err
	}
	return p.Unprotect(ctx, nil, data)
}

// describe adds to the layer of the key ring what the payload shows by itself, and what it may be
// if nothing else tells. It names the fault of the key, if that is why the layer refuses.
func (c *codecs) describe(r *anatomy.Report, p payload.Payload, guess bool) (fault string) {
	at := slices.IndexFunc(r.Layers, func(l anatomy.Layer) bool { return l.Name == layerKeyRing })
	if at < 0 {
		return ""
	}
	layer := &r.Layers[at]
	add := func(name, value string) {
		layer.Facts = append(layer.Facts, anatomy.Fact{Name: name, Value: value})
	}
	key, fault := c.coreKey(p)
	if layer.Err == nil {
		fault, guess = "", false
	} else {
		add("key id", cmp.Or(p.Key, "missing: too few bytes"))
	}
	if key.Err != nil {
		add("key", key.Err.Error())
	}
	var sizes []string
	for _, part := range p.Parts(key.Algorithm) {
		sizes = append(sizes, fmt.Sprintf("%s %d", part.Name, part.Size))
	}
	if sizes != nil {
		add("bytes", strings.Join(sizes, ", "))
	}
	if guess {
		for _, what := range p.MayBe() {
			add("may be", what)
		}
	}
	return fault
}

// coreKey returns the key of a payload, and names its fault if it opens nothing.
func (c *codecs) coreKey(p payload.Payload) (key dataprotection.Key, fault string) {
	if p.Version != 0 {
		return key, "later_version"
	}
	if c.core == nil || p.Key == "" {
		return key, ""
	}
	keys := c.core.Keys()
	at := slices.IndexFunc(keys, func(k dataprotection.Key) bool { return k.ID == p.Key })
	switch {
	case at < 0:
		return key, "key_missing"
	case keys[at].Revoked:
		fault = "key_revoked"
	case keys[at].Err != nil:
		fault = "key_unusable"
	}
	return keys[at], fault
}
