package doctor

import (
	"bytes"

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
		for i, key := range e.validationKeys {
			derived := e.derivedKeys(i)
			for _, v := range validations {
				n := len(c.data) - tagSize(v)
				if n < 1 || e.spent(&e.triedSignatures, maxSignatures) {
					continue
				}
				check := func(k []byte) bool {
					if e.hashed += n; e.hashed > maxHashed {
						e.cut = true
						return false
					}
					h := hasher(v, k)
					return h != nil && bytes.Equal(h(c.data[:n]), c.data[n:])
				}
				if check(key.bytes.Reveal()) {
					found = append(found, signature{c, key, v, nil})
				}
				if v == machinekey.InsecureMD5 {
					continue
				}
				for i, k := range derived {
					if e.spent(&e.triedSignatures, maxSignatures) {
						return found
					}
					if check(k) {
						found = append(found, signature{c, key, v, &e.purposes[i]})
					}
				}
			}
		}
	}
	return found
}

// derivedKeys derives the validation keys of all purposes from the validation key of that index. It
// returns none if the runtime forbids the key.
func (e *exam) derivedKeys(i int) [][]byte {
	if e.derived == nil {
		e.derived = make([][][]byte, len(e.validationKeys))
	}
	derive := deriver(e.validationKeys[i].bytes.Reveal())
	if e.derived[i] != nil || derive == nil {
		return e.derived[i]
	}
	for _, p := range e.purposes {
		k := derive(p)
		if k == nil {
			return nil
		}
		e.derived[i] = append(e.derived[i], k)
	}
	return e.derived[i]
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
