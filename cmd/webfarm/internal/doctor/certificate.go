package doctor

import (
	"context"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// signed returns the size of the RSA signature of a session that is under a
// certificate, 0 if it is not.
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

// takesCertificates reports whether the node's sessions may be under a
// certificate. Code sets that up, so the file says at most that they are not.
func (n *Node) takesCertificates() bool {
	switch n.session.Protection {
	case webconfig.ProtectionMachineKeyProtect, webconfig.ProtectionMachineKeyEncode:
		return !n.session.On
	}
	return true
}

// underCertificate opens a session with the chains of the given certificate,
// and reports whether there was anything to try.
func (e *exam) underCertificate(ctx context.Context, n *Node, f found) (best opened, tried bool) {
	if len(e.o.Certificate) == 0 || !f.kind.IsSession() || f.signed() == 0 {
		return best, false
	}
	for _, chain := range e.o.Certificate {
		o := e.view(n).sessionOptions(f.kind)
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

// certificate is the finding for a session under a certificate, whose
// signature has the given size, that the node does not read.
func (e *exam) certificate(ctx context.Context, f found, n *Node, size int) *Finding {
	o, tried := e.underCertificate(ctx, n, f)
	if tried && o.partly {
		return e.inside(n, f, f.kind, o)
	}
	found := &Finding{Code: CodeCertificate, DotNet: "ID1014, or a key that cannot be found"}
	label, bits := capital(f.label()), 8*size
	switch {
	case !tried:
		found.Sentence = fmt.Sprintf("%s is signed and encrypted with a certificate (RSA, %d bits), not with the machine key.", label, bits)
		found.Fix = elsewhere("code", "give the node that certificate with its private key (in Go sessiontoken.CertificateTransforms), "+
			"or make all nodes use MachineKeySessionSecurityTokenHandler in place of the transforms that code sets; -cert says whether a certificate opens it")
	case o.whole:
		found.Sentence = fmt.Sprintf("%s opens with the given certificate (RSA, %d bits), but %s protects sessions with the machine key.", label, bits, n.file)
		found.Fix = elsewhere("code", "decide for one of the two: take MachineKeySessionSecurityTokenHandler out of this web.config and set the transforms in code as on the node that issued it, "+
			"or put that handler into the web.config of every node")
	case o.passed("rsa signature"):
		found.Sentence = fmt.Sprintf("%s is signed with the given certificate (RSA, %d bits), but encrypted for another one.", label, bits)
		found.Fix = elsewhere("code", "look which certificate RsaEncryptionCookieTransform has on the node that issued it, and give all nodes its private key")
	default:
		found.Sentence = fmt.Sprintf("%s is signed with a certificate (RSA, %d bits), but not with the given one.", label, bits)
		found.Fix = elsewhere("code", "look which certificate RsaSignatureCookieTransform has on the node that issued it: one that was renewed has a new key")
	}
	return found
}
