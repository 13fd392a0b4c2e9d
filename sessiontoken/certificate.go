package sessiontoken

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/rsacookie"
)

// Certificate is an RSA key that the nodes of a farm share: the service
// certificate of the .NET sites, with or without its private key. It prints
// nothing of it. Make one with [ParseCertificate] or [NewCertificate].
type Certificate struct{ key *rsacookie.Key }

// ParseCertificate reads PEM or DER data: an X.509 certificate, a private key
// (PKCS #8 or PKCS #1, not encrypted), a public key, or in PEM a certificate
// and its private key. As in WIF, dates and issuer of the certificate play no
// part. No error contains key bytes.
func ParseCertificate(data []byte) (*Certificate, error) {
	key, err := rsacookie.ParseKey(data)
	if err != nil {
		return nil, certificateError(err)
	}
	return &Certificate{key}, nil
}

// NewCertificate returns a Certificate for an RSA private key: an
// [*crypto/rsa.PrivateKey], or one in a hardware module, a [crypto.Decrypter]
// too, that can do RSASSA-PKCS1-v1_5 and RSA-OAEP with SHA-1.
func NewCertificate(key crypto.Signer) (*Certificate, error) {
	both, ok := key.(interface {
		crypto.Signer
		crypto.Decrypter
	})
	if !ok {
		return nil, fmt.Errorf("sessiontoken: certificate: the private key is a %T, which cannot decrypt", key)
	}
	k, err := rsacookie.NewKey(both)
	if err != nil {
		return nil, certificateError(err)
	}
	return &Certificate{k}, nil
}

// ID returns eight hex digits that name the certificate in logs. They come
// from the public key.
func (c *Certificate) ID() string {
	if c == nil || c.key == nil {
		return ""
	}
	return c.key.ID()
}

// CertificateOptions say how a farm shares certificates. For nearly every farm
// Certificates holds one certificate with its private key, and nothing else is
// set.
type CertificateOptions struct {
	// Certificates encrypt and sign. The first one is used for new cookies,
	// all of them for reading, so that a farm changes its certificate by
	// putting the new one in front. At least one needs its private key.
	Certificates []*Certificate
	// Signing replaces Certificates for the signature, in the same way. A
	// codec whose first signing certificate has no private key only reads.
	Signing []*Certificate
	// InsecureSHA1 is HashName "SHA1" of both transforms, on all nodes.
	// Zero is the default of .NET, SHA-256.
	InsecureSHA1 bool
	// InsecureSmallRSA admits keys of 1024 to 2047 bits.
	InsecureSmallRSA bool
}

// CertificateTransforms returns the whole chain of a farm that shares a
// certificate, for [SessionOptions].Transforms in either format:
//
//	Deflate, RSA encryption, RSA signature
//
// (DeflateCookieTransform, RsaEncryptionCookieTransform and
// RsaSignatureCookieTransform, the pattern that Microsoft documents for WIF.)
//
// It fails if a key is missing, too small or not able to do its part. RSA
// encryption uses SHA-1 in OAEP, as .NET does, which GODEBUG=fips140=only does
// not allow.
func CertificateTransforms(o CertificateOptions) ([]Transform, error) {
	signing := o.Signing
	if len(signing) == 0 {
		signing = o.Certificates
	}
	hash := rsacookie.SHA256
	if o.InsecureSHA1 {
		hash = rsacookie.InsecureSHA1
	}
	encryptionKeys, err := o.keys("Certificates", o.Certificates)
	if err != nil {
		return nil, err
	}
	signingKeys, err := o.keys("Signing", signing)
	if err != nil {
		return nil, err
	}
	encryption, err := rsacookie.NewEncryption(hash, encryptionKeys...)
	if err != nil {
		return nil, certificateError(err)
	}
	signature, err := rsacookie.NewSignature(hash, signingKeys...)
	if err != nil {
		return nil, certificateError(err)
	}
	return []Transform{DeflateTransform(), rsaEncryption{encryption}, rsaSignature{signature}}, nil
}

// keys checks a list of certificates.
func (o *CertificateOptions) keys(name string, list []*Certificate) ([]*rsacookie.Key, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("sessiontoken: CertificateOptions.%s is empty", name)
	}
	if len(list) > maxCertificates {
		return nil, fmt.Errorf("sessiontoken: CertificateOptions.%s has %d entries, at most %d are taken", name, len(list), maxCertificates)
	}
	var keys []*rsacookie.Key
	for i, c := range list {
		if c == nil || c.key == nil {
			return nil, fmt.Errorf("sessiontoken: CertificateOptions.%s[%d] was not made by ParseCertificate", name, i)
		}
		if bits := c.key.Bits(); bits < rsacookie.MinBits && !o.InsecureSmallRSA {
			return nil, fmt.Errorf("sessiontoken: certificate %s has an RSA key of %d bits, want at least %d; see InsecureSmallRSA",
				c.ID(), bits, rsacookie.MinBits)
		}
		keys = append(keys, c.key)
	}
	return keys, nil
}

// certificateError puts this package's name before an error of rsacookie.
func certificateError(err error) error {
	return errors.New("sessiontoken: certificate: " + strings.TrimPrefix(err.Error(), "rsacookie: "))
}

// rsaEncryption is RsaEncryptionCookieTransform. Its output can be changed by
// anybody, so it never stands last in a chain.
type rsaEncryption struct{ encryption *rsacookie.Encryption }

func (rsaEncryption) Name() string { return layerRSAEncryption }

func (rsaEncryption) Authenticates() bool { return false }

func (t rsaEncryption) Encode(dst, data []byte) ([]byte, error) {
	return t.encryption.Encrypt(dst, data)
}

func (t rsaEncryption) Decode(dst, data []byte) ([]byte, error) {
	return t.encryption.Decrypt(dst, data)
}

func (t rsaEncryption) open(_ context.Context, dst, data []byte) ([]byte, string, error) {
	dst, err := t.Decode(dst, data)
	return dst, "", err
}

// rsaSignature is RsaSignatureCookieTransform.
type rsaSignature struct{ signature *rsacookie.Signature }

func (rsaSignature) Name() string { return layerRSASignature }

func (rsaSignature) Authenticates() bool { return true }

func (t rsaSignature) Encode(dst, data []byte) ([]byte, error) {
	return t.signature.Sign(dst, data)
}

func (t rsaSignature) Decode(dst, data []byte) ([]byte, error) {
	signed, err := t.signature.Verify(data)
	return append(dst, signed...), err
}

func (t rsaSignature) open(_ context.Context, dst, data []byte) ([]byte, string, error) {
	dst, err := t.Decode(dst, data)
	return dst, "", err
}
