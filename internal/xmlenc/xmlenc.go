// Package xmlenc encrypts and decrypts elements by W3C XML Encryption for an
// X.509 certificate, in the part of that standard that .NET's EncryptedXml
// writes and ASP.NET Core's ProtectKeysWithCertificate so uses:
//
//	EncryptedData
//	  EncryptionMethod Algorithm         aes256-cbc, aes192-cbc or aes128-cbc
//	  KeyInfo
//	    EncryptedKey                     one or more
//	      EncryptionMethod Algorithm     rsa-1_5 or rsa-oaep-mgf1p (with SHA-1)
//	      KeyInfo/X509Data/X509Certificate
//	      CipherData/CipherValue         the AES key, encrypted with RSA
//	  CipherData/CipherValue             IV || AES-CBC(data || ISO 10126 padding)
//
// Nothing in it is authenticated: who can change the document can choose what
// it decrypts to. It is therefore for files that only the farm can write. No
// error tells anything of the plaintext.
package xmlenc

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // of OAEP
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// Namespaces of the standard, and the names of algorithms in them.
const (
	enc = "http://www.w3.org/2001/04/xmlenc#"
	sig = "http://www.w3.org/2000/09/xmldsig#"
)

// Key is a certificate and its private key.
type Key struct {
	Certificate []byte // DER
	Private     crypto.Decrypter
}

// maxEncryptedKeys bounds the recipients of one element; .NET writes one.
const maxEncryptedKeys = 16

// Causes of a refusal.
var (
	ErrNoKey     = errors.New("no private key for it")
	ErrAlgorithm = errors.New("an algorithm that is not read")
	ErrFormat    = errors.New("not as XML Encryption lays it out")
	ErrDecrypt   = errors.New("the private key does not open it")
)

// Decrypt returns what the EncryptedData element e holds. A recipient without
// a certificate in the XML is tried with every key.
func Decrypt(e *xmltree.Element, keys []Key) ([]byte, error) {
	if !e.Is(enc, "EncryptedData") {
		return nil, fmt.Errorf("%w: no EncryptedData", ErrFormat)
	}
	size, err := cipherKeySize(e)
	if err != nil {
		return nil, err
	}
	data, err := cipherValue(e)
	if err != nil {
		return nil, err
	}
	if len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes are no blocks of AES", ErrFormat, len(data))
	}
	key, err := unwrap(e, keys, size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrDecrypt
	}
	plain := data[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(plain, plain)
	// ISO 10126: the other bytes of the padding are random.
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, ErrDecrypt
	}
	return plain[:len(plain)-pad], nil
}

func cipherKeySize(e *xmltree.Element) (int, error) {
	name := algorithm(e)
	switch name {
	case enc + "aes128-cbc":
		return 16, nil
	case enc + "aes192-cbc":
		return 24, nil
	case enc + "aes256-cbc":
		return 32, nil
	}
	return 0, fmt.Errorf("%w: %q for the data", ErrAlgorithm, name)
}

func algorithm(e *xmltree.Element) (name string) {
	if method := e.Child(enc, "EncryptionMethod"); method != nil {
		name, _ = method.Attr("Algorithm")
	}
	return name
}

func unwrap(e *xmltree.Element, keys []Key, size int) ([]byte, error) {
	info := e.Child(sig, "KeyInfo")
	if info == nil {
		return nil, fmt.Errorf("%w: no KeyInfo", ErrFormat)
	}
	var recipients []*xmltree.Element
	for _, c := range info.Children {
		if c.Is(enc, "EncryptedKey") {
			recipients = append(recipients, c)
		}
	}
	if len(recipients) == 0 || len(recipients) > maxEncryptedKeys {
		return nil, fmt.Errorf("%w: %d elements EncryptedKey", ErrFormat, len(recipients))
	}
	var failure error
	for _, r := range recipients {
		key, err := unwrapFor(r, keys, size)
		if err == nil {
			return key, nil
		}
		if failure == nil || errors.Is(failure, ErrNoKey) {
			failure = err
		}
	}
	return nil, failure
}

func unwrapFor(e *xmltree.Element, keys []Key, size int) ([]byte, error) {
	var options crypto.DecrypterOpts
	switch name := algorithm(e); name {
	case enc + "rsa-1_5":
		options = &rsa.PKCS1v15DecryptOptions{}
	case enc + "rsa-oaep-mgf1p":
		options = &rsa.OAEPOptions{Hash: crypto.SHA1} // as EncryptedXml, whatever DigestMethod says
	default:
		return nil, fmt.Errorf("%w: %q for the key", ErrAlgorithm, name)
	}
	wrapped, err := cipherValue(e)
	if err != nil {
		return nil, err
	}
	certificate, err := recipient(e)
	if err != nil {
		return nil, err
	}
	failure := noKey(certificate, len(keys))
	for _, k := range keys {
		if certificate != nil && !bytes.Equal(certificate, k.Certificate) {
			continue
		}
		key, err := k.Private.Decrypt(rand.Reader, wrapped, options)
		if err == nil && len(key) == size {
			return key, nil
		}
		failure = ErrDecrypt
	}
	return nil, failure
}

// noKey says for which certificate the private key is missing.
func noKey(certificate []byte, have int) error {
	name, given := "a certificate", "which is not among those given"
	if c, err := x509.ParseCertificate(certificate); err == nil {
		name = fmt.Sprintf("the certificate %q with serial number %X", c.Subject.String(), c.SerialNumber)
	}
	if have == 0 {
		given = "and no certificate was given"
	}
	return fmt.Errorf("%w: encrypted for %s, %s", ErrNoKey, name, given)
}

// Recipient returns the certificate that the first EncryptedKey of an
// EncryptedData element e names, nil if it names none.
func Recipient(e *xmltree.Element) *x509.Certificate {
	if e = e.Child(sig, "KeyInfo"); e == nil {
		return nil
	}
	if e = e.Child(enc, "EncryptedKey"); e == nil {
		return nil
	}
	der, _ := recipient(e)
	c, _ := x509.ParseCertificate(der) // nil with an error
	return c
}

// recipient returns the certificate that an EncryptedKey names, nil if it
// names none.
func recipient(e *xmltree.Element) ([]byte, error) {
	for _, step := range []string{"KeyInfo", "X509Data", "X509Certificate"} {
		if e = e.Child(sig, step); e == nil {
			return nil, nil
		}
	}
	return decodeBase64(e.Text)
}

func cipherValue(e *xmltree.Element) ([]byte, error) {
	for _, step := range []string{"CipherData", "CipherValue"} {
		if e = e.Child(enc, step); e == nil {
			return nil, fmt.Errorf("%w: no %s", ErrFormat, step)
		}
	}
	return decodeBase64(e.Text)
}

func decodeBase64(text string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("%w: no base64", ErrFormat)
	}
	return data, nil
}
