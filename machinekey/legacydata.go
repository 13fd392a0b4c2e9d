package machinekey

import "fmt"

// IVType says what stands before the data in a legacy ciphertext, in place of
// an initialization vector, which is always zero (System.Web's IVType).
type IVType uint8

// The types of prefix. Cookies and Encode have random ones.
const (
	IVRandom IVType = iota // random bytes
	IVHash                 // digests of the data without a key, so that equal data gives equal bytes: addresses of resources
	IVNone                 // nothing: the encrypted passwords of Membership, which are unsigned
)

// String returns the name in System.Web.
func (t IVType) String() string {
	switch t {
	case IVRandom:
		return "Random"
	case IVHash:
		return "Hash"
	case IVNone:
		return "None"
	}
	return fmt.Sprintf("IVType(%d)", uint8(t))
}

// InsecureLegacyData is the low level of the legacy formats: the two
// operations HashData and EncryptOrDecryptData of System.Web's
// MachineKeySection, with all their parameters. No credential needs it. It is
// for tests and for tools that look into a site's other data, such as
// encrypted passwords, and it is insecure in that it also writes what anybody
// could change or recognise. For cookies see [LegacyProtector], for
// MachineKey.Encode see [Key.Encode].
//
//	H = HMAC(validationKey, data || Modifier)             for MD5 see Hash
//	C = CBC(decryptionKey, IV = 0, prefix || data || Modifier || PKCS#7 padding)
//	E = C || HMAC(validationKey, C)                       or C if Unsigned
//
// The prefix is as long as the cipher's key. It is missing in unsigned data
// with IVNone or in mode Framework20SP1. The second cipher that validation
// "3DES" and "AES" name, for view state alone, is not here.
type InsecureLegacyData struct {
	// IVType is what the prefix is made of. IVNone needs Unsigned.
	IVType IVType
	// Unsigned leaves the signature out.
	Unsigned bool
	// Modifier binds view state to its page. It may be empty.
	Modifier []byte
}

// Hash returns H. For validation MD5 it is
//
//	MD5(data || validationKey || as many zeros as Modifier has bytes)
//
// The error is a [*ConfigError] if k does not fit the legacy formats.
func (d InsecureLegacyData) Hash(k *Key, data []byte) ([]byte, error) {
	l, err := d.key(k, legacyLayers{})
	if err != nil {
		return nil, err
	}
	return l.newScratch().digest(nil, data, d.Modifier), nil
}

// Encrypt returns E. Its error is one of the configuration or of Config.Rand.
func (d InsecureLegacyData) Encrypt(k *Key, data []byte) ([]byte, error) {
	l, err := d.key(k, legacyLayers{encrypted: true, signed: !d.Unsigned, iv: d.IVType})
	if err != nil {
		return nil, err
	}
	return l.seal(nil, data, d.Modifier)
}

// Decrypt returns the data in E. The modifier must be the same; the prefix is
// not looked at. What is signed is verified first. [ErrUnprotect] is the only
// error that the bytes can cause.
func (d InsecureLegacyData) Decrypt(k *Key, encrypted []byte) ([]byte, error) {
	l, err := d.key(k, legacyLayers{encrypted: true, signed: !d.Unsigned, iv: d.IVType})
	if err != nil {
		return nil, err
	}
	data, ok := l.open(nil, encrypted, d.Modifier)
	if !ok {
		return nil, ErrUnprotect
	}
	return data, nil
}

func (d InsecureLegacyData) key(k *Key, layers legacyLayers) (*legacyKey, error) {
	switch {
	case k == nil || k.id == "":
		return nil, errNoKey
	case d.IVType > IVNone:
		return nil, fmt.Errorf("machinekey: no %v", d.IVType)
	}
	return newLegacyKey(k, layers)
}
