package chunks

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The scheme of ASP.NET Core (ChunkingCookieManager of
// Microsoft.AspNetCore.Authentication.Cookies): the cookie itself says how many
// chunks there are, and they are numbered from 1 behind a C.
//
//	line   = name "=" data | name "=chunks-" N, nameC1 "=" data … nameCN "=" data
//	data   = percent-encoded
//
// Names are written as they stand and compare without regard to case; of two
// cookies of one name the last counts. A pair whose value has other characters
// than RFC 6265 allows is no cookie.

// isCore reports the schemes of ASP.NET Core.
func (k Scheme) isCore() bool { return k == Core || k == CoreShared }

// counts reports the schemes whose cookie says how many chunks there are.
func (k Scheme) counts() bool { return k.isKatana() || k.isCore() }

// coreMarker is the beginning of a cookie that only counts chunks.
const coreMarker = "chunks-"

// isCoreValue reports whether the value of a cookie in a request is one for
// ASP.NET Core (CookieHeaderParserShared.GetCookieValue).
func isCoreValue(value string) bool {
	value, _ = cutQuotes(value)
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c <= ' ', c >= 0x7f, c == '"', c == ',', c == ';', c == '\\':
			return false
		}
	}
	return true
}

// splitCore is Split for ASP.NET Core. A line of fewer than size characters,
// the value not yet encoded, stays whole; a chunk has room for the rest of its
// line but three characters, which are for C and a number.
func splitCore(c *http.Cookie, size int) ([]*http.Cookie, error) {
	t := *c // template of the chunks
	t.Value = ""
	if err := Core.validate(&t); err != nil {
		return nil, err
	}
	if !isASCII(c.Value) {
		return nil, fmt.Errorf("%w: %s: a value with other characters than ASCII",
			ErrInvalidCookie, c.Name)
	}
	if isTooLong(escape(c.Value)) { // which Join would not read back
		return nil, fmt.Errorf("%w: %s has %d characters", ErrTooLong, c.Name, len(c.Value))
	}
	if size == 0 {
		size = DefaultCoreSize
	}
	overhead := len(coreLine(&t))
	t.Value = c.Value
	return Core.cut(t, coreMarker, size, overhead)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || r < ' ' }) < 0
}

// coreLine returns the line of a response, as SetCookieHeaderValue writes it.
func coreLine(c *http.Cookie) string {
	var b strings.Builder
	b.WriteString(c.Name + "=" + c.Value)
	if !c.Expires.IsZero() {
		b.WriteString("; expires=" + c.Expires.UTC().Format(http.TimeFormat))
	}
	if c.MaxAge > 0 {
		b.WriteString("; max-age=" + strconv.Itoa(c.MaxAge))
	}
	if c.Domain != "" {
		b.WriteString("; domain=" + c.Domain)
	}
	if c.Path != "" {
		b.WriteString("; path=" + c.Path)
	}
	if c.Secure {
		b.WriteString("; secure")
	}
	switch c.SameSite {
	case http.SameSiteNoneMode:
		b.WriteString("; samesite=none")
	case http.SameSiteLaxMode:
		b.WriteString("; samesite=lax")
	case http.SameSiteStrictMode:
		b.WriteString("; samesite=strict")
	}
	if c.HttpOnly {
		b.WriteString("; httponly")
	}
	return b.String()
}
