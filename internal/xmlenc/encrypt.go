package xmlenc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
)

// encryptedData is what EncryptedXml writes, one tag a line.
const encryptedData = `<EncryptedData Type="` + enc + `Element" xmlns="` + enc + `">
  <EncryptionMethod Algorithm="` + enc + `aes256-cbc" />
  <KeyInfo xmlns="` + sig + `">
    <EncryptedKey xmlns="` + enc + `">
      <EncryptionMethod Algorithm="` + enc + `rsa-1_5" />
      <KeyInfo xmlns="` + sig + `">
        <X509Data>
          <X509Certificate>%s</X509Certificate>
        </X509Data>
      </KeyInfo>
      <CipherData>
        <CipherValue>%s</CipherValue>
      </CipherData>
    </EncryptedKey>
  </KeyInfo>
  <CipherData>
    <CipherValue>%s</CipherValue>
  </CipherData>
</EncryptedData>`

// Encrypt returns the EncryptedData element of an XML element, for the owner of
// an RSA certificate (DER).
func Encrypt(element string, certificate []byte) (string, error) {
	c, err := x509.ParseCertificate(certificate)
	if err != nil {
		return "", err
	}
	public, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("%w: the certificate %q has no RSA key", ErrAlgorithm, c.Subject)
	}
	key := make([]byte, 32)
	rand.Read(key)
	wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, public, key)
	if err != nil {
		return "", err // under GODEBUG=fips140=only
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	// IV || element || padding of ISO 10126: random, with its length at the end.
	pad := aes.BlockSize - len(element)%aes.BlockSize
	data := make([]byte, aes.BlockSize+len(element)+pad)
	rand.Read(data)
	copy(data[aes.BlockSize:], element)
	data[len(data)-1] = byte(pad)
	body := data[aes.BlockSize:]
	cipher.NewCBCEncrypter(block, data[:aes.BlockSize]).CryptBlocks(body, body)
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(encryptedData, text(certificate), text(wrapped), text(data)), nil
}
