package floor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
)

// Core is the floor of a payload of ASP.NET Core Data Protection with
// AES-256: the derivation of its keys with an HMAC held and reset, a cipher and
// an HMAC for the keys, which are used once.
type Core struct {
	master hash.Hash
	prefix []byte // of what is derived from
	suffix []byte
	gcm    bool
	keys   []byte
	out    []byte
	sum    []byte
	text   []byte
}

// NewCore uses CBC with HMAC-SHA256, or GCM, and a master key of 64 bytes.
func NewCore(master []byte, gcm bool, purposes ...string) *Core {
	f := &Core{master: hmac.New(sha512.New, master), gcm: gcm}
	size, header := 64, 66
	if gcm {
		size, header = 32, 34
	}
	f.prefix = append(f.prefix, 0, 0, 0, 1, 0x09, 0xf0, 0xc9, 0xf0)
	f.prefix = append(f.prefix, make([]byte, 16)...)
	f.prefix = binary.BigEndian.AppendUint32(f.prefix, uint32(len(purposes)))
	for _, p := range purposes {
		f.prefix = append(append(f.prefix, byte(len(p))), p...)
	}
	f.prefix = append(f.prefix, make([]byte, 1+header)...)
	f.suffix = binary.BigEndian.AppendUint32(nil, uint32(8*size))
	f.master.Reset() // stores the state after the key, as the second use does
	return f
}

func (f *Core) derive(modifier []byte) {
	f.master.Reset()
	f.master.Write(f.prefix)
	f.master.Write(modifier)
	f.master.Write(f.suffix)
	f.keys = f.master.Sum(f.keys[:0])
}

// Unprotect does what opening a payload takes. It compares nothing.
func (f *Core) Unprotect(protected []byte) []byte {
	f.derive(protected[20:36])
	block, err := aes.NewCipher(f.keys[:32])
	if err != nil {
		return nil
	}
	if f.gcm {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil
		}
		f.out = gcm.Seal(f.out[:0], protected[36:48], protected[48:len(protected)-16], nil)
		return f.out
	}
	signed := protected[36 : len(protected)-32]
	mac := hmac.New(sha256.New, f.keys[32:])
	mac.Write(signed)
	f.sum = mac.Sum(f.sum[:0])
	f.out = append(f.out[:0], signed[16:]...)
	cipher.NewCBCDecrypter(block, signed[:16]).CryptBlocks(f.out, f.out)
	return f.out
}

// Read does what reading the text of a ticket takes: base64 and Unprotect, and
// a text for the strings of the ticket.
func (f *Core) Read(text string) string {
	f.text = append(f.text[:0], text...)
	n, err := base64.RawURLEncoding.Decode(f.text, f.text)
	if err != nil {
		return ""
	}
	return string(f.Unprotect(f.text[:n]))
}

// Write does what writing the text of a ticket takes.
func (f *Core) Write(plaintext []byte) string {
	f.text = base64.RawURLEncoding.AppendEncode(f.text[:0], f.Protect(plaintext))
	return string(f.text)
}

// Protect does what making a payload takes. It draws no random bytes.
func (f *Core) Protect(plaintext []byte) []byte {
	f.out = append(f.out[:0], f.prefix[4:24]...)
	f.out = append(f.out, make([]byte, 32)...)
	f.derive(f.out[20:36])
	block, err := aes.NewCipher(f.keys[:32])
	if err != nil {
		return nil
	}
	if f.gcm {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil
		}
		f.out = gcm.Seal(f.out, f.out[36:48], plaintext, nil)
		return f.out
	}
	f.out = append(f.out, plaintext...)
	for pad, n := 16-len(plaintext)%16, 0; n < pad; n++ {
		f.out = append(f.out, byte(pad))
	}
	body := f.out[52:]
	cipher.NewCBCEncrypter(block, f.out[36:52]).CryptBlocks(body, body)
	mac := hmac.New(sha256.New, f.keys[32:])
	mac.Write(f.out[36:])
	f.out = mac.Sum(f.out)
	return f.out
}
