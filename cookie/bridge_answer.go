package cookie

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// BridgeAnswer carries what a .NET node answers across the bridge, for a proxy:
// a cookie of one half that it sets, renews or deletes is set, renewed or
// deleted for the other half in the same answer. r is the request as a handler
// of the [Guard] of the site passed it on, and h the header of the answer: the
// Set-Cookie lines of the guard first, then those of the node. Of two lines that
// set one cookie the last stays. Without SiteOptions.Bridge, or a cookie of it in
// the answer, it does nothing. The error matches [ErrUnavailable]: then the
// answer is as the node gave it, and the next request does what is left.
func (s *Site) BridgeAnswer(r *http.Request, h http.Header) error {
	b := s.bridge
	if b == nil || !slices.ContainsFunc(h["Set-Cookie"], b.owns) {
		return nil
	}
	last := map[string]int{}
	lines := h["Set-Cookie"]
	for i, line := range lines {
		last[nameOf(line)] = i
	}
	var kept []string
	for i, line := range lines {
		if !b.owns(line) || last[nameOf(line)] == i {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = kept
	_, _, err := b.cross(answer{h: h}, b.after(r, h))
	return err
}

// answer is the header of an answer as a ResponseWriter, of which nothing else
// is used.
type answer struct {
	http.ResponseWriter
	h http.Header
}

func (a answer) Header() http.Header { return a.h }

func nameOf(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// deletes reports whether a browser has no cookie after this line.
func deletes(line string, now time.Time) bool {
	c, err := http.ParseSetCookie(line)
	return err != nil || c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && !c.Expires.After(now)
}

// owns reports whether a Set-Cookie line is about a cookie of the bridge.
func (b *bridge) owns(line string) bool {
	return isMarker(line) || b.halves[oldHalf].owns(line) || b.halves[coreHalf].owns(line)
}

// after returns the request that a browser would send after a response with
// this header, as far as the cookies of the bridge go.
func (b *bridge) after(r *http.Request, h http.Header) *http.Request {
	set := map[string]string{} // name to the pair, empty for a deletion
	var names []string
	for _, line := range h["Set-Cookie"] {
		if !b.owns(line) {
			continue
		}
		name := nameOf(line)
		if _, there := set[name]; !there {
			names = append(names, name)
		}
		set[name], _ = chunks.CutPair(line)
		if deletes(line, b.now()) {
			set[name] = ""
		}
	}
	if len(names) == 0 {
		return r
	}
	var pairs []string
	for _, pair := range chunks.WIF.Pairs(r) {
		if _, gone := set[nameOf(pair)]; !gone && pair != "" {
			pairs = append(pairs, pair)
		}
	}
	for _, name := range names {
		if set[name] != "" {
			pairs = append(pairs, set[name])
		}
	}
	after := r.WithContext(r.Context())
	after.Header = r.Header.Clone()
	after.Header.Del("Cookie")
	if len(pairs) > 0 {
		after.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	return after
}
