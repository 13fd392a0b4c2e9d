package farm

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// elements is a repository in memory.
type elements []string

func (e elements) Elements(_ context.Context, each func(string, []byte) error) error {
	for i, xml := range e {
		if err := each(fmt.Sprintf("element %d", i), []byte(xml)); err != nil {
			return err
		}
	}
	return nil
}

func (elements) Store(context.Context, string, []byte) error { return nil }

// certificate is one that encrypts keys of a ring.
type certificate struct {
	tls.Certificate
	pfx string // in base64
}

func newCertificate(t testing.TB, name string) certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	pfx, err := PFX(c)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{c, base64.StdEncoding.EncodeToString(pfx)}
}

// encrypted returns an element encrypted for the certificate, as
// ProtectKeysWithCertificate encrypts it.
func (c certificate) encrypted(r random, element string) string {
	const enc = "http://www.w3.org/2001/04/xmlenc#"
	key, iv := r.bytes(32), r.bytes(aes.BlockSize)
	wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, &c.PrivateKey.(*rsa.PrivateKey).PublicKey, key)
	if err != nil {
		panic("farm: " + err.Error())
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("farm: " + err.Error())
	}
	pad := r.bytes(aes.BlockSize - len(element)%aes.BlockSize)
	pad[len(pad)-1] = byte(len(pad))
	data := append([]byte(element), pad...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return fmt.Sprintf(`<EncryptedData Type="%[1]sElement" xmlns="%[1]s"><EncryptionMethod Algorithm="%[1]saes256-cbc"/>`+
		`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><EncryptedKey xmlns="%[1]s"><EncryptionMethod Algorithm="%[1]srsa-1_5"/>`+
		`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%[2]s</X509Certificate></X509Data></KeyInfo>`+
		`<CipherData><CipherValue>%[3]s</CipherValue></CipherData></EncryptedKey></KeyInfo>`+
		`<CipherData><CipherValue>%[4]s</CipherValue></CipherData></EncryptedData>`, enc,
		base64.StdEncoding.EncodeToString(c.Certificate.Certificate[0]),
		base64.StdEncoding.EncodeToString(wrapped),
		base64.StdEncoding.EncodeToString(append(iv, data...)))
}

// coreRing is a random ring, and what is known of it.
type coreRing struct {
	elements     elements
	certificates []certificate // that are needed, perhaps
	wider        bool          // a key that Go can use and .NET here cannot
}

// guidForms are how an id may be written.
func (r random) guidForm(id string) string {
	switch r.IntN(10) {
	case 0:
		return strings.ToUpper(id)
	case 1:
		return "{" + id + "}"
	case 2:
		return strings.ReplaceAll(id, "-", "")
	}
	return id
}

// The times of a ring lie far from the present, before or after, so that a run
// is the same whenever it is repeated. They are few, so that some are equal.
func (r random) past() time.Time {
	return time.Date(2001+r.IntN(3), time.Month(1+r.IntN(3)), 1+r.IntN(3), r.IntN(2),
		0, 0, 0, time.UTC)
}

func (r random) future() time.Time { return r.past().AddDate(200, 0, 0) }

// date writes a time in a form of xs:dateTime.
func (r random) date(t time.Time) string {
	switch r.IntN(6) {
	case 0:
		return t.Format("2006-01-02T15:04:05") // UTC, where the program runs
	case 1:
		return t.In(time.FixedZone("",
			(r.IntN(27)-13)*3600+1800)).Format("2006-01-02T15:04:05.0-07:00")
	case 2:
		return t.Format("\n 2006-01-02T15:04:05Z\t")
	}
	return t.Format("2006-01-02T15:04:05.0000000Z")
}

const (
	descriptors = "Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel."
	decryptors  = "Microsoft.AspNetCore.DataProtection.XmlEncryption."
	secretSpace = "http://schemas.asp.net/2015/03/dataProtection"
)

