package cookie

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// sumOf is the SHA-256 of a text, in pieces that need no memory.
func sumOf(text string) (sum digest) {
	if len(text) <= len(piece{}) {
		var p piece
		return sha256.Sum256(p[:copy(p[:], text)])
	}
	h := sha256.New()
	for p := new(piece); text != ""; {
		n := copy(p[:], text)
		h.Write(p[:n])
		text = text[n:]
	}
	h.Sum(sum[:0])
	return sum
}

type piece [2048]byte

// errNothingLeft says that a copy would have expired, as its times are coarser
// than those of its original.
var errNothingLeft = errors.New("cookie: nothing is left of the session to copy")

// act writes what was decided into the header of the response, or returns an
// error and leaves the header to be restored. A copy of somebody else is deleted
// also where there can be no other in its place.
func (b *bridge) act(w http.ResponseWriter, r *http.Request, c *crossing) error {
	if c.m != nil && (c.do == begin || c.do == end) {
		if err := b.note(r.Context(), c.m); err != nil {
			return err
		}
	}
	switch c.do {
	case begin, extend:
		err := b.copy(w, r, c)
		if err == nil {
			err = b.mark(w, r, c)
		}
		if err != nil && c.mustEnd() {
			b.failed(r, c, err)
			return b.remove(w, r, c, 1-c.of)
		}
		return err
	case link:
		return b.mark(w, r, c)
	case end:
		return b.remove(w, r, c, oldHalf, coreHalf)
	}
	return b.remove(w, r, c)
}

// remove deletes the marker, and of those halves the cookies that are valid or
// that .NET nodes may take for valid.
func (b *bridge) remove(w http.ResponseWriter, r *http.Request, c *crossing, halves ...int) error {
	for _, half := range halves {
		s, on := b.halves[half], &c.halves[half]
		if !on.is.valid() && on.is != ended && on.read { // not read: the copy that the marker knows
			continue
		}
		if on.read && on.f.reference {
			if err := s.framework.forget(r.Context(), &on.f.session); err != nil {
				return classify(err)
			}
		}
		if err := s.write(w, s.deletions(r)); err != nil {
			return err
		}
		if on.is.valid() {
			s.observe(r.Context(), Event{Kind: eventBridgeEnded})
		}
	}
	return b.writeMarker(w, r, nil, false)
}

// copy issues the session of c.of on the other half.
func (b *bridge) copy(w http.ResponseWriter, r *http.Request, c *crossing) error {
	from, to := b.halves[c.of], b.halves[1-c.of]
	f := &c.halves[c.of].f
	of := f.session
	of.id, of.ends = from.idOfCopies(from.idOf(of)), from.given(&of)
	of.ends = to.end(&of)
	if c.do == extend {
		of.id, of.began, of.ends = c.m.halves[1-c.of].id, c.m.began, sooner(of.ends, c.m.ends)
	}
	p, o, err := b.translate(r.Context(), from, to, &of)
	if err != nil {
		return err
	}
	c.halves[c.of].f.began, c.halves[c.of].f.ends = of.began, of.ends // for mark
	o.of = func() *session { return &of }
	o.Persistent, o.Lifetime, o.Reference = of.persistent, 0, false
	x, err := to.framework.begin(p, o)
	if err != nil {
		return err
	}
	x.began, x.ends, x.marked = of.began, of.ends, true
	x.id = of.id
	if to.cap(&x); !x.expires.After(to.traits.now()) {
		return errNothingLeft
	}
	return to.begin(w, r, &x, to.user(p), false)
}

