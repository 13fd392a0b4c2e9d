package sessiontoken

import (
	"context"
	"fmt"
	"sync"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
)

// RoleCookieOptions are the settings of a [RoleCookieCodec]. The zero value is
// that of a site with <roleManager enabled="true" cacheRolesInCookie="true">
// and no further settings.
type RoleCookieOptions struct {
	// Protection is the attribute cookieProtection. It matters only for keys
	// of a legacy mode; Framework45 ignores it. Cookies are never issued
	// without protection.
	Protection machinekey.Protection
	// InsecureUnsigned also reads legacy cookies of a site that sets
	// aspnet:UseLegacyEncryption. Under it they cannot be issued.
	InsecureUnsigned bool
}

// RoleCookieCodec opens and makes the envelope of role cookies (.ASPXROLES),
// in which the role manager of System.Web caches the roles of a user. It is
// safe for concurrent use.
//
//	text          URL token
//	machine key   as the key's mode demands, see [FormsCodec]; purpose machinekey.RolePurpose
//	payload       a BinaryFormatter stream of a RolePrincipal: opaque bytes here
//
// The payload is not read: the roles are only a cache of what the site's role
// provider knows, and a BinaryFormatter stream may name any class. In the
// legacy modes nothing keeps role cookies apart from others of the same farm.
type RoleCookieCodec struct {
	protector modeProtector
	scratch   sync.Pool // of *formsScratch
}

// NewRoleCookieCodec returns a codec for the keys of a ring, with the same
// rules as [NewFormsCodec]. Nil options are the zero options.
func NewRoleCookieCodec(keys Keys, opts *RoleCookieOptions) (*RoleCookieCodec, error) {
	var o RoleCookieOptions
	if opts != nil {
		o = *opts
	}
	p, err := newModeProtector(keys, machinekey.RolePurpose, machinekey.LegacyOptions{
		Protection: o.Protection, InsecureUnsigned: o.InsecureUnsigned,
	})
	if err != nil {
		return nil, err
	}
	c := &RoleCookieCodec{protector: p}
	c.scratch.New = func() any { return new(formsScratch) }
	return c, nil
}

// Decode opens the text of a role cookie and returns its payload. The error is
// [ErrInvalid]. Whether the cookie has expired stands in the payload, which is not read.
func (c *RoleCookieCodec) Decode(ctx context.Context, value string) ([]byte, error) {
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)
	payload, _, err := c.protector.decodeURLToken(ctx, s, nil, value, maxFormsText)
	return payload, err
}

// Encode returns the text of a role cookie with this payload. It refuses more
// than 4096 characters, as .NET does, and to issue without
// protection.
func (c *RoleCookieCodec) Encode(_ context.Context, payload []byte) (string, error) {
	s := c.scratch.Get().(*formsScratch)
	defer c.scratch.Put(s)
	return c.protector.encodeURLToken(s, payload, maxFormsText)
}

// decodeURLToken appends to dst what is protected in a URL token.
func (p *modeProtector) decodeURLToken(ctx context.Context, s *formsScratch, dst []byte, value string, limit int) ([]byte, string, error) {
	if len(value) > limit {
		return nil, "", errTextTooLong
	}
	protected, ok := base64.AppendURLTokenDecode(s.protected[:0], value)
	s.protected = protected[:0]
	if !ok || len(protected) == 0 {
		return nil, "", ErrInvalid
	}
	payload, key, err := p.unprotect(ctx, dst, protected)
	if err != nil {
		return nil, "", err
	}
	return payload, key, nil
}

// encodeURLToken protects payload and returns the URL token.
func (p *modeProtector) encodeURLToken(s *formsScratch, payload []byte, limit int) (string, error) {
	if len(payload) > limit { // so that a huge one costs nothing more
		return "", fmt.Errorf("sessiontoken: cannot issue: %w: payload of %d bytes", layer.ErrTooLong, len(payload))
	}
	protected, err := p.Protect(s.protected[:0], payload)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}
	s.text = base64.AppendURLToken(s.text[:0], protected)
	if len(s.text) > limit {
		return "", fmt.Errorf("sessiontoken: cannot issue: %w: %d characters, .NET reads %d", layer.ErrTooLong, len(s.text), limit)
	}
	return string(s.text), nil
}
