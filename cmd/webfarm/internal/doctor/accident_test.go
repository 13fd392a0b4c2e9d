package doctor_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	urltext "github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
)

// accident returns a wrong decryptionKey under which the padding of a text of the issuer is good:
// one in 256 is such. If good is false it returns one of the others.
func (i issuer) accident(t testing.TB, text string, random *seed.Stream, good bool) string {
	t.Helper()
	size := len(i.decryptionKey) / 2
	ciphertext := i.ciphertext(t, text)
	opens := func(key []byte) bool {
		if !i.legacy() {
			key = derive(key, i.purpose()...)
		}
		return pads(i.block(key), ciphertext)
	}
	if !opens(must[[]byte](t)(hex.DecodeString(i.decryptionKey))) {
		t.Fatal("the padding under the right key is not good")
	}
	for range 20000 {
		if key := random.Bytes(size); opens(key) == good {
			return hex.EncodeToString(key)
		}
	}
	t.Fatal("no such key")
	return ""
}

// ciphertext is what the text of an issuer holds, without the signature.
func (i issuer) ciphertext(t testing.TB, text string) []byte {
	t.Helper()
	var data []byte
	switch i.kind {
	case doctor.Forms:
		data = must[[]byte](t)(hex.DecodeString(text))
	case doctor.Roles, doctor.Anonymous:
		data = must[[]byte](t)(urltext.DecodeURLToken(text))
	case doctor.FedAuth, doctor.WIF10, sqSession:
		_, rest, _ := strings.Cut(string(must[[]byte](t)(base64.StdEncoding.DecodeString(text))),
			`security">`)
		inner, _, _ := strings.Cut(rest, "</Cookie>")
		if data = must[[]byte](t)(base64.StdEncoding.DecodeString(inner)); i.encodes() {
			data = must[[]byte](t)(hex.DecodeString(string(data)))
		}
	default:
		data = must[[]byte](t)(base64.RawURLEncoding.DecodeString(text))
	}
	tag := map[string]int{"HMACSHA256": 32, "HMACSHA384": 48, "HMACSHA512": 64,
		"MD5": 16}[i.validation]
	if tag == 0 {
		tag = 20
	}
	return data[:len(data)-tag]
}

// purpose is the purpose under which Framework45 derives the keys.
func (i issuer) purpose() []string {
	user := machinekey.UserPurpose
	switch i.kind {
	case doctor.Forms:
		return []string{machinekey.FormsPurpose}
	case doctor.Roles:
		return []string{machinekey.RolePurpose}
	case doctor.Anonymous:
		return []string{machinekey.AnonymousPurpose}
	case doctor.Katana:
		return []string{user, "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware",
			i.authType, "v1"}
	case doctor.Bearer:
		return []string{user, "Microsoft.Owin.Security.OAuth", "Access_Token", "v1"}
	case doctor.Refresh:
		return []string{user, "Microsoft.Owin.Security.OAuth", "Refresh_Token", "v1"}
	case doctor.AuthCode:
		return []string{user, "Microsoft.Owin.Security.OAuth.OAuthAuthorizationServerMiddleware",
			"Authentication_Code", "v1"}
	case sqSession:
		return []string{user, purposeSQSession}
	}
	return []string{user, "System.IdentityModel.Services.MachineKeyTransform"}
}

// block is the cipher of the issuer under a key.
func (i issuer) block(key []byte) cipher.Block {
	var b cipher.Block
	var err error
	switch {
	case i.decryption == "AES":
		b, err = aes.NewCipher(key)
	case i.decryption == "3DES":
		b, err = des.NewTripleDESCipher(key)
	default:
		b, err = des.NewCipher(key)
	}
	if err != nil {
		panic(err)
	}
	return b
}

// derive is SP 800-108 in counter mode, as Framework45 derives subkeys.
func derive(master []byte, purpose ...string) []byte {
	input := append(append(make([]byte, 4), purpose[0]...), 0)
	for _, s := range purpose[1:] {
		input = append(binary.AppendUvarint(input, uint64(len(s))), s...)
	}
	input = binary.BigEndian.AppendUint32(input, uint32(8*len(master)))
	var derived []byte
	for i := uint32(1); len(derived) < len(master); i++ {
		binary.BigEndian.PutUint32(input, i)
		mac := hmac.New(sha512.New, master)
		mac.Write(input)
		derived = mac.Sum(derived)
	}
	return derived[:len(master)]
}

// pads reports whether the padding at the end of a ciphertext of two blocks or more is good.
func pads(b cipher.Block, ciphertext []byte) bool {
	size := b.BlockSize()
	last := make([]byte, size)
	b.Decrypt(last, ciphertext[len(ciphertext)-size:])
	for i := range last {
		last[i] ^= ciphertext[len(ciphertext)-2*size+i]
	}
	n := int(last[size-1])
	return n >= 1 && n <= size && bytes.Count(last[size-n:], last[size-1:]) == n
}
