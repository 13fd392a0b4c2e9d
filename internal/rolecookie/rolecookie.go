// Package rolecookie opens and makes the envelope of role cookies (.ASPXROLES), in which the
// role manager of System.Web caches the roles of a user (RolePrincipal.ToEncryptedTicket).
//
//	text          URL token of at most 4096 characters
//	machine key   machinekey.Ring.CookieProtector for machinekey.RolePurpose
//	payload       a BinaryFormatter stream of a RolePrincipal: opaque bytes here
//
// The payload is not read: the roles are only a cache of what the site's role
// provider knows, and a BinaryFormatter stream may name any class. In the
// legacy modes nothing keeps role cookies apart from others of the same farm.
package rolecookie

import (
	"context"
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

var errTextTooLong = fmt.Errorf("%w: %w", sessiontoken.ErrInvalid, layer.ErrTooLong)

// Decode opens the text of a role cookie and returns its payload. The error is
// [sessiontoken.ErrInvalid] for everything that the text is to blame for.
// Whether the cookie has expired stands in the payload.
func Decode(ctx context.Context, p machinekey.Protector, text string) ([]byte, error) {
	if len(text) > limits.FormsText {
		return nil, errTextTooLong
	}
	protected, err := base64.DecodeURLToken(text)
	if err != nil || len(protected) == 0 {
		return nil, sessiontoken.ErrInvalid
	}
	payload, _, err := p.Unprotect(ctx, nil, protected)
	switch {
	case errors.Is(err, machinekey.ErrUnprotect):
		return nil, sessiontoken.ErrInvalid
	case err != nil:
		return nil, err
	}
	return payload, nil
}

// Encode returns the text of a role cookie with this payload. It refuses more
// than 4096 characters, as .NET does, and to issue without protection.
func Encode(p machinekey.Protector, payload []byte) (string, error) {
	if len(payload) > limits.FormsText { // so that a huge one costs nothing more
		return "", fmt.Errorf("rolecookie: cannot issue: %w: payload of %d bytes",
			layer.ErrTooLong, len(payload))
	}
	protected, err := p.Protect(nil, payload)
	if err != nil {
		return "", err
	}
	text := base64.EncodeURLToken(protected)
	if len(text) > limits.FormsText {
		return "", fmt.Errorf("rolecookie: cannot issue: %w: %d characters, .NET reads %d",
			layer.ErrTooLong, len(text), limits.FormsText)
	}
	return text, nil
}
