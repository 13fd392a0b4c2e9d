package xmlenc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/xmlenc"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// TestEncrypt opens what Encrypt has written, at every length of the padding.
func TestEncrypt(t *testing.T) {
	keys, _ := recorded(t)
	for n := range 33 {
		plain := "<a>" + strings.Repeat("x", n) + "</a>"
		text, err := xmlenc.Encrypt(plain, keys[0].Certificate)
		if err != nil {
			t.Fatal(err)
		}
		e, err := xmltree.Parse([]byte(text), limits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := xmlenc.Decrypt(e, keys[:1])
		if err != nil || string(got) != plain {
			t.Fatalf("%q, %v, want %q", got, err, plain)
		}
		if c := xmlenc.Recipient(e); c == nil || string(c.Raw) != string(keys[0].Certificate) {
			t.Errorf("for %v", c)
		}
	}
}

func TestEncryptRefuses(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := xmlenc.Encrypt("<a/>", der); text != "" || !errors.Is(err, xmlenc.ErrAlgorithm) {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := xmlenc.Encrypt("<a/>", []byte("none")); text != "" || err == nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestRecipient has elements that name no certificate.
func TestRecipient(t *testing.T) {
	keys, encrypted := recorded(t)
	if xmlenc.Recipient(encrypted[0]) == nil {
		t.Error("no recipient")
	}
	for _, d := range []document{
		{data: "aes256-cbc", key: "rsa-1_5", size: 32, certificate: []byte("none")},
		{data: "aes256-cbc", key: "rsa-1_5", size: 32},
		{data: "aes256-cbc", key: "rsa-1_5", size: 32, withoutKeyInfo: true},
	} {
		d.to = &keys[0].Private.(*rsa.PrivateKey).PublicKey
		e, err := xmltree.Parse([]byte(d.xml(t)), limits)
		if err != nil {
			t.Fatal(err)
		}
		if c := xmlenc.Recipient(e); c != nil {
			t.Errorf("%+v: %v", d, c.Subject)
		}
	}
}
