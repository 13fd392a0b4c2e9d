package testvectors_test

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
	"hash"
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// legacyParts are the recorded parts of a value that is protected in the way
// of the legacy modes. Those that the protection does not have are missing.
type legacyParts struct {
	Random, InnerMAC, Ciphertext, OuterMAC hexBytes
}

// check compares the parts with each other by the formula, written out here a
// second time:
//
//	Ciphertext || OuterMAC      Ciphertext = CBC(prefix || data || InnerMAC), OuterMAC = H(Ciphertext)
//	data || InnerMAC            without encryption; InnerMAC = H(data)
//
// Random is the prefix, after the beginning of the data if that is random.
func (p *legacyParts) check(t *testing.T, cfg machinekey.Config, data, whole []byte) {
	t.Helper()
	if p.InnerMAC != nil {
		sameBytes(t, "innerMac", legacyDigest(t, cfg, data), p.InnerMAC)
	}
	inner := slices.Concat(data, p.InnerMAC)
	prefix := []byte{}
	if p.Ciphertext == nil {
		sameBytes(t, "data and innerMac", inner, whole)
	} else {
		sameBytes(t, "ciphertext and outerMac", slices.Concat(p.Ciphertext, p.OuterMAC), whole)
		if p.OuterMAC != nil {
			sameBytes(t, "outerMac", legacyDigest(t, cfg, p.Ciphertext), p.OuterMAC)
		}
		plain := legacyDecrypt(t, cfg, p.Ciphertext)
		var ok bool
		if prefix, ok = bytes.CutSuffix(plain, inner); !ok {
			t.Errorf("the ciphertext does not hold the data: %s", short(plain))
			return
		}
	}
	if p.Random == nil {
		return
	}
	head, ok := bytes.CutSuffix(p.Random, prefix)
	if !ok || !bytes.HasPrefix(data, head) || len(head) != 0 && len(head) != 8 {
		t.Errorf("random is neither the prefix %x nor the head of the data and the prefix", prefix)
	}
}

// legacyDigest is H of the legacy modes.
func legacyDigest(t *testing.T, cfg machinekey.Config, data []byte) []byte {
	t.Helper()
	var newHash func() hash.Hash
	switch string(cfg.Validation) {
	case "MD5":
		sum := md5.Sum(slices.Concat(data, cfg.ValidationKey.Reveal()))
		return sum[:]
	case "SHA1", "3DES", "AES":
		newHash = sha1.New
	case "HMACSHA256":
		newHash = sha256.New
	case "HMACSHA384":
		newHash = sha512.New384
	case "HMACSHA512":
		newHash = sha512.New
	default:
		t.Fatalf("no digest %v", cfg.Validation)
	}
	mac := hmac.New(newHash, cfg.ValidationKey.Reveal())
	mac.Write(data)
	return mac.Sum(nil)
}

// legacyDecrypt opens a ciphertext of the legacy modes and takes the padding
// off.
func legacyDecrypt(t *testing.T, cfg machinekey.Config, ciphertext []byte) []byte {
	t.Helper()
	key, size := cfg.DecryptionKey.Reveal(), aes.BlockSize
	switch decryption := string(cfg.Decryption); {
	case decryption == "DES", decryption == "Auto" && len(key) == 8:
		key, size = key[:min(8, len(key))], des.BlockSize
	case decryption == "3DES":
		size = des.BlockSize
	}
	block, err := blockCipher(key, size)
	if err != nil {
		t.Fatal(err)
	}
	if len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		t.Fatalf("ciphertext of %d bytes", len(ciphertext))
	}
	plain := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, make([]byte, size)).CryptBlocks(plain, ciphertext)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > size {
		t.Fatalf("padding of %d bytes", padding)
	}
	return plain[:len(plain)-padding]
}
