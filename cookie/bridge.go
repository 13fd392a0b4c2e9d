package cookie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// BridgeOptions carry users between the two halves of a site that is moving to
// ASP.NET Core: whoever is signed in on one half gets the cookie of the other
// too. The zero value bridges the first cookie of System.Web that can be issued
// and the first of ASP.NET Core, both ways. Both must have one Path and Domain.
//
// The handlers of the [Guard] of the site do it. The next handler finds the
// copy in the request and, to whom nothing was known but the copy, the user of
// the original in its context.
//
//   - A copy has the times of its original, so checks of its age stay true. It
//     ends when the original does, at the latest.
//   - The original is renewed by its own rule in every request, whichever half
//     it is for, and then copied again.
//   - Sign-out on either half ends both, and so does the absolute end. Both are
//     noted in SessionsOptions.Store. A cookie of a session that was ended does
//     not reach a .NET node again.
//   - Another user on one half takes the place of the one before on both.
//   - What this node cannot tell, as it lacks a key or a store is away, changes
//     nothing.
//
// A sealed cookie of its own, .webfarm.bridge, tells a copy from its original.
// Browsers must reach both halves through the bridge; see docs/moving.md.
type BridgeOptions struct {
	// From names the cookies whose sessions are carried across: two for both ways,
	// one for one way, to the first cookie of the other half. Nil means the first
	// of each half, both ways.
	From []string
	// Claims changes what a copy says, which is to: p is the user as the copy will
	// name him, and of o UserData, Context and Properties count. A forms ticket
	// has the name and UserData, other cookies the claims of the original as they
	// are. ASP.NET Core Identity looks for the id of the user
	// (http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier) and
	// for AspNet.Identity.SecurityStamp about every 30 minutes, and signs out
	// whoever lacks them. After an error there is no copy, and the next request
	// tries again.
	Claims func(ctx context.Context, original Session, p *sessiontoken.Principal, o *SignInOptions) error
}

// The halves of a farm.
const (
	oldHalf = iota
	coreHalf
)

// bridge is what BridgeOptions ask for.
type bridge struct {
	halves    [2]*Sessions
	from      [2]bool // the halves that are carried across
	claims    func(context.Context, Session, *sessiontoken.Principal, *SignInOptions) error
	roles     func(string) []string // SiteOptions.Roles
	keys      sessiontoken.Keys
	protector sessiontoken.Protector
	template  http.Cookie // of the marker
	logger    *slog.Logger
}

// bridge sets up what SiteOptions.Bridge asks for.
func (b *siteBuilder) bridge() error {
	o := b.o.Bridge
	if o == nil {
		return nil
	}
	both := len(o.From) == 0
	n := &bridge{from: [2]bool{both, both}, claims: o.Claims, roles: b.o.Roles,
		logger: b.o.Sessions.Logger}
	for _, name := range o.From {
		s, ok := b.site.SessionsOf(name)
		if !ok || b.isSQ(s) {
			return fmt.Errorf("SiteOptions.Bridge: From has %q, and the site can issue no such session", name)
		}
		half := halfOf(s)
		if n.halves[half] != nil {
			return fmt.Errorf("SiteOptions.Bridge: From has %q and %q, which are of one half",
				n.halves[half].template.Name, name)
		}
		n.halves[half], n.from[half] = s, true
	}
	for _, s := range b.site.sessions {
		if half := halfOf(s); n.halves[half] == nil && s.never == nil && !b.isSQ(s) {
			n.halves[half] = s
		}
	}
	for i, s := range n.halves {
		if s == nil {
			return fmt.Errorf("SiteOptions.Bridge: the site can issue no cookie of %s",
				[]string{"System.Web", "ASP.NET Core"}[i])
		}
	}
	old, core := &n.halves[oldHalf].template, &n.halves[coreHalf].template
	if old.Path != core.Path || old.Domain != core.Domain {
		return fmt.Errorf("SiteOptions.Bridge: %s has path %q and domain %q, %s has %q and %q: they must be the same, as browsers would send one without the other",
			old.Name, old.Path, old.Domain, core.Name, core.Path, core.Domain)
	}
	if core.SameSite == http.SameSiteNoneMode && !core.Secure {
		return fmt.Errorf("SiteOptions.Bridge: browsers drop %s, with SameSite None and without Secure", core.Name)
	}
	n.template = markerTemplate(old, core)
	n.keys = n.halves[oldHalf].traits.keys // those of ASP.NET Core derive keys for each text
	var err error
	n.protector, err = n.keys.Protector(machinekey.UserPurpose, purposeBridge,
		n.halves[oldHalf].traits.purpose, old.Name, n.halves[coreHalf].traits.purpose, core.Name)
	if err != nil {
		return err
	}
	for _, s := range n.halves {
		s.bridged = n.halves[:]
	}
	b.site.bridge = n
	which := "both ways"
	if n.from != [2]bool{true, true} {
		which = fmt.Sprintf("from %q only", o.From[0])
	}
	b.decide("bridge", 0, "cookies %q and %q, %s", old.Name, core.Name, which)
	return nil
}

