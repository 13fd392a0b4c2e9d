package cookie

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// SignIn signs p in: it adds the cookies of a new session to the header of the
// response, and the deletion of chunks that an older session left behind. Call
// it before the body is written. Nil options are the zero options.
//
// Nothing is written on error: if p is not authenticated or does not fit the
// kind of ticket, if the cookies would be too large ([*SizeError],
// [ErrTooLong]) or not arrive in a browser as they are ([ErrInvalidCookie]), or
// if a store fails ([ErrUnavailable]). Cookies of the same name that were
// added to the response before, by a renewal, are taken out.
//
// The user is who p says; SignIn asks no further. Check the password, or what
// takes its place, first, and protect the page against requests from other
// sites (http.CrossOriginProtection).
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal, o *SignInOptions) error {
	if s.kind == nil {
		return errNoSessions
	}
	if o == nil {
		o = &SignInOptions{}
	}
	if p == nil || !p.IsAuthenticated() {
		return fmt.Errorf("cookie: cannot sign in: %w", ErrNotAuthenticated)
	}
	t, err := s.kind.fresh(p, o)
	if err != nil {
		return err
	}
	joined, user := false, s.user(p)
	if s.reuse && user != "" { // without a name, see begin
		if t, joined, err = s.reused(r.Context(), t, user); err != nil {
			return err
		}
	}
	return s.begin(w, r, t, user, joined)
}

// Issue is SignIn with a ticket that the caller made, for all that SignIn
// does not set. The ticket must be one of the codec's kind; it is issued as it
// is, but for the end that MaxLifetime demands, and left unchanged.
func (s *Sessions) Issue(w http.ResponseWriter, r *http.Request, t Ticket) error {
	if s.kind == nil {
		return errNoSessions
	}
	if !s.kind.owns(t) {
		return fmt.Errorf("cookie: %s is no session of a %T", s.template.Name, t)
	}
	user := ""
	if s.o.OnePerUser || s.reuse {
		user = s.userOf(t)
	}
	return s.begin(w, r, t, user, false)
}

