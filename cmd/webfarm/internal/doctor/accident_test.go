package doctor_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	urltext "github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/machinekey"
)

// writer seals data as .NET does, with fixed keys and a fixed IV, which the
// library does not let anybody choose.
type writer struct {
	validation, decryption       string
	validationKey, decryptionKey []byte
}

// fixedKey returns n bytes that follow from a label.
func fixedKey(label string, n int) []byte {
	sum := sha512.Sum512([]byte(label))
	return sum[:n]
}

func (w writer) hash() func() hash.Hash {
	return map[string]func() hash.Hash{"SHA1": sha1.New, "HMACSHA256": sha256.New, "HMACSHA384": sha512.New384, "HMACSHA512": sha512.New}[w.validation]
}

func (w writer) sum(key, data []byte) []byte {
	if w.validation == "MD5" {
		sum := md5.Sum(append(data[:len(data):len(data)], key...))
		return sum[:]
	}
	mac := hmac.New(w.hash(), key)
	mac.Write(data)
	return mac.Sum(nil)
}

func (w writer) block(key []byte) cipher.Block {
	var b cipher.Block
	var err error
	switch w.decryption {
	case "AES":
		b, err = aes.NewCipher(key)
	case "3DES":
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
func derive(master []byte, primary string, specific ...string) []byte {
	input := append(append(make([]byte, 4), primary...), 0)
	for _, s := range specific {
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

// cbc encrypts data behind an IV.
func (w writer) cbc(key, iv, data []byte) []byte {
	b := w.block(key)
	n := b.BlockSize() - len(data)%b.BlockSize()
	data = append(data[:len(data):len(data)], bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(b, iv[:b.BlockSize()]).CryptBlocks(data, data)
	return data
}

// pads reports whether the padding at the end of a ciphertext, with its IV or
// at least one block in front, passes under a key.
func (w writer) pads(key, ciphertext []byte) bool {
	b := w.block(key)
	size := b.BlockSize()
	last := make([]byte, size)
	b.Decrypt(last, ciphertext[len(ciphertext)-size:])
	for i := range last {
		last[i] ^= ciphertext[len(ciphertext)-2*size+i]
	}
	n := int(last[size-1])
	return n >= 1 && n <= size && bytes.Count(last[size-n:], last[size-1:]) == n
}

// sealed is what a writer made, and how to tell the accident: whether a wrong
// decryptionKey passes the padding.
type sealed struct {
	text string
	pads func(decryptionKey []byte) bool
}

// protect is the sealing of Framework45. text makes a cookie of the bytes.
func (w writer) protect(data []byte, text func([]byte) string, purpose ...string) sealed {
	iv := fixedKey("iv "+purpose[0], w.block(derive(w.decryptionKey, "")).BlockSize())
	c := append(iv, w.cbc(derive(w.decryptionKey, purpose[0], purpose[1:]...), iv, data)...)
	return sealed{text(append(c[:len(c):len(c)], w.sum(derive(w.validationKey, purpose[0], purpose[1:]...), c)...)), func(key []byte) bool {
		return w.pads(derive(key, purpose[0], purpose[1:]...), c)
	}}
}

// legacy is the sealing of the modes before it. With protection All the digest
// is inside too.
func (w writer) legacy(data []byte, all bool) sealed {
	inside := append(fixedKey("prefix", len(w.decryptionKey)), data...)
	if all {
		inside = append(inside, w.sum(w.validationKey, data)...)
	}
	c := w.cbc(w.decryptionKey, make([]byte, 16), inside)
	return sealed{hex.EncodeToString(append(c[:len(c):len(c)], w.sum(w.validationKey, c)...)), func(key []byte) bool { return w.pads(key, c) }}
}

// TestPaddingAccident gives a node the right validationKey and a wrong
// decryptionKey: one of the 255 in 256 that the padding refuses, and one that
// it lets through. What doctor says must not depend on that, for every
// validation, cipher and format. With the right key it must read, which shows
// that the writer here is right.
func TestPaddingAccident(t *testing.T) {
	sizes := map[string]int{"AES": 32, "3DES": 24, "DES": 8}
	for _, v := range []string{"SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512", "MD5"} {
		for d, size := range sizes {
			for _, format := range []string{"session", "forms", "Katana", "roles", "legacy All", "legacy Encryption", "WIF 1.0"} {
				legacy := strings.HasPrefix(format, "legacy") || format == "WIF 1.0"
				if v == "MD5" && !legacy {
					continue // not in Framework45
				}
				t.Run(v+" "+d+" "+format, func(t *testing.T) {
					w := writer{v, d, fixedKey("validation "+v, 64), fixedKey("decryption "+d, size)}
					s := fresh(t).with(func(s *site) {
						s.validation, s.decryption = v, d
						s.validationKey, s.decryptionKey = hex.EncodeToString(w.validationKey), hex.EncodeToString(w.decryptionKey)
						if legacy {
							s.mode = "Framework20SP2"
						}
						if format == "legacy Encryption" {
							s.protection = "Encryption"
						}
						s.wif10 = format == "WIF 1.0"
					})
					name, c := w.seal(t, s, format)
					wantOK(t, doctor.Examine(ctx, []*doctor.Node{s.node(t, "node-a.config")}, header(name+"="+c.text), doctor.Options{Now: now}))

					var sentences []string
					for _, accident := range []bool{false, true} {
						key := fixedKey("wrong 0", size)
						for i := 1; c.pads(key) != accident; i++ {
							if i == 10000 {
								t.Fatal("no such key")
							}
							key = fixedKey(fmt.Sprint("wrong ", i), size)
						}
						wrong := s.with(func(s *site) { s.decryptionKey = hex.EncodeToString(key) })
						r := doctor.Examine(ctx, []*doctor.Node{wrong.node(t, "node-a.config")}, header(name+"="+c.text), doctor.Options{Now: now})
						if r.OK || r.Code != "decryption_key" {
							t.Errorf("accident %v: ok %v, %s: %s", accident, r.OK, r.Code, r.Finding.Sentence)
						}
						all := string(must[[]byte](t)(json.Marshal(r)))
						if strings.Contains(all, "authentic,") || r.Credentials[0].User != "" {
							t.Errorf("accident %v: called authentic: %s", accident, all)
						}
						sentences = append(sentences, r.Finding.Sentence+" "+r.Credentials[0].Verdicts[0].Layer)
					}
					if sentences[0] != sentences[1] {
						t.Errorf("without and with the accident:\n%s\n%s", sentences[0], sentences[1])
					}
				})
			}
		}
	}
}

// seal returns the name and the text of a cookie of the format with contents
// that a site of that kind reads.
func (w writer) seal(t *testing.T, s site, format string) (name string, c sealed) {
	t.Helper()
	// The contents are those that the library issues.
	open := func(protected []byte, purposes ...string) []byte {
		p := must[machinekey.Protector](t)(s.ring(t, machinekey.Framework45, doctor.Isolation{}).Protector(purposes...))
		return opened(t, p, protected)
	}
	const user = "User.MachineKey.Protect"
	switch format {
	case "session":
		specific := "System.IdentityModel.Services.MachineKeyTransform"
		doc := string(must[[]byte](t)(base64.StdEncoding.DecodeString(s.session(t, nil, 0))))
		head, rest, _ := strings.Cut(doc, `security">`)
		inner, tail, _ := strings.Cut(rest, "</Cookie>")
		data := open(must[[]byte](t)(base64.StdEncoding.DecodeString(inner)), user, specific)
		return "FedAuth", w.protect(data, func(b []byte) string {
			return base64.StdEncoding.EncodeToString([]byte(head + `security">` + base64.StdEncoding.EncodeToString(b) + "</Cookie>" + tail))
		}, user, specific)
	case "forms":
		data := open(must[[]byte](t)(hex.DecodeString(s.forms(t))), machinekey.FormsPurpose)
		return ".ASPXAUTH", w.protect(data, hex.EncodeToString, "FormsAuthentication.Ticket")
	case "Katana":
		purposes := []string{user, "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware", "ApplicationCookie", "v1"}
		data := open(must[[]byte](t)(base64.RawURLEncoding.DecodeString(s.katana(t, "ApplicationCookie"))), purposes...)
		return ".AspNet.ApplicationCookie", w.protect(data, base64.RawURLEncoding.EncodeToString, purposes...)
	case "roles":
		data := append([]byte{0, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0}, "the rest"...)
		return ".ASPXROLES", w.protect(data, urltext.EncodeURLToken, "RolePrincipal.Ticket")
	case "WIF 1.0":
		s.validation = "SHA1" // MachineKey.Protect knows no MD5, and the contents are the same
		doc := string(must[[]byte](t)(base64.StdEncoding.DecodeString(s.session(t, nil, 0))))
		head, rest, _ := strings.Cut(doc, `security">`)
		inner, tail, _ := strings.Cut(rest, "</Cookie>")
		p := must[machinekey.Protector](t)(s.ring(t, machinekey.Framework20SP1, doctor.Isolation{}).EncodeProtector(machinekey.LegacyOptions{}))
		data := opened(t, p, must[[]byte](t)(hex.DecodeString(string(must[[]byte](t)(base64.StdEncoding.DecodeString(inner))))))
		c = w.legacy(data, true)
		c.text = base64.StdEncoding.EncodeToString([]byte(head + `security">` + base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(c.text))) + "</Cookie>" + tail))
		return "FedAuth", c
	}
	o := machinekey.LegacyOptions{}
	if format == "legacy Encryption" {
		o.Protection = machinekey.ProtectionEncryption
	}
	p := must[machinekey.Protector](t)(s.ring(t, s.machineMode(), doctor.Isolation{}).CookieProtector(o, machinekey.FormsPurpose))
	return ".ASPXAUTH", w.legacy(opened(t, p, must[[]byte](t)(hex.DecodeString(s.forms(t)))), format == "legacy All")
}

// opened returns the data in what p protected.
func opened(t *testing.T, p machinekey.Protector, protected []byte) []byte {
	t.Helper()
	data, _, err := p.Unprotect(t.Context(), nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
