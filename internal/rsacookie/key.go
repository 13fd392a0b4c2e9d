package rsacookie

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
)

// MinBits is the length of the shortest RSA key taken without the word
// Insecure: that of NIST SP 800-131A.
const MinBits = 2048

// maxBits bounds the work that one verification can cost.
const maxBits = 16384

// Key is an RSA key, with or without its private half. It prints without it.
type Key struct {
	public    *rsa.PublicKey
	signer    crypto.Signer    // nil: verifies only
	decrypter crypto.Decrypter // nil: encrypts only
}

// PrivateKey is the private half of a key, which may stay in hardware.
type PrivateKey interface {
	crypto.Signer
	crypto.Decrypter
}

// NewKey returns the key of a private half whose public one is an *rsa.PublicKey.
func NewKey(private PrivateKey) (*Key, error) {
	if private == nil {
		return nil, errors.New("rsacookie: no private key")
	}
	public, ok := private.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("rsacookie: private key for %T, need RSA", private.Public())
	}
	k, err := NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	k.signer, k.decrypter = private, private
	return k, nil
}

// NewPublicKey returns a key without its private half.
func NewPublicKey(public *rsa.PublicKey) (*Key, error) {
	switch {
	case public == nil || public.N == nil || public.N.Sign() <= 0 || public.N.Bit(0) == 0 ||
		public.E < 3 || public.E&1 == 0:
		return nil, errors.New("rsacookie: not an RSA public key")
	case public.N.BitLen() > maxBits:
		return nil, fmt.Errorf("rsacookie: RSA key of %d bits, at most %d are taken",
			public.N.BitLen(), maxBits)
	}
	return &Key{public: &rsa.PublicKey{N: new(big.Int).Set(public.N), E: public.E}}, nil
}

// FromTLS returns the key of a certificate, with its private half if c has that. A private
// key alone will do, and so will a Leaf with nothing but a public key.
func FromTLS(c tls.Certificate) (*Key, error) {
	var public *Key
	var err error
	switch {
	case c.Leaf != nil:
		public, err = publicKey(c.Leaf.PublicKey, nil)
	case len(c.Certificate) > 0:
		public, err = parseCertificate(c.Certificate[0])
	case c.PrivateKey == nil:
		err = errors.New("rsacookie: no certificate and no private key")
	}
	if err != nil || c.PrivateKey == nil {
		return public, err
	}
	private, ok := c.PrivateKey.(PrivateKey)
	if key, isRSA := c.PrivateKey.(*rsa.PrivateKey); !ok || isRSA && key == nil {
		return nil, fmt.Errorf("rsacookie: the private key is a %T, which cannot sign and decrypt",
			c.PrivateKey)
	}
	k, err := NewKey(private)
	if err == nil && public != nil && !public.public.Equal(k.public) {
		return nil, errApart
	}
	return k, err
}

// TLS returns k as [FromTLS] takes it.
func (k *Key) TLS() tls.Certificate {
	c := tls.Certificate{Leaf: &x509.Certificate{PublicKey: k.public}}
	if k.HasPrivate() {
		c.PrivateKey = k.signer
	}
	return c
}

// Bits returns the length of the key.
func (k *Key) Bits() int { return k.public.N.BitLen() }

// HasPrivate reports whether the private half is known.
func (k *Key) HasPrivate() bool { return k.signer != nil }

// Public returns the key without its private half.
func (k *Key) Public() *Key { return &Key{public: k.public} }

// xml is the public half as RSA.ToXmlString(false) writes it.
func (k *Key) xml() string {
	text := base64.StdEncoding.EncodeToString
	return "<RSAKeyValue><Modulus>" + text(k.public.N.Bytes()) + "</Modulus><Exponent>" +
		text(big.NewInt(int64(k.public.E)).Bytes()) + "</Exponent></RSAKeyValue>"
}

// Hash returns what identifies k in encrypted data.
func (k *Key) Hash(h Hash) []byte { return h.sum(nil, []byte(k.xml())) }

// ID returns the first eight hex digits of the SHA-256 hash, for logs.
func (k *Key) ID() string { return hex.EncodeToString(k.Hash(SHA256)[:4]) }

// String describes k by its ID and length.
func (k *Key) String() string {
	if k == nil || k.public == nil {
		return "rsacookie.Key{}"
	}
	kind := "public"
	if k.HasPrivate() {
		kind = "private"
	}
	return fmt.Sprintf("rsacookie.Key{id=%s bits=%d %s}", k.ID(), k.Bits(), kind)
}

// Format implements [fmt.Formatter] for every verb, so that none prints the private half.
func (k *Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.String()) }

// LogValue implements [slog.LogValuer] without the private half.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText keeps the private half out of JSON and the like.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
