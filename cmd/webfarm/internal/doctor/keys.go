package doctor

import (
	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Isolation holds the hashes with which .NET changes the keys of an
// application under ,IsolateApps and ,IsolateByAppId. They come from the .NET
// side.
type Isolation = netfx.Isolation

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
			v, err := iso.Apply(n.key.ValidationKey)
			if err != nil {
				continue
			}
			d, err := iso.Apply(n.key.DecryptionKey)
			if err != nil {
				continue
			}
			validation = append(validation, keyBytes{n, "validationKey", true, v})
			decryption = append(decryption, keyBytes{n, "decryptionKey", true, d})
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
// The runtime may forbid short keys of HMAC, which pads them with zeros: so
// they are padded here.
func hasher(v machinekey.Validation, key []byte) func(data []byte) []byte {
	const legal = 20
	switch {
	case len(key) >= legal:
	case v == machinekey.InsecureMD5:
		return nil
	default:
		key = append(key[:len(key):len(key)], make([]byte, legal-len(key))...)
	}
	if _, err := machinekey.New(machinekey.Config{
		ValidationKey: machinekey.NewSecret(make([]byte, legal)), DecryptionKey: machinekey.NewSecret(make([]byte, 16)), Validation: v, Decryption: machinekey.AES,
		Mode: machinekey.Framework20SP1, AllowInsecure: true, AllowKnownKey: true, AllowWeakKey: true,
	}); err != nil {
		return nil
	}
	l, err := netfx.NewLegacy(netfx.Settings{ValidationKey: machinekey.NewSecret(key), DecryptionKey: machinekey.NewSecret(make([]byte, 16)),
		Validation: v.String(), Decryption: "AES"}, netfx.Layers{})
	if err != nil {
		return nil
	}
	return func(data []byte) []byte { return l.Digest(data, nil) }
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
