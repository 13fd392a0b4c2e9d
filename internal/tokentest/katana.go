package tokentest

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// MarshalKatana returns the innermost layer of a ticket of Katana, as a codec
// writes it.
func MarshalKatana(t *sessiontoken.KatanaTicket) ([]byte, error) {
	codec, err := sessiontoken.NewKatanaCodec(open{}, sessiontoken.Purposes(), nil)
	if err != nil {
		return nil, err
	}
	return codec.Traits().Bytes(t)
}

// UnmarshalKatana reads it as a codec does, and leaves out the checks of store
// and clock.
func UnmarshalKatana(data []byte) (*sessiontoken.KatanaTicket, error) {
	codec, err := sessiontoken.NewKatanaCodec(open{}, sessiontoken.Purposes(), nil)
	if err != nil {
		return nil, err
	}
	text := base64.RawURLEncoding.EncodeToString(flate.Gzip(nil, data))
	report := anatomy.Of(context.Background(), codec.Decode, text)
	if t, ok := report.Content.(*sessiontoken.KatanaTicket); ok {
		return t, nil
	}
	if report.Err == nil {
		return nil, fmt.Errorf("tokentest: %T instead of a ticket", report.Content)
	}
	return nil, report.Err
}

// open are keys that protect nothing.
type open struct{}

func (open) Protector(...string) (sessiontoken.Protector, error) { return open{}, nil }
func (open) KeyStatus(string) (known, renew bool)                { return true, false }

func (open) Protect(dst, plaintext []byte) ([]byte, error) { return append(dst, plaintext...), nil }

func (open) Unprotect(_ context.Context, dst, protected []byte) ([]byte, string, error) {
	return append(dst, protected...), "none", nil
}
