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

// keyOf is a key of the node in its place.
func (n *Node) keyOf(attribute string) keyBytes {
	k := keyBytes{node: n, attribute: attribute, bytes: n.key.ValidationKey}
	if attribute == "decryptionKey" {
		k.bytes = n.key.DecryptionKey
	}
	return k
}

// sources returns the candidates for validation keys and decryption keys: the keys in their places
// first, then exchanged, then isolated.
func sources(nodes []*Node, iso Isolation) (validation, decryption []keyBytes) {
	add := func(v, d keyBytes) {
		validation, decryption = append(validation, v), append(decryption, d)
	}
	for _, n := range nodes {
		add(n.keyOf("validationKey"), n.keyOf("decryptionKey"))
	}
	for _, n := range nodes {
		add(n.keyOf("decryptionKey"), n.keyOf("validationKey"))
	}
	for i := range nodes {
		v, d := validation[i], decryption[i]
		v.isolated, d.isolated = true, true
		var noV, noD error
		v.bytes, noV = iso.Apply(v.bytes)
		d.bytes, noD = iso.Apply(d.bytes)
		if iso != (Isolation{}) && noV == nil && noD == nil {
			add(v, d)
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
