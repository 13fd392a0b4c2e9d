package doctor

import (
	"slices"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Isolation holds the hashes with which .NET changes the keys of an application under ,IsolateApps
// and ,IsolateByAppId. Only .NET can compute them.
type Isolation = netfx.Isolation

// keyBytes are the bytes of one key and where they come from.
type keyBytes struct {
	node      *Node
	attribute string // validationKey or decryptionKey: the place of the bytes
	isolated  bool   // changed by Isolation
	bytes     machinekey.Secret
}

// sources returns the candidates for validation keys and decryption keys: the keys in their places
// first, then exchanged, then isolated.
func sources(nodes []*Node, iso Isolation) (validation, decryption []keyBytes) {
	for _, n := range nodes {
		validation = append(validation, keyBytes{node: n, attribute: "validationKey",
			bytes: n.key.ValidationKey})
		decryption = append(decryption, keyBytes{node: n, attribute: "decryptionKey",
			bytes: n.key.DecryptionKey})
	}
	for _, n := range nodes {
		validation = append(validation, keyBytes{node: n, attribute: "decryptionKey",
			bytes: n.key.DecryptionKey})
		decryption = append(decryption, keyBytes{node: n, attribute: "validationKey",
			bytes: n.key.ValidationKey})
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
	missing := func(k keyBytes) bool { return k.bytes.Len() == 0 }
	return slices.DeleteFunc(validation, missing), slices.DeleteFunc(decryption, missing)
}

// fits reports whether d takes a key of n bytes in some mode.
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
