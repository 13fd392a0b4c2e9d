package dataprotection

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/xmlenc"
)

// The elements that a keeper adds to a ring, byte for byte as .NET 10 lays them
// out (XmlKeyManager.CreateNewKey, RevokeKey, RevokeAllKeys) in a file. Other
// repositories have them in one line.
const (
	assembly = ", Microsoft.AspNetCore.DataProtection, Version=10.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60"

	keyLayout = `<key id="%s" version="1">
  <creationDate>%s</creationDate>
  <activationDate>%s</activationDate>
  <expirationDate>%s</expirationDate>
  <descriptor deserializerType="` + "Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel." +
		"AuthenticatedEncryptorDescriptorDeserializer" + assembly + `">
    <descriptor>
      %s
      %s
    </descriptor>
  </descriptor>
</key>`
	cbcLayout = `<encryption algorithm="AES_%d_CBC" />
      <validation algorithm="%s" />`
	gcmLayout = `<encryption algorithm="AES_%d_GCM" />
      <!-- AES-GCM includes a 128-bit authentication tag, no extra validation algorithm required. -->`
	clearLayout = `<masterKey %[1]s:requiresEncryption="true" xmlns:%[1]s="` + dataProtection + `">
        <!-- Warning: the key below is in an unencrypted form. -->
        <value>%[2]s</value>
      </masterKey>`
	secretLayout = `<encryptedSecret decryptorType="Microsoft.AspNetCore.DataProtection.XmlEncryption.EncryptedXmlDecryptor` +
		assembly + `" xmlns="` + dataProtection + `">
        %s
      </encryptedSecret>`
	revocationLayout = `<revocation version="1">
  <revocationDate>%s</revocationDate>%s
  <key id="%s" />
  <reason>%s</reason>
</revocation>`
	allRevoked = `
  <!-- All keys created before the revocation date are revoked. -->`
)

// newKey returns a new key, as XML for the repository, and its id. It has the
// algorithms of the key before it.
func (r *Ring) newKey(s *state, created, activated, expires time.Time) (id, text string, err error) {
	_, inYears := parseDate(formatDate(expires))
	switch {
	case !activated.Before(expires) || !created.Before(expires) || !inYears:
		return "", "", fmt.Errorf("dataprotection: a key from %s to %s would never protect",
			formatDate(activated), formatDate(expires))
	case created.Before(s.revokedBefore):
		return "", "", fmt.Errorf("dataprotection: all keys created before %s are revoked, "+
			"and this clock has %s", formatDate(s.revokedBefore), formatDate(created))
	case s.count >= maxElements || s.size > maxRing-maxElement:
		return "", "", &RingError{Err: errors.New("no room for another key; remove expired ones")}
	}
	before := s.preferredKey(created)
	algorithms := fmt.Sprintf(cbcLayout, 256, hmacSHA256)
	if before != nil && before.Err == nil {
		switch {
		case before.suite.gcm:
			algorithms = fmt.Sprintf(gcmLayout, 8*before.suite.keySize)
		case before.suite.mac == hmacSHA256 || before.suite.mac == hmacSHA512:
			algorithms = fmt.Sprintf(cbcLayout, 8*before.suite.keySize, before.suite.mac)
		}
	}
	var random [64 + len(guid{})]byte
	rand.Read(random[:])
	master := base64.StdEncoding.EncodeToString(random[:64])
	secret := fmt.Sprintf(clearLayout, "p4", master)
	if keys := r.keys(); len(keys) > 0 {
		plain := oneLine(fmt.Sprintf(clearLayout, "d1p1", master))
		if secret, err = xmlenc.Encrypt(plain, keys[0].Certificate); err != nil {
			return "", "", fmt.Errorf("dataprotection: RingOptions.Certificates[0]: %w", err)
		}
		secret = fmt.Sprintf(secretLayout, strings.ReplaceAll(secret, "\n", "\n        "))
	} else if before != nil && before.Decryptor != "" {
		return "", "", fmt.Errorf("dataprotection: key %s is encrypted at rest (%s), and the next would be "+
			"in clear; set RingOptions.Certificates", before.ID, quote(before.Decryptor))
	}
	g := guid(random[64:])
	g[7], g[8] = g[7]&0x0f|0x40, g[8]&0x3f|0x80 // version 4, as Guid.NewGuid
	return g.String(), r.layOut(fmt.Sprintf(keyLayout, g, formatDate(created),
		formatDate(activated), formatDate(expires), algorithms, secret)), nil
}

// addRevocation stores a revocation of the key id, or "*", under a name.
func (r *Ring) addRevocation(ctx context.Context, name, id string, at time.Time, reason string) error {
	if len(reason) > maxReason || !utf8.ValidString(reason) {
		return fmt.Errorf("dataprotection: the reason is no UTF-8 of at most %d bytes", maxReason)
	}
	var escaped strings.Builder
	xml.EscapeText(&escaped, []byte(reason))
	reason = strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(escaped.String()) // as XElement
	comment := ""
	if id == "*" {
		comment = allRevoked
	}
	text := r.layOut(fmt.Sprintf(revocationLayout, formatDate(at), comment, id, reason))
	if err := r.repository.Store(ctx, "revocation-"+name, []byte(text)); err != nil {
		return fmt.Errorf("dataprotection: storing a revocation: %w", err)
	}
	return nil
}

// layOut returns an element as .NET writes it to such a repository: to a folder
// as it is, else in one line.
func (r *Ring) layOut(element string) string {
	if _, folder := r.repository.(pathRepository); folder {
		return element
	}
	return oneLine(element)
}

var lineEnd = regexp.MustCompile(`\n *`)

// oneLine takes the line ends and what indents the lines out.
func oneLine(element string) string { return lineEnd.ReplaceAllString(element, "") }

// formatDate writes a date as XmlConvert does.
func formatDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z") }
