package dataprotection

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/xmlenc"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// dataProtection is the namespace of encryptedSecret, which stands in the place
// of an element that is encrypted.
const dataProtection = "http://schemas.asp.net/2015/03/dataProtection"

// nullDecryptor is the class that has nothing to decrypt.
const nullDecryptor = "NullXmlDecryptor"

// Where the classes are that decrypt.
var decryptorNamespaces = []string{
	"Microsoft.AspNetCore.DataProtection.XmlEncryption.",
	"Microsoft.AspNet.DataProtection.XmlEncryption.",
}

// serviceError is an error of RingOptions.Decrypt.
type serviceError struct{ err error }

func (e *serviceError) Error() string { return "RingOptions.Decrypt: " + e.err.Error() }
func (e *serviceError) Unwrap() error { return e.err }

func certificateKeys(list []tls.Certificate) (keys []xmlenc.Key, err error) {
	for i, c := range list {
		private, ok := c.PrivateKey.(crypto.Decrypter)
		if !ok || len(c.Certificate) == 0 {
			return nil, fmt.Errorf("dataprotection: RingOptions.Certificates[%d] has no certificate "+
				"with a private key that decrypts, such as an RSA key", i)
		}
		keys = append(keys, xmlenc.Key{Certificate: c.Certificate[0], Private: private})
	}
	return keys, nil
}

// atRest returns what decrypts the first encrypted part of e, and the
// certificate that this is encrypted for. The class is empty for a part in clear.
func atRest(e *xmltree.Element) (decryptor string, certificate *x509.Certificate) {
	if e.Is(dataProtection, "encryptedSecret") && len(e.Children) == 1 {
		decryptor, _ = e.Attr("decryptorType")
		if class, ok := className(decryptor, decryptorNamespaces); ok {
			decryptor = class
		}
		if decryptor != nullDecryptor {
			return decryptor, xmlenc.Recipient(e.Children[0])
		}
	}
	for _, c := range e.Children {
		if decryptor, certificate = atRest(c); decryptor != "" {
			return decryptor, certificate
		}
	}
	return "", nil
}

// decrypt returns e with what is encrypted in it opened
// (XmlEncryptionExtensions.DecryptElement). Count is how often so far.
func (r *Ring) decrypt(ctx context.Context, e *xmltree.Element, count *int) (*xmltree.Element, error) {
	if e.Is(dataProtection, "encryptedSecret") {
		if *count++; *count > maxSecrets {
			return nil, fmt.Errorf("%w: more than %d encrypted parts", xmltree.ErrLimit, maxSecrets)
		}
		plain, err := r.open(ctx, e)
		if err != nil {
			return nil, err
		}
		return r.decrypt(ctx, plain, count)
	}
	for i, c := range e.Children {
		plain, err := r.decrypt(ctx, c, count)
		if err != nil {
			return nil, err
		}
		e.Children[i] = plain
	}
	return e, nil
}

func (r *Ring) open(ctx context.Context, e *xmltree.Element) (*xmltree.Element, error) {
	decryptor, _ := e.Attr("decryptorType")
	if len(e.Children) != 1 {
		return nil, errors.New("an encryptedSecret without exactly one element")
	}
	inside := e.Children[0]
	class, _ := className(decryptor, decryptorNamespaces)
	switch class {
	case nullDecryptor:
		if len(inside.Children) != 1 {
			return nil, errors.New("an unencryptedKey without exactly one element")
		}
		return inside.Children[0], nil
	case "EncryptedXmlDecryptor":
		plain, err := xmlenc.Decrypt(inside, r.keys())
		if errors.Is(err, xmlenc.ErrNoKey) {
			err = fmt.Errorf("%w; give it with RingOptions.Certificates", err)
		}
		if err != nil {
			return nil, err
		}
		return parseElement(plain)
	}
	if r.o.Decrypt != nil {
		plain, err := r.o.Decrypt(ctx, decryptor, xmltree.Append(nil, inside))
		if err == nil {
			e, err = parseElement(plain)
		}
		if err != nil {
			return nil, &serviceError{err}
		}
		return e, nil
	}
	switch class {
	case "DpapiXmlDecryptor", "DpapiNGXmlDecryptor":
		return nil, fmt.Errorf("encrypted by Windows DPAPI (%s), which only the Windows account, "+
			"machine or domain that it was made for can open; call ProtectKeysWithCertificate "+
			"on the .NET nodes, or export the keys there", class)
	}
	return nil, fmt.Errorf("encrypted for %s, which only a service or library can open; "+
		"set RingOptions.Decrypt, or call ProtectKeysWithCertificate on the .NET nodes", quote(decryptor))
}

// decodeBase64 reads base64 as Convert.FromBase64String does, white space
// aside.
func decodeBase64(text string) ([]byte, bool) {
	data, err := base64.StdEncoding.DecodeString(strings.NewReplacer(" ", "", "\t", "").Replace(text))
	return data, err == nil
}
