package rsacookie

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxFile bounds a certificate file. A chain of ten is about 20 kB.
const maxFile = 1 << 20

// ParseKey reads a certificate, an RSA key or both from PEM or DER:
//
//	CERTIFICATE                       X.509; the first one counts, others are its chain
//	PRIVATE KEY, RSA PRIVATE KEY      PKCS #8, PKCS #1, not encrypted
//	PUBLIC KEY, RSA PUBLIC KEY        PKIX, PKCS #1
//
// A certificate and a private key in one PEM file must belong together. As
// in WIF the dates and the issuer of a certificate play no part.
func ParseKey(data []byte) (*Key, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("rsacookie: certificate of %d bytes", len(data))
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return parseDER(data)
	}
	var public, private *Key
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		k, err := parseBlock(block)
		switch {
		case err != nil:
			return nil, err
		case k == nil:
		case k.HasPrivate() && private != nil:
			return nil,
				errors.New("rsacookie: several private keys in one file; give each on its own")
		case k.HasPrivate():
			private = k
		case public == nil:
			public = k
		}
	}
	switch {
	case private == nil && public == nil:
		return nil, errors.New("rsacookie: no certificate or key in the PEM data")
	case private == nil:
		return public, nil
	case public != nil && !public.public.Equal(private.public):
		return nil, errApart
	}
	return private, nil
}

// parseBlock returns the key of a PEM block, nil for one of another kind.
func parseBlock(b *pem.Block) (*Key, error) {
	switch b.Type {
	case "CERTIFICATE":
		return parseCertificate(b.Bytes)
	case "PRIVATE KEY":
		return parsePKCS8(b.Bytes)
	case "RSA PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, errEncrypted
		}
		return parsePKCS1(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	case "PUBLIC KEY":
		return parsePKIX(b.Bytes)
	case "RSA PUBLIC KEY":
		key, err := x509.ParsePKCS1PublicKey(b.Bytes)
		return publicKey(key, err)
	case "EC PRIVATE KEY":
		return nil, errNotRSA
	}
	return nil, nil
}

var (
	errEncrypted = errors.New("rsacookie: the private key is encrypted; decrypt it first (openssl rsa -in key.pem -out plain.pem)")
	errNotRSA    = errors.New("rsacookie: not an RSA key; WIF can use no other")
	errApart     = errors.New("rsacookie: the certificate and the private key do not belong together")
)

// parseDER tries what a file without PEM armour can be.
func parseDER(data []byte) (*Key, error) {
	for _, parse := range []func([]byte) (*Key, error){parseCertificate, parsePKCS8, parsePKCS1, parsePKIX} {
		if k, err := parse(data); err == nil {
			return k, nil
		} else if errors.Is(err, errNotRSA) {
			return nil, err
		}
	}
	return nil, errors.New("rsacookie: not a certificate or key in PEM or DER; " +
		"convert a .pfx file first (openssl pkcs12 -in farm.pfx -nodes -out farm.pem)")
}

func parseCertificate(der []byte) (*Key, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("rsacookie: certificate: %w", err)
	}
	return publicKey(c.PublicKey, nil)
}

func parsePKIX(der []byte) (*Key, error) { return publicKey(x509.ParsePKIXPublicKey(der)) }

// publicKey makes a Key of what a function of package x509 returned.
func publicKey(key any, err error) (*Key, error) {
	if err != nil {
		return nil, fmt.Errorf("rsacookie: public key: %w", err)
	}
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errNotRSA
	}
	return NewPublicKey(k)
}

// The errors of the two functions below leave out their causes, which could
// quote a private key.

func parsePKCS8(der []byte) (*Key, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("rsacookie: malformed private key (PKCS #8)")
	}
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	return NewKey(k)
}

func parsePKCS1(der []byte) (*Key, error) {
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, errors.New("rsacookie: malformed private key (PKCS #1)")
	}
	return NewKey(key)
}
