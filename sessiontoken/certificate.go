package sessiontoken

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/rsacookie"
)

// CertificateOptions say how a farm shares certificates. For nearly every farm
// Certificates holds one certificate with its private key:
//
//	certificate, err := tls.LoadX509KeyPair("farm.pem", "farm.pem")
//
// The keys are RSA keys: a [*crypto/rsa.PrivateKey], or one in a hardware
// module, a [crypto.Signer] and [crypto.Decrypter] that can do
// RSASSA-PKCS1-v1_5 and RSA-OAEP with SHA-1. As in WIF, dates and issuer of a
// certificate play no part. A private key serves without a certificate too.
type CertificateOptions struct {
	// Certificates encrypt and sign: the first one new cookies, all of them for reading,
	// so that a farm changes its certificate by putting the new one in front. At least
	// one needs its private key.
	Certificates []tls.Certificate `json:"-" xml:"-"`
	// Signing replaces Certificates for the signature, in the same way. A
	// codec whose first signing certificate has no private key only reads.
	Signing []tls.Certificate `json:"-" xml:"-"`
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
// It fails if a key is missing, too small or not able to do its part. RSA encryption uses SHA-1
// in OAEP, as .NET does, which GODEBUG=fips140=only does not allow.
func CertificateTransforms(o CertificateOptions) ([]Protector, error) {
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
		return nil, certificateError("certificate", err)
	}
	signature, err := rsacookie.NewSignature(hash, signingKeys...)
	if err != nil {
		return nil, certificateError("certificate", err)
	}
	return []Protector{DeflateTransform(), rsaEncryption{encryption}, rsaSignature{signature}}, nil
}

// maxCertificates bounds the certificates of a chain: each one that did not sign a
// cookie costs an RSA verification.
const maxCertificates = 16

// keys checks a list of certificates.
func (o *CertificateOptions) keys(name string, list []tls.Certificate) ([]*rsacookie.Key, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("sessiontoken: CertificateOptions.%s is empty", name)
	}
	if len(list) > maxCertificates {
		return nil, fmt.Errorf("sessiontoken: CertificateOptions.%s has %d entries, at most %d are taken",
			name, len(list), maxCertificates)
	}
	var keys []*rsacookie.Key
	for i, c := range list {
		key, err := rsacookie.FromTLS(c)
		if err != nil {
			return nil, certificateError(fmt.Sprintf("CertificateOptions.%s[%d]", name, i), err)
		}
		if bits := key.Bits(); bits < rsacookie.MinBits && !o.InsecureSmallRSA {
			return nil,
				fmt.Errorf("sessiontoken: certificate %s has an RSA key of %d bits, want at least %d; see InsecureSmallRSA",
					key.ID(), bits, rsacookie.MinBits)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// certificateError puts this package's name before an error of rsacookie.
func certificateError(what string, err error) error {
	return fmt.Errorf("sessiontoken: %s: %s", what, strings.TrimPrefix(err.Error(), "rsacookie: "))
}

// rsaEncryption is RsaEncryptionCookieTransform, whose output anybody can change.
type rsaEncryption struct{ encryption *rsacookie.Encryption }

func (t rsaEncryption) Protect(dst, data []byte) ([]byte, error) {
	return t.encryption.Encrypt(dst, data)
}

func (t rsaEncryption) Unprotect(_ context.Context, dst, data []byte) ([]byte, string, error) {
	dst, err := t.encryption.Decrypt(dst, data)
	return dst, "", err
}

// rsaSignature is RsaSignatureCookieTransform.
type rsaSignature struct{ signature *rsacookie.Signature }

func (t rsaSignature) Protect(dst, data []byte) ([]byte, error) {
	return t.signature.Sign(dst, data)
}

func (t rsaSignature) Unprotect(_ context.Context, dst, data []byte) ([]byte, string, error) {
	signed, err := t.signature.Verify(data)
	return append(dst, signed...), "", err
}
