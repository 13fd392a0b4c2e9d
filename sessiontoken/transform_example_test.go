package sessiontoken_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// roundTrip signs bob in and reads his cookie.
func roundTrip(codec *sessiontoken.SessionCodec) {
	ctx := context.Background()
	token, err := codec.NewToken(*sessiontoken.NewPrincipal("bob"))
	if err != nil {
		log.Fatal(err)
	}
	text, err := codec.Encode(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	p, err := codec.ReadPrincipal(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("hello", p.Name())
}

// A farm whose sites share a certificate instead of machine keys.
func ExampleCertificateTransforms() {
	// The farm's certificate with its private key, usually from a file:
	// openssl pkcs12 -in farm.pfx -nodes -out farm.pem
	farm := farmPEM()
	certificate, err := tls.X509KeyPair(farm, farm)
	if err != nil {
		log.Fatal(err)
	}
	transforms, err := sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{
		Certificates: []tls.Certificate{certificate}, // a second one is read too
	})
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(nil, &sessiontoken.SessionOptions{Transforms: transforms})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(codec)
	// Output: hello bob
}

// A farm of sites with WIF 1.0, on .NET 3.5 or 4.0, and MachineKey.Encode.
func ExampleSessionOptions_wif10() {
	codec, err := sessiontoken.NewSessionCodec(newRing(), &sessiontoken.SessionOptions{WIF10: true})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(codec)
	// Output: hello bob
}

// A farm with a handler of its own, which calls MachineKey.Protect for
// another purpose.
func ExampleSessionOptions_transforms() {
	protector, err := newRing().Protector(machinekey.UserPurpose, "Contoso.Sessions", "v2")
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(nil, &sessiontoken.SessionOptions{
		Transforms: []sessiontoken.Protector{sessiontoken.DeflateTransform(), protector},
	})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(codec)
	// Output: hello bob
}

// farmPEM stands for the file of the farm's certificate.
func farmPEM() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
}
