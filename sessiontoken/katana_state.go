package sessiontoken

import (
	"context"
	"fmt"
	"sync"
)

// Classes of the middleware that send a state string to an identity provider
// and want it back, with their default AuthenticationTypes. Twitter's holds
// something else and is not among them.
const (
	KatanaStateGoogle        = "Microsoft.Owin.Security.Google.GoogleOAuth2AuthenticationMiddleware"               // "Google"
	KatanaStateFacebook      = "Microsoft.Owin.Security.Facebook.FacebookAuthenticationMiddleware"                 // "Facebook"
	KatanaStateMicrosoft     = "Microsoft.Owin.Security.MicrosoftAccount.MicrosoftAccountAuthenticationMiddleware" // "Microsoft"
	KatanaStateOpenIDConnect = "Microsoft.Owin.Security.OpenIdConnect.OpenIdConnectAuthenticationMiddleware"       // "OpenIdConnect"
	KatanaStateWSFederation  = "Microsoft.Owin.Security.WsFederation.WsFederationAuthenticationMiddleware"         // "Federation"
)

// KatanaStateCodec reads and writes the state strings of remote sign-in: the
// properties alone, protected but not compressed (Katana's
// PropertiesDataFormat). It is safe for concurrent use.
//
// A state string says where to go after sign-in, and under ".xsrf" which
// browser asked; comparing that with the browser's correlation cookie is for
// the caller. Katana does not look at its times.
type KatanaStateCodec struct {
	protector Protector
	scratch   sync.Pool // of *katanaScratch
}

// NewKatanaStateCodec returns a codec for the state strings of a middleware,
// given by its class, such as [KatanaStateGoogle], and its AuthenticationType.
func NewKatanaStateCodec(keys Keys, class, authenticationType string) (*KatanaStateCodec, error) {
	p, err := protector(keys, class, authenticationType, purposeKatanav1)
	if err != nil {
		return nil, err
	}
	c := &KatanaStateCodec{protector: p}
	c.scratch.New = func() any { return new(katanaScratch) }
	return c, nil
}

// Decode opens a state string. The error is [ErrInvalid] for everything that
// is not authentic, and a [*FormatError] for authentic data that does not
// parse.
func (c *KatanaStateCodec) Decode(ctx context.Context, value string) (Properties, error) {
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)
	protected, ok := s.decodeKatanaText(value)
	if !ok {
		return nil, ErrInvalid
	}
	plain, _, err := c.protector.Unprotect(ctx, s.plain[:0], protected)
	s.plain = plain[:0]
	if err != nil {
		return nil, protectorError(err)
	}
	r := &s.read
	r.reset(plain)
	r.readProperties()
	if err := r.failed("katana properties"); err != nil {
		return nil, err
	}
	return r.buildProperties(string(r.texts), nil), nil
}

// Encode returns the state string for p. It refuses what Decode would not
// read back.
func (c *KatanaStateCodec) Encode(_ context.Context, p Properties) (string, error) {
	s := c.scratch.Get().(*katanaScratch)
	defer s.put(&c.scratch)
	w := katanaWriter{dst: s.plain[:0]}
	w.properties(p)
	s.plain = w.dst[:0]
	if w.err != nil {
		return "", w.err
	}
	if len(w.dst) > maxToken {
		return "", fmt.Errorf("sessiontoken: cannot issue: properties of %d bytes, at most %d", len(w.dst), maxToken)
	}
	protected, err := c.protector.Protect(s.protected[:0], w.dst)
	s.protected = protected[:0]
	if err != nil {
		return "", err
	}
	return s.encodeKatanaText(protected), nil
}