// halfOf returns the half that a cookie is of.
func halfOf(s *Sessions) int {
	if s.traits.kind == KindCore {
		return coreHalf
	}
	return oldHalf
}

// isSQ reports whether s is SQSession, which .NET nodes do not read.
func (b *siteBuilder) isSQ(s *Sessions) bool { return b.site.sq != nil && s == b.site.sq.sessions }

// crossing is a request on the bridge.
type crossing struct {
	m      *marker
	halves [2]side
	do     action
	of     int // the original, or -1 if the halves are not linked
}

// side is what a request says of one half.
type side struct {
	is   standing
	sum  digest
	read bool // f and err say what the cookie does
	f    found
	err  error
}

// look finds out what there is to do, and changes nothing. It returns nil where
// the bridge has no part in a request: without the keys of the marker, and for
// cookies of TLS without it.
func (b *bridge) look(r *http.Request) *crossing {
	if b.template.Secure && !b.halves[oldHalf].isTLS(r) {
		return nil
	}
	m, err := b.readMarker(r)
	if err != nil {
		return nil
	}
	c := &crossing{m: m}
	q := question{marked: m != nil, from: b.from}
	for i := range c.halves {
		half := i
		if m != nil && m.original == coreHalf {
			half = 1 - i // the original first
		}
		b.read(r, c, half)
		q.is[half] = c.halves[half].is
	}
	if m != nil {
		q.original = m.original
		q.past = m.ends.Unix() > 0 && !b.now().Before(m.ends)
	}
	if old, core := &c.halves[oldHalf], &c.halves[coreHalf]; old.is.valid() && core.is.valid() &&
		old.read && core.read {
		user := userHash(old.f.principal)
		q.oneUser = user != "" && user == userHash(core.f.principal)
		if core.f.began.Before(old.f.began) {
			q.elder = coreHalf
		}
	}
	c.do, c.of = decide(q)
	return c
}

func (b *bridge) now() time.Time { return b.halves[coreHalf].traits.now() }

// read finds out how one half stands. A copy as the marker knows it is not
// decoded, but where somebody wants to be asked about each session.
func (b *bridge) read(r *http.Request, c *crossing, half int) {
	s, on := b.halves[half], &c.halves[half]
	text, err := s.source(r)
	if isNone(err) {
		on.read, on.err = true, ErrNoCredential
		return
	}
	var known *trace
	if c.m != nil {
		known = &c.m.halves[half]
	}
	if err == nil {
		on.sum = sumOf(text)
		if known != nil && known.sum == on.sum && half != c.m.original && s.o.Revoked == nil &&
			!s.o.OnePerUser {
			on.is = b.copied(r.Context(), s, c.m, known)
			return
		}
	}
	on.read = true
	on.err = s.readText(r, text, err, &on.f)
	switch err := on.err; {
	case err == nil && known == nil:
		on.is = other
	case err == nil:
		on.is = c.m.tie(s, known, on)
	case errors.Is(err, ErrUnavailable):
		on.is = unknown
	case errors.Is(err, sessiontoken.ErrExpired):
		on.is = expired
	case errors.Is(err, ErrRevoked), errors.Is(err, ErrNotAuthenticated) && known != nil:
		on.is = ended
	case errors.Is(err, ErrNotAuthenticated):
		on.is = expired
	default:
		on.is = unknown
	}
}

