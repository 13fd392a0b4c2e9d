package secret

import "fmt"

// Bounds of a key, in bytes. See machinekey.Config.AllowWeakKey for their
// sources.
const (
	MinKey      = 16 // below, a key is weak
	minUsualKey = 20 // below, it is shorter than .NET's legacy modes take
)

// CodeShort is the code of the warning whose text [Short] returns.
const CodeShort = "short_key"

// Pattern says in words, without its bytes, which pattern a key follows: it is
// "" for all random keys of 16 bytes but one in 2^62, and of 8 bytes but one
// in 2^47. The rules, in this order:
//
//	all bytes are the same
//	fewer than 16 bytes, repeated at least once: no stronger than those bytes
//	a sequence that counts: each byte is the one before and a constant, modulo 256
//	few steps: at most a fifth of the differences between neighbours is unlike
//	all the others, as in 11 22 … FF 00 or zeros with a one at the end
func Pattern(b Bytes) string {
	key := View(b)
	if len(key) < 2 {
		return ""
	}
	for n := 1; n < MinKey && 2*n <= len(key); n++ {
		if period(key, n) {
			if n == 1 {
				return "one byte, repeated"
			}
			return fmt.Sprintf("%d bytes, repeated", n)
		}
	}
	var seen [256]bool
	steps := 0
	for i, c := range key[1:] {
		if step := c - key[i]; !seen[step] {
			seen[step] = true
			steps++
		}
	}
	switch {
	case len(key) < 8: // too few to tell
		return ""
	case steps == 1:
		return "a sequence that counts in equal steps"
	case steps <= (len(key)-1)/5:
		return fmt.Sprintf("a sequence of only %d different steps", steps)
	}
	return ""
}

// period reports whether key repeats its first n bytes.
func period(key []byte, n int) bool {
	for i := n; i < len(key); i++ {
		if key[i] != key[i-n] {
			return false
		}
	}
	return true
}

// Weakness says in words why one of the two keys of a <machineKey> is weak,
// and which attribute it is; "" if none is. The length of a decryption key is
// a matter of its cipher.
func Weakness(validation, decryption Bytes) (found, attribute string) {
	if n := validation.Len(); n == 1 {
		return "a key of 1 byte", "validationKey"
	} else if n < MinKey {
		return fmt.Sprintf("a key of %d bytes", n), "validationKey"
	}
	if found = Pattern(validation); found != "" {
		return "a key that is " + found, "validationKey"
	}
	if found = Pattern(decryption); found != "" {
		return "a key that is " + found, "decryptionKey"
	}
	return "", ""
}

// Short says in words that a validation key is not weak, but shorter than
// .NET's legacy modes take; "" if it is not.
func Short(validation Bytes) string {
	n := validation.Len()
	if n < MinKey || n >= minUsualKey {
		return ""
	}
	return fmt.Sprintf("validationKey of %d bytes: the modes before .NET 4.5 want %d, and IIS generates 64", n, minUsualKey)
}
