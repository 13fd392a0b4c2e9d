package cookie

import (
	"fmt"
	"net/http"
	"time"
)

// Expire returns a deletion for every chunk of c.Name that the request holds:
// an empty value, Max-Age=0 and a date in the past. It returns none if the
// browser sent none. c is a template for the rest.
//
// Path, Domain, Secure, HttpOnly, SameSite and Partitioned are those of c and
// should be those the cookies were issued with. Path, Domain and Partitioned
// are part of a cookie's identity: with others, the browser keeps it. Secure is
// needed by Partitioned, by SameSite=None and by the prefixes __Secure- and
// __Host-, and SameSite decides whether a response to another site's request
// may set a cookie at all. .NET sends Path and Domain only.
//
// Unlike .NET, which stops at the first gap, it deletes chunks behind a gap too:
// they would be glued to a later session that fills the gap. Names that differ
// from c.Name in case are deleted as the browser spells them, as they would be
// read in place of the deleted ones. Chunks numbered [MaxChunks] or more are
// never read and left alone, and so is a chunk of the same name on another
// path, which the request does not tell apart.
func (k Chunking) Expire(r *http.Request, c *http.Cookie) []*http.Cookie {
	if c == nil {
		return nil
	}
	return k.expire(r, c, 0)
}

// Replace returns the cookies that make set, as Split returned it, the only
// chunks in the browser: set itself, then the deletion of every other chunk
// that the request holds. Without them, a chunk left over from a longer session
// would be glued to the end of the new one. The template of the deletions is
// set[0]; see [Chunking.Expire].
func (k Chunking) Replace(r *http.Request, set []*http.Cookie) []*http.Cookie {
	if len(set) == 0 || set[0] == nil {
		return set
	}
	surplus := k.expire(r, set[0], len(set))
	return append(set[:len(set):len(set)], surplus...)
}

// expire returns deletions for the chunks of c.Name in the request, save those
// numbered below keep and spelled as c.Name is.
func (k Chunking) expire(r *http.Request, c *http.Cookie, keep int) []*http.Cookie {
	if k.check(c.Name) != nil {
		return nil
	}
	var (
		present  uint64 // bit i: chunk i is there under the name of c
		variants []string
		known    map[string]bool // variants as a set
		last     = k.maxIndex(MaxChunks - 1)
	)
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line = cutPair(line)
			i, spelled, _, ok := cutChunk(pair, c.Name, last)
			switch {
			case !ok:
			case spelled[:len(c.Name)] == c.Name:
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
	var set []*http.Cookie
	for i := keep; i < MaxChunks; i++ {
		if present&(1<<i) != 0 {
			set = append(set, deletion(c, chunkName(c.Name, i)))
		}
	}
	for _, name := range variants {
		set = append(set, deletion(c, name))
	}
	return set
}

// deletion returns the cookie that makes a browser forget the named cookie.
func deletion(c *http.Cookie, name string) *http.Cookie {
	return &http.Cookie{
		Name:        name,
		Path:        c.Path,
		Domain:      c.Domain,
		Expires:     time.Unix(1, 0).UTC(), // for clients without Max-Age
		MaxAge:      -1,                    // written as Max-Age=0
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
func Write(w http.ResponseWriter, set []*http.Cookie) error {
	lines := make([]string, len(set))
	for i, c := range set {
		if err := validate(c); err != nil {
			return err
		}
		if len(c.Name)+len(c.Value) > MaxCookieSize {
			return fmt.Errorf("%w: %s has %d bytes with its name, browsers keep %d",
				ErrTooLong, c.Name, len(c.Name)+len(c.Value), MaxCookieSize)
		}
		lines[i] = c.String()
	}
	h := w.Header()
	for _, line := range lines {
		h.Add("Set-Cookie", line)
	}
	return nil
}
