package dataprotection_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"log"
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

// Keys that a service has encrypted, Azure Key Vault or a KMS for example:
// RingOptions.Decrypt gets the encrypted element and returns the plain one. Here
// the service is an AES key in memory.
func ExampleRingOptions() {
	ctx := context.Background()
	service := newService()
	masterKey := newMasterKey()
	element := "<masterKey><value>" + masterKey + "</value></masterKey>"
	ring := strings.Replace(newKey(masterKey), element,
		`<encryptedSecret decryptorType="Contoso.VaultXmlDecryptor, Contoso" xmlns="http://schemas.asp.net/2015/03/dataProtection">`+
			`<encryptedKey xmlns=""><value>`+base64.StdEncoding.EncodeToString(service.encrypt([]byte(element)))+`</value></encryptedKey>`+
			`</encryptedSecret>`, 1)

	r, err := dataprotection.Open(ctx, dataprotection.Document([]byte(ring)), &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp",
		Decrypt: func(ctx context.Context, decryptorType string, element []byte) ([]byte, error) {
			if !strings.HasPrefix(decryptorType, "Contoso.VaultXmlDecryptor,") {
				return nil, fmt.Errorf("no service for %s", decryptorType)
			}
			var key struct {
				Value []byte `xml:"value"`
			}
			if err := xml.Unmarshal(element, &key); err != nil {
				return nil, err
			}
			wrapped, err := base64.StdEncoding.DecodeString(string(key.Value))
			if err != nil {
				return nil, err
			}
			plain, err := service.decrypt(wrapped)
			if err != nil { // a service that is away: cookies of this key get a 503, not a new sign-in
				return nil, fmt.Errorf("%w: %w", dataprotection.ErrUnavailable, err)
			}
			return plain, nil
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

// service stands for a vault.
type service struct{ gcm cipher.AEAD }

func newService() service {
	key := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, key); err != nil {
		log.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		log.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		log.Fatal(err)
	}
	return service{gcm}
}

func (s service) encrypt(b []byte) []byte          { return s.gcm.Seal(nil, nil, bytes.Clone(b), nil) }
func (s service) decrypt(b []byte) ([]byte, error) { return s.gcm.Open(nil, nil, b, nil) }
