package testvectors_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// This file protects with Data Protection a second time, from the description
// of the format and with nothing but the standard library, so that every
// recorded stage can be compared.

// coreAlgorithm is a pair of algorithms.
type coreAlgorithm struct {
	name    string
	keySize int
	hash    func() hash.Hash // nil: GCM
}

// algorithm reads the names of a recorded key.
func (k *coreKey) algorithm() (a coreAlgorithm, err error) {
	bits, mode := k.KeyLength, "CBC"
	if k.Validation == "" {
		mode = "GCM"
	}
	switch k.Encryption {
	case "AES", "Aes":
	default:
		if _, err := fmt.Sscanf(k.Encryption, "AES_%d_"+mode, &bits); err != nil ||
			k.KeyLength != 0 || !strings.HasSuffix(k.Encryption, mode) {
			return a, fmt.Errorf("no algorithm %q", k.Encryption)
		}
	}
	a.name, a.keySize = fmt.Sprintf("AES_%d_%s", bits, mode), bits/8
	if mode == "GCM" {
		return a, nil
	}
	name := "HMAC" + strings.TrimPrefix(k.Validation, "HMAC")
	a.name += ", " + name
	a.hash = map[string]func() hash.Hash{"HMACSHA1": sha1.New, "HMACSHA256": sha256.New,
		"HMACSHA384": sha512.New384, "HMACSHA512": sha512.New}[name]
	if a.hash == nil {
		return a, fmt.Errorf("no algorithm %q", k.Validation)
	}
	return a, nil
}

func (a coreAlgorithm) ivSize() int {
	if a.hash == nil {
		return 12
	}
	return 16
}

// derive is SP 800-108 in counter mode.
func (a coreAlgorithm) derive(master, label, context []byte) (encryption, validation []byte) {
	n := a.keySize
	if a.hash != nil {
		n += a.hash().Size()
	}
	var out []byte
	for i := 1; len(out) < n; i++ {
		h := hmac.New(sha512.New, master)
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(i)))
		h.Write(label)
		h.Write([]byte{0})
		h.Write(context)
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(8*n)))
		out = h.Sum(out)
	}
	return out[:a.keySize], out[a.keySize:n]
}

func (a coreAlgorithm) contextHeader() ([]byte, error) {
	encryption, validation := a.derive(nil, nil, nil)
	block, err := aes.NewCipher(encryption)
	if err != nil {
		return nil, err
	}
	size := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	if a.hash == nil {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		tag := gcm.Seal(nil, make([]byte, 12), nil, nil)
		return bytes.Join([][]byte{{0, 1}, size(a.keySize), size(12), size(16), size(16), tag},
			nil), nil
	}
	digest := a.hash().Size()
	empty := bytes.Repeat([]byte{16}, 16)
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(empty, empty)
	mac := hmac.New(a.hash, validation)
	return bytes.Join([][]byte{{0, 0}, size(a.keySize), size(16), size(digest), size(digest), empty,
		mac.Sum(nil)}, nil), nil
}

// coreStages are the values on the way from a plaintext to its protected form.
type coreStages struct {
	AAD, ContextHeader, KeyModifier hexBytes
	EncryptionKey, ValidationKey    hexBytes
	IV, Nonce                       hexBytes
	Ciphertext, MAC, Tag            hexBytes
}

func (a coreAlgorithm) stages(master []byte, keyID string, chain []string, modifier, iv, plaintext []byte) (s coreStages, err error) {
	id, err := hex.DecodeString(strings.ReplaceAll(keyID, "-", ""))
	if err != nil || len(id) != 16 {
		return s, fmt.Errorf("no id %q", keyID)
	}
	s.AAD = append(s.AAD, 0x09, 0xf0, 0xc9, 0xf0, id[3], id[2], id[1], id[0], id[5],
		id[4], id[7], id[6])
	s.AAD = append(s.AAD, id[8:]...)
	s.AAD = binary.BigEndian.AppendUint32(s.AAD, uint32(len(chain)))
	for _, p := range chain {
		s.AAD = append(binary.AppendUvarint(s.AAD, uint64(len(p))), p...)
	}
	if s.ContextHeader, err = a.contextHeader(); err != nil {
		return s, err
	}
	s.KeyModifier = modifier
	encryption, validation := a.derive(master, s.AAD,
		append(bytes.Clone(s.ContextHeader), modifier...))
	s.EncryptionKey = encryption
	block, err := aes.NewCipher(encryption)
	if err != nil {
		return s, err
	}
	if a.hash == nil {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return s, err
		}
		sealed := gcm.Seal(nil, iv, plaintext, nil)
		s.Nonce, s.Ciphertext, s.Tag = iv, sealed[:len(plaintext)], sealed[len(plaintext):]
		return s, nil
	}
	s.ValidationKey, s.IV = validation, iv
	pad := 16 - len(plaintext)%16
	s.Ciphertext = append(bytes.Clone(plaintext), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(s.Ciphertext, s.Ciphertext)
	mac := hmac.New(a.hash, validation)
	mac.Write(iv)
	mac.Write(s.Ciphertext)
	s.MAC = mac.Sum(nil)
	return s, nil
}

// protected puts the parts together.
func (s *coreStages) protected() []byte {
	return bytes.Join([][]byte{s.AAD[:20], s.KeyModifier, s.IV, s.Nonce, s.Ciphertext,
		s.MAC, s.Tag}, nil)
}
