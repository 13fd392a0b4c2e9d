package floor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Forms is the floor of a forms authentication cookie.
type Forms struct {
	mac                     hash.Hash
	encrypt, decrypt        cbc
	legacy                  bool
	prefix                  int // of the legacy plaintext
	text, packed, plain, iv []byte
	sum                     []byte
}

// NewForms uses HMAC-SHA1 and AES, with keys of at most 64 bytes: derived ones
// as in Framework45, or the keys themselves in the legacy modes.
func NewForms(validationKey, decryptionKey []byte, legacy bool) (*Forms, error) {
	if !legacy {
		validationKey, decryptionKey = deriveForms(validationKey), deriveForms(decryptionKey)
	}
	block, err := aes.NewCipher(decryptionKey)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, 16)
	return &Forms{
		mac:     hmac.New(sha1.New, validationKey),
		encrypt: cipher.NewCBCEncrypter(block, iv).(cbc),
		decrypt: cipher.NewCBCDecrypter(block, iv).(cbc),
		legacy:  legacy,
		prefix:  len(decryptionKey),
		iv:      iv,
	}, nil
}

// deriveForms is the key derivation for forms tickets, keys of up to 64 bytes.
func deriveForms(master []byte) []byte {
	h := hmac.New(sha512.New, master)
	h.Write([]byte("\x00\x00\x00\x01FormsAuthentication.Ticket\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(master)*8)))
	return h.Sum(nil)[:len(master)]
}

// Read turns the hex text of a cookie into the ticket:
//
//	Framework45  IV || CBC(ticket) || HMAC
//	legacy       CBC(prefix || ticket || HMAC) || HMAC, with an IV of zeros
func (f *Forms) Read(text string) []byte {
	f.text = append(f.text[:0], text...)
	f.packed, _ = hex.AppendDecode(f.packed[:0], f.text)
	end := len(f.packed) - 20
	f.authenticate(f.packed[:end])
	iv, body := f.packed[:16], f.packed[16:end]
	if f.legacy {
		iv, body = f.iv, f.packed[:end]
	}
	f.plain = append(f.plain[:0], body...)
	f.decrypt.SetIV(iv)
	f.decrypt.CryptBlocks(f.plain, f.plain)
	plain := f.plain[:len(f.plain)-int(f.plain[len(f.plain)-1])]
	if f.legacy {
		plain = plain[f.prefix : len(plain)-20]
		f.authenticate(plain)
	}
	return plain
}

// Write turns a ticket into text and returns its length. It draws the random
// bytes, which are a fifth of the work.
func (f *Forms) Write(ticket []byte) int {
	head := 16
	if f.legacy {
		head = f.prefix
	}
	f.packed = append(f.packed[:0], make([]byte, head)...)
	rand.Read(f.packed)
	f.packed = append(f.packed, ticket...)
	body := 16
	if f.legacy {
		body = 0
		f.authenticate(ticket)
		f.packed = append(f.packed, f.sum...)
	}
	pad := 16 - len(f.packed)%16
	for range pad {
		f.packed = append(f.packed, byte(pad))
	}
	f.encrypt.SetIV(f.iv)
	f.encrypt.CryptBlocks(f.packed[body:], f.packed[body:])
	f.authenticate(f.packed)
	f.packed = append(f.packed, f.sum...)
	f.text = hex.AppendEncode(f.text[:0], f.packed)
	return len(f.text)
}

func (f *Forms) authenticate(data []byte) {
	f.mac.Reset()
	f.mac.Write(data)
	f.sum = f.mac.Sum(f.sum[:0])
}
