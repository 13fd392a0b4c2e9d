package xmlenc_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/xmlenc"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 20, Elements: 1000, Depth: 64}

// recorded returns the keys of the certificates of the vectors, and the
// EncryptedData elements.
func recorded(t testing.TB) (keys []xmlenc.Key, encrypted []*xmltree.Element) {
	t.Helper()
	var file struct {
		Rings []struct {
			Elements     []string
			Certificates []struct{ CertificatePEM, PrivateKeyPEM string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	for _, r := range file.Rings {
		for _, c := range r.Certificates {
			pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, xmlenc.Key{Certificate: pair.Certificate[0],
				Private: pair.PrivateKey.(*rsa.PrivateKey)})
		}
		for _, text := range r.Elements {
			e, err := xmltree.Parse([]byte(text), limits)
			if err == nil {
				encrypted = appendEncrypted(encrypted, e)
			}
		}
	}
	if len(keys) == 0 || len(encrypted) == 0 {
		t.Fatalf("%d keys and %d elements", len(keys), len(encrypted))
	}
	return keys, encrypted
}

func appendEncrypted(list []*xmltree.Element, e *xmltree.Element) []*xmltree.Element {
	if e.Name == "EncryptedData" {
		return append(list, e)
	}
	for _, c := range e.Children {
		list = appendEncrypted(list, c)
	}
	return list
}

func TestRecorded(t *testing.T) {
	keys, encrypted := recorded(t)
	for _, e := range encrypted {
		plain, err := xmlenc.Decrypt(e, keys)
		if err != nil || !bytes.HasPrefix(plain, []byte("<masterKey")) ||
			!bytes.HasSuffix(plain, []byte("</masterKey>")) {
			t.Errorf("%d bytes, %v", len(plain), err)
		}
		if _, err := xmlenc.Decrypt(e, nil); !errors.Is(err, xmlenc.ErrNoKey) ||
			!strings.HasSuffix(err.Error(), ", and no certificate was given") ||
			!strings.Contains(err.Error(), "CN=ring") {
			t.Errorf("without keys: %v", err)
		}
	}
}

// document is an EncryptedData element of these tests.
type document struct {
	data, key       string // names of the algorithms
	size            int    // of the AES key
	certificate     []byte // nil: not named
	to              *rsa.PublicKey
	pad             byte // last byte
	more            string
	cipherValue     string // in place of the right one
	withoutKeyInfo  bool
	withoutKeyValue bool
}

const plaintext = "<a>text</a>"

func (d document) xml(t testing.TB) string {
	t.Helper()
	key := bytes.Repeat([]byte{3}, d.size)
	var wrapped []byte
	var err error
	if strings.HasPrefix(d.key, "rsa-oaep") {
		wrapped, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, d.to, key, nil)
	} else {
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, d.to, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key[:min(len(key), 16)])
	if d.size == 24 || d.size == 32 {
		block, err = aes.NewCipher(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	padded := append([]byte(plaintext), "5yte"...)
	padded = append(padded, d.pad)
	sealed := make([]byte, 16+len(padded))
	cipher.NewCBCEncrypter(block, sealed[:16]).CryptBlocks(sealed[16:], padded)
	value := base64.StdEncoding.EncodeToString(sealed)
	if d.cipherValue != "" {
		value = d.cipherValue
	}
	certificate := ""
	if d.certificate != nil {
		certificate = `<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` +
			base64.StdEncoding.EncodeToString(d.certificate) +
			`</X509Certificate></X509Data></KeyInfo>`
	}
	encryptedKey := fmt.Sprintf(`<e:EncryptedKey><e:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#%s"/>%s`+
		`<e:CipherData><e:CipherValue>%s</e:CipherValue></e:CipherData></e:EncryptedKey>`, d.key,
		certificate, base64.StdEncoding.EncodeToString(wrapped))
	if d.withoutKeyValue {
		encryptedKey = "<e:EncryptedKey/>"
	}
	info := `<s:KeyInfo xmlns:s="http://www.w3.org/2000/09/xmldsig#">` +
		d.more + encryptedKey + `</s:KeyInfo>`
	if d.withoutKeyInfo {
		info = ""
	}
	return fmt.Sprintf(`<e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#%s"/>`+
		`%s<e:CipherData><e:CipherValue>%s</e:CipherValue></e:CipherData></e:EncryptedData>`,
		d.data, info, value)
}

func TestDecrypt(t *testing.T) {
	keys, _ := recorded(t)
	to := &keys[0].Private.(*rsa.PrivateKey).PublicKey
	good := document{data: "aes256-cbc", key: "rsa-1_5", size: 32,
		certificate: keys[0].Certificate, to: to, pad: 5}
	var other xmlenc.Key
	for _, k := range keys {
		if !bytes.Equal(k.Certificate, keys[0].Certificate) {
			other = k
		}
	}
	with := func(change func(d *document)) document {
		d := good
		change(&d)
		return d
	}
	for _, tt := range []struct {
		name string
		document
		want error
	}{
		{"good", good, nil},
		{"OAEP", with(func(d *document) { d.key = "rsa-oaep-mgf1p" }), nil},
		{"AES-192", with(func(d *document) { d.data, d.size = "aes192-cbc", 24 }), nil},
		{"AES-128", with(func(d *document) { d.data, d.size = "aes128-cbc", 16 }), nil},
		{"no certificate named", with(func(d *document) { d.certificate = nil }), nil},
		{"second recipient", with(func(d *document) {
			d.more = strings.Replace(encryptedKeyOf(t, good),
				base64.StdEncoding.EncodeToString(keys[0].Certificate),
				base64.StdEncoding.EncodeToString(other.Certificate), 1)
		}), nil},
		{"another certificate", with(func(d *document) { d.certificate = []byte("none") }), xmlenc.ErrNoKey},
		{"another key",
			with(func(d *document) { d.to = &other.Private.(*rsa.PrivateKey).PublicKey }),
			xmlenc.ErrDecrypt},
		{"key size", with(func(d *document) { d.size = 16 }), xmlenc.ErrDecrypt},
		{"padding 0", with(func(d *document) { d.pad = 0 }), xmlenc.ErrDecrypt},
		{"padding 17", with(func(d *document) { d.pad = 17 }), xmlenc.ErrDecrypt},
		{"3DES", with(func(d *document) { d.data = "tripledes-cbc" }), xmlenc.ErrAlgorithm},
		{"kw-aes", with(func(d *document) { d.key = "kw-aes256" }), xmlenc.ErrAlgorithm},
		{"no base64", with(func(d *document) { d.cipherValue = "!" }), xmlenc.ErrFormat},
		{"one block", with(func(d *document) { d.cipherValue = "AAAAAAAAAAAAAAAAAAAAAA==" }), xmlenc.ErrFormat},
		{"half a block",
			with(func(d *document) { d.cipherValue = strings.Repeat("AAAA", 12) + "AA==" }),
			xmlenc.ErrFormat},
		{"no KeyInfo", with(func(d *document) { d.withoutKeyInfo = true }), xmlenc.ErrFormat},
		{"no method", with(func(d *document) { d.withoutKeyValue = true }), xmlenc.ErrAlgorithm},
		{"many recipients",
			with(func(d *document) { d.more = strings.Repeat("<e:EncryptedKey/>", 16) }),
			xmlenc.ErrFormat},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := xmltree.Parse([]byte(tt.xml(t)), limits)
			if err != nil {
				t.Fatal(err)
			}
			got, err := xmlenc.Decrypt(e, keys)
			if !errors.Is(err, tt.want) || tt.want != nil && got != nil ||
				tt.want == nil && string(got) != plaintext {
				t.Errorf("Decrypt = %q, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// encryptedKeyOf returns the EncryptedKey of a document.
func encryptedKeyOf(t *testing.T, d document) string {
	t.Helper()
	text := d.xml(t)
	from, to := strings.Index(text, "<e:EncryptedKey>"), strings.Index(text, "</s:KeyInfo>")
	return text[from:to]
}

// quick stands for a private key: RSA would take all the time of fuzzing. It
// returns the beginning of what it gets, unless that begins with an odd byte.
type quick struct{}

func (quick) Public() crypto.PublicKey { return nil }

func (quick) Decrypt(_ io.Reader, wrapped []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	if len(wrapped) < 32 || wrapped[0]&1 == 1 {
		return nil, errors.New("odd")
	}
	return wrapped[:32], nil
}

// FuzzDecrypt wants one of the errors, or plaintext.
func FuzzDecrypt(f *testing.F) {
	keys, encrypted := recorded(f)
	for _, e := range encrypted {
		f.Add(xmltree.Append(nil, e))
	}
	to := &keys[0].Private.(*rsa.PrivateKey).PublicKey
	for _, key := range []string{"rsa-1_5", "rsa-oaep-mgf1p"} {
		f.Add([]byte(document{data: "aes256-cbc", key: key, size: 32, to: to, pad: 5}.xml(f)))
	}
	for i := range keys {
		keys[i].Private = quick{}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := xmltree.Parse(text, limits)
		if err != nil {
			return
		}
		got, err := xmlenc.Decrypt(e, keys)
		if err != nil && got != nil {
			t.Error("a result and an error")
		}
		known := slices.ContainsFunc([]error{nil, xmlenc.ErrNoKey, xmlenc.ErrAlgorithm,
			xmlenc.ErrFormat, xmlenc.ErrDecrypt}, func(want error) bool {
			return errors.Is(err,
				want)
		})
		if !known {
			t.Errorf("error %v", err)
		}
	})
}
