package cookie

import (
	"fmt"
	"math/bits"
	"net/http"
	"strings"
)

// Chunking is a way to spread one text over several cookies. The zero value is
// [WIF], the scheme of the FedAuth cookie. It also reads and writes what fits
// one cookie, so it is wrong only where .NET expects one cookie of any length
// or another application uses the numbered names: then say [Single].
type Chunking int

// The schemes of .NET.
const (
	// WIF numbers the chunks behind the first (ChunkedCookieHandler):
	//
	//	FedAuth=AAAA; FedAuth1=BBBB; FedAuth2=CC
	WIF Chunking = iota
	// Single is one cookie and no other, as forms authentication has it:
	//
	//	.ASPXAUTH=AAAABBBBCC
	Single
)

// String returns the name of the constant.
func (k Chunking) String() string {
	switch k {
	case WIF:
		return "WIF"
	case Single:
		return "Single"
	}
	return fmt.Sprintf("Chunking(%d)", int(k))
}

// check returns an error unless k is a scheme and name can be a cookie's name.
func (k Chunking) check(name string) error {
	if k != WIF && k != Single {
		return fmt.Errorf("cookie: unknown scheme %v", k)
	}
	if !canMatch(name) {
		return fmt.Errorf("cookie: %q cannot be the name of a cookie", name)
	}
	return nil
}

// maxIndex returns the last chunk number worth looking at.
func (k Chunking) maxIndex(limit int) int {
	if k == Single {
		return 0
	}
	return limit
}

// Join returns the text that the cookie called name and its chunks carry.
//
// It reads as .NET does: name, then name1, name2 and so on until one is
// missing. The order of the header is irrelevant, names compare without regard
// to case, the first of several cookies of one name counts, an empty chunk is
// harmless, and the sizes of the chunks carry no meaning. Chunks behind a gap
// are not read; what is left is then normally refused by the codec, as is a
// text with a stale chunk at its end. [Chunking.Inspect] tells such cases
// apart.
//
// The error is [ErrNoCookie], [ErrTooManyChunks] or [ErrTooLong], or says that
// name cannot be the name of a cookie. The text may be empty and is not checked
// in any way. It shares memory with the header if there is one chunk only.
func (k Chunking) Join(r *http.Request, name string) (string, error) {
	if err := k.check(name); err != nil {
		return "", err
	}
	var (
		values [MaxChunks]string
		seen   uint64 // bit i: chunk i is there; bit MaxChunks: one too many
		last   = k.maxIndex(MaxChunks)
	)
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line = cutPair(line)
			i, _, value, ok := cutChunk(pair, name, last)
			if !ok || seen&(1<<i) != 0 {
				continue
			}
			seen |= 1 << i
			if i < MaxChunks {
				values[i] = value
			}
		}
	}
	n := bits.TrailingZeros64(^seen) // chunks before the first gap
	if n == 0 {
		return "", ErrNoCookie
	}
	if n > MaxChunks {
		return "", ErrTooManyChunks
	}
	length := 0
	for _, v := range values[:n] {
		length += len(v)
	}
	if length > MaxLength {
		return "", ErrTooLong
	}
	if n == 1 {
		return values[0], nil
	}
	var b strings.Builder
	b.Grow(length)
	for _, v := range values[:n] {
		b.WriteString(v)
	}
	return b.String(), nil
}
