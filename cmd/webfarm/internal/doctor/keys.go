package doctor

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"

	"github.com/webfarm-go/webfarm/machinekey"
)

// Isolation holds the hashes with which .NET changes the keys of an
// application under ,IsolateApps and ,IsolateByAppId. They come from the .NET
// side; see [machinekey.Isolation].
type Isolation = machinekey.Isolation

// keyBytes are the bytes of one key and where they come from.
type keyBytes struct {
	node      *Node
	attribute string // validationKey or decryptionKey, where the bytes stand
	isolated  bool   // changed by Isolation, as the words behind the key say
	bytes     machinekey.Secret
}

// source is how a node would use its two attributes.
type source struct{ validation, decryption keyBytes }

// sources returns the keys of the nodes as validation keys and as decryption
// keys: in their places first, then exchanged, then isolated.
func sources(nodes []*Node, iso Isolation) (validation, decryption []keyBytes) {
	for _, n := range nodes {
		own := source{
			keyBytes{node: n, attribute: "validationKey", bytes: n.key.ValidationKey},
			keyBytes{node: n, attribute: "decryptionKey", bytes: n.key.DecryptionKey},
		}
		validation = append(validation, own.validation)
		decryption = append(decryption, own.decryption)
	}
	for _, n := range nodes {
		validation = append(validation, keyBytes{node: n, attribute: "decryptionKey", bytes: n.key.DecryptionKey})
		decryption = append(decryption, keyBytes{node: n, attribute: "validationKey", bytes: n.key.ValidationKey})
	}
	if iso != (Isolation{}) {
		for _, n := range nodes {
			cfg := machinekey.Config{ValidationKey: n.key.ValidationKey, DecryptionKey: n.key.DecryptionKey,
				Mode: machinekey.Framework20SP1, AllowKnownKey: true, AllowWeakKey: true}
			if cfg, err := cfg.Isolate(iso, iso); err == nil {
				validation = append(validation, keyBytes{n, "validationKey", true, cfg.ValidationKey})
				decryption = append(decryption, keyBytes{n, "decryptionKey", true, cfg.DecryptionKey})
			}
		}
	}
	present := func(list []keyBytes) []keyBytes {
		var kept []keyBytes
		for _, k := range list {
			if k.bytes.Len() > 0 {
				kept = append(kept, k)
			}
		}
		return kept
	}
	return present(validation), present(decryption)
}

// fits reports whether d can work with a key of n bytes in some mode.
func fits(d machinekey.Decryption, n int) bool {
	switch d {
	case machinekey.AES:
		return n == 16 || n == 24 || n == 32
	case machinekey.InsecureTripleDES:
		return n == 16 || n == 24
	case machinekey.InsecureDES:
		return n >= 8
	}
	return false
}

// hasher returns a function that computes H(data) with any key and algorithm,
// or nil if there is none: the runtime forbids it, or MD5 under a short key.
//
// Package machinekey takes keys of 20 bytes and more. HMAC pads a key with
// zeros to the block and replaces a longer one by its digest, so an equivalent
// key of a legal length is always at hand.
func hasher(v machinekey.Validation, key []byte) func(data []byte) []byte {
	block := 64
	if v == machinekey.HMACSHA384 || v == machinekey.HMACSHA512 {
		block = 128
	}
	if v != machinekey.InsecureMD5 {
		key = shortened(v, key, block)
		if len(key) < 20 {
			key = append(key[:len(key):len(key)], make([]byte, 20-len(key))...)
		}
	}
	k, err := machinekey.New(machinekey.Config{
		ValidationKey: machinekey.NewSecret(key), DecryptionKey: machinekey.NewSecret(make([]byte, 16)), Validation: v, Decryption: machinekey.AES,
		Mode: machinekey.Framework20SP1, AllowInsecure: true, AllowKnownKey: true, AllowWeakKey: true,
	})
	if err != nil {
		return nil
	}
	return func(data []byte) []byte {
		sum, err := machinekey.InsecureLegacyData{}.Hash(k, data)
		if err != nil {
			return nil
		}
		return sum
	}
}

// shortened replaces a key that is longer than the block by its digest.
func shortened(v machinekey.Validation, key []byte, block int) []byte {
	if len(key) <= block {
		return key
	}
	var sum []byte
	switch v {
	case machinekey.HMACSHA1:
		s := sha1.Sum(key)
		sum = s[:]
	case machinekey.HMACSHA256:
		s := sha256.Sum256(key)
		sum = s[:]
	case machinekey.HMACSHA384:
		s := sha512.Sum384(key)
		sum = s[:]
	default:
		s := sha512.Sum512(key)
		sum = s[:]
	}
	return sum
}

// tagSize is the number of bytes of a signature.
func tagSize(v machinekey.Validation) int {
	switch effective(v) {
	case machinekey.HMACSHA256:
		return 32
	case machinekey.HMACSHA384:
		return 48
	case machinekey.HMACSHA512:
		return 64
	case machinekey.InsecureMD5:
		return 16
	}
	return 20
}