// sooner returns the earlier of two ends, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// mark writes the marker of the cookies that the browser will have.
func (b *bridge) mark(w http.ResponseWriter, r *http.Request, c *crossing) error {
	after := b.after(r, w.Header())
	f := &c.halves[c.of].f
	m := &marker{original: c.of, issued: f.issued, expires: f.expires, began: f.began, ends: f.ends}
	if c.do == link {
		for i := range c.halves {
			if x := c.halves[i].f.session; c.m == nil {
				m.ends = sooner(m.ends, b.halves[i].end(&x))
			}
		}
		if c.m != nil && c.halves[c.of].is.goesOn() {
			m.began, m.ends = c.m.began, sooner(c.m.ends, b.halves[c.of].given(&f.session))
		}
	}
	for i, s := range b.halves {
		text, err := s.source(after)
		if err != nil {
			return err
		}
		sum, x := sumOf(text), c.halves[i].f.session
		if !c.halves[i].read || sum != c.halves[i].sum { // the copy
			if x, err = s.decode(r.Context(), text); err != nil {
				return err
			}
			// What its ticket has no room for, the store knows.
			f := found{session: x}
			if err := s.remember(r.Context(), &f); err != nil {
				return err
			}
			x.id = f.id
		}
		m.halves[i] = trace{sum, s.traits.carriesID(x.ticket), s.idOf(x), userHash(x.principal),
			x.ticket.OpenedBy()}
	}
	if err := b.writeMarker(w, r, m, f.persistent); err != nil {
		return err
	}
	b.halves[1-c.of].observe(r.Context(), Event{Kind: eventBridged,
		Reason: []string{begin: "begun", extend: "extended", link: "linked"}[c.do]})
	return nil
}

// translate returns what a copy says of the user, and the options of its
// ticket:
//
//	to            claims                       AuthenticationType
//	forms         the name; the roles in       Forms
//	              UserData as SiteOptions.Roles
//	              reads them, if it is there
//	FedAuth       those of the original        that of the original
//	Katana        the same, in one identity    that of the cookie
//	ASP.NET Core  those of the original        the scheme
//
// The claim types of names and roles stay those of the original, which every
// ticket but forms carries with it. A bootstrap token stays behind.
func (b *bridge) translate(ctx context.Context, from, to *Sessions, x *session) (*sessiontoken.Principal, *SignInOptions, error) {
	p := &sessiontoken.Principal{Identities: slices.Clone(x.principal.Identities)}
	o := &SignInOptions{}
	authenticationType := to.traits.authenticationType
	switch to.traits.kind {
	case KindForms:
		if b.roles != nil {
			o.UserData = b.userData(p)
			break
		}
		p.Identities = []sessiontoken.Identity{{AuthenticationType: "Forms",
			Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: p.Name()}}}}
	case KindKatana:
		for i := 1; i < len(p.Identities); i++ {
			p.Identities[0].Claims = append(slices.Clip(p.Identities[0].Claims),
				p.Identities[i].Claims...)
		}
		p.Identities = p.Identities[:min(1, len(p.Identities))]
	}
	for i := range p.Identities {
		id := &p.Identities[i]
		id.Bootstrap, id.BootstrapKind = machinekey.Secret{}, ""
		id.Claims = slices.Clone(id.Claims)
		if authenticationType != "" && id.AuthenticationType != "" {
			id.AuthenticationType = authenticationType
		}
	}
	atEnd := !x.ends.IsZero() && x.expires.Add(time.Second).After(x.ends)
	if to.traits.hasProperties() && (!from.slides || atEnd) {
		o.Properties.Set(".refresh", "False") // it would outlive its original
	}
	if b.claims != nil {
		y := *x
		if err := b.claims(ctx, from.describe(&y), p, o); err != nil {
			return nil, nil, err
		}
	}
	if !p.IsAuthenticated() {
		return nil, nil, ErrNotAuthenticated
	}
	return p, o, o.misplaced(to.traits)
}

// userData returns the text from which SiteOptions.Roles reads the roles of p:
// the roles with a separator between them that it understands, or nothing if
// only Claims can know.
func (b *bridge) userData(p *sessiontoken.Principal) string {
	roles := rolesOf(p)
	for _, separator := range []string{",", ";", "|", " ", "\n"} {
		if text := strings.Join(roles, separator); slices.Equal(b.roles(text), roles) {
			return text
		}
	}
	return ""
}