// copied says how a copy stands that is as the marker knows it.
func (b *bridge) copied(ctx context.Context, s *Sessions, m *marker, t *trace) standing {
	if s.track != nil {
		if _, over, err := s.track.ended(ctx, t.id); err != nil {
			return unknown
		} else if over {
			return ended
		}
	}
	keyOf := func(keys sessiontoken.Keys, id string) bool {
		if keys == nil {
			return true
		}
		known, renew := keys.KeyStatus(id)
		return known && !renew
	}
	if !s.traits.now().Before(m.expires) || !keyOf(s.traits.keys, t.key) ||
		!keyOf(b.keys, m.openedBy) {
		return expired
	}
	return same
}

// tie says what a valid session is to the one that the marker knows.
func (m *marker) tie(s *Sessions, t *trace, on *side) standing {
	carried := s.traits.carriesID(on.f.ticket)
	switch {
	case on.sum == t.sum:
		return same
	case s.idOf(on.f.session) == t.id:
		return renewed
	case carried || t.carried || t.user == "" || t.user != userHash(on.f.principal):
		return other
	case on.f.issued.Before(m.issued.Add(m.expires.Sub(m.issued)/2 - time.Second)):
		return again // .NET renews at half life; a second, as tickets are cut to it
	}
	return renewed
}

// found is the user that the cookie of a half stands for: that of the original
// if the halves are linked.
func (c *crossing) found(s *Sessions, r *http.Request, half int, f *found) error {
	on := &c.halves[half]
	switch {
	case c.of >= 0:
		*f = c.halves[c.of].f
		return nil
	case c.do == end && (on.is.valid() || on.is == absent):
		return ErrNoCredential
	case !on.read:
		return s.read(r, f)
	}
	*f = on.f
	return on.err
}

// cross does what the rules say, and returns the request as the other half is
// to see it. Nil, and the request as it is, mean that the bridge has no part in
// it. The error matches ErrUnavailable: then nothing was changed.
func (b *bridge) cross(w http.ResponseWriter, r *http.Request) (*http.Request, *crossing, error) {
	c := b.look(r)
	if c == nil {
		return r, nil, nil
	}
	h := w.Header()
	found := h["Set-Cookie"]
	restore := func(lines []string) {
		if h["Set-Cookie"] = lines; lines == nil {
			delete(h, "Set-Cookie")
		}
	}
	if c.of >= 0 {
		f := c.halves[c.of].f
		if did, err := f.sessions.refresh(w, r, &f); did || err != nil { // ErrRevoked
			r = b.after(r, h)
			if c = b.look(r); c == nil {
				return r, nil, nil
			}
		}
	}
	if c.do == leave {
		return r, c, nil
	}
	before := h["Set-Cookie"]
	err := b.act(w, r, c)
	if err == nil {
		return b.after(r, h), c, nil
	}
	if c.mustEnd() && errors.Is(err, ErrUnavailable) {
		restore(found)
		return r, c, err
	}
	restore(before)
	if err != errNothingLeft {
		b.failed(r, c, err)
	}
	return r, c, nil
}

// mustEnd reports whether a request must not go on as it is, as a session in it
// has ended.
func (c *crossing) mustEnd() bool {
	return c.do == end || c.do == begin && c.m != nil && c.halves[1-c.of].is.valid()
}

// failed tells of a copy that could not be made. The next request tries again.
func (b *bridge) failed(r *http.Request, c *crossing, err error) {
	s := b.halves[1-max(c.of, 0)]
	s.observe(r.Context(), Event{Kind: eventBridgeFailed, Err: err})
	if b.logger != nil && r.Context().Err() == nil {
		b.logger.LogAttrs(r.Context(), slog.LevelWarn, "cookie: session not carried across",
			slog.String("cookie", s.template.Name), slog.Any("error", err))
	}
}
