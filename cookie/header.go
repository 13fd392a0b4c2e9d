package cookie

import "strings"

// The request header Cookie, read as HttpRequest of System.Web reads it:
//
//	line  = pair *( ";" pair )        several lines are one list
//	pair  = OWS name [ "=" value ] OWS
//
// A pair without "=" is a cookie with an empty value. Values are taken as they
// stand: quotes stay, nothing is percent-decoded, a comma separates nothing.
// http.Request.Cookies differs in all of that, allocates for every cookie of
// the request and returns none at all beyond 3000.

// cutPair cuts the first pair off a line, without the blanks around it.
func cutPair(line string) (pair, rest string) {
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
func (k Chunking) cutChunk(pair, name string, max int) (index int, spelled, value string, ok bool) {
	if len(pair) < len(name) || !k.equal(pair[:len(name)], name) {
		return 0, "", "", false
	}
	i := len(name)
	if k.isKatana() && i < len(pair) && k.equal(pair[i:i+1], "C") {
		if i++; i == len(pair) || pair[i] < '0' || pair[i] > '9' {
			return 0, "", "", false
		}
	} else if k.isKatana() && i < len(pair) && pair[i] != '=' {
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
		return index, pair, "", true
	case pair[i] == '=':
		return index, pair[:i], trimBlanks(pair[i+1:]), true
	}
	return 0, "", "", false
}

// equal compares two parts of names, of one length, as the scheme does.
func (k Chunking) equal(a, b string) bool {
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

// equalFold compares two strings of one length without regard to ASCII case.
func equalFold(a, b string) bool {
	for i := 0; i < len(a); i++ {
		if x, y := a[i], b[i]; x != y && lower(x) != lower(y) {
			return false
		}
	}
	return true
}

// lower returns the lower-case form of an ASCII letter, any other byte as is.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
