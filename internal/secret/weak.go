package secret

import (
	"fmt"
	"math"
	"strings"
)

// Bounds of a key, in bytes. See machinekey.Config.AllowWeakKey for their
// sources.
const (
	MinKey      = 16 // below, a key is weak
	minUsualKey = 20 // below, it is shorter than .NET's legacy modes take
)

// CodeShort is the code of the warning whose text [Short] returns.
const CodeShort = "short_key"

// Pattern says in words, without its bytes, which pattern a key follows, and
// "" for random keys. The rules, in this order:
//
//	all bytes are the same
//	fewer than 16 bytes, repeated at least once: no stronger than those bytes
//	fewer than 16 bytes, each repeated in its place, or followed by their mirror
//	a sequence that counts: each byte is the one before and a constant, modulo 256
//	text: letters, digits, spaces and . , - _ only, and from 22 bytes on any
//	printable ASCII; as UTF-16 too
//	a pattern with few exceptions, see describable
//
// Of random keys of 16 bytes or more the rules together refuse fewer than one in
// 2^30: (67/256)^16 < 2^-30.9 and (95/256)^22 < 2^-31.4 are text, describable
// takes fewer than 2^-34, and the others are rarer still. Random keys of DES,
// of 8 bytes, are no text to it.
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
	switch {
	case len(key) < 8: // too few to tell
		return ""
	case doubled(key):
		return "half its bytes, twice"
	case period(steps(key, 1, 255), 1):
		return "a sequence that counts in equal steps"
	case isText(key):
		return "text"
	case describable(key):
		return "a pattern with few exceptions"
	}
	return ""
}

func period(key []byte, n int) bool {
	for i := n; i < len(key); i++ {
		if key[i] != key[i-n] {
			return false
		}
	}
	return true
}

// doubled reports whether one half of a key tells the other, which is less than
// 16 bytes: each byte stands twice in a row, or the second half is the first in
// reverse.
func doubled(key []byte) bool {
	if len(key) < MinKey || len(key)%2 != 0 || len(key)/2 >= MinKey {
		return false
	}
	twice, mirror := true, true
	for i := range len(key) / 2 {
		twice = twice && key[2*i] == key[2*i+1]
		mirror = mirror && key[i] == key[len(key)-1-i]
	}
	return twice || mirror
}

// isText reports whether a key is what people type.
func isText(key []byte) bool {
	if len(key) < MinKey {
		return false
	}
	words, printable := true, len(key) >= 22
	for i, c := range key {
		if c == 0 && i%2 == 1 && key[1] == 0 { // UTF-16
			continue
		}
		isWord := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte(" .,-_", c) >= 0
		words = words && isWord
		printable = printable && c >= ' ' && c <= '~'
	}
	return words || printable
}

// describable reports whether a key has a description that is at least 40 bits
// shorter than the key, and shorter than 20 bytes, what .NET's legacy modes
// demand of a key, or than 3 bits for each byte of the key. Longer descriptions
// leave enough to guess.
//
// A description is a code that some model of what is no random key gives it.
// The models see bytes or hex digits; as they are, or their differences to
// those up to 15 places before, or the differences of differences. Each codes
// what it sees by how often that has come before, so few values, counters, also
// several in turn and decimal ones, squares, and repetitions with a digit
// changed all come out short. The last model is a run of one byte among others.
//
// All codes are prefix codes. So by Kraft's inequality fewer than one in 2^40
// of all keys has a code in a given one of the 34 models that is 40 bits
// shorter than itself: in any, fewer than one in 2^34 (Cover and Thomas,
// Elements of Information Theory, sections 5.2 and 14.2).
func describable(key []byte) bool {
	const saved = 40
	bound := float64(min(8*len(key)-saved, max(8*minUsualKey, 3*len(key))))
	var digits []byte
	for _, c := range key {
		digits = append(digits, c>>4, c&15)
	}
	for lag := 0; lag < MinKey && 2*lag <= len(key); lag++ {
		if codeLength(steps(key, lag, 255), 256, bound-float64(8*lag)) < bound-float64(8*lag) ||
			codeLength(steps(digits, lag, 15), 16, bound-float64(4*lag)) < bound-float64(4*lag) {
			return true
		}
	}
	if codeLength(steps(steps(key, 1, 255), 1, 255), 256, bound-16) < bound-16 {
		return true
	}
	run, longest := 1, 1
	for i := 1; i < len(key); i++ {
		if run++; key[i] != key[i-1] {
			run = 1
		}
		longest = max(longest, run)
	}
	return float64(8*(len(key)-longest+1))+2*math.Log2(float64(len(key))) < bound
}

// steps returns the difference of each value from the one lag places before it;
// the values themselves if lag is 0.
func steps(values []byte, lag int, mask byte) []byte {
	if lag == 0 {
		return values
	}
	list := make([]byte, 0, len(values))
	for i := lag; i < len(values); i++ {
		list = append(list, (values[i]-values[i-lag])&mask)
	}
	return list
}

// codeLength returns the length in bits of an ideal code for values, or what is
// above bound: each value costs the logarithm of its share among those before.
// To begin with all have the same share, together that of 4 values.
func codeLength(values []byte, alphabet int, bound float64) float64 {
	var seen [256]int
	bits, share, first := 0.0, 1.0, 4/float64(alphabet)
	for i, v := range values {
		share *= (float64(seen[v]) + first) / float64(i+4)
		seen[v]++
		if i%8 == 7 || i == len(values)-1 { // rarely, as logarithms take long
			if bits -= math.Log2(share); bits >= bound {
				break
			}
			share = 1
		}
	}
	return bits
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
