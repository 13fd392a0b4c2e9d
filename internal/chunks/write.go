package chunks

import (
	"fmt"
	"net/http"
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
	if k.isCore() {
		return k.expireCore(r, c, -1)
	}
	return k.expire(r, c, c.Name, 0)
}

// Replace returns the cookies that make set, as Split returned it, the only
// chunks in the browser: set itself, then the deletion of every other chunk
// that the request holds. Without them, a chunk left over from a longer session
// would be glued to the end of the new one. The template of the deletions is
// set[0]; see [Scheme.Expire].
func (k Scheme) Replace(r *http.Request, set []*http.Cookie) []*http.Cookie {
	if len(set) == 0 || set[0] == nil {
		return set
	}
	if k.isCore() { // deletions come first, as in .NET
		return append(k.expireCore(r, set[0], len(set)-1), set...)
	}
	name := set[0].Name
	if k.isKatana() {
		name = unescape(name) // Split has escaped it
	}
	surplus := k.expire(r, set[0], name, len(set))
	return append(set[:len(set):len(set)], surplus...)
}

// expire returns deletions for the chunks of name in the request, save those
// numbered below keep and spelled as name is. c is the template.
func (k Scheme) expire(r *http.Request, c *http.Cookie, name string, keep int) []*http.Cookie {
	raw := name
	name, err := k.wireName(raw)
	if err != nil {
		return nil
	}
	if !k.readsRaw(raw, name) || (&http.Cookie{Name: raw}).Valid() != nil { // nobody can delete it
		raw = ""
	}
	var (
		present  uint64 // bit i: chunk i is there as spelled in name
		variants []string
		known    map[string]bool // variants as a set
		marker   string
		marked   bool
		last     = k.lastIndex(MaxChunks - 1)
		pairs    = 0
	)
	if k.isKatana() {
		last = MaxChunks
	}
	lines := r.Header["Cookie"]
	for _, line := range lines[:min(len(lines), maxCookies)] {
		for ; line != "" && pairs < maxCookies; pairs++ {
			var pair string
			pair, line = k.cutPair(line)
			i, spelled, value, ok := k.cutChunk(pair, name, last)
			if !ok && raw != "" {
				i, spelled, value, ok = k.cutChunk(pair, raw, last)
			}
			if ok && i == 0 && !marked {
				marker, marked = value, true
			}
			switch {
			case !ok:
			case k.isSpelled(spelled, name):
				present |= 1 << i
			case len(variants) < MaxChunks && !known[spelled]:
				if known == nil {
					known = make(map[string]bool)
				}
				known[spelled] = true
				variants = append(variants, spelled)
			}
		}
	}
	if n := parseMarker(marker); k == KatanaSystemWeb && n > 0 {
		present |= uint64(1)<<(min(n, MaxChunks)+1) - 1
	}
	var set []*http.Cookie
	for i := keep; i <= last; i++ {
		if present&(1<<i) != 0 {
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
	expires := time.Unix(1, 0) // for clients without Max-Age
	if k.isKatana() {
		expires = time.Unix(0, 0) // as .NET
	}
	return &http.Cookie{
		Name:        name,
		Path:        c.Path,
		Domain:      c.Domain,
		Expires:     expires.UTC(),
		MaxAge:      -1, // written as Max-Age=0
		Secure:      c.Secure,
		HttpOnly:    c.HttpOnly,
		SameSite:    c.SameSite,
		Partitioned: c.Partitioned,
	}
}

// Write adds one Set-Cookie header per cookie to the response, in order, or
// none at all: http.SetCookie drops or repairs in silence what it cannot write,
// and a set with one chunk missing is of no use to anybody. The error matches
// [ErrInvalidCookie] or [ErrTooLong].
//
// It must be called before the body is written. Of two cookies of one name in
// a response, browsers keep the later.
func Write(w http.ResponseWriter, set []*http.Cookie) error { return WIF.Write(w, set) }

// Write is [Write] in the spelling of the scheme: ASP.NET Core has an order and
// a case of attributes of its own, and writes what browsers drop, such as
// SameSite=None without Secure.
func (k Scheme) Write(w http.ResponseWriter, set []*http.Cookie) error {
	validate, line := validate, (*http.Cookie).String
	if k.isCore() {
		validate, line = validateCore, coreLine
	}
	lines := make([]string, len(set))
	for i, c := range set {
		if err := validate(c); err != nil {
			return err
		}
		size := len(c.Name) + len(c.Value)
		if c.Quoted {
			size += 2
		}
		if size > MaxCookieSize {
			return fmt.Errorf("%w: %s has %d bytes with its name, browsers keep %d",
				ErrTooLong, c.Name, size, MaxCookieSize)
		}
		lines[i] = line(c)
	}
	h := w.Header()
	for _, line := range lines {
		h.Add("Set-Cookie", line)
	}
	return nil
}
