package cookie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// cookies returns what makes x the session of the browser: the chunks, and the
// deletion of others.
func (s *Sessions) cookies(r *http.Request, x *session) ([]*http.Cookie, error) {
	text, err := s.framework.seal(r.Context(), x)
	if err != nil {
		if errors.Is(err, sessiontoken.ErrStore) {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil, err
	}
	c := s.cookie(r)
	c.Value = text
	if x.persistent {
		c.Expires = x.expires
		if s.o.PersistentLifetime > 0 {
			c.Expires = s.traits.now().Add(s.o.PersistentLifetime)
		}
		c.Expires = c.Expires.UTC()
	}
	set, err := s.traits.scheme.Split(&c, s.o.ChunkSize)
	if err != nil {
		return nil, err
	}
	if err := s.weigh(r.Context(), set); err != nil {
		return nil, err
	}
	return s.traits.scheme.Replace(r, set, s.o.ChunkSize), nil
}

// weigh compares the size of a set with the limits.
func (s *Sessions) weigh(ctx context.Context, set []*http.Cookie) error {
	size := -len("; ")
	for _, c := range set {
		size += len(c.Name) + len("=") + len(c.Value) + len("; ")
	}
	if size > s.o.MaxBytes {
		return fmt.Errorf("%w: %s needs %d cookies of %d bytes together, the limit is %d; keep fewer claims, or the session in a store",
			ErrTooLong, s.template.Name, len(set), size, s.o.MaxBytes)
	}
	if size > chunks.WarnBytes && s.o.Logger != nil {
		s.o.Logger.LogAttrs(ctx, slog.LevelWarn,
			"cookie: large session; browsers and proxies may drop it",
			slog.String("cookie", s.template.Name), slog.Int("cookies", len(set)),
			slog.Int("bytes", size), slog.Int("limit", s.o.MaxBytes))
	}
	return nil
}

// cookie returns the template for one response.
func (s *Sessions) cookie(r *http.Request) http.Cookie {
	c := s.template
	if s.secureAsRequest {
		c.Secure = s.isTLS(r)
	}
	return c
}

// isTLS reports whether the browser used TLS.
func (s *Sessions) isTLS(r *http.Request) bool {
	if s.o.IsTLS != nil {
		return s.o.IsTLS(r)
	}
	return r.TLS != nil
}

// deletions returns the deletion of every chunk in the request.
func (s *Sessions) deletions(r *http.Request) []*http.Cookie {
	c := s.cookie(r)
	return s.traits.scheme.Expire(r, &c)
}

// clear deletes a cookie that was refused. A deletion that cannot be written is
// left out: the cookie is of no use anyway.
func (s *Sessions) clear(w http.ResponseWriter, r *http.Request) {
	if set := s.deletions(r); len(set) > 0 {
		_ = s.write(w, set)
	}
}

// write adds a set to the response, in place of any that was added for the
// same cookie, and tells caches. Deletions of chunks that the set does not have
// stay: the request may be without them already, see bridge.after. On error
// nothing has changed.
func (s *Sessions) write(w http.ResponseWriter, set []*http.Cookie) error {
	lines, err := s.traits.scheme.Lines(set)
	if err != nil {
		return err
	}
	h := w.Header()
	var kept []string
	for _, line := range h["Set-Cookie"] {
		sets := func(c *http.Cookie) bool { return c.Name == nameOf(line) }
		if !s.owns(line) || deletes(line, s.traits.now()) && !slices.ContainsFunc(set, sets) {
			kept = append(kept, line)
		}
	}
	if kept = append(kept, lines...); kept != nil {
		h["Set-Cookie"] = kept
	} else {
		delete(h, "Set-Cookie")
	}
	if s.traits.kind == KindCore {
		noCache(h, "no-cache,no-store", "Thu, 01 Jan 1970 00:00:00 GMT")
	} else {
		noCache(h, "no-cache", "-1")
	}
	return nil
}

// noCache keeps a response that sets a cookie out of caches, as Katana does
// (Microsoft.Owin.Security.Cookies) and ASP.NET Core (ApplyHeaders of
// CookieAuthenticationHandler). What is stricter stays.
func noCache(h http.Header, control, expires string) {
	varyCookie(h)
	if !strings.Contains(strings.ToLower(strings.Join(h["Cache-Control"], ",")), "no-store") {
		h.Set("Cache-Control", control)
	}
	h.Set("Pragma", "no-cache")
	h.Set("Expires", expires)
}

// owns reports whether a line sets a chunk of this cookie, on its path and
// domain.
func (s *Sessions) owns(line string) bool {
	pair, _ := chunks.CutPair(line)
	if _, _, ours := s.traits.scheme.Match(pair, s.template.Name); !ours {
		return false
	}
	c, err := http.ParseSetCookie(line)
	return err == nil && c.Path == s.template.Path &&
		c.Domain == strings.TrimPrefix(s.template.Domain, ".")
}
