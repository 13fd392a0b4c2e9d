package dataprotection_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// A key ring that .NET nodes keep in a folder (PersistKeysToFileSystem) and a
// value that every node of the farm opens.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	keys := dataprotection.Path(folder)
	if err := keys.Store(ctx, "key-1", []byte(newKey(newMasterKey()))); err != nil {
		log.Fatal(err)
	}

	ring, err := dataprotection.Open(ctx, keys, &dataprotection.RingOptions{ApplicationName: "SharedCookieApp"})
	if err != nil {
		log.Fatal(err)
	}
	p, err := ring.Protector("Acme.Cart", "v1")
	if err != nil {
		log.Fatal(err)
	}
	protected, err := p.Protect(nil, []byte("3 apples"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(base64.RawURLEncoding.EncodeToString(protected)[:5])
	data, keyID, err := p.Unprotect(ctx, nil, protected)
	if err != nil {
		log.Fatal(err)
	}
	_, renew := ring.KeyStatus(keyID)
	fmt.Println(string(data), renew)
	// Output:
	// CfDJ8
	// 3 apples false
}

// Keys that ProtectKeysWithAzureKeyVault has encrypted: each with an AES key of
// its own, which only the vault unwraps. For another service, such as a KMS, the
// class and the element differ. Here the vault is an RSA key in memory.
func ExampleRingOptions() {
	ctx := context.Background()
	service := newVault()
	masterKey := newMasterKey()
	element := "<masterKey><value>" + masterKey + "</value></masterKey>"
	ring := strings.Replace(newKey(masterKey), element, service.encrypt(element), 1)

	r, err := dataprotection.Open(ctx, dataprotection.Document([]byte(ring)), &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp",
		Decrypt: func(ctx context.Context, decryptorType string, element []byte) ([]byte, error) {
			if class, _, _ := strings.Cut(decryptorType, ","); class != azureDecryptor {
				return nil, fmt.Errorf("no service for %s", class)
			}
			var e struct {
				KeyID string     `xml:"kid"`
				Key   base64Text `xml:"key"`
				IV    base64Text `xml:"iv"`
				Value base64Text `xml:"value"`
			}
			if err := xml.Unmarshal(element, &e); err != nil {
				return nil, err
			}
			key, err := service.unwrap(ctx, e.KeyID, e.Key)
			if err != nil { // a service that is away: cookies of this key get a 503, not a new sign-in
				return nil, fmt.Errorf("%w: %w", dataprotection.ErrUnavailable, err)
			}
			block, err := aes.NewCipher(key)
			if err != nil {
				return nil, err
			}
			if len(e.IV) != aes.BlockSize || len(e.Value) == 0 || len(e.Value)%aes.BlockSize != 0 {
				return nil, errors.New("no blocks of AES")
			}
			cipher.NewCBCDecrypter(block, e.IV).CryptBlocks(e.Value, e.Value)
			padding := int(e.Value[len(e.Value)-1])
			if padding == 0 || padding > aes.BlockSize {
				return nil, errors.New("bad padding")
			}
			return e.Value[:len(e.Value)-padding], nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range r.Keys() {
		fmt.Println(k.Algorithm, k.Err)
	}
	// Output: AES_256_CBC, HMACSHA256 <nil>
}

// azureDecryptor is the class of package Azure.Extensions.AspNetCore.DataProtection.Keys.
const azureDecryptor = "Azure.Extensions.AspNetCore.DataProtection.Keys.AzureKeyVaultXmlDecryptor"

// newMasterKey returns 64 random bytes in base64, as .NET writes them.
func newMasterKey() string {
	b := make([]byte, 64)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		log.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// newKey returns a key element as .NET writes it, active now.
func newKey(masterKey string) string {
	at := time.Now().UTC()
	date := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.0000000Z") }
	return `<key id="76692db8-b9c3-446a-937e-c7c07fda25a3" version="1">` +
		"<creationDate>" + date(at) + "</creationDate><activationDate>" + date(at) + "</activationDate>" +
		"<expirationDate>" + date(at.AddDate(0, 0, 90)) + "</expirationDate>" +
		`<descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.` +
		`AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection"><descriptor>` +
		`<encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" />` +
		"<masterKey><value>" + masterKey + "</value></masterKey></descriptor></descriptor></key>"
}

// base64Text is an element with base64.
type base64Text []byte

func (b *base64Text) UnmarshalText(text []byte) (err error) {
	*b, err = base64.StdEncoding.AppendDecode(nil, text)
	return err
}

// keyVault stands for Azure Key Vault.
type keyVault struct{ key *rsa.PrivateKey }

func newVault() keyVault {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	return keyVault{key}
}

// unwrap is the call unwrapKey of the vault, with the algorithm RSA-OAEP.
func (v keyVault) unwrap(_ context.Context, _ string, wrapped []byte) ([]byte, error) {
	return rsa.DecryptOAEP(sha1.New(), nil, v.key, wrapped, nil)
}

// encrypt is AzureKeyVaultXmlEncryptor.
func (v keyVault) encrypt(element string) string {
	random := make([]byte, 2*aes.BlockSize)
	if _, err := io.ReadFull(rand.Reader, random); err != nil {
		log.Fatal(err)
	}
	key, iv := random[:aes.BlockSize], random[aes.BlockSize:]
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &v.key.PublicKey, key, nil)
	if err != nil {
		log.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		log.Fatal(err)
	}
	value := []byte("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>" + element)
	padding := aes.BlockSize - len(value)%aes.BlockSize
	value = append(value, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(value, value)
	text := base64.StdEncoding.EncodeToString
	return `<encryptedSecret decryptorType="` + azureDecryptor + `, Azure.Extensions.AspNetCore.DataProtection.Keys"` +
		` xmlns="http://schemas.asp.net/2015/03/dataProtection"><encryptedKey xmlns="">` +
		"<!-- This key is encrypted with Azure Key Vault. --><kid>https://farm.vault.azure.net/keys/ring</kid>" +
		"<key>" + text(wrapped) + "</key><iv>" + text(iv) + "</iv><value>" + text(value) + "</value></encryptedKey></encryptedSecret>"
}

// A node that makes the next key of the ring by itself, encrypted with the
// certificate of the farm.
func ExampleRing_Keep() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	keys, certificates := dataprotection.Path(folder), []tls.Certificate{newCertificate()}

	ring, err := dataprotection.Open(ctx, keys, &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp",
		Certificates:    certificates, // the first is for new keys
		KeepAhead:       14 * 24 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range ring.Keys() {
		fmt.Println(k.Algorithm, k.Decryptor, k.Certificate.Subject, k.Expires.Sub(k.Created))
	}
	id, err := ring.Keep(ctx, 14*24*time.Hour, 0) // needs none for 76 days
	fmt.Printf("%q %v\n", id, err)
	// Output:
	// AES_256_CBC, HMACSHA256 EncryptedXmlDecryptor CN=farm 2160h0m0s
	// "" <nil>
}

// newCertificate returns a certificate with its private key.
func newCertificate() tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "farm"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
