package sessiontoken

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestHostileChains gives WIF 1.0 and certificates what the network may
// bring, and then what only a holder of the key could make.
func TestHostileChains(t *testing.T) {
	for _, tc := range chainCases(t) {
		format := tc.codec.version
		seal := func(payload []byte) []byte {
			protected, err := tc.codec.chain.encode(new([2][]byte), payload)
			if err != nil {
				t.Fatal(err)
			}
			return protected
		}
		document := func(f func(w *nbfx.Writer)) []byte {
			return seal(wif.AppendPayload(nil, hostileDocumentOf(t, format, f), format))
		}
		claims := func(n int) []byte {
			return document(func(w *nbfx.Writer) {
				w.StartDict(names(format).ID("Identity"))
				w.StartDict(names(wif.V45).ID("ClaimCollection"))
				for range n {
					w.StartDict(names(wif.V45).ID("Claim"))
					w.AttrDict(names(wif.V45).ID("Type"), "")
					w.AttrDict(names(wif.V45).ID("Value"), "")
					w.End()
				}
				w.End()
				w.End()
			})
		}
		last := tc.codec.chain[len(tc.codec.chain)-1]
		authentic := func(inner []byte) []byte { // as the outermost transform gets it
			protected, err := last.Protect(nil, inner)
			if err != nil {
				t.Fatal(err)
			}
			return protected
		}
		for _, h := range []struct {
			name      string
			protected []byte
			want      error
		}{
			{"nothing", nil, ErrInvalid},
			{"zeros", make([]byte, 1<<20), ErrInvalid},
			{"ones", bytes.Repeat([]byte{0xFF}, 1<<20), ErrInvalid},
			{"hex digits", bytes.Repeat([]byte("0"), 1<<20), ErrInvalid},
			{"odd hex", bytes.Repeat([]byte("0"), 1<<20-1), ErrInvalid},
			{"a megabyte after a good value", append(bytes.Clone(tc.a), make([]byte, 1<<20)...), ErrInvalid},
			{"authentic junk", authentic([]byte("\x07junk")), ErrInvalid},
			{"authentic lengths", authentic(bytes.Repeat([]byte{0x7F}, 400)), ErrInvalid},
			{"authentic zeros", authentic(make([]byte, 400)), ErrInvalid},
			{"bomb", seal(make([]byte, 64<<20)), flate.ErrTooLarge},
			{"130,000 claims", claims(130_000), flate.ErrTooLarge},
			{"50,000 claims, expired", claims(50_000), ErrExpired},
			{"text in the place of identities",
				document(func(w *nbfx.Writer) { w.Text(strings.Repeat("x", 1<<19)) }), ErrInvalid},
		} {
			var err error
			var tok *Token
			text := envelopeText(&Token{ID: "_id1",
				ContextID: machinekey.NewSecret([]byte("urn:x:1"))}, h.protected)
			n := allocated(func() { tok, err = tc.codec.Decode(ctx, text) })
			if tok != nil || !errors.Is(err, h.want) {
				t.Errorf("%s: %s: %v", tc.name, h.name, err)
			}
			if n > heapBound {
				t.Errorf("%s: %s: allocated %d bytes", tc.name, h.name, n)
			}
		}
	}
}
