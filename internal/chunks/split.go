package chunks

import (
	"fmt"
	"net/http"
	"strings"
)

// Split returns the cookies that carry the value of c, in order, each with
// all attributes of c. c itself is not changed.
//
// For WIF, size is the number of characters in every chunk but the last
// (chunkSize of <chunkedCookieHandler>), at least [MinChunkSize]; zero means
// [DefaultChunkSize]. A value that is a multiple of size gets no empty chunk at
// its end. Single ignores size.
//
// For Katana, size is the number of bytes in the Set-Cookie line of a chunk,
// name and attributes included (ChunkSize of the cookie manager); zero means
// [DefaultKatanaSize]. The chunks are those of .NET, byte by byte. Name and
// value are percent-encoded, so they may be any text, but for a value that
// reads as "chunks:N". A value in quotes is cut into chunks in quotes.
//
// For Core it is the number of characters in the line, in which a value that is
// percent-encoded counts as it was; zero means [DefaultCoreSize].
//
// On error nothing is returned. The error matches [ErrInvalidCookie] if c has
// no value, is not valid for net/http or would be refused by browsers;
// [ErrTooLong] if a chunk with its name exceeds [MaxCookieSize], or if the
// value is longer than Join reads; and [ErrTooManyChunks].
func (k Scheme) Split(c *http.Cookie, size int) ([]*http.Cookie, error) {
	if c == nil {
		return nil, fmt.Errorf("%w: nil", ErrInvalidCookie)
	}
	if k.isKatana() {
		return k.splitKatana(c, size)
	}
	if k.isCore() {
		return splitCore(c, size)
	}
	if err := k.validate(c); err != nil {
		return nil, err
	}
	if c.Quoted { // .NET takes the quotes for part of the value
		return nil, fmt.Errorf("%w: %s: the value would be quoted", ErrInvalidCookie, c.Name)
	}
	if _, err := k.wireName(c.Name); err != nil {
		return nil, err
	}
	if c.Value == "" {
		return nil, fmt.Errorf("%w: %s has no value", ErrInvalidCookie, c.Name)
	}
	switch {
	case k == Single:
		size = len(c.Value)
	case size == 0:
		size = DefaultChunkSize
	case size < MinChunkSize:
		return nil, fmt.Errorf("cookie: chunk size %d is below the minimum of %d",
			size, MinChunkSize)
	}
	size = min(size, len(c.Value)) // also keeps the sum below from overflowing
	n := (len(c.Value) + size - 1) / size
	if n > MaxChunks {
		return nil, fmt.Errorf("%w: %s has %d characters", ErrTooManyChunks, c.Name, len(c.Value))
	}
	if len(c.Value) > MaxLength {
		return nil, fmt.Errorf("%w: %s has %d characters, %d are read", ErrTooLong, c.Name,
			len(c.Value), MaxLength)
	}
	if longest := len(k.chunkName(c.Name, n-1)) + size; longest > MaxCookieSize {
		return nil, TooLarge("a chunk of "+c.Name, longest)
	}
	// All chunks lie in one piece of memory.
	cookies, set := make([]http.Cookie, n), make([]*http.Cookie, n)
	for i := range set {
		cookies[i] = *c
		cookies[i].Name = k.chunkName(c.Name, i)
		cookies[i].Value = c.Value[i*size : min((i+1)*size, len(c.Value))]
		set[i] = &cookies[i]
	}
	return set, nil
}

// validate returns an error unless c arrives in a browser as it stands here:
// net/http neither drops nor changes any part of it, and the rules of
// RFC 6265bis for SameSite, Partitioned and the name prefixes are met. ASP.NET
// Core also writes what browsers drop, such as SameSite=None without Secure.
func (k Scheme) validate(c *http.Cookie) error {
	if c == nil {
		return fmt.Errorf("%w: nil", ErrInvalidCookie)
	}
	if err := c.Valid(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidCookie, err)
	}
	why := ""
	switch {
	case k.isCore() && (c.Quoted || c.Partitioned):
		why = "quoted or partitioned, which ASP.NET Core does not write here"
	case c.SameSite < 0 || c.SameSite > http.SameSiteNoneMode:
		why = fmt.Sprintf("unknown SameSite %d", c.SameSite)
	case k.isCore():
	case !c.Quoted && strings.ContainsAny(c.Value, " ,"): // net/http does so unasked
		why = "the value would be quoted"
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		why = "SameSite=None needs Secure"
	case hasPrefixFold(c.Name, "__Secure-") && !c.Secure:
		why = "the prefix __Secure- needs Secure"
	case hasPrefixFold(c.Name, "__Host-") && (!c.Secure || c.Path != "/" || c.Domain != ""):
		why = "the prefix __Host- needs Secure, the path / and no domain"
	}
	if why != "" {
		return fmt.Errorf("%w: %s: %s", ErrInvalidCookie, c.Name, why)
	}
	return nil
}

// hasPrefixFold is strings.HasPrefix without regard to ASCII case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}
