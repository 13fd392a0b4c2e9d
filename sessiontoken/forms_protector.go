package sessiontoken

import (
	"errors"

	"github.com/webfarm-go/webfarm/machinekey"
)

// modeProtector protects what System.Web itself puts into cookies, each key in
// the way of its compatibility mode. The text is hex for forms tickets and URL
// tokens for the others.
type modeProtector struct{ *machinekey.CookieProtector }

func newModeProtector(ring *machinekey.Ring, purpose machinekey.Purpose, legacy machinekey.LegacyOptions) (modeProtector, error) {
	if ring == nil {
		return modeProtector{}, errors.New("sessiontoken: a codec needs a ring with keys")
	}
	p, err := ring.CookieProtector(purpose, legacy)
	return modeProtector{p}, err
}

// unprotect appends the plaintext and returns the key that opened it.
// [ErrInvalid] is the only error that the bytes of protected can cause.
func (p modeProtector) unprotect(dst, protected []byte) ([]byte, *machinekey.Key, error) {
	out, key, err := p.UnprotectKey(dst, protected)
	if err == machinekey.ErrUnprotect {
		err = ErrInvalid
	}
	return out, key, err
}
