package doctor

import (
	"context"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// signed returns the size of the RSA signature of a session under a certificate, 0 without one.
func (f found) signed() int {
	for _, c := range carriers(f.text) {
		if c.shape == shapeSession {
			if size := signedRSA(c.data); size > 0 {
				return size
			}
		}
	}
	return 0
}

// takesCertificates reports whether the node's sessions may be under a certificate. Certificates
// are set in code: a web.config can only rule them out.
func (n *Node) takesCertificates() bool {
	p := n.session.Protection
	return !n.session.On ||
		p != webconfig.ProtectionMachineKeyProtect && p != webconfig.ProtectionMachineKeyEncode
}

// underCertificate opens a session with the chains of the given certificate. It reports false if
// none could be tried.
func (e *exam) underCertificate(ctx context.Context, n *Node, f found) (best opened, tried bool) {
	if len(e.o.Certificate) == 0 || !f.kind.IsSession() || f.signed() == 0 {
		return best, false
	}
	for _, chain := range e.o.Certificate {
		o := e.view(n, f.kind).sessionOptions(f.kind)
		o.Transforms = chain
		codec, err := sessiontoken.NewSessionCodec(nil, o)
		if err != nil {
			continue
		}
		e.triedOpen++
		var got opened
		got.take(anatomy.Of(ctx, codec.Decode, f.text))
		got.noteFormat()
		got.signed = true
		got.partly = got.partly && got.passed("rsa encryption")
		if !tried || got.whole || got.partly || got.passed("rsa signature") {
			best, tried = got, true
		}
		if got.whole || got.partly {
			break
		}
	}
	return best, tried
}

// passed reports whether a layer let the data through.
func (o *opened) passed(layer string) bool {
	for _, l := range o.layers {
		if l.Layer == layer {
			return l.OK
		}
	}
	return false
}

// certificate is the finding for a session under a certificate that the node does not read. Its
// signature has the given size.
func (e *exam) certificate(ctx context.Context, f found, n *Node, size int) *Finding {
	o, tried := e.underCertificate(ctx, n, f)
	if tried && o.partly {
		return e.inside(n, f, f.kind, o)
	}
	switch bits := 8 * size; {
	case !tried:
		return f.says("certificate/none", "bits", bits)
	case o.whole:
		return n.says(f, "certificate/opens", "bits", bits)
	case o.passed("rsa signature"):
		return f.says("certificate/encryption", "bits", bits)
	default:
		return f.says("certificate/signature", "bits", bits)
	}
}
