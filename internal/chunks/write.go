package chunks

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Expire returns a deletion for every chunk of c.Name that the request holds:
// an empty value, Max-Age=0 and a date in the past. It returns none if the
// browser sent none. c is a template for the rest.
//
// Path, Domain, Secure, HttpOnly, SameSite and Partitioned are those of c and
// should be those the cookies were issued with. Path, Domain and Partitioned
// identify a cookie; without the right Secure and SameSite a browser may not
// accept the deletion. .NET sends Path and Domain only.
//
// Unlike .NET, which stops at the first gap, it deletes chunks behind a gap too:
// they would be glued to a later session that fills the gap. Names that differ
// from c.Name in case are deleted as the browser spells them, as they would be
// read. Chunks numbered [MaxChunks] or more, which are never read, a chunk of the
// same name on another path, and what stands behind the first 200 cookies stay.
//
// KatanaSystemWeb also deletes what the cookie announces, as .NET does,
// whether the request holds it or not. Core deletes what .NET does, which is the
// cookie itself in any case, and other spellings.
func (k Scheme) Expire(r *http.Request, c *http.Cookie) []*http.Cookie {
	if c == nil {
		return nil
	}
	return k.expire(r, c, c.Name, 0, false)
}

// Replace returns the cookies that make set, as Split returned it, the only
// chunks in the browser: set itself, then the deletion of every other chunk
// that the request holds. Without them, a chunk left over from a longer session
// would be glued to the end of the new one. The template of the deletions is
// set[0]; see [Scheme.Expire].
//
// For WIF, whose chunks are not counted, it also deletes the chunk that another
// answer may write at the same time, if its text is a little longer. The size is
// that of Split.
func (k Scheme) Replace(r *http.Request, set []*http.Cookie, size int) []*http.Cookie {
	if len(set) == 0 || set[0] == nil {
		return set
	}
	name := set[0].Name
	if k.isKatana() {
		name = unescape(name) // Split has escaped it
	}
	room := cmp.Or(size, DefaultChunkSize) - len(set[len(set)-1].Value)
	surplus := k.expire(r, set[0], name, len(set), k == WIF && room < jitter)
	if k.isCore() { // deletions come first, as in .NET
		return append(surplus, set...)
	}
	return append(set[:len(set):len(set)], surplus...)
}

// jitter is by how many characters the texts of one session may differ when two
// answers renew it at once: the times in them are compressed, and a cipher fills
// blocks.
const jitter = 64

// expire returns deletions for the chunks of name in the request, save those
// numbered below keep and spelled as name is, and for the one numbered keep also
// if next is true. c is the template.
func (k Scheme) expire(r *http.Request, c *http.Cookie, name string, keep int,
	next bool) []*http.Cookie {
	raw := name
	name, err := k.wireName(raw)
	if err != nil {
		return nil
	}
	if !k.readsRaw(raw, name) || (&http.Cookie{Name: raw}).Valid() != nil { // nobody can delete it
		raw = ""
	}
	var (
		present  uint64   // bit i: chunk i is to be deleted as name spells it
		variants []string // in other spellings
		marker   string
		marked   bool
		last     = k.lastIndex(MaxChunks - 1)
	)
	if k.counts() {
		last = MaxChunks
	}
	for n, pair := range k.Pairs(r) {
		if n == maxCookies {
			break
		}
		i, spelled, value, ok := k.cutChunk(pair, name, last)
		if !ok && raw != "" {
			i, spelled, value, ok = k.cutChunk(pair, raw, last)
		}
		if !ok || k.isCore() && !isCoreValue(value) {
			continue
		}
		if i == 0 && (!marked || k.isCore()) {
			marker, marked = value, true
		}
		asWritten := k.isSpelled(spelled, name)
		if asWritten || k.isCore() {
			present |= 1 << i
		}
		if k.isCore() && value == "" { // of two the last counts
			present &^= 1 << i
		}
		if !asWritten && len(variants) < MaxChunks && !slices.Contains(variants, spelled) {
			variants = append(variants, spelled)
		}
	}
	switch {
	case k == KatanaSystemWeb:
		if n := k.parseMarker(marker); n > 0 {
			present |= uint64(1)<<(min(n, MaxChunks)+1) - 1
		}
	case k.isCore(): // what is announced, up to the first that is missing
		there := bits.TrailingZeros64(^(present | 1))
		present = uint64(1)<<min(there, k.parseMarker(unescape(marker))+1, MaxChunks+1) - 1
	}
	var set []*http.Cookie
	for i := keep; i <= last; i++ {
		if present&(1<<i) != 0 || next && i == keep {
			set = append(set, k.deletion(c, k.chunkName(name, i)))
		}
	}
	for _, name := range variants {
		set = append(set, k.deletion(c, name))
	}
	return set
}

// isSpelled reports whether the name of a chunk of name is spelled as it is
// written, case by case.
func (k Scheme) isSpelled(spelled, name string) bool {
	rest, ok := strings.CutPrefix(spelled, name)
	return ok && (rest == "" || rest[0] != 'c')
}

// deletion returns the cookie that makes a browser forget the named cookie.
func (k Scheme) deletion(c *http.Cookie, name string) *http.Cookie {
	d := *c
	d.Name, d.Value, d.Quoted = name, "", false
	d.MaxAge = -1                     // written as Max-Age=0
	d.Expires = time.Unix(0, 0).UTC() // for clients without Max-Age
	switch {
	case k.isCore():
		d.MaxAge = 0
	case !k.isKatana():
		d.Expires = time.Unix(1, 0).UTC()
	}
	return &d
}

// Write adds the [Scheme.Lines] of a set to the response. It must be called before
// the body is written. Of two cookies of one name in a response, browsers keep the
// later.
func (k Scheme) Write(w http.ResponseWriter, set []*http.Cookie) error {
	lines, err := k.Lines(set)
	for _, line := range lines {
		w.Header().Add("Set-Cookie", line)
	}
	return err
}

// Lines returns a line of the header Set-Cookie for each cookie, in order, or
// none at all: http.SetCookie drops or repairs in silence what it cannot write,
// and a set with one chunk missing is of no use to anybody. ASP.NET Core has an
// order and a case of attributes of its own, and writes what browsers drop, such
// as SameSite=None without Secure. The error matches [ErrInvalidCookie] or
// [ErrTooLong].
func (k Scheme) Lines(set []*http.Cookie) ([]string, error) {
	line := (*http.Cookie).String
	if k.isCore() {
		line = coreLine
	}
	lines := make([]string, len(set))
	for i, c := range set {
		if err := k.validate(c); err != nil {
			return nil, err
		}
		if size := sizeOf(c); size > MaxCookieSize {
			return nil, TooLarge(c.Name, size)
		}
		lines[i] = line(c)
	}
	return lines, nil
}

// sizeOf is the number of bytes of a cookie that browsers count.
func sizeOf(c *http.Cookie) int {
	if c.Quoted {
		return len(c.Name) + len(c.Value) + len(`""`)
	}
	return len(c.Name) + len(c.Value)
}

// TooLarge is the error of a cookie that no browser keeps.
func TooLarge(what string, size int) error {
	return fmt.Errorf("%w: %s has %d bytes with its name, browsers keep %d",
		ErrTooLong, what, size, MaxCookieSize)
}
