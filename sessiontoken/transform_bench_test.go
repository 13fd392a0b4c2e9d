package sessiontoken

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// chainBench is one of the chains that benchmarks are quoted for, with key A
// (AES-256 and HMAC-SHA1) or an RSA key of 2048 bits.
type chainBench struct {
	name   string
	format wif.Version
	codec  *SessionCodec
	floor  func(t testing.TB) *floor.Chain
}

func chainBenches(t testing.TB) []chainBench {
	w, r := readWIF10(t), readRSA(t)
	keyA := w.MachineKeys["A"]
	block, _ := pem.Decode([]byte(r.RSAKeys["rsa2048"].PEM))
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	made := func(c *floor.Chain, err error) *floor.Chain {
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return []chainBench{
		{"wif10", wif.V10, w.codec(t, w.vector(t, "one-claim"), SessionOptions{Endpoint: "/"}),
			func(t testing.TB) *floor.Chain {
				return made(floor.NewMachineKeyText(testkit.Unhex(t, keyA.ValidationKey),
					testkit.Unhex(t, keyA.DecryptionKey)))
			}},
		{"certificate", wif.V45, certificateCodec(t, r.chain(t, r.vector(t, "rsa-one-claim"))),
			func(t testing.TB) *floor.Chain {
				return made(floor.NewCertificate(private.(*rsa.PrivateKey)))
			}},
	}
}

// payload returns what the first transform of b encodes.
func (b *chainBench) payload(t testing.TB, tok *Token) []byte {
	doc, err := marshal(b.format, tok)
	if err != nil {
		t.Fatal(err)
	}
	return wif.AppendPayload(nil, doc, b.format)
}

func BenchmarkChains(b *testing.B) {
	f := readFile(b, "sessiontoken_45.json")
	for _, bc := range chainBenches(b) {
		for _, bt := range benchTokens {
			tok, text := benchToken(b, f, bc.codec, bt.vector)
			payload := bc.payload(b, tok)
			b.Run(bc.name+"/Decode/"+bt.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := bc.codec.Decode(ctx, text); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(bc.name+"/Decode/"+bt.name+"Floor", func(b *testing.B) {
				floor := bc.floor(b)
				b.ReportAllocs()
				for b.Loop() {
					floor.Read(text)
				}
			})
			b.Run(bc.name+"/Encode/"+bt.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := bc.codec.Encode(ctx, tok); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(bc.name+"/Encode/"+bt.name+"Floor", func(b *testing.B) {
				floor := bc.floor(b)
				b.ReportAllocs()
				for b.Loop() {
					floor.Write(text, payload)
				}
			})
		}
	}
}

// TestChainFloors shows that the floors do the work they are meant to.
func TestChainFloors(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	for _, bc := range chainBenches(t) {
		tok, text := benchToken(t, f, bc.codec, "one-claim")
		if !bytes.Equal(bc.floor(t).Read(text), bc.payload(t, tok)) {
			t.Errorf("%s: the floor reads something else", bc.name)
		}
		if n := bc.floor(t).Write(text, bc.payload(t, tok)); n < len(text)*9/10 ||
			n > len(text)*11/10 {
			t.Errorf("%s: the floor writes %d characters, the codec %d", bc.name, n, len(text))
		}
	}
}

// TestChainAllocations counts what a call allocates besides what crypto/rsa
// and the operations on its big numbers do.
func TestChainAllocations(t *testing.T) {
	if race.Enabled {
		return // which empties pools
	}
	f := readFile(t, "sessiontoken_45.json")
	limits := map[string]struct{ decode, encode float64 }{"wif10": {5, 3}, "certificate": {30, 30}}
	for _, bc := range chainBenches(t) {
		limit := limits[bc.name]
		for _, bt := range benchTokens {
			tok, text := benchToken(t, f, bc.codec, bt.vector)
			if n := testing.AllocsPerRun(20, func() {
				if _, err := bc.codec.Decode(ctx, text); err != nil {
					t.Fatal(err)
				}
			}); n > limit.decode {
				t.Errorf("%s: Decode of %s: %v allocations", bc.name, bt.name, n)
			}
			if n := testing.AllocsPerRun(20, func() {
				if _, err := bc.codec.Encode(ctx, tok); err != nil {
					t.Fatal(err)
				}
			}); n > limit.encode {
				t.Errorf("%s: Encode of %s: %v allocations", bc.name, bt.name, n)
			}
		}
	}
}
