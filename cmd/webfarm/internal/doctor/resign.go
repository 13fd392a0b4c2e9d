package doctor

import (
	"cmp"
	"context"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// keyring is what the codecs ask of a ring of machine keys.
type keyring interface {
	sessiontoken.Keys
	CookieProtector(o machinekey.LegacyOptions, purposes ...string) (machinekey.Protector, error)
	EncodeProtector(o machinekey.LegacyOptions) (machinekey.Protector, error)
	Keys() []*machinekey.Key
}

// resigner is a ring that takes any signature: it puts its own in place of the last size bytes.
// What reads under it was encrypted with its decryption key, and is not authentic.
type resigner struct {
	*machinekey.Ring
	setup setup
	size  int
}

// decrypts returns the setup of the first node that reads text but for its signature, nil for none.
func (e *exam) decrypts(ctx context.Context, text string, f found) *setup {
	kinds := []Kind{f.kind}
	if f.kind == "" {
		kinds = []Kind{FedAuth, WIF10, Forms, Roles, Anonymous, Katana, Bearer, Refresh, AuthCode}
	}
	for _, n := range e.nodes {
		for _, k := range kinds {
			s, legal := n.setup(k, f.authType)
			for _, v := range validations {
				if s.resign = tagSize(v); !legal {
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

func (r resigner) Protector(purposes ...string) (machinekey.Protector, error) {
	p, err := r.Ring.Protector(purposes...)
	derive := deriver(r.setup.validationKey.bytes.Reveal())
	if err != nil || derive == nil {
		return p, err
	}
	key := derive(purpose{primary: purposes[0], specific: purposes[1:]})
	return resigned{p, hasher(r.setup.validation, key), r.size, 0}, nil
}

func (r resigner) CookieProtector(o machinekey.LegacyOptions, purposes ...string) (
	machinekey.Protector, error) {
	if !isLegacy(r.setup.mode) {
		return r.Protector(purposes...)
	}
	inner := r.withoutInner(&o)
	p, err := r.Ring.CookieProtector(o, purposes...)
	return r.legacy(p, inner), err
}

func (r resigner) EncodeProtector(o machinekey.LegacyOptions) (machinekey.Protector, error) {
	inner := r.withoutInner(&o)
	p, err := r.Ring.EncodeProtector(o)
	return r.legacy(p, inner), err
}

// withoutInner leaves the inner signature of protection All to resigned.
func (r resigner) withoutInner(o *machinekey.LegacyOptions) int {
	if cmp.Or(o.Protection, machinekey.ProtectionAll) != machinekey.ProtectionAll {
		return 0
	}
	o.Protection = machinekey.ProtectionEncryption
	return r.size
}

func (r resigner) legacy(p machinekey.Protector, inner int) resigned {
	key := r.setup.validationKey.bytes.Reveal()
	return resigned{p, hasher(effective(r.setup.validation), key), r.size, inner}
}

// resigned is the protector of a resigner.
type resigned struct {
	machinekey.Protector
	sign        func(data []byte) []byte
	size, inner int
}

func (r resigned) Unprotect(ctx context.Context, dst, protected []byte) ([]byte, string, error) {
	n := len(protected) - r.size
	if n < 1 || r.sign == nil {
		return dst, "", machinekey.ErrUnprotect
	}
	out, id, err := r.Protector.Unprotect(ctx, dst, append(protected[:n:n], r.sign(protected[:n])...))
	if err == nil && len(out)-len(dst) < r.inner {
		return dst, "", machinekey.ErrUnprotect
	}
	if err == nil {
		out = out[:len(out)-r.inner]
	}
	return out, id, err
}
