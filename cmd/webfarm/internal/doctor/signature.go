package doctor

import (
	"bytes"
	"slices"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// signature says whose signature ends the data of a credential:
//
//	Framework45   data = IV || ciphertext || HMAC(derived key, …)
//	legacy        data = … || H(…)
//
// The shortest signature has 128 bits, which rules out a match by chance.
type signature struct {
	carrier    carrier
	key        keyBytes // used as the validation key
	validation machinekey.Validation
	purpose    *purpose // nil for the legacy formats
}

// signatures compares the data of a text with every key, algorithm and purpose
// and returns all matches, in the order of the keys.
func (e *exam) signatures(list []carrier) []signature {
	var found []signature
	for _, c := range list {
		for _, key := range e.validationKeys {
			for _, v := range validations {
				n := len(c.data) - tagSizes[v]
				allowed := n > 0 && isAllowed(key.bytes, v)
				for i := -1; n > 0 && i < len(e.purposes); i++ {
					if e.spent(&e.triedSignatures, maxSignatures) {
						return found
					}
					s := signature{c, key, v, nil}
					if i >= 0 {
						s.purpose = &e.purposes[i]
					}
					if e.hashed += n; e.hashed > maxHashed {
						e.cut = true
					} else if allowed && bytes.Equal(s.of(c.data[:n]), c.data[n:]) {
						found = append(found, s)
					}
					if v == machinekey.InsecureMD5 { // of the legacy formats alone
						break
					}
				}
			}
		}
	}
	return found
}

// anyKey takes the place of the decryption key, which signatures do not need.
var anyKey = machinekey.NewSecret(make([]byte, 16))

// isAllowed reports whether the runtime allows a validation key.
func isAllowed(key machinekey.Secret, v machinekey.Validation) bool {
	_, err := machinekey.New(machinekey.Config{ValidationKey: key, Validation: v,
		DecryptionKey: anyKey, Decryption: machinekey.AES, Mode: machinekey.Framework20SP1,
		AllowInsecure: true, AllowKnownKey: true, AllowWeakKey: true})
	return err == nil
}

// of computes the signature of data with the key and purpose of s, which must be allowed. It needs
// no decryption key, and so shows which of the two keys differs.
func (s *signature) of(data []byte) []byte {
	key := s.key.bytes
	if p := s.purpose; p != nil {
		key = machinekey.NewSecret(netfx.DeriveKey(key.Reveal(), p.primary,
			netfx.Context(p.specific...)))
	}
	sealer, err := netfx.NewLegacy(netfx.Settings{ValidationKey: key,
		Validation: string(s.validation), DecryptionKey: anyKey, Decryption: "AES"}, netfx.Layers{})
	if err != nil {
		return nil
	}
	return sealer.Digest(data, nil)
}

// spent counts one attempt and reports whether the limit was reached.
func (e *exam) spent(count *int, limit int) bool {
	if *count >= limit {
		e.cut = true
		return true
	}
	*count++
	return false
}

// tagSizes are the numbers of bytes of a signature.
var tagSizes = map[machinekey.Validation]int{machinekey.HMACSHA1: 20, machinekey.HMACSHA256: 32,
	machinekey.HMACSHA384: 48, machinekey.HMACSHA512: 64, machinekey.InsecureMD5: 16}

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
	}
	return n >= 8
}