// descriptor returns the class of a descriptor and the algorithms in it.
func (r random) descriptor(ring *coreRing) (class, algorithms string) {
	size := pick(r, []int{128, 192, 256})
	switch r.IntN(14) {
	case 0, 1:
		return "AuthenticatedEncryptorDescriptorDeserializer",
			fmt.Sprintf(`<encryption algorithm="AES_%d_GCM"/>`, size)
	case 2, 3:
		aes := "Aes"
		if r.chance(5) {
			aes, ring.wider = "AES", true // no class of .NET
		}
		return "ManagedAuthenticatedEncryptorDescriptorDeserializer",
			fmt.Sprintf(`<encryption algorithm="%s" keyLength="%d"/><validation algorithm="HMACSHA%d"/>`, aes, size, pick(r, []int{256, 384, 512}))
	case 4:
		if r.chance(30) { // of Windows
			ring.wider = true
			return "CngCbcAuthenticatedEncryptorDescriptorDeserializer",
				fmt.Sprintf(`<encryption algorithm="AES" keyLength="%d"/><hash algorithm="SHA256"/>`, size)
		}
	case 5:
		if r.chance(30) {
			wrong := pick(r, [][2]string{
				{"AuthenticatedEncryptorDescriptorDeserializer",
					`<encryption algorithm="AES_256_cbc"/><validation algorithm="HMACSHA256"/>`},
				{"AuthenticatedEncryptorDescriptorDeserializer",
					`<encryption algorithm="AES_256_CBC"/><validation algorithm="HMACSHA3"/>`},
				{"AuthenticatedEncryptorDescriptorDeserializer", `<encryption algorithm="AES_256_CBC"/>`},
				{"ManagedAuthenticatedEncryptorDescriptorDeserializer",
					`<encryption algorithm="Aes" keyLength="512"/><validation algorithm="HMACSHA256"/>`},
				{"OtherDescriptorDeserializer", `<encryption algorithm="AES_256_GCM"/>`},
			})
			return wrong[0], wrong[1]
		}
	}
	return "AuthenticatedEncryptorDescriptorDeserializer",
		fmt.Sprintf(`<encryption algorithm="AES_%d_CBC"/><validation algorithm="HMACSHA%d"/>`, size,
			pick(r, []int{256, 256, 512}))
}

// key returns one key element.
func (r random) key(ring *coreRing, id string, certificates []certificate) string {
	created, activated, expires := r.past(), r.past(), r.future()
	switch {
	case r.chance(15):
		expires = r.past()
	case r.chance(10):
		created = r.future()
	case r.chance(10):
		activated = r.future()
	}
	class, algorithms := r.descriptor(ring)
	length := pick(r, []int{32, 33, 64, 64, 64, 64, 127, 128, 129, 300})
	secret := fmt.Sprintf(`<masterKey p4:requiresEncryption="true" xmlns:p4="%s"><!-- a burnt test key --><value>%s</value></masterKey>`,
		secretSpace, base64.StdEncoding.EncodeToString(r.bytes(length)))
	wrap := func(class, inside string) string {
		return fmt.Sprintf(`<encryptedSecret decryptorType="%s%s, Microsoft.AspNetCore.DataProtection" xmlns="%s">%s</encryptedSecret>`,
			decryptors, class, secretSpace, inside)
	}
	switch {
	case r.chance(10):
		secret = wrap("NullXmlDecryptor", `<unencryptedKey xmlns="">`+secret+`</unencryptedKey>`)
	case len(certificates) > 0 && r.chance(60):
		secret = wrap("EncryptedXmlDecryptor", pick(r, certificates).encrypted(r, secret))
	}
	key := fmt.Sprintf(`<key id="%s" version="1"><creationDate>%s</creationDate><activationDate>%s</activationDate>`+
		`<expirationDate>%s</expirationDate><descriptor deserializerType="%s%s, Microsoft.AspNetCore.DataProtection">`+
		`<descriptor>%s%s</descriptor></descriptor></key>`, r.guidForm(id), r.date(created),
		r.date(activated), r.date(expires),
		descriptors, class, algorithms, secret)
	if r.chance(5) {
		wrong := pick(r, [][2]string{{"creationDate>", "other>"}, {"expirationDate>", "other>"},
			{` id="`, ` id="x`}, {` id=`, ` name=`},
			{"<activationDate>", "<activationDate>2"}, {"T0", "T3"}, {"<value>", "<value>="},
			{"masterKey", "otherKey"},
			{"<descriptor>", "<descriptor><x/>"}, {" deserializerType=", " type="}, {"</key>", ""}})
		key = strings.ReplaceAll(key, wrong[0], wrong[1])
	}
	return key
}

