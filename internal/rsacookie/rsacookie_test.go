package rsacookie

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

func TestRollover(t *testing.T) {
	f := readFile(t)
	older, newer, other := f.key(t, "rsa2048"), f.key(t, "rsa3072"), f.key(t, "sign2048")
	data := []byte("deflated")
	seal := func(keys ...*Key) []byte {
		s, err := NewSignature(SHA256, keys...)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEncryption(SHA256, keys...)
		if err != nil {
			t.Fatal(err)
		}
		encrypted, err := e.Encrypt(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(nil, encrypted)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	open := func(signed []byte, keys ...*Key) ([]byte, error) {
		s, _ := NewSignature(SHA256, keys...)
		e, _ := NewEncryption(SHA256, keys...)
		encrypted, err := s.Verify(signed)
		if err != nil {
			return nil, err
		}
		return e.Decrypt(nil, encrypted)
	}
	if got, err := open(seal(older), newer, older); err != nil || !bytes.Equal(got, data) {
		t.Errorf("older cookie: %v", err)
	}
	if got, err := open(seal(newer, older), older, newer); err != nil || !bytes.Equal(got, data) {
		t.Errorf("newer cookie: %v", err)
	}
	if _, err := open(seal(other), newer, older); err != ErrSignature {
		t.Errorf("other cookie: %v", err)
	}
	signed := seal(newer)
	s, _ := NewSignature(SHA256, newer)
	encrypted, _ := s.Verify(signed)
	e, _ := NewEncryption(SHA256, older)
	if _, err := e.Decrypt(nil, encrypted); err != ErrDecrypt {
		t.Errorf("cookie for another key: %v", err)
	}
}

// TestLayout lies about every length.
func TestLayout(t *testing.T) {
	f := readFile(t)
	v := &f.Vectors[0]
	s, e := f.transforms(t, v)
	encrypted := testkit.Unhex(t, v.Stages.RSAEncryptedHex)
	signed := testkit.Unhex(t, v.Stages.RSASignedHex)
	lie := func(b []byte, at int, n uint32) []byte {
		b = bytes.Clone(b)
		binary.LittleEndian.PutUint32(b[at:], n)
		return b
	}
	second := 32 + 4 + 256
	lengths := []uint32{0, 1, 15, 16, 255, 257, uint32(len(encrypted)), 1 << 16, 1<<31 - 1, 1 << 31,
		1<<32 - 1, 1<<32 - 256}
	for _, n := range lengths {
		if _, err := s.Verify(lie(signed, 0, n)); err != ErrSignature {
			t.Errorf("signature of %d bytes: %v", int32(n), err)
		}
		if _, err := e.Decrypt(nil, lie(encrypted, 32, n)); err != ErrDecrypt {
			t.Errorf("wrapped key of %d bytes: %v", int32(n), err)
		}
		if _, err := e.Decrypt(nil, lie(encrypted, second, n)); err != ErrDecrypt {
			t.Errorf("ciphertext of %d bytes: %v", int32(n), err)
		}
	}
	for i := range encrypted {
		if _, err := e.Decrypt(nil, encrypted[:i]); err != ErrDecrypt {
			t.Fatalf("truncated to %d: %v", i, err)
		}
	}
	if _, err := e.Decrypt(nil, append(bytes.Clone(encrypted), 0)); err != ErrDecrypt {
		t.Errorf("extended: %v", err)
	}
	dst := make([]byte, 3, 4096)
	encrypted[len(encrypted)-1] ^= 1 // the padding
	if out, err := e.Decrypt(dst, encrypted); err != ErrDecrypt || len(out) != 3 ||
		bytes.ContainsFunc(dst[3:4096], func(r rune) bool { return r != 0 }) {
		t.Errorf("bad padding: %v, %d bytes", err, len(out))
	}
	for _, empty := range [][]byte{nil, {}} {
		if _, err := s.Sign(nil, empty); err != ErrEmpty {
			t.Errorf("Sign of nothing: %v", err)
		}
		if _, err := e.Encrypt(nil, empty); err != ErrEmpty {
			t.Errorf("Encrypt of nothing: %v", err)
		}
	}
}

func TestConstructorsRefuse(t *testing.T) {
	f := readFile(t)
	key := f.key(t, "rsa2048")
	public, err := NewPublicKey(key.public)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := NewSignature(SHA256, public); err != nil {
		t.Error(err)
	} else if _, err := s.Sign(nil, []byte("x")); err != ErrNoPrivateKey {
		t.Errorf("Sign with a public key: %v", err)
	}
	for name, f := range map[string]func() error{
		"no keys":              func() error { _, err := NewSignature(SHA256); return err },
		"nil key":              func() error { _, err := NewSignature(SHA256, key, nil); return err },
		"zero key":             func() error { _, err := NewEncryption(SHA256, new(Key)); return err },
		"unknown hash":         func() error { _, err := NewSignature(9, key); return err },
		"nothing to decrypt":   func() error { _, err := NewEncryption(SHA256, public); return err },
		"no private key":       func() error { _, err := NewKey(nil); return err },
		"nil public key":       func() error { _, err := NewPublicKey(nil); return err },
		"zero public key":      func() error { _, err := NewPublicKey(new(rsa.PublicKey)); return err },
		"exponent 1":           func() error { _, err := NewPublicKey(&rsa.PublicKey{N: key.public.N, E: 1}); return err },
		"even modulus":         func() error { _, err := NewPublicKey(&rsa.PublicKey{N: big.NewInt(1 << 40), E: 3}); return err },
		"modulus of 20000":     func() error { _, err := NewPublicKey(&rsa.PublicKey{N: odd(20000), E: 3}); return err },
		"too short to wrap":    func() error { return encryptWith(key, odd(512)) },
		"below crypto's limit": func() error { return encryptWith(key, odd(1000)) },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "rsacookie: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// odd returns an odd number of the given length.
func odd(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.SetBit(n, 0, 1)
}

func encryptWith(reader *Key, modulus *big.Int) error {
	k, err := NewPublicKey(&rsa.PublicKey{N: modulus, E: 65537})
	if err != nil {
		return err
	}
	_, err = NewEncryption(SHA256, k, reader)
	return err
}

func TestFromTLS(t *testing.T) {
	f := readFile(t)
	key, other := f.key(t, "rsa2048").signer.(*rsa.PrivateKey), f.key(t,
		"sign2048").signer.(*rsa.PrivateKey)
	elliptic256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{PublicKey: key.Public()}
	for _, tc := range []struct {
		name    string
		c       tls.Certificate
		private bool
		want    string // part of the error
	}{
		{"private key", tls.Certificate{PrivateKey: key}, true, ""},
		{"certificate", tls.Certificate{Certificate: [][]byte{der}}, false, ""},
		{"certificate and private key", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, true, ""},
		{"leaf", tls.Certificate{Leaf: leaf}, false, ""},
		{"leaf and private key", tls.Certificate{Leaf: leaf, PrivateKey: key}, true, ""},
		{"of TLS", f.key(t, "rsa2048").TLS(), true, ""},
		{"of TLS, public", f.key(t, "rsa2048").Public().TLS(), false, ""},
		{"nothing", tls.Certificate{}, false, "no certificate and no private key"},
		{"another's private key", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: other},
			false, "belong together"},
		{"elliptic private key", tls.Certificate{PrivateKey: elliptic256}, false, "*ecdsa.PrivateKey"},
		{"nil private key", tls.Certificate{PrivateKey: (*rsa.PrivateKey)(nil)}, false, "*rsa.PrivateKey"},
		{"elliptic leaf", tls.Certificate{Leaf: &x509.Certificate{PublicKey: elliptic256.Public()}},
			false, "not an RSA key"},
		{"malformed certificate", tls.Certificate{Certificate: [][]byte{{1}}, PrivateKey: key},
			false, "rsacookie: certificate: "},
	} {
		got, err := FromTLS(tc.c)
		switch {
		case tc.want != "":
			if got != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v, %v", tc.name, got, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case got.HasPrivate() != tc.private || got.ID() != f.key(t, "rsa2048").ID():
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestParseKey(t *testing.T) {
	f := readFile(t)
	text := f.RSAKeys["rsa2048"].PEM
	key := f.key(t, "rsa2048").signer.(*rsa.PrivateKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0)}
	certificate := func(public, private any) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	armour := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	pkix, _ := x509.MarshalPKIXPublicKey(key.Public())
	elliptic256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ecPKCS8, _ := x509.MarshalPKCS8PrivateKey(elliptic256)
	ecDER, _ := x509.MarshalECPrivateKey(elliptic256)
	other := f.key(t, "sign2048").signer.(*rsa.PrivateKey)
	leaf := certificate(key.Public(), key)
	for _, tc := range []struct {
		name, data string
		private    bool
		want       string // part of the error
	}{
		{"PKCS #8", text, true, ""},
		{"PKCS #8 DER", string(pkcs8), true, ""},
		{"PKCS #1", armour("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), true, ""},
		{"PKCS #1 DER", string(x509.MarshalPKCS1PrivateKey(key)), true, ""},
		{"certificate", armour("CERTIFICATE", leaf), false, ""},
		{"certificate DER", string(leaf), false, ""},
		{"public key", armour("PUBLIC KEY", pkix), false, ""},
		{"public key DER", string(pkix), false, ""},
		{"public key PKCS #1", armour("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), false, ""},
		{"both", armour("CERTIFICATE", leaf) + text, true, ""},
		{"both and a chain", "Bag Attributes\n" +
			text + armour("CERTIFICATE", leaf) + armour("CERTIFICATE",
			certificate(other.Public(), other)), true, ""},
		{"unknown blocks", armour("DH PARAMETERS", []byte("x")) + text, true, ""},
		{"another's certificate", armour("CERTIFICATE", certificate(other.Public(), other)) + text,
			false, "belong together"},
		{"two private keys", text + f.RSAKeys["sign2048"].PEM, false, "several private keys"},
		{"encrypted PKCS #8", armour("ENCRYPTED PRIVATE KEY", []byte("x")), false, "encrypted"},
		{"encrypted PKCS #1",
			"-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", false, "encrypted"},
		{"elliptic", armour("PRIVATE KEY", ecPKCS8), false, "not an RSA key"},
		{"elliptic SEC 1", armour("EC PRIVATE KEY", ecDER), false, "not an RSA key"},
		{"elliptic DER", string(ecPKCS8), false, "not an RSA key"},
		{"elliptic certificate", armour("CERTIFICATE",
			certificate(elliptic256.Public(), elliptic256)), false, "not an RSA key"},
		{"broken", armour("PRIVATE KEY", pkcs8[:50]), false, "malformed"},
		{"broken certificate", armour("CERTIFICATE", leaf[:50]), false, "certificate"},
		{"empty", "", false, "openssl pkcs12"},
		{"PEM without a key", armour("DH PARAMETERS", []byte("x")), false, "no certificate"},
		{"PEM cut off", text[:200], false, "no certificate"},
		{"too long", strings.Repeat(" ", maxFile+1), false, "bytes"},
	} {
		k, err := ParseKey([]byte(tc.data))
		switch {
		case tc.want != "":
			if err == nil || !strings.Contains(err.Error(), tc.want) ||
				!strings.HasPrefix(err.Error(), "rsacookie: ") {
				t.Errorf("%s: %v", tc.name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case k.HasPrivate() != tc.private || !k.public.Equal(key.Public()):
			t.Errorf("%s: %v", tc.name, k)
		}
	}
}

// hardware is a private key that does not show its numbers.
type hardware struct{ key *rsa.PrivateKey }

func (h hardware) Public() crypto.PublicKey { return h.key.Public() }

func (h hardware) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return h.key.Sign(r, digest, o)
}

func (h hardware) Decrypt(r io.Reader, msg []byte, o crypto.DecrypterOpts) ([]byte, error) {
	if _, ok := o.(*rsa.OAEPOptions); !ok {
		return nil, fmt.Errorf("not OAEP: %T", o)
	}
	return h.key.Decrypt(r, msg, o)
}

func TestHardwareKey(t *testing.T) {
	f := readFile(t)
	key, err := NewKey(hardware{f.key(t, "rsa2048").signer.(*rsa.PrivateKey)})
	if err != nil {
		t.Fatal(err)
	}
	v := &f.Vectors[0]
	s, err := NewSignature(SHA256, key)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := s.Sign(nil, testkit.Unhex(t, v.Stages.RSAEncryptedHex)); err != nil ||
		!bytes.Equal(signed, testkit.Unhex(t, v.Stages.RSASignedHex)) {
		t.Error(err)
	}
	e, err := NewEncryption(SHA256, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Decrypt(nil, testkit.Unhex(t, v.Stages.RSAEncryptedHex)); err != nil {
		t.Error(err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	f := readFile(t)
	k := f.key(t, "rsa2048")
	private := k.signer.(*rsa.PrivateKey)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "k", k)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "k", k, "in", struct{ K *Key }{k})
	asJSON, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out := logged.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		out += fmt.Sprintf(verb, k)
	}
	for _, n := range append([]*big.Int{private.D}, private.Primes...) {
		for _, secret := range []string{n.String(), fmt.Sprintf("%x", n)} {
			if strings.Contains(out, secret[10:30]) {
				t.Fatal("a part of the private key is printed")
			}
		}
	}
	if !strings.Contains(out, k.ID()) {
		t.Errorf("no id in %s", out)
	}
}
