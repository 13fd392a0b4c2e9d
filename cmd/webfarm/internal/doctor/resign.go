package doctor

import (
	"context"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// anySignature is a ring that takes any signature of the size in its setup. What reads under it was
// encrypted with its decryption key, and is not authentic.
type anySignature struct {
	*machinekey.Ring
	setup setup
}

// decrypts returns the setup of the first node that reads text but for its signature, nil for none.
func (e *exam) decrypts(ctx context.Context, text string, f found) *setup {
	kinds := []Kind{f.kind}
	if f.kind == "" {
		kinds = []Kind{FedAuth, WIF10, Forms, Roles, Anonymous, Katana, Bearer, Refresh, AuthCode,
			site.SQSession}
	}
	for _, n := range e.nodes {
		for _, k := range kinds {
			s, legal := n.setup(k, f.authType)
			for _, v := range validations {
				if s.anySignature = tagSizes[v]; !legal {
					continue
				}
				if o, ok := e.open(ctx, s, text); ok && o.whole {
					return &s
				}
			}
		}
	}
	return nil
}

func (r anySignature) Protector(purposes ...string) (machinekey.Protector, error) {
	s, err := netfx.NewDerived(r.setup.settings(), purposes[0], netfx.Context(purposes[1:]...))
	return r.protector(s, 0), err
}

func (r anySignature) CookieProtector(o machinekey.LegacyOptions, purposes ...string) (
	machinekey.Protector, error) {
	if !isLegacy(r.setup.mode) {
		return r.Protector(purposes...)
	}
	return r.EncodeProtector(o)
}

func (r anySignature) EncodeProtector(o machinekey.LegacyOptions) (machinekey.Protector, error) {
	if o.InsecureUnsigned || o.Protection == machinekey.InsecureProtectionNone {
		return nil, machinekey.ErrUnprotect // has none
	}
	encrypted, inner := o.Protection != machinekey.ProtectionValidation, 0
	if encrypted && o.Protection != machinekey.ProtectionEncryption {
		inner = r.setup.anySignature
	}
	s, err := netfx.NewLegacy(r.setup.settings(), netfx.Layers{Encrypted: encrypted, Signed: encrypted})
	return r.protector(s, inner), err
}

// protector leaves out the check of the signature, and that of another one inside.
func (r anySignature) protector(s *netfx.Sealer, inner int) machinekey.Protector {
	if s != nil {
		s.Signed = false
	}
	return unchecked{r, s, inner}
}

// unchecked is the protector of anySignature.
type unchecked struct {
	ring   anySignature
	sealer *netfx.Sealer
	inner  int // bytes of the signature inside
}

func (unchecked) Protect([]byte, []byte) ([]byte, error) { return nil, errNotIssued }

func (u unchecked) Unprotect(_ context.Context, dst, protected []byte) ([]byte, string, error) {
	n := len(protected) - u.ring.setup.anySignature
	if n < 1 {
		return dst, "", machinekey.ErrUnprotect
	}
	out, ok := u.sealer.Open(dst, protected[:n], nil)
	if !ok || len(out)-len(dst) < u.inner {
		return dst, "", machinekey.ErrUnprotect
	}
	return out[:len(out)-u.inner], u.ring.Keys()[0].ID(), nil
}
