package chunks

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
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

// parseCount returns the number of chunks that a cookie of ASP.NET Core
// announces, or 0 if its value is no marker.
func (k Scheme) parseCount(value string) int {
	if k == CoreShared {
		if n := parseMarker(value); n > 0 {
			return n
		}
	}
	return parseDigits(value, coreMarker)
}

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

// joinCore returns the text of the cookie values[0] and its chunks values[1:],
// of which those with a bit in seen are there. An empty chunk counts as
// missing.
func (k Scheme) joinCore(values []string, seen uint64) (string, error) {
	if seen&1 == 0 {
		return "", ErrNoCookie
	}
	if isTooLong(values[0]) {
		return "", ErrTooLong
	}
	first := unescape(values[0])
	n := k.parseCount(first)
	if n == 0 {
		return first, nil
	}
	if n > MaxChunks {
		return "", ErrTooManyChunks
	}
	chunks, length := values[1:n+1], 0
	for i, v := range chunks {
		if seen&(2<<i) == 0 || v == "" {
			return "", ErrMissingChunk
		}
		length += len(v)
	}
	if isTooLong(chunks...) {
		return "", ErrTooLong
	}
	var b strings.Builder
	b.Grow(length)
	for _, v := range chunks {
		b.WriteString(unescape(v))
	}
	return b.String(), nil
}

// splitCore is SplitSize for ASP.NET Core. A line of fewer than size characters,
// the value not yet encoded, stays whole; a chunk has room for the rest of its
// line but three characters, which are for C and a number.
func splitCore(c *http.Cookie, size int) ([]*http.Cookie, error) {
	t := *c // template of the chunks
	t.Value = ""
	if err := validateCore(&t); err != nil {
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
	template := len(coreLine(&t))
	n, data := 0, 0
	if c.Value != "" {
		var err error
		if n, data, err = cut(c.Name, len(c.Value), size, template); err != nil {
			return nil, err
		}
	}
	set := make([]*http.Cookie, n+1)
	for i := range set {
		piece := t
		switch {
		case n == 0:
			piece.Value = escape(c.Value)
		case i == 0:
			piece.Value = coreMarker + strconv.Itoa(n)
		default:
			piece.Name = Core.chunkName(c.Name, i)
			piece.Value = escape(c.Value[(i-1)*data : min(i*data, len(c.Value))])
		}
		if n := len(piece.Name) + len(piece.Value); n > MaxCookieSize {
			return nil, fmt.Errorf("%w: %s has %d bytes with its name, browsers keep %d",
				ErrTooLong, piece.Name, n, MaxCookieSize)
		}
		set[i] = &piece
	}
	return set, nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || r < ' ' }) < 0
}

// validateCore returns an error unless the name and attributes of c can be
// written as they are. ASP.NET Core also writes what browsers drop, such as
// SameSite=None without Secure.
func validateCore(c *http.Cookie) error {
	if err := c.Valid(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidCookie, err)
	}
	if c.Quoted || c.Partitioned {
		return fmt.Errorf("%w: %s: quoted or partitioned, which ASP.NET Core does not write here",
			ErrInvalidCookie, c.Name)
	}
	if c.SameSite < 0 || c.SameSite > http.SameSiteNoneMode {
		return fmt.Errorf("%w: %s: unknown SameSite %d", ErrInvalidCookie, c.Name, c.SameSite)
	}
	return nil
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

// expireCore returns deletions of the chunks of c.Name in the request with
// numbers above keep, up to the first that is missing; with keep -1 the cookie
// itself comes first, also if the browser sent none. .NET leaves other spellings
// of the names; here they are deleted too, as they would be read.
func (k Scheme) expireCore(r *http.Request, c *http.Cookie, keep int) []*http.Cookie {
	wire, err := k.wireName(c.Name)
	if err != nil {
		return nil
	}
	var (
		values   [MaxChunks + 1]string
		spelled  []string // that differ from what is written
		known    = map[string]bool{}
		seen     uint64
		lines    = r.Header["Cookie"]
		deletion = func(name string) *http.Cookie {
			d := *c
			d.Name, d.Value, d.MaxAge, d.Expires = name, "", 0, time.Unix(0, 0).UTC()
			return &d
		}
	)
	for pairs, line := range pairsOf(lines) {
		if pairs >= maxCookies {
			break
		}
		i, name, value, ok := k.cutChunk(line, wire, MaxChunks)
		if !ok || !isCoreValue(value) {
			continue
		}
		seen |= 1 << i
		values[i] = value
		if !k.isSpelled(name, wire) && !known[name] {
			known[name] = true
			spelled = append(spelled, name)
		}
	}
	var set []*http.Cookie
	if keep < 0 {
		set = append(set, deletion(wire))
	}
	n := k.parseCount(unescape(values[0]))
	for i := 1; i <= min(n, MaxChunks) && seen&(1<<i) != 0 && values[i] != ""; i++ {
		if i > keep {
			set = append(set, deletion(k.chunkName(wire, i)))
		}
	}
	for _, name := range spelled {
		set = append(set, deletion(name))
	}
	return set
}

// pairsOf yields the pairs of a header with their numbers.
func pairsOf(lines []string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for _, line := range lines {
			for line != "" {
				var pair string
				pair, line = CutPair(line)
				if !yield(n, pair) {
					return
				}
				n++
			}
		}
	}
}

// Unlimited is a size for SplitSize that cuts nothing (ChunkSize = null).
const Unlimited = math.MaxInt
