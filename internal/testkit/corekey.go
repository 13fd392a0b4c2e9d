package testkit

import (
	"encoding/base64"
	"fmt"
	"time"
)

// CoreKey returns the element of a key of ASP.NET Core's Data Protection. Its
// number is from 0 to 9; of several keys the one with the highest protects.
func CoreKey(n int, now time.Time, master []byte) string {
	date := func(days int) string { return now.AddDate(0, 0, days).UTC().Format(time.RFC3339) }
	return fmt.Sprintf(`<key id="76692db8-b9c3-446a-937e-c7c07fda25a%d" version="1"><creationDate>%s</creationDate>`+
		`<activationDate>%s</activationDate><expirationDate>%s</expirationDate><descriptor deserializerType="`+
		`Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer">`+
		`<descriptor><encryption algorithm="AES_256_CBC"/><validation algorithm="HMACSHA256"/><masterKey><value>%s</value></masterKey>`+
		`</descriptor></descriptor></key>`, n, date(-30), date(n-10), date(89),
		base64.StdEncoding.EncodeToString(master))
}
