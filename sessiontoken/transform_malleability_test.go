package sessiontoken

import (
	"bytes"
	"errors"
	"testing"

	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// chainCase is a codec with protected bytes of two sessions.
type chainCase struct {
	name  string
	codec *SessionCodec
	ids   *Token
	a, b  []byte
	// same reports whether a changed value stands for the same bytes.
	same func(changed, original []byte) bool
}

func chainCases(t testing.TB) []chainCase {
	w := readWIF10(t)
	r := readRSA(t)
	hexA, hexB := w.vector(t, "one-claim"), w.vector(t, "persistent")
	rsaA, rsaB := r.vector(t, "rsa-one-claim"), r.vector(t, "rsa-unicode")
	never := func(_, _ []byte) bool { return false }
	return []chainCase{
		{"hex", w.codec(t, hexA, SessionOptions{}), hexA.Input.token(t),
			testkit.Unhex(t, hexA.Stages.ProtectedHex), testkit.Unhex(t, hexB.Stages.ProtectedHex),
			bytes.EqualFold},
		{"certificate", certificateCodec(t, r.chain(t, rsaA)), rsaA.Input.token(t),
			testkit.Unhex(t, rsaA.Stages.RSASignedHex),
			testkit.Unhex(t, rsaB.Stages.RSASignedHex), never},
	}
}

// TestChainsAreNotMalleable is TestProtectedBytesAreNotMalleable for the
// other chains.
func TestChainsAreNotMalleable(t *testing.T) {
	step := share.OneIn(t, 8)
	for _, tc := range chainCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			original := bytes.Clone(tc.a)
			if _, err := tc.codec.Decode(ctx, envelopeText(tc.ids, tc.a)); err != nil {
				t.Fatal(err)
			}
			refuse := func(what string, n int, protected []byte) {
				tok, err := tc.codec.Decode(ctx, envelopeText(tc.ids, protected))
				if bytes.Equal(protected, tc.b) { // the two begin alike
					if !errors.Is(err, ErrInvalid) {
						t.Fatalf("%s %d: another session's bytes: %v", what, n, err)
					}
					return
				}
				if tc.same(protected, original) {
					if err != nil {
						t.Fatalf("%s %d: %v", what, n, err)
					}
					return
				}
				if err != ErrInvalid || tok != nil {
					t.Fatalf("%s %d: %v, %v", what, n, tok, err)
				}
			}
			a, b := tc.a, tc.b
			for i := range a {
				for bit := range 8 {
					if (i+bit)%step != 0 {
						continue
					}
					a[i] ^= 1 << bit
					refuse("bit", i*8+bit, a)
					a[i] ^= 1 << bit
				}
				refuse("truncated to", i, a[:i])
				refuse("without the first", i+1, a[i+1:])
				refuse("spliced at", i, append(bytes.Clone(a[:i+1]), b[min(i+1, len(b)-1):]...))
				refuse("spliced at", i, append(bytes.Clone(b[:min(i+1, len(b)-1)]), a[i:]...))
			}
			refuse("extended", 1, append(a[:len(a):len(a)], '0'))
			refuse("extended", 2, append(a[:len(a):len(a)], '0', '0'))
		})
	}
}
