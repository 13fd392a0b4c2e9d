package dataprotection

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// suite is a combination of algorithms.
type suite struct {
	gcm     bool
	keySize int     // of AES, in bytes: 16, 24 or 32
	mac     macKind // of CBC
}

// String names the suite as AuthenticatedEncryptorConfiguration does.
func (s suite) String() string {
	if s.gcm {
		return fmt.Sprintf("AES_%d_GCM", 8*s.keySize)
	}
	return fmt.Sprintf("AES_%d_CBC, %s", 8*s.keySize, s.mac)
}

// Where the classes of a descriptor are, today and in the year 2015.
var descriptorNamespaces = []string{
	"Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.",
	"Microsoft.AspNet.DataProtection.AuthenticatedEncryption.ConfigurationModel.",
}

// className returns the name of a class without its namespace, if that is one
// of those given, and without the assembly.
func className(typeName string, namespaces []string) (string, bool) {
	full, _, _ := strings.Cut(strings.TrimLeft(typeName, xmlSpace), ",")
	for _, n := range namespaces {
		if class, ok := strings.CutPrefix(full, n); ok {
			return class, true
		}
	}
	return "", false
}

// parseSuite reads the algorithms of a descriptor, by the class that reads it
// in .NET. Names count in their case. The algorithms of Windows CNG give the
// same bytes as the managed ones.
func parseSuite(deserializer string, e *xmltree.Element) (s suite, err error) {
	class, _ := className(deserializer, descriptorNamespaces)
	encryption := e.Child("", "encryption")
	if encryption == nil {
		return s, errors.New("no encryption")
	}
	switch class {
	case "AuthenticatedEncryptorDescriptorDeserializer":
		return parseBuiltIn(e, encryption)
	case "ManagedAuthenticatedEncryptorDescriptorDeserializer":
		s.mac, err = parseMAC(e.Child("", "validation"), managedMACs)
	case "CngCbcAuthenticatedEncryptorDescriptorDeserializer":
		s.mac, err = parseMAC(e.Child("", "hash"), cngMACs)
	case "CngGcmAuthenticatedEncryptorDescriptorDeserializer":
		s.gcm = true
	default:
		return s, fmt.Errorf("the deserializerType %s is not known", quote(deserializer))
	}
	if err != nil {
		return s, err
	}
	name, _ := encryption.Attr("algorithm")
	managed := strings.HasPrefix(class, "Managed")
	if name != "AES" && !(managed && isManagedAES(name)) {
		return s, fmt.Errorf("the encryption %s is not known", quote(name))
	}
	bits, _ := encryption.Attr("keyLength")
	n, err := strconv.Atoi(strings.Trim(bits, xmlSpace))
	if err != nil || n != 128 && n != 192 && n != 256 {
		return s, fmt.Errorf("a keyLength of %s for AES; 128, 192 or 256 are wanted", quote(bits))
	}
	s.keySize = n / 8
	return s, nil
}

// builtIn are .NET's EncryptionAlgorithm values.
var builtIn = map[string]suite{
	"AES_128_CBC": {keySize: 16},
	"AES_192_CBC": {keySize: 24},
	"AES_256_CBC": {keySize: 32},
	"AES_128_GCM": {keySize: 16, gcm: true},
	"AES_192_GCM": {keySize: 24, gcm: true},
	"AES_256_GCM": {keySize: 32, gcm: true},
}

func parseBuiltIn(e, encryption *xmltree.Element) (suite, error) {
	name, _ := encryption.Attr("algorithm")
	s, ok := builtIn[name]
	if !ok {
		return s, fmt.Errorf("the encryption %s is not known", quote(name))
	}
	if s.gcm {
		return s, nil // a validation beside it is not looked at
	}
	var err error
	s.mac, err = parseMAC(e.Child("", "validation"), builtInMACs)
	return s, err
}

// The names of MACs: .NET's ValidationAlgorithm values, those of classes, and
// those of hashes in CNG.
var (
	builtInMACs = map[string]macKind{"HMACSHA256": hmacSHA256, "HMACSHA512": hmacSHA512}
	managedMACs = map[string]macKind{"HMACSHA1": hmacSHA1, "HMACSHA256": hmacSHA256,
		"HMACSHA384": hmacSHA384, "HMACSHA512": hmacSHA512}
	cngMACs = map[string]macKind{"SHA1": hmacSHA1, "SHA256": hmacSHA256,
		"SHA384": hmacSHA384, "SHA512": hmacSHA512}
)

const cryptography = "System.Security.Cryptography."

func parseMAC(e *xmltree.Element, names map[string]macKind) (macKind, error) {
	if e == nil {
		return 0, errors.New("no validation")
	}
	name, _ := e.Attr("algorithm")
	short := name
	if class, ok := className(name, []string{cryptography}); ok {
		short = class // of a managed class; the other names have no such prefix
	}
	kind, ok := names[short]
	if !ok {
		return 0, fmt.Errorf("the validation %s is not known", quote(name))
	}
	if kind == hmacSHA1 && fipsEnforced() {
		return 0, errors.New("HMACSHA1 is not approved, since GODEBUG=fips140=only is set")
	}
	return kind, nil
}

// isManagedAES reports whether a name is AES by a class of .NET.
func isManagedAES(name string) bool {
	class, ok := className(name, []string{cryptography})
	switch class {
	case "Aes", "AesManaged", "AesCryptoServiceProvider", "AesCng":
		return ok
	}
	return name == "Aes"
}
