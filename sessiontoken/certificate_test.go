package sessiontoken

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/rsacookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// rsaVector is a vector of sessiontoken_rsa.json.
type rsaVector struct {
	vectorJSON
	EncryptionKey, SigningKey, HashName string
	RSASignedHex, PayloadHex            string
	Stages                              struct {
		NBFXHex, NRBFHex, DeflatedHex, RSAEncryptedHex,
		RSASignedHex string
	}
}

type rsaFile struct {
	RSAKeys            map[string]struct{ PEM string }
	Vectors, Negatives []rsaVector
}

func readRSA(t testing.TB) *rsaFile {
	t.Helper()
	f := testkit.Parsed[rsaFile](t, "sessiontoken_rsa.json")
	if len(f.Vectors) != 11 || len(f.Negatives) != 11 {
		t.Fatalf("%d vectors, %d negatives", len(f.Vectors), len(f.Negatives))
	}
	return f
}

func (f *rsaFile) vector(t testing.TB, name string) *rsaVector {
	t.Helper()
	for i := range f.Vectors {
		if f.Vectors[i].Name == name {
			return &f.Vectors[i]
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

func (f *rsaFile) certificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	return parseCertificate(t, f.RSAKeys[name].PEM)
}

func (f *rsaFile) chain(t testing.TB, v *rsaVector) []Protector {
	t.Helper()
	return certificateChain(t, CertificateOptions{
		Certificates:     []tls.Certificate{f.certificate(t, v.EncryptionKey)},
		Signing:          []tls.Certificate{f.certificate(t, v.SigningKey)},
		InsecureSHA1:     v.HashName == "SHA1",
		InsecureSmallRSA: true,
	})
}

func parseCertificate(t testing.TB, pem string) tls.Certificate {
	t.Helper()
	key, err := rsacookie.ParseKey([]byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	return key.TLS()
}

func certificateChain(t testing.TB, o CertificateOptions) []Protector {
	t.Helper()
	list, err := CertificateTransforms(o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// certificateCodec needs no ring.
func certificateCodec(t testing.TB, chain []Protector) *SessionCodec {
	t.Helper()
	c, err := NewSessionCodec(nil, &SessionOptions{Transforms: chain, Endpoint: "/",
		Now: vectorNow})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateVectors(t *testing.T) {
	f := readRSA(t)
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			chain := f.chain(t, v)
			c := certificateCodec(t, chain)
			got, err := c.Decode(ctx, v.text())
			if err != nil {
				t.Fatal(err)
			}
			want := v.Expected.token(t)
			if diff := cmp.Diff(want, got, ignoreKey); diff != "" {
				t.Fatalf("differs from what .NET read (-want +got):\n%s", diff)
			}
			if got.OpenedBy() != "" {
				t.Error("opened by a machine key")
			}
			// Each layer on its own.
			stages := []string{v.Stages.NRBFHex, v.Stages.DeflatedHex, v.Stages.RSAEncryptedHex,
				v.Stages.RSASignedHex}
			for i, tr := range chain {
				if got, _, err := tr.Unprotect(ctx, []byte("x"),
					testkit.Unhex(t, stages[i+1])); err != nil ||
					string(got) != "x"+string(testkit.Unhex(t, stages[i])) {
					t.Errorf("%T: Unprotect: %v", tr, err)
				}
			}
			if got, err := chain[2].Protect([]byte("x"),
				testkit.Unhex(t, v.Stages.RSAEncryptedHex)); err != nil ||
				string(got) != "x"+string(testkit.Unhex(t, v.Stages.RSASignedHex)) {
				t.Errorf("signature: %v", err)
			}
			tok := v.Input.token(t)
			if doc, err := marshal(wif.V45, tok); err != nil ||
				!bytes.Equal(doc, testkit.Unhex(t, v.Stages.NBFXHex)) {
				t.Errorf("document: %v", err)
			}
			if text := envelopeText(tok, testkit.Unhex(t,
				v.Stages.RSASignedHex)); text != v.text() {
				t.Error("envelope differs")
			}
			text, err := c.Encode(ctx, tok)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = c.Decode(ctx, text); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, ignoreKey); diff != "" {
				t.Fatalf("issued (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCertificateNegative(t *testing.T) {
	f := readRSA(t)
	for i := range f.Negatives {
		v := &f.Negatives[i]
		t.Run(v.Name, func(t *testing.T) {
			c := certificateCodec(t, f.chain(t, v))
			payload, _, err := c.chain.decode(t.Context(), new([2][]byte),
				testkit.Unhex(t, v.RSASignedHex), nil)
			switch {
			case v.Error == "":
				if err != nil || !bytes.Equal(payload, testkit.Unhex(t, v.PayloadHex)) {
					t.Fatal(err)
				}
			case v.Name == "wrong-dec-key": // signed by the farm
				var at *FormatError
				if !errors.As(err, &at) || at.Layer != "rsa encryption" ||
					!errors.Is(err, ErrInvalid) {
					t.Fatal(err)
				}
			default:
				if err != ErrInvalid {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestCertificateRollover(t *testing.T) {
	f := readRSA(t)
	older, newer := f.certificate(t, "rsa2048"), f.certificate(t, "rsa3072")
	before := certificateCodec(t, certificateChain(t,
		CertificateOptions{Certificates: []tls.Certificate{older}}))
	during := certificateCodec(t, certificateChain(t,
		CertificateOptions{Certificates: []tls.Certificate{newer, older}}))
	after := certificateCodec(t, certificateChain(t,
		CertificateOptions{Certificates: []tls.Certificate{newer}}))
	issue := func(c *SessionCodec) string {
		tok, err := c.NewToken(alice())
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Encode(ctx, tok)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, tc := range []struct {
		name   string
		text   string
		reader *SessionCodec
		want   error
	}{
		{"older, read during", issue(before), during, nil},
		{"newer, read during", issue(during), during, nil},
		{"newer, read after", issue(during), after, nil},
		{"older, read after", issue(before), after, ErrInvalid},
		{"newer, read before", issue(during), before, ErrInvalid},
	} {
		if _, err := tc.reader.Decode(ctx, tc.text); err != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	// Signed with a key we know, encrypted for one that we do not have.
	stranger := certificateCodec(t, certificateChain(t, CertificateOptions{
		Certificates: []tls.Certificate{f.certificate(t, "sign2048")},
		Signing:      []tls.Certificate{older}}))
	a := anatomy.Of(ctx, before.Decode, issue(stranger))
	if last := a.Layers[len(a.Layers)-1]; last.Name != "rsa encryption" ||
		!errors.Is(a.Err, ErrInvalid) {
		t.Errorf("%s: %v", last.Name, a.Err)
	}
}

func TestCertificateOptionsRefused(t *testing.T) {
	f := readRSA(t)
	good, small := f.certificate(t, "rsa2048"), f.certificate(t, "rsa1024")
	for _, tc := range []struct {
		name string
		o    CertificateOptions
		want string
	}{
		{"none", CertificateOptions{}, "Certificates is empty"},
		{"signing only", CertificateOptions{Signing: []tls.Certificate{good}}, "Certificates is empty"},
		{"zero certificate", CertificateOptions{Certificates: []tls.Certificate{{}}},
			"Certificates[0]: no certificate and no private key"},
		{"zero", CertificateOptions{Certificates: []tls.Certificate{good},
			Signing: []tls.Certificate{{}}}, "Signing[0]"},
		{"small", CertificateOptions{Certificates: []tls.Certificate{good, small}}, "InsecureSmallRSA"},
		{"small signing", CertificateOptions{Certificates: []tls.Certificate{good},
			Signing: []tls.Certificate{small}}, "1024 bits"},
		{"many", CertificateOptions{Certificates: make([]tls.Certificate, 17)}, "at most 16"},
		{"public only", CertificateOptions{Certificates: []tls.Certificate{publicOnly(good)}},
			"no private key"},
	} {
		_, err := CertificateTransforms(tc.o)
		if err == nil || !strings.Contains(err.Error(), tc.want) ||
			!strings.HasPrefix(err.Error(), "sessiontoken: ") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	// A node that may only read: it verifies with a certificate alone.
	c := certificateCodec(t, certificateChain(t, CertificateOptions{
		Certificates: []tls.Certificate{good}, Signing: []tls.Certificate{publicOnly(good)}}))
	if _, err := c.Decode(ctx, f.vector(t, "rsa-one-claim").text()); err != nil {
		t.Error(err)
	}
	tok, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.Encode(ctx, tok); err == nil || text != "" ||
		!strings.Contains(err.Error(), "cannot issue: rsa signature") {
		t.Errorf("issued %.20s, %v", text, err)
	}
}

// publicOnly returns c without its private key.
func publicOnly(c tls.Certificate) tls.Certificate { return tls.Certificate{Leaf: c.Leaf} }

func TestCertificatesDoNotPrint(t *testing.T) {
	f := readRSA(t)
	c := f.certificate(t, "rsa2048")
	chain := certificateChain(t, CertificateOptions{Certificates: []tls.Certificate{c}})
	out := ""
	for _, v := range []any{chain, chain[1], chain[2],
		CertificateOptions{Certificates: []tls.Certificate{c}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			out += fmt.Sprintf(verb, v)
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "v", v)
		out += logged.String()
	}
	// D and P of the key, as the vectors have them.
	for _, secret := range []string{"LRYKK08Zfpc3", "ytmu/u79eglm", "2d160a2b4f197e97",
		"cad9aeferfefd7a09", "cad9aeeefd7a0966", "3248803", "202 217 174"} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(secret)) {
			t.Fatalf("%q is printed", secret)
		}
	}
}
