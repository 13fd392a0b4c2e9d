package machinekey

import "crypto/des"

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

// keySizes are the lengths that a cipher takes, in words for errors.
func (d Decryption) keySizes() string {
	switch d {
	case Auto, AES:
		return "16, 24 or 32 bytes for AES"
	case InsecureTripleDES:
		return "16 or 24 bytes for 3DES"
	case InsecureDES:
		return "8 bytes for DES"
	}
	return "a known algorithm"
}

// takes reports whether Framework45 can key d with n bytes.
func (d Decryption) takes(n int) bool {
	switch d {
	case Auto, AES:
		return n == 16 || n == 24 || n == 32
	case InsecureTripleDES:
		return n == 16 || n == 24
	case InsecureDES:
		return n == 8
	}
	return false
}
