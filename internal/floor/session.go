// Package floor holds what benchmarks are measured against: the bare
// primitives of the standard library that a credential cannot do without, on
// warm buffers. Nothing is parsed, nothing is checked and, but for the small
// forms tickets, no random numbers are drawn. Only tests import it.
package floor

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"io"
)

// Session is the floor of a FedAuth cookie.
type Session struct {
	mac               hash.Hash
	encrypt, decrypt  cbc
	inflate           io.ReadCloser
	deflate           *flate.Writer
	text, xml, packed []byte
	plain, sum        []byte
	out               bytes.Buffer
	in                bytes.Reader
}

// cbc is what the modes of crypto/cipher can do for crypto/tls.
type cbc interface {
	cipher.BlockMode
	SetIV([]byte)
}

// NewSession uses HMAC-SHA1 and AES, with keys of at most 64 bytes.
func NewSession(validationKey, decryptionKey []byte) (*Session, error) {
	block, err := aes.NewCipher(derive(decryptionKey))
	if err != nil {
		return nil, err
	}
	level6, err := flate.NewWriter(nil, 6)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, 16)
	return &Session{
		mac:     hmac.New(sha1.New, derive(validationKey)),
		encrypt: cipher.NewCBCEncrypter(block, iv).(cbc),
		decrypt: cipher.NewCBCDecrypter(block, iv).(cbc),
		inflate: flate.NewReader(nil),
		deflate: level6,
	}, nil
}

// derive is the key derivation for session tokens, keys of up to 64 bytes.
func derive(master []byte) []byte {
	h := hmac.New(sha512.New, master)
	h.Write([]byte("\x00\x00\x00\x01User.MachineKey.Protect\x00\x31" + "System.IdentityModel.Services.MachineKeyTransform"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(master)*8)))
	return h.Sum(nil)[:len(master)]
}

// Read turns the text of a cookie into the NRBF stream.
func (f *Session) Read(text string) []byte {
	f.text = append(f.text[:0], text...)
	f.xml, _ = base64.StdEncoding.AppendDecode(f.xml[:0], f.text)
	start := bytes.Index(f.xml, []byte(cookieStart)) + len(cookieStart)
	f.packed, _ = base64.StdEncoding.AppendDecode(f.packed[:0], f.xml[start:len(f.xml)-len(cookieEnd)])
	end := len(f.packed) - 20
	f.mac.Reset()
	f.mac.Write(f.packed[:end])
	f.sum = f.mac.Sum(f.sum[:0])
	f.plain = append(f.plain[:0], f.packed[16:end]...)
	f.decrypt.SetIV(f.packed[:16])
	f.decrypt.CryptBlocks(f.plain, f.plain)
	f.in.Reset(f.plain[:len(f.plain)-int(f.plain[len(f.plain)-1])])
	f.inflate.(flate.Resetter).Reset(&f.in, nil)
	f.out.Reset()
	f.out.ReadFrom(f.inflate)
	return f.out.Bytes()
}

// Write turns an NRBF stream into text of the size that deflate level 6
// gives, and returns that size. The envelope's other parts are taken from a
// finished text.
func (f *Session) Write(text string, stream []byte) int {
	f.out.Reset()
	f.deflate.Reset(&f.out)
	f.deflate.Write(stream)
	f.deflate.Close()
	pad := 16 - f.out.Len()%16
	f.packed = append(append(f.packed[:0], make([]byte, 16)...), f.out.Bytes()...)
	for range pad {
		f.packed = append(f.packed, byte(pad))
	}
	f.encrypt.SetIV(f.packed[:16])
	f.encrypt.CryptBlocks(f.packed[16:], f.packed[16:])
	f.mac.Reset()
	f.mac.Write(f.packed)
	f.packed = f.mac.Sum(f.packed)
	if len(f.xml) == 0 {
		xml, _ := base64.StdEncoding.DecodeString(text)
		f.xml = append(f.xml, xml[:bytes.Index(xml, []byte(cookieStart))+len(cookieStart)]...)
	}
	head := len(f.xml)
	f.xml = base64.StdEncoding.AppendEncode(f.xml, f.packed)
	f.xml = append(f.xml, cookieEnd...)
	f.text = base64.StdEncoding.AppendEncode(f.text[:0], f.xml)
	f.xml = f.xml[:head]
	return len(f.text)
}

// The envelope around the protected bytes.
const (
	cookieStart = `<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">`
	cookieEnd   = `</Cookie></SecurityContextToken>`
)
