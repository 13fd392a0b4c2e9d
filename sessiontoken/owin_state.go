package sessiontoken

import (
	"errors"
	"fmt"
	"sync"

	"github.com/webfarm-go/webfarm/machinekey"
)

// Classes of the middleware that send a state string to an identity provider
// and want it back, with their default AuthenticationTypes. Twitter's holds
// something else and is not among them.
const (
	OWINStateGoogle        = "Microsoft.Owin.Security.Google.GoogleOAuth2AuthenticationMiddleware"               // "Google"
	OWINStateFacebook      = "Microsoft.Owin.Security.Facebook.FacebookAuthenticationMiddleware"                 // "Facebook"
	OWINStateMicrosoft     = "Microsoft.Owin.Security.MicrosoftAccount.MicrosoftAccountAuthenticationMiddleware" // "Microsoft"
	OWINStateOpenIDConnect = "Microsoft.Owin.Security.OpenIdConnect.OpenIdConnectAuthenticationMiddleware"       // "OpenIdConnect"
	OWINStateWSFederation  = "Microsoft.Owin.Security.WsFederation.WsFederationAuthenticationMiddleware"         // "Federation"
)

// OWINStateCodec reads and writes the state strings of remote sign-in: the
// properties alone, protected but not compressed (Katana's
// PropertiesDataFormat). It is safe for concurrent use.
//
// A state string says where to go after sign-in, and under ".xsrf" which
// browser asked; comparing that with the browser's correlation cookie is for
// the caller. Katana does not look at its times.
type OWINStateCodec struct {
	protector *machinekey.Protector
	scratch   sync.Pool // of *owinScratch
}

// NewOWINStateCodec returns a codec for the state strings of a middleware,
// given by its class, such as [OWINStateGoogle], and its AuthenticationType.
func NewOWINStateCodec(ring *machinekey.Ring, class, authenticationType string) (*OWINStateCodec, error) {
	if ring == nil {
		return nil, errors.New("sessiontoken: an OWIN codec needs a ring")
	}
	p, err := owinProtector(ring, class, authenticationType, purposeOWINv1)
	if err != nil {
		return nil, err
	}
	c := &OWINStateCodec{protector: p}
	c.scratch.New = func() any { return new(owinScratch) }
	return c, nil
}

// Decode opens a state string. The error is [ErrInvalid] for everything that
// is not authentic, and a [*FormatError] for authentic data that does not
// parse.
func (c *OWINStateCodec) Decode(value string) (OWINProperties, error) {
	s := c.scratch.Get().(*owinScratch)
	defer s.put(&c.scratch)
	protected, ok := s.decodeOWINText(value)
	if !ok {
		return nil, ErrInvalid
	}
	plain, err := c.protector.Unprotect(s.plain[:0], protected)
	s.plain = plain[:0]
	if err != nil {
		return nil, ErrInvalid
	}
	r := &s.read
	r.reset(plain)
	r.readProperties()
	if err := r.failed("owin properties"); err != nil {
		return nil, err
	}
	return r.buildProperties(string(r.texts), nil), nil
}

// Encode returns the state string for p. It refuses what Decode would not
// read back.
func (c *OWINStateCodec) Encode(p OWINProperties) (string, error) {
	s := c.scratch.Get().(*owinScratch)
	defer s.put(&c.scratch)
	w := owinWriter{dst: s.plain[:0]}
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
	return s.encodeOWINText(protected), nil
}
