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
// A match is no accident: the shortest signature has 128 bits.
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
			derive := deriver(key.bytes)
			for _, v := range validations {
				n := len(c.data) - tagSize(v)
				if n < 1 || e.spent(&e.triedSignatures, maxSignatures) {
					continue
				}
				check := func(k []byte) bool {
					h := hasher(v, k)
					return h != nil && bytes.Equal(h(c.data[:n]), c.data[n:])
				}
				if check(key.bytes) {
					found = append(found, signature{c, key, v, nil})
				}
				if v == machinekey.InsecureMD5 || derive == nil {
					continue
				}
				for i := range e.purposes {
					if e.spent(&e.triedSignatures, maxSignatures) {
						return found
					}
					if k := derive(e.purposes[i]); k != nil && check(k) {
						found = append(found, signature{c, key, v, &e.purposes[i]})
					}
				}
			}
		}
	}
	return found
}

// spent counts one attempt and reports whether there were enough.
func (e *exam) spent(count *int, limit int) bool {
	if *count >= limit {
		e.cut = true
		return true
	}
	*count++
	return false
}
