package floor

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
)

// Katana is the floor of a ticket of Katana.
type Katana struct {
	mac              hash.Hash
	encrypt, decrypt cbc
	unzip            gzip.Reader
	zip              *gzip.Writer
	text, packed     []byte
	plain, sum       []byte
	out              bytes.Buffer
	in               bytes.Reader
}

// NewKatana uses HMAC-SHA1 and AES, with keys of at most 64 bytes, and the
// purposes of a cookie with this AuthenticationType.
func NewKatana(validationKey, decryptionKey []byte, authenticationType string) (*Katana, error) {
	block, err := aes.NewCipher(deriveKatana(decryptionKey, authenticationType))
	if err != nil {
		return nil, err
	}
	level6, err := gzip.NewWriterLevel(nil, 6)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, 16)
	return &Katana{
		mac:     hmac.New(sha1.New, deriveKatana(validationKey, authenticationType)),
		encrypt: cipher.NewCBCEncrypter(block, iv).(cbc),
		decrypt: cipher.NewCBCDecrypter(block, iv).(cbc),
		zip:     level6,
	}, nil
}

// deriveKatana is the key derivation, for keys of up to 64 bytes.
func deriveKatana(master []byte, authenticationType string) []byte {
	h := hmac.New(sha512.New, master)
	h.Write([]byte("\x00\x00\x00\x01User.MachineKey.Protect\x00"))
	for _, s := range []string{"Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware", authenticationType, "v1"} {
		h.Write([]byte{byte(len(s))})
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(master)*8)))
	return h.Sum(nil)[:len(master)]
}

// Read turns the text of a cookie into the bytes of the ticket.
func (f *Katana) Read(text string) []byte {
	f.text = append(f.text[:0], text...)
	f.packed, _ = base64.RawURLEncoding.AppendDecode(f.packed[:0], f.text)
	end := len(f.packed) - 20
	f.mac.Reset()
	f.mac.Write(f.packed[:end])
	f.sum = f.mac.Sum(f.sum[:0])
	f.plain = append(f.plain[:0], f.packed[16:end]...)
	f.decrypt.SetIV(f.packed[:16])
	f.decrypt.CryptBlocks(f.plain, f.plain)
	f.in.Reset(f.plain[:len(f.plain)-int(f.plain[len(f.plain)-1])])
	f.unzip.Reset(&f.in)
	f.out.Reset()
	f.out.ReadFrom(&f.unzip)
	return f.out.Bytes()
}

// Write turns the bytes of a ticket into text of the size that level 6 gives,
// and returns that size.
func (f *Katana) Write(ticket []byte) int {
	f.out.Reset()
	f.zip.Reset(&f.out)
	f.zip.Write(ticket)
	f.zip.Close()
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
	f.text = base64.RawURLEncoding.AppendEncode(f.text[:0], f.packed)
	return len(f.text)
}
