package rsacookie

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

type keyJSON struct{ PublicXML, PEM string }

type vectorJSON struct {
	Name, EncryptionKey, SigningKey, HashName string
	RSASignedHex                              string
	Error                                     *string
	Stages                                    struct {
		DeflatedHex, RSAEncryptedHex,
		RSASignedHex string
	}
}

type fileJSON struct {
	RSAKeys            map[string]keyJSON
	Vectors, Negatives []vectorJSON
}

func readFile(t testing.TB) *fileJSON {
	t.Helper()
	f := new(fileJSON)
	testkit.JSON(t, "sessiontoken_rsa.json", f)
	if len(f.Vectors) != 11 || len(f.Negatives) != 11 || len(f.RSAKeys) != 4 {
		t.Fatalf("%d vectors, %d negatives, %d keys", len(f.Vectors),
			len(f.Negatives), len(f.RSAKeys))
	}
	return f
}

func (f *fileJSON) key(t testing.TB, name string) *Key {
	t.Helper()
	k, err := ParseKey([]byte(f.RSAKeys[name].PEM))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (f *fileJSON) transforms(t testing.TB, v *vectorJSON) (*Signature, *Encryption) {
	t.Helper()
	hash := SHA256
	if v.HashName == "SHA1" {
		hash = InsecureSHA1
	}
	s, err := NewSignature(hash, f.key(t, v.SigningKey))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEncryption(hash, f.key(t, v.EncryptionKey))
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

// TestVectors reads and writes what .NET wrote, byte for byte: the signature
// has nothing random, and of the encryption the random key is recovered first.
func TestVectors(t *testing.T) {
	f := readFile(t)
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			s, e := f.transforms(t, v)
			deflated, encrypted, signed := testkit.Unhex(t, v.Stages.DeflatedHex), testkit.Unhex(t,
				v.Stages.RSAEncryptedHex), testkit.Unhex(t, v.Stages.RSASignedHex)

			got, err := s.Verify(signed)
			if err != nil || !bytes.Equal(got, encrypted) {
				t.Fatalf("Verify: %v", err)
			}
			if got, err = e.Decrypt(nil, encrypted); err != nil || !bytes.Equal(got, deflated) {
				t.Fatalf("Decrypt: %v", err)
			}
			if got, err = s.Sign(nil, encrypted); err != nil || !bytes.Equal(got, signed) {
				t.Fatalf("Sign: %v, %x", err, got)
			}
			_, wrapped, _, ok := cutEncryption(encrypted, e.hash.id().Size())
			if !ok {
				t.Fatal("cutEncryption")
			}
			keyIV, err := rsa.DecryptOAEP(sha1.New(), nil,
				e.keys[0].decrypter.(*rsa.PrivateKey), wrapped, nil)
			if err != nil {
				t.Fatal(err)
			}
			got = e.seal(nil, (*[sizeKeyIV]byte)(keyIV), wrapped, deflated)
			if !bytes.Equal(got, encrypted) {
				t.Fatalf("seal: %x", got)
			}
			if got, err = e.Encrypt([]byte("x"), deflated); err != nil ||
				len(got) != 1+len(encrypted) {
				t.Fatalf("Encrypt: %v", err)
			}
			if got, err = e.Decrypt(nil, got[1:]); err != nil || !bytes.Equal(got, deflated) {
				t.Fatalf("Decrypt of Encrypt: %v", err)
			}
		})
	}
}

func TestNegativeVectors(t *testing.T) {
	f := readFile(t)
	for i := range f.Negatives {
		v := &f.Negatives[i]
		t.Run(v.Name, func(t *testing.T) {
			s, e := f.transforms(t, v)
			encrypted, err := s.Verify(testkit.Unhex(t, v.RSASignedHex))
			if err == nil {
				_, err = e.Decrypt(nil, encrypted)
			}
			if (err != nil) != (v.Error != nil) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestKeyHash compares with the XML of the vectors.
func TestKeyHash(t *testing.T) {
	f := readFile(t)
	for name, k := range f.RSAKeys {
		if got := f.key(t, name).xml(); got != k.PublicXML {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
