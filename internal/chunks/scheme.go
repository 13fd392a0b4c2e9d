package chunks

import (
	"fmt"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
)

// Scheme is a way to spread one text over several cookies. The zero value is
// [WIF], the scheme of the FedAuth cookie. It also reads and writes what fits
// one cookie, so it is wrong only where .NET expects one cookie of any length
// or another application uses the numbered names: then say [Single].
type Scheme int

// The schemes of .NET.
const (
	// WIF numbers the chunks behind the first (ChunkedCookieHandler):
	//
	//	FedAuth=AAAA; FedAuth1=BBBB; FedAuth2=CC
	WIF Scheme = iota
	// Single is one cookie and no other, as forms authentication has it:
	//
	//	.ASPXAUTH=AAAABBBBCC
	Single
	// Katana counts the chunks in the cookie itself, unless one is enough
	// (ChunkingCookieManager of Microsoft.Owin):
	//
	//	.AspNet.Cookies=chunks:3; .AspNet.CookiesC1=AAAA; .AspNet.CookiesC2=BBBB; .AspNet.CookiesC3=CC
	//
	// Names are case sensitive, alone among the schemes.
	Katana
	// KatanaSystemWeb is Katana as SystemWebChunkingCookieManager of
	// Microsoft.Owin.Host.SystemWeb does it, the default on IIS from version
	// 4.2.3. It looks for names without regard to case and decodes percent
	// escapes after joining, not before. For the texts of Katana's tickets,
	// which need no escapes, the two are the same.
	KatanaSystemWeb
	// Core counts the chunks in the cookie itself too (ChunkingCookieManager of
	// ASP.NET Core):
	//
	//	.AspNetCore.Cookies=chunks-3; .AspNetCore.CookiesC1=AAAA; .AspNetCore.CookiesC2=BBBB; .AspNetCore.CookiesC3=CC
	Core
	// CoreShared is Core that reads the marker of Katana too, for a cookie that
	// an application on Katana writes with the same name.
	CoreShared
)

// wireName returns the name that the cookie called name has in headers. It
// returns an error unless there can be such a cookie.
func (k Scheme) wireName(name string) (string, error) {
	if k.isKatana() {
		name = escape(name)
	}
	if !canMatch(name) {
		return "", fmt.Errorf("cookie: %q cannot be the name of a cookie", name)
	}
	return name, nil
}

// readsRaw reports whether a cookie is looked for under its name as it stands
// before it is under wire, the escaped one (RequestCookieCollection of
// Microsoft.Owin). It is never written so.
func (k Scheme) readsRaw(name, wire string) bool {
	return k == Katana && name != wire && canMatch(name)
}

// lastIndex returns the number of the last chunk that is ever read, if chunks
// have numbers up to limit.
func (k Scheme) lastIndex(limit int) int {
	if k == Single {
		return 0
	}
	return limit
}

// chunkName returns the name of chunk i: name itself for 0; then name1, name2
// and so on, for Katana nameC1, nameC2 and so on.
func (k Scheme) chunkName(name string, i int) string {
	switch {
	case i == 0:
		return name
	case k.counts():
		return name + "C" + strconv.Itoa(i)
	}
	return name + strconv.Itoa(i)
}

// Join returns the text that the cookie called name and its chunks carry.
//
// WIF reads as .NET does: name, then name1, name2 and so on until one is
// missing. The order of the header is irrelevant, names compare without regard
// to case, the first of several cookies of one name counts, an empty chunk is
// harmless, and the sizes of the chunks carry no meaning. Chunks behind a gap
// are not read; what is left is then normally refused by the codec, as is a
// text with a stale chunk at its end. [Scheme.Inspect] tells such cases
// apart.
//
// Katana reads name. If it announces N chunks, they are nameC1 to nameCN, all
// of them needed and others ignored. In headers the name is percent-encoded, but
// Katana, each time, looks for the name as it stands first; the text is decoded.
// A text in quotes keeps them.
//
// Core reads name in the same way, but as it stands and without regard to case;
// the last of several cookies of one name counts.
//
// The error is [ErrNoCookie], [ErrTooManyChunks], [ErrMissingChunk] or
// [ErrTooLong], or says that name cannot be the name of a cookie. The text may
// be empty and is not checked in any way. It shares memory with the header if
// there is one chunk only.
func (k Scheme) Join(r *http.Request, name string) (string, error) {
	wire, err := k.wireName(name)
	if err != nil {
		return "", err
	}
	var (
		values [MaxChunks + 2]string // the last for a quote
		seen   uint64                // bit i: chunk i is there; for WIF, bit MaxChunks: one too many
		lines  = r.Header["Cookie"]
	)
	if isLong(lines) {
		return "", ErrTooLong
	}
	if k.readsRaw(name, wire) {
		if seen, err = k.find(lines, name, seen, &values); err != nil {
			return "", err
		}
	}
	if seen, err = k.find(lines, wire, seen, &values); err != nil {
		return "", err
	}
	if seen&1 == 0 {
		return "", ErrNoCookie
	}
	if k.counts() {
		return k.joinCounted(&values, seen)
	}
	n := bits.TrailingZeros64(^seen) // chunks before the first gap
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
	return strings.Join(values[:n], ""), nil
}

// find adds to values the first of each chunk of name that seen has no bit for,
// and returns seen with its bit.
func (k Scheme) find(lines []string, name string, seen uint64, values *[MaxChunks + 2]string) (uint64, error) {
	last, pairs := k.lastIndex(MaxChunks), 0
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line = k.cutPair(line)
			if pairs++; pairs > maxCookies {
				return seen, ErrTooLong
			}
			i, _, value, ok := k.cutChunk(pair, name, last)
			switch {
			case !ok:
				continue
			case k.isCore():
				if !isCoreValue(value) {
					continue
				}
			case seen&(1<<i) != 0:
				continue
			}
			seen |= 1 << i
			values[i] = value
		}
	}
	return seen, nil
}
