package farm

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// PFX returns a certificate with its private key as PKCS #12, for .NET. It is
// neither encrypted nor authenticated, so no password is needed: it is for keys
// that a test has made.
func PFX(c tls.Certificate) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("farm: %w", err)
	}
	var (
		data     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
		keyBag   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
		certBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
		x509Cert = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
		localID  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	)
	der := func(value any) []byte {
		b, e := asn1.Marshal(value)
		if e != nil {
			err = e
		}
		return b
	}
	join := func(tag int, parts ...[]byte) []byte {
		return der(asn1.RawValue{Tag: tag, IsCompound: true, Bytes: bytes.Join(parts, nil)})
	}
	list := func(parts ...[]byte) []byte { return join(asn1.TagSequence, parts...) }
	set := func(part []byte) []byte { return join(asn1.TagSet, part) }
	explicit := func(inside []byte) []byte {
		return der(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: inside})
	}
	content := func(inside []byte) []byte { return list(der(data), explicit(der(inside))) }
	belong := set(list(der(localID), set(der([]byte{1})))) // one to the other
	safe := list(
		list(der(certBag), explicit(list(der(x509Cert), explicit(der(c.Certificate[0])))), belong),
		list(der(keyBag), explicit(key), belong))
	pfx := list(der(3), content(list(content(safe))))
	if err != nil {
		return nil, fmt.Errorf("farm: %w", err)
	}
	return pfx, nil
}
