package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
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
		v := view{now: o.Now, skew: 5 * time.Minute}
		text := ""
		issuer, err := from.codec(v)
		if err == nil {
			text, err = issuer.issue(ctx)
		}
		if err != nil {
			return false, fmt.Sprintf("%s issues nothing that is fit to be shared: %v",
				pair[0].file, err)
		}
		if got, ok := to.open(ctx, text, v); !ok ||
			got.err != nil {
			return false, fmt.Sprintf("%s does not read what %s issues", pair[1].file, pair[0].file)
		}
	}
	if k == Katana {
		return true, "if the AuthenticationType is the same in code"
	}
	return true, ""
}