// user returns what users are told apart by: the name or, where those who are
// one user see each other's identity, also who gave it. It is empty without a
// name.
func (s *Sessions) user(p *sessiontoken.Principal) string {
	name := p.Name()
	if !s.reuse || name == "" {
		return name
	}
	id := &p.Identities[0]
	claim, _ := (&sessiontoken.Principal{Identities: p.Identities[:1]}).First(cmp.Or(id.NameClaimType, sessiontoken.ClaimTypeName))
	issuer := cmp.Or(claim.Issuer, sessiontoken.LocalAuthority)
	h := sha256.New()
	// Only ASCII letters are folded: to others that look alike, or have one
	// lower-case form, belong other names.
	folded := []byte(name)
	for i, c := range folded {
		folded[i] = lower[c]
	}
	for _, text := range []string{string(folded), issuer, cmp.Or(claim.OriginalIssuer, issuer)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		io.WriteString(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// userOf is user for the user of a ticket.
func (s *Sessions) userOf(t Ticket) string {
	switch t := t.(type) {
	case *sessiontoken.Token:
		return s.user(&t.Principal)
	case *sessiontoken.FormsTicket:
		return t.Name
	case *sessiontoken.KatanaTicket:
		return t.Identity.Name()
	}
	return ""
}

// begin issues the first ticket of a session, or of one more browser if the
// session was joined.
func (s *Sessions) begin(w http.ResponseWriter, r *http.Request, t Ticket, user string, joined bool) error {
	facts := s.kind.facts(t)
	if s.o.OnePerUser || s.reuse {
		switch {
		case user == "": // all who have none would be one user
			return errors.New("cookie: a user without a name cannot be told from others, as OnePerUser must")
		case s.o.OnePerUser && s.o.MaxLifetime == 0 && facts.expires.Sub(facts.issued) > s.kind.lifetime():
			// The store would forget too early that there are newer ones.
			return errors.New("cookie: cannot sign in: with SessionsOptions.OnePerUser, a session longer than the codec's needs MaxLifetime")
		}
	}
	t = s.kind.named(t)
	ends := s.end(facts.began, facts.ends)
	if !ends.IsZero() {
		if s.kind.now().After(ends) {
			return fmt.Errorf("cookie: cannot sign in: %w: MaxLifetime ended at %s", sessiontoken.ErrExpired, ends.Format(time.RFC3339))
		}
		t = s.capped(t, ends)
	}
	if s.marks() {
		t = s.kind.marked(t, s.kind.newID(t), facts.began, ends)
	}
	set, err := s.cookies(r, t)
	if err == nil && s.track != nil && !s.kind.canRemember() && !ends.IsZero() {
		// For nodes with another MaxLifetime, or none.
		id := s.kind.id(t)
		err = s.track.setFirst(r.Context(), id, record{id, facts.began, ends}, s.outlasts(t, ends))
	}
	if err == nil && (s.o.OnePerUser || s.reuse) {
		latest := record{s.kind.id(t), facts.began, s.outlasts(t, ends)}
		if token, ok := t.(*sessiontoken.Token); ok && s.reuse {
			latest.id += " " + token.ID // see reused
		}
		err = s.supersede(r.Context(), user, latest)
	}
	if err == nil {
		err = s.write(w, set)
	}
	if err != nil {
		if !joined { // other browsers are in it
			s.abandon(r.Context(), t)
		}
		return err
	}
	s.observe(r.Context(), Event{Kind: EventSignedIn})
	return nil
}

// end returns when a session ends, however often it is renewed, or zero: at
// the end that it was given by any node, or when MaxLifetime is over here.
func (s *Sessions) end(began, ends time.Time) time.Time {
	if here := began.Add(s.o.MaxLifetime); s.o.MaxLifetime > 0 && (ends.IsZero() || here.Before(ends)) {
		return here
	}
	return ends
}

// capped returns t, or a copy that ends when the session does.
func (s *Sessions) capped(t Ticket, ends time.Time) Ticket {
	if !ends.IsZero() && s.kind.facts(t).expires.After(ends) {
		return s.kind.endingAt(t, ends)
	}
	return t
}

// marks reports whether tickets must remember the id and the beginning of their
// session.
func (s *Sessions) marks() bool {
	return s.track != nil || s.o.MaxLifetime > 0 || s.o.Revoked != nil
}

// supersede makes a session the latest of its user.
func (s *Sessions) supersede(ctx context.Context, user string, latest record) error {
	before, err := s.track.latest(ctx, user, nil)
	if err != nil {
		return err
	}
	if s.o.MaxLifetime > 0 { // an older session may outlive this one
		latest.ends = later(latest.ends, s.grace(s.kind.now().Add(s.o.MaxLifetime)))
	}
	if err := s.track.setLatest(ctx, user, latest); err != nil {
		return err
	}
	if s.o.OnePerUser && before.id != "" && !before.isOf(latest.id) {
		// By now it is refused for being older. That goes by the clocks of
		// the nodes that began the two; this does not. If it fails, the first
		// holds.
		id, _, _ := strings.Cut(before.id, " ") // it may have been shared
		_ = s.track.end(ctx, id, latest.ends)
	}
	return nil
}

// abandon takes back a ticket that was put into the codec's store and whose
// cookie was not written. If it fails the entry expires by itself; nobody
// knows its name.
func (s *Sessions) abandon(ctx context.Context, t Ticket) {
	if s.kind.facts(t).reference {
		_ = s.kind.forget(context.WithoutCancel(ctx), t)
	}
}

// SignOut signs the user out: it adds the deletion of every chunk of the cookie
// to the header of the response and, with a store, ends the session for all
// nodes; see [Sessions]. A cookie that is refused anyhow is only deleted, and
// without one there is nothing to do.
//
// If the store fails, nothing is written and the error matches
// [ErrUnavailable]: the user may still be signed in, and may try again.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) error {
	if s.kind == nil {
		return errNoSessions
	}
	if err := s.signOut(r); err != nil {
		return err
	}
	return s.writeSignOut(w, r)
}

// writeSignOut is SignOut for a session that was ended in the store.
func (s *Sessions) writeSignOut(w http.ResponseWriter, r *http.Request) error {
	set := s.deletions(r)
	if err := s.write(w, set); err != nil {
		return err
	}
	if len(set) > 0 {
		s.observe(r.Context(), Event{Kind: EventSignedOut})
	}
	return nil
}

// signOut ends the session of a request in the store.
func (s *Sessions) signOut(r *http.Request) error {
	err := s.endSession(r)
	if err != nil {
		s.observe(r.Context(), Event{Kind: EventSignOutFailed, Err: err})
	}
	return err
}

func (s *Sessions) endSession(r *http.Request) error {
	f, err := s.open(r)
	// A session that was ended may still have entries, if that failed halfway.
	if err != nil && (f.ticket == nil || !errors.Is(err, ErrRevoked)) {
		if isNone(err) {
			return nil
		}
		if err = classify(err); errors.Is(err, ErrUnavailable) {
			return err
		}
		return nil
	}
	ctx := r.Context()
	if s.track != nil {
		// First the note, then the entry: whoever renews the entry meanwhile
		// looks for the note after that, and takes the entry back.
		if err := s.note(ctx, &f); err != nil {
			return err
		}
		if s.reuse {
			if err := s.track.forgetLatest(ctx, s.user(f.principal), f.id); err != nil {
				return err
			}
		}
	}
	if err := s.kind.forget(ctx, f.ticket); err != nil {
		return classify(err)
	}
	return nil
}

// noteSlack is how much longer a note is kept than it must be: by this part of
// the lifetime, so that a copy that comes again and again prolongs it now and
// then, and not each time.
const noteSlack = 16

// outlasts returns until when a note about the session of t must be kept: as
// long as a cookie of it may be taken that is renewed right now, and to its end
// if it has one.
func (s *Sessions) outlasts(t Ticket, ends time.Time) time.Time {
	if ends.IsZero() {
		return s.longest(t)
	}
	return later(s.longest(t), s.grace(ends))
}

// longest returns until when some node may take a cookie of the session of t:
// as if it were renewed right now, and with the clock skew.
func (s *Sessions) longest(t Ticket) time.Time {
	expires := s.kind.facts(t).expires
	if expires.IsZero() { // KatanaOptions.InsecureNoExpiry
		return s.kind.now().AddDate(100, 0, 0)
	}
	return s.grace(later(s.kind.now().Add(s.span(t)), expires))
}

// span is how long a ticket in place of t would live.
func (s *Sessions) span(t Ticket) time.Duration {
	facts := s.kind.facts(t)
	if facts.issued.IsZero() || facts.expires.IsZero() {
		return s.kind.lifetime()
	}
	return max(s.kind.lifetime(), facts.expires.Sub(facts.issued))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// grace adds the clock skew, on both sides. One of more than a hundred years is
// as good as none, and twice of it could be more than a time.Duration holds.
func (s *Sessions) grace(at time.Time) time.Time {
	const most = 100 * 365 * 24 * time.Hour
	return at.Add(2 * min(max(s.kind.skew(), sessiontoken.DefaultClockSkew), most))
}

// reused returns t as a ticket of the session that its user has already, if
// there is one that was not ended.
func (s *Sessions) reused(ctx context.Context, t Ticket, user string) (_ Ticket, joined bool, err error) {
	token, ok := t.(*sessiontoken.Token)
	if !ok {
		return t, false, nil
	}
	latest, err := s.track.latest(ctx, user, nil)
	if err != nil || latest.id == "" {
		return t, false, err
	}
	// All cookies of a session name one entry, and the entry has one ID. It is
	// as secret as the cookie, so it is not in the key of the entry.
	contextID, id, ok := strings.Cut(latest.id, " ")
	if !ok { // of a time when sessions were not shared
		return t, false, nil
	}
	_, ended, err := s.track.ended(ctx, contextID)
	if err != nil || ended {
		return t, false, err
	}
	c := *token
	c.ContextID, c.ID = contextID, id
	return &c, true, nil
}
