package chunks

import (
	"iter"
	"net/http"
	"strings"
)

// The request header Cookie, read as HttpRequest of System.Web reads it:
//
//	line  = pair *( ";" pair )        several lines are one list
//	pair  = OWS name [ "=" value ] OWS
//
// A pair without "=" is a cookie with an empty value. Values are taken as they
// stand: quotes stay, blanks behind the "=" stay, nothing is percent-decoded, a
// comma separates nothing. http.Request.Cookies differs in all of that, allocates
// for every cookie of the request and returns none at all beyond 3000.
//
// Katana reads the header itself, unless System.Web does it for it
// (OwinHelpers.ParseDelimited): a pair without "=" is no cookie, and blanks at
// its end are part of the value. It takes a comma for a semicolon; here it is a
// part of the value as everywhere else.

// Pairs yields the pairs of the header and their numbers.
func (k Scheme) Pairs(r *http.Request) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for _, line := range r.Header["Cookie"] {
			for ; line != ""; n++ {
				var pair string
				if pair, line = k.cutPair(line); !yield(n, pair) {
					return
				}
			}
		}
	}
}

// cutPair is CutPair as the scheme has it.
func (k Scheme) cutPair(line string) (pair, rest string) {
	if k != Katana {
		return CutPair(line)
	}
	pair, rest, _ = strings.Cut(line, ";")
	for pair != "" && (pair[0] == ' ' || pair[0] == '\t') {
		pair = pair[1:]
	}
	return pair, rest
}

// CutPair cuts the first pair off a line of the header Cookie, without the
// blanks around it.
func CutPair(line string) (pair, rest string) {
	if i := strings.IndexByte(line, ';'); i >= 0 {
		return trimBlanks(line[:i]), line[i+1:]
	}
	return trimBlanks(line), ""
}

// cutChunk reports whether a pair is a chunk of the cookie called name, and
// which: 0 for name, and up to max the number behind it or, for Katana, behind
// a C. The number is plain decimal, so neither name0 nor name01 is a chunk.
//
// Names compare without regard to ASCII case, as in HttpCookieCollection, save
// for Katana. No other letters can be part of a cookie name, so none whose case
// folding changes the length.
func (k Scheme) cutChunk(pair, name string, max int) (index int, spelled, value string, ok bool) {
	if len(pair) < len(name) || !k.equal(pair[:len(name)], name) {
		return 0, "", "", false
	}
	i := len(name)
	if k.counts() && i < len(pair) && k.equal(pair[i:i+1], "C") {
		if i++; i == len(pair) || pair[i] < '0' || pair[i] > '9' {
			return 0, "", "", false
		}
	} else if k.counts() && i < len(pair) && pair[i] != '=' {
		return 0, "", "", false
	}
	for ; i < len(pair) && '0' <= pair[i] && pair[i] <= '9'; i++ {
		index = index*10 + int(pair[i]-'0')
		if index == 0 || index > max {
			return 0, "", "", false
		}
	}
	switch {
	case i == len(pair):
		return index, pair, "", k != Katana && !k.isCore()
	case pair[i] == '=':
		return index, pair[:i], pair[i+1:], true
	}
	return 0, "", "", false
}

// equal compares two parts of names, of one length, as the scheme does.
func (k Scheme) equal(a, b string) bool {
	return a == b || k != Katana && equalFold(a, b)
}

// canMatch reports whether a cookie of this name can stand in a header.
func canMatch(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == '=' || c == ';' {
			return false
		}
	}
	return name != ""
}

// trimBlanks cuts spaces and tabs off both ends.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// isLong reports whether the lines of a header are more than is read.
func isLong(lines []string) bool {
	if len(lines) > maxCookies {
		return true
	}
	size, blanks := 0, 0
	for _, line := range lines {
		size += len(line)
	}
	if size <= usualHeader || size > MaxHeader {
		return size > MaxHeader
	}
	for _, line := range lines {
		blanks += strings.Count(line, " ") + strings.Count(line, "\t")
	}
	return blanks > maxBlanks
}

// equalFold compares two strings of one length without regard to ASCII case.
func equalFold(a, b string) bool {
	// Eight bytes at a time, without the bit that makes the case: what differs
	// here is not equal, and that is what nearly all names do.
	const bits = 0x2020202020202020
	for i := 0; i+8 <= len(a) && i+8 <= len(b); i += 8 {
		if word(a[i:i+8])|bits != word(b[i:i+8])|bits {
			return false
		}
	}
	for i := len(a) - 1; i >= 0 && i < len(b); i-- {
		if x, y := a[i], b[i]; x != y && lower[x] != lower[y] {
			return false
		}
	}
	return true
}

// word returns eight bytes as a number.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// lower has the lower-case form of ASCII letters, any other byte as is.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= 0x20
	}
	return t
}()

// Match reports whether a pair is a chunk of the cookie called name that is ever
// read, and returns its name as the pair spells it, and its value.
func (k Scheme) Match(pair, name string) (spelled, value string, ok bool) {
	wire, err := k.wireName(name)
	if err != nil {
		return "", "", false
	}
	last := k.lastIndex(MaxChunks)
	if _, spelled, value, ok = k.cutChunk(pair, wire, last); !ok && k.readsRaw(name, wire) {
		_, spelled, value, ok = k.cutChunk(pair, name, last)
	}
	return spelled, value, ok
}
