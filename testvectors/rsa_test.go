package testvectors_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"math/big"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/rsacookie"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// rsaKeys are RSA keys by name, each in three spellings.
type rsaKeys map[string]struct{ KeyXML, PublicXML, PEM string }

// rsaStages are the stages of a token that is protected with certificates.
type rsaStages struct {
	stages
	RSAEncryptedHex, RSASignedHex hexBytes
}

// rsaVector is a token of a farm that shares certificates.
type rsaVector struct {
	sessionVector
	Stages                              rsaStages
	EncryptionKey, SigningKey, HashName string
}

// rsaNegative is a protected value that mostly does not open.
type rsaNegative struct {
	Name, Desc, Provenance              string
	EncryptionKey, SigningKey, HashName string
	RSASignedHex, PayloadHex            hexBytes
	Error, Message                      string // empty: it opens
}

func runRSA(t *testing.T, f *file) {
	var content struct {
		keyedFile
		RSAKeys   rsaKeys
		Vectors   []rsaVector
		Negatives []rsaNegative
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors), len(content.Negatives))
	keys := content.RSAKeys
	for name := range keys {
		keys.check(t, name)
	}
	each(t, f, content.Vectors, func(v *rsaVector) string { return v.Name },
		func(t *testing.T, v *rsaVector) {
			v.sessionVector.Stages = v.Stages.stages
			c := chained{session: session{f: f, keyedFile: &content.keyedFile,
				sessionVector: &v.sessionVector},
				transforms: keys.transforms(t, v.EncryptionKey, v.SigningKey, v.HashName)}
			if c.run(t) {
				c.rsaLayers(t, &v.Stages)
			}
		})
	each(t, f, content.Negatives, func(v *rsaNegative) string { return v.Name },
		func(t *testing.T, v *rsaNegative) {
			v.run(t, keys.transforms(t, v.EncryptionKey, v.SigningKey, v.HashName))
		})
}

// transforms returns the chain of a farm. The vectors have weak keys too.
func (k rsaKeys) transforms(t *testing.T, encryption, signing, hash string) []sessiontoken.Protector {
	t.Helper()
	if hash != "SHA256" && hash != "SHA1" {
		t.Fatalf("no test for hashName %q", hash)
	}
	list, err := sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{
		Certificates:     []tls.Certificate{k.certificate(t, encryption)},
		Signing:          []tls.Certificate{k.certificate(t, signing)},
		InsecureSHA1:     hash == "SHA1",
		InsecureSmallRSA: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (k rsaKeys) certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	if k[name].PEM == "" {
		t.Fatalf("no RSA key %q in the file", name)
	}
	key, err := rsacookie.ParseKey([]byte(k[name].PEM))
	if err != nil {
		t.Fatal(err)
	}
	return key.TLS()
}

// number is a number in .NET's XML form of a key.
type number struct{ big.Int }

func (n *number) UnmarshalText(text []byte) error {
	data, err := base64.StdEncoding.DecodeString(string(text))
	n.SetBytes(data)
	return err
}

// check compares the spellings of a key that are there.
func (k rsaKeys) check(t *testing.T, name string) {
	t.Helper()
	block, _ := pem.Decode([]byte(k[name].PEM))
	if block == nil {
		t.Errorf("%s: pem is not PEM", name)
		return
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Errorf("%s: not an RSA key", name)
		return
	}
	for _, text := range []string{k[name].KeyXML, k[name].PublicXML} {
		var x struct{ Modulus, Exponent, P, Q, D number }
		if text == "" {
			continue
		}
		if err := xml.Unmarshal([]byte(text), &x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		public := x.Modulus.Cmp(key.N) == 0 && x.Exponent.Cmp(big.NewInt(int64(key.E))) == 0
		private := text != k[name].KeyXML || x.D.Cmp(key.D) == 0 && x.P.Cmp(key.Primes[0]) == 0 &&
			x.Q.Cmp(key.Primes[1]) == 0
		if !public || !private {
			t.Errorf("%s: the XML and the PEM form are not the same key", name)
		}
	}
}

// rsaLayers takes one transform off after the other and compares what comes
// out. A signature of these bytes is always the same, the encryption is not.
func (c *chained) rsaLayers(t *testing.T, want *rsaStages) {
	data := c.protected(t)
	for i, stage := range []struct {
		name  string
		bytes []byte
	}{{"rsaSignedHex", want.RSASignedHex}, {"rsaEncryptedHex",
		want.RSAEncryptedHex}, {"deflatedHex", want.DeflatedHex}} {
		if stage.bytes != nil {
			sameBytes(t, stage.name, data, stage.bytes)
		}
		tr := c.transforms[len(c.transforms)-1-i]
		inner, _, err := tr.Unprotect(t.Context(), nil, data)
		if err != nil {
			t.Fatalf("%s: %v", stage.name, err)
		}
		if i == 0 {
			again, err := tr.Protect(nil, inner)
			if err != nil {
				t.Fatal(err)
			}
			sameBytes(t, "signed anew", again, data)
		}
		data = inner
	}
	c.payload(t, data)
}

// run opens the value by its transforms and, whatever they say, inside an
// envelope.
func (v *rsaNegative) run(t *testing.T, transforms []sessiontoken.Protector) {
	data, authentic := []byte(v.RSASignedHex), false
	var err error
	for i := len(transforms) - 1; i >= 0 && err == nil; i-- {
		data, _, err = transforms[i].Unprotect(t.Context(), nil, data)
		authentic = authentic || err == nil
	}
	switch {
	case v.Error != "" && err == nil:
		t.Errorf("opened; .NET refuses: %s %s", v.Error, v.Message)
	case v.Error == "" && err != nil:
		t.Fatal(err)
	case v.Error == "":
		sameBytes(t, "payloadHex", data, v.PayloadHex)
	}

	codec := newCodec(t, nil, &sessiontoken.SessionOptions{Transforms: transforms,
		Now: reading(nil).Now, ClockSkew: reading(nil).ClockSkew})
	tok, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{}}})
	if err != nil {
		t.Fatal(err)
	}
	if v.Error == "" {
		if doc, err := nrbf.ParseSession(data); err == nil {
			if tok, err = tokentest.Unmarshal(wif.V45, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err = codec.Decode(context.Background(), inEnvelope(t, codec, tok, v.RSASignedHex))
	var inside *sessiontoken.FormatError
	switch {
	case v.Error == "":
		if err != nil {
			t.Error(err)
		}
	case authentic: // the signature is good, so more may be told
		if !errors.As(err, &inside) {
			t.Errorf("error %v, want a FormatError", err)
		}
	case err != sessiontoken.ErrInvalid:
		t.Errorf("error %v, want ErrInvalid as it is", err)
	}
}

// inEnvelope returns the text of a cookie with the ids of a token around
// protected bytes.
func inEnvelope(t *testing.T, codec *sessiontoken.SessionCodec, tok *sessiontoken.Token, protected []byte) string {
	t.Helper()
	text, err := codec.Encode(context.Background(), tok)
	if err != nil {
		t.Fatal(err)
	}
	xml, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	head, _, tail, ok := cutCookie(xml)
	if !ok {
		t.Fatal("no Cookie in the XML")
	}
	return base64.StdEncoding.EncodeToString(bytes.Join([][]byte{head,
		[]byte(base64.StdEncoding.EncodeToString(protected)), tail}, nil))
}
