package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// shares issues a credential with each node's setup and reads it with the other's.
func (c *comparer) shares(ctx context.Context, k Kind, o *Options) (bool, string) {
	for _, d := range c.list {
		if slices.Contains(d.Blocks, k) {
			return false, d.Setting + " differs"
		}
	}
	for _, n := range []*Node{c.a, c.b} {
		if _, ok := n.setup(k, site.DefaultAuthType); !ok {
			if finding := n.faultFinding(); finding != nil {
				return false, finding.Sentence
			}
			return false, n.file + " has no usable machine key"
		}
		switch {
		case k.IsSession() && n.session.On && n.session.Protection == webconfig.ProtectionDPAPI:
			return false,
				n.file + " protects sessions with the Windows DPAPI of each machine (ID1073)"
		case k.IsSession() && n.session.On && n.session.Protection == webconfig.ProtectionCustom:
			return false,
				n.file +
					" has a session handler of its own, whose protection the file does not tell"
		}
	}
	for _, pair := range [][2]*Node{{c.a, c.b}, {c.b, c.a}} {
		from, _ := pair[0].setup(k, site.DefaultAuthType)
		to, _ := pair[1].setup(k, site.DefaultAuthType)
		text, err := from.issue(ctx, o)
		if err != nil {
			return false, fmt.Sprintf("%s issues nothing that is fit to be shared: %v",
				pair[0].file, err)
		}
		if got, ok := to.open(ctx, text, view{now: o.Now, skew: 5 * time.Minute}); !ok ||
			got.err != nil {
			return false, fmt.Sprintf("%s does not read what %s issues", pair[1].file, pair[0].file)
		}
	}
	if k == Katana {
		return true, "if the AuthenticationType is the same in code"
	}
	return true, ""
}

// issue makes a credential under the setup, to try it on another node.
func (s setup) issue(ctx context.Context, o *Options) (string, error) {
	const user = "webfarm doctor"
	v := view{now: o.Now, skew: 5 * time.Minute}
	ring, err := s.ring()
	if err != nil {
		return "", err
	}
	principal := sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: user}}}}}
	switch {
	case s.kind == Forms:
		codec, err := s.formsCodec(ring, v)
		if err != nil {
			return "", err
		}
		return codec.Encode(ctx, codec.NewTicket(user, ""))
	case s.kind == Roles:
		protector, err := s.roleProtector(ring)
		if err != nil {
			return "", err
		}
		return rolecookie.Encode(protector, []byte{0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0,
			0, 0, 0, 0, 0, 11})
	case s.kind == Anonymous:
		codec, err := sessiontoken.NewAnonymousCodec(ring, &sessiontoken.FormsOptions{
			Protection: s.protection, InsecureUnsigned: s.unsigned, Now: v.clock()})
		if err != nil {
			return "", err
		}
		return codec.Encode(ctx, codec.NewID())
	case s.kind.IsKatana():
		codec, err := sessiontoken.NewKatanaCodec(ring, s.ticketPurpose(),
			&sessiontoken.KatanaOptions{Now: v.clock()})
		if err != nil {
			return "", err
		}
		return codec.Encode(ctx, codec.NewTicket(principal.Identities[0], nil))
	}
	codec, err := s.sessionCodec(ring, v)
	if err != nil {
		return "", err
	}
	t, err := codec.NewToken(principal)
	if err != nil {
		return "", err
	}
	return codec.Encode(ctx, t)
}
