package machinekey

import "crypto/des"

// Mode is the attribute compatibilityMode of <machineKey>, empty where it is
// not known. It is spelled as in web.config, as are all algorithms here.
type Mode string

// The modes of .NET Framework (MachineKeyCompatibilityMode).
const (
	Framework20SP1 Mode = "Framework20SP1" // .NET 2.0 SP1: the default below targetFramework 4.5
	Framework20SP2 Mode = "Framework20SP2" // .NET 2.0 SP2
	Framework45    Mode = "Framework45"    // .NET 4.5: derived keys, purposes
)

// Validation is the attribute validation of <machineKey>: the algorithm that
// authenticates.
type Validation string

// The values of the attribute validation. The last three are legal only in
// the legacy modes; Protect and Unprotect cannot work with them.
const (
	HMACSHA1        Validation = "SHA1"       // HMAC-SHA1, 20-byte tag
	HMACSHA256      Validation = "HMACSHA256" // 32-byte tag; the default since .NET 4
	HMACSHA384      Validation = "HMACSHA384" // 48-byte tag
	HMACSHA512      Validation = "HMACSHA512" // 64-byte tag
	InsecureMD5     Validation = "MD5"        // keyed MD5, legacy modes only
	LegacyTripleDES Validation = "3DES"       // HMAC-SHA1, legacy modes only
	LegacyAES       Validation = "AES"        // HMAC-SHA1, legacy modes only
)

// Decryption is the attribute decryption of <machineKey>: the cipher.
type Decryption string

// The values of the attribute decryption. An empty one is Auto.
const (
	Auto              Decryption = "Auto" // AES; in the legacy modes DES for an 8-byte key
	AES               Decryption = "AES"  // AES-128, 192 or 256 by the length of the key
	InsecureTripleDES Decryption = "3DES"
	InsecureDES       Decryption = "DES"
)

// The algorithms in the order of their numbers in a [Key.ID], from 1 on.
var (
	validations = []Validation{HMACSHA1, HMACSHA256, HMACSHA384, HMACSHA512, InsecureMD5,
		LegacyTripleDES, LegacyAES}
	ciphers = []Decryption{AES, InsecureTripleDES, InsecureDES}
)

// cipher returns what Auto stands for: in the legacy modes DES for an 8-byte
// key, else AES.
func (c Config) cipher() Decryption {
	switch {
	case c.Decryption != Auto:
		return c.Decryption
	case c.Mode.legacy() && c.DecryptionKey.Len() == des.BlockSize:
		return InsecureDES
	}
	return AES
}

func (m Mode) legacy() bool { return m == Framework20SP1 || m == Framework20SP2 }

// keySizes are the lengths of key that Framework45 takes for d, and these in
// words for errors.
func (d Decryption) keySizes() (legal []int, words string) {
	switch d {
	case Auto, AES:
		return []int{16, 24, 32}, "16, 24 or 32 bytes for AES"
	case InsecureTripleDES:
		return []int{16, 24}, "16 or 24 bytes for 3DES"
	case InsecureDES:
		return []int{8}, "8 bytes for DES"
	}
	return nil, "a known algorithm"
}
