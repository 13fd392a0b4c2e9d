package floor

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
)

// Chain is the floor of a session cookie with other transforms than those of
// [Session].
type Chain struct {
	inflate           io.ReadCloser
	deflate           *flate.Writer
	text, xml, packed []byte
	out               bytes.Buffer
	in                bytes.Reader
	open, seal        func([]byte) []byte
}

func newChain(open, seal func([]byte) []byte) (*Chain, error) {
	level6, err := flate.NewWriter(nil, 6)
	if err != nil {
		return nil, err
	}
	return &Chain{inflate: flate.NewReader(nil), deflate: level6, open: open, seal: seal}, nil
}

// NewMachineKeyText is the floor of WIF 1.0: hex of what [Legacy] makes.
func NewMachineKeyText(validationKey, decryptionKey []byte) (*Chain, error) {
	legacy, err := NewLegacy(validationKey, decryptionKey)
	if err != nil {
		return nil, err
	}
	var raw, text []byte
	return newChain(
		func(packed []byte) []byte {
			raw, _ = hex.AppendDecode(raw[:0], packed)
			return legacy.Unprotect(raw)
		},
		func(deflated []byte) []byte {
			text = hex.AppendEncode(text[:0], legacy.Protect(deflated))
			return text
		})
}

// NewCertificate is the floor of a farm that shares a certificate: one RSA
// operation to verify and one to decrypt, SHA-256 and AES-256.
func NewCertificate(key *rsa.PrivateKey) (*Chain, error) {
	const head = sha256.Size + 8 // hash of the key, two lengths
	n := key.Size()
	var plain, sealed []byte
	return newChain(
		func(packed []byte) []byte {
			signature, body := packed[4:4+n], packed[4+n:]
			sum := sha256.Sum256(body)
			if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
				return nil
			}
			keyIV, err := rsa.DecryptOAEP(sha1.New(), nil, key, body[head-4:head-4+n], nil)
			if err != nil {
				return nil
			}
			block, err := aes.NewCipher(keyIV[:32])
			if err != nil {
				return nil
			}
			plain = append(plain[:0], body[head+n:]...)
			cipher.NewCBCDecrypter(block, keyIV[32:]).CryptBlocks(plain, plain)
			return plain[:len(plain)-int(plain[len(plain)-1])]
		},
		func(deflated []byte) []byte {
			keyIV := make([]byte, 48)
			wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, keyIV, nil)
			if err != nil {
				return nil
			}
			block, err := aes.NewCipher(keyIV[:32])
			if err != nil {
				return nil
			}
			sealed = append(append(append(sealed[:0], make([]byte, 4+n+head)...), wrapped...), deflated...)
			pad := aes.BlockSize - len(deflated)%aes.BlockSize
			for range pad {
				sealed = append(sealed, byte(pad))
			}
			body := sealed[4+n+head+n:]
			cipher.NewCBCEncrypter(block, keyIV[32:]).CryptBlocks(body, body)
			sum := sha256.Sum256(sealed[4+n:])
			signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
			if err != nil {
				return nil
			}
			copy(sealed[4:], signature)
			return sealed
		})
}

// Read turns the text of a cookie into what was deflated.
func (f *Chain) Read(text string) []byte {
	f.text = append(f.text[:0], text...)
	f.xml, _ = base64.StdEncoding.AppendDecode(f.xml[:0], f.text)
	start := bytes.Index(f.xml, []byte(cookieStart)) + len(cookieStart)
	f.packed, _ = base64.StdEncoding.AppendDecode(f.packed[:0], f.xml[start:len(f.xml)-len(cookieEnd)])
	f.in.Reset(f.open(f.packed))
	f.inflate.(flate.Resetter).Reset(&f.in, nil)
	f.out.Reset()
	f.out.ReadFrom(f.inflate)
	return f.out.Bytes()
}

// Write turns a payload into text and returns the text's length, as
// [Session.Write] does.
func (f *Chain) Write(text string, payload []byte) int {
	f.out.Reset()
	f.deflate.Reset(&f.out)
	f.deflate.Write(payload)
	f.deflate.Close()
	protected := f.seal(f.out.Bytes())
	if len(f.xml) == 0 {
		xml, _ := base64.StdEncoding.DecodeString(text)
		f.xml = append(f.xml, xml[:bytes.Index(xml, []byte(cookieStart))+len(cookieStart)]...)
	}
	head := len(f.xml)
	f.xml = base64.StdEncoding.AppendEncode(f.xml, protected)
	f.xml = append(f.xml, cookieEnd...)
	f.text = base64.StdEncoding.AppendEncode(f.text[:0], f.xml)
	f.xml = f.xml[:head]
	return len(f.text)
}