// ring returns a ring of keys, revocations and what else may lie there.
func (r random) ring(certificates []certificate) *coreRing {
	ring := &coreRing{}
	if r.chance(10) {
		ring.certificates = certificates
	}
	var ids []string
	for range pick(r, []int{0, 1, 1, 1, 2, 2, 3, 6}) {
		ids = append(ids, r.uuid())
		ring.elements = append(ring.elements, r.key(ring, ids[len(ids)-1], ring.certificates))
	}
	if len(ids) == 0 {
		ids = append(ids, r.uuid())
	}
	if r.chance(20) {
		ring.elements = append(ring.elements,
			fmt.Sprintf(`<revocation version="1"><revocationDate>%s</revocationDate>`+
				`<key id="%s"/><reason>%s</reason></revocation>`, r.date(r.past()),
				r.guidForm(pick(r, ids)), "lost"))
	}
	if r.chance(10) {
		ring.elements = append(ring.elements,
			fmt.Sprintf(`<revocation version="1"><revocationDate>%s</revocationDate>`+
				`<!-- all --><key id="*"/><reason/></revocation>`, r.date(r.past())))
	}
	if r.chance(10) {
		ring.elements = append(ring.elements, pick(r, []string{
			`<other/>`, `<key xmlns="urn:x"/>`, `<key/>`, `<revocation/>`,
			`<revocation><key id="x"/></revocation>`,
			`<revocation><key id="*"/></revocation>`,
			`<revocation><revocationDate>x</revocationDate><key id="*"/></revocation>`,
			ring.anyElement(),
		}))
	}
	r.Shuffle(len(ring.elements), func(i, k int) {
		ring.elements[i], ring.elements[k] = ring.elements[k], ring.elements[i]
	})
	if ring.elements == nil {
		ring.elements = elements{}
	}
	return ring
}

func (c *coreRing) anyElement() string {
	if len(c.elements) == 0 {
		return "<other/>"
	}
	return c.elements[0]
}

// request asks the program to load the ring under the name that all have.
func (c *coreRing) request() CoreRequest {
	list := []map[string]string{}
	for _, one := range c.certificates {
		list = append(list, map[string]string{"pfx": one.pfx, "password": ""})
	}
	return CoreRequest{"op": "ring", "id": "r", "elements": c.elements, "certificates": list}
}

// open opens the ring in Go for an application. What it protects has the random
// bytes of a replay.
func (c *coreRing) open(app string, random *replay) (*dataprotection.Ring, error) {
	o := &dataprotection.RingOptions{ApplicationName: app, Interval: -1, Rand: random}
	for _, one := range c.certificates {
		o.Certificates = append(o.Certificates, one.Certificate)
	}
	return dataprotection.Open(context.Background(), c.elements, o)
}

// replay gives random bytes, and first those that it was told.
type replay struct {
	random random
	next   []byte
}

func (p *replay) Read(b []byte) (int, error) {
	n := copy(b, p.next)
	p.next = p.next[n:]
	copy(b[n:], p.random.bytes(len(b)-n))
	return len(b), nil
}

// of tells the random bytes of a payload that .NET made: the key modifier and
// the IV or nonce.
func (p *replay) of(payload []byte, algorithm string) {
	n := 16 + 16
	if strings.HasSuffix(algorithm, "GCM") {
		n = 16 + 12
	}
	p.next = bytes.Clone(payload[20:][:n])
}
