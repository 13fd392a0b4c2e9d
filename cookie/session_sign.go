package cookie

import (
	"context"
	"errors"
	"fmt"
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
// kind of ticket, if the cookies would be too large ([ErrTooLong])
// or not arrive in a browser as they are ([ErrInvalidCookie]), or
// if a store fails ([ErrUnavailable]). Cookies of the same name that were
// added to the response before, by a renewal, are taken out.
//
// The user is who p says; SignIn asks no further. Check the password, or what
// takes its place, first, and protect the page against requests from other
// sites (http.CrossOriginProtection).
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal, o *SignInOptions) error {
	if s.framework == nil {
		return errNoSessions
	}
	if o == nil {
		o = &SignInOptions{}
	}
	if p == nil || !p.IsAuthenticated() {
		return fmt.Errorf("cookie: cannot sign in: %w", ErrNotAuthenticated)
	}
	if err := o.misplaced(s.traits); err != nil {
		return err
	}
	x, err := s.framework.begin(p, o)
	if err != nil {
		return err
	}
	joined, user := false, s.user(p)
	if s.reuse && user != "" { // without a name, see begin
		if joined, err = s.join(r.Context(), &x, user); err != nil {
			return err
		}
	}
	if err = s.begin(w, r, &x, user, joined); err == nil {
		s.observe(r.Context(), Event{Kind: eventSignedIn})
	}
	return err
}

// Issue is SignIn with a ticket that the caller made, for all that SignIn
// does not set. The ticket must be one of the codec's kind; it is issued as it
// is, but for the end that MaxLifetime demands, and left unchanged.
func (s *Sessions) Issue(w http.ResponseWriter, r *http.Request, t Ticket) error {
	if s.framework == nil {
		return errNoSessions
	}
	if t == nil {
		return errOtherTicket
	}
	x, err := s.framework.begin(nil, &SignInOptions{ticket: t})
	if err != nil {
		return fmt.Errorf("cookie: %s is no session of a %T: %w", s.template.Name, t, err)
	}
	f := found{session: x}
	if err := s.remember(r.Context(), &f); err != nil {
		return err
	}
	if f.recorded { // it is of a session that lives
		x = f.session
	}
	if err = s.begin(w, r, &x, s.user(x.principal), false); err == nil {
		s.observe(r.Context(), Event{Kind: eventSignedIn})
	}
	return err
}

// user returns what users are told apart by, or nothing for one without a name.
func (s *Sessions) user(p *sessiontoken.Principal) string {
	if s.reuse {
		return sharingUser(p)
	}
	return p.Name()
}

// begin issues the first ticket of a session, or of one more browser if the
// session was joined.
func (s *Sessions) begin(w http.ResponseWriter, r *http.Request, x *session, user string, joined bool) error {
	if s.o.OnePerUser || s.reuse {
		switch {
		case user == "": // all who have none would be one user
			return errors.New("cookie: a user without a name cannot be told from others, as OnePerUser must")
		case s.o.OnePerUser && s.o.MaxLifetime == 0 && x.expires.Sub(x.issued) > s.traits.lifetime:
			// The store would forget too early that there are newer ones.
			return errors.New("cookie: cannot sign in: with SessionsOptions.OnePerUser, " +
				"a session longer than the codec's needs MaxLifetime")
		}
	}
	if end := s.end(x); !end.IsZero() && s.traits.now().After(end) {
		return fmt.Errorf("cookie: cannot sign in: %w: MaxLifetime ended at %s",
			sessiontoken.ErrExpired, end.Format(time.RFC3339))
	}
	x.ends = s.given(x)
	s.cap(x)
	x.marked = x.marked || s.marks()
	set, err := s.cookies(r, x)
	if err == nil && s.track != nil {
		x.id = s.idOf(*x)
	}
	if err == nil && s.track != nil && !s.traits.remembers &&
		(!x.ends.IsZero() || x.id != s.traits.name(*x)) {
		// For nodes with another MaxLifetime, or none.
		err = s.track.put(r.Context(), "first", s.traits.name(*x), record{x.id, x.began, x.ends},
			s.outlasts(x, x.ends))
	}
	if err == nil && (s.o.OnePerUser || s.reuse) {
		latest := record{x.id, x.began, s.outlasts(x, x.ends)}
		if s.reuse {
			latest.id += " " + x.ticket.(*sessiontoken.Token).ID
		}
		err = s.supersede(r.Context(), user, latest)
	}
	if err == nil {
		err = s.write(w, set)
	}
	if err != nil {
		if x.reference && !joined { // if joined, other browsers are in it
			// Failing that, the entry expires by itself, and nobody knows its name.
			_ = s.framework.forget(context.WithoutCancel(r.Context()), x)
		}
		return err
	}
	return nil
}

// end returns when a session ends here, however often it is renewed, or zero: at
// the end that it was given, or when MaxLifetime is over if that is sooner.
func (s *Sessions) end(x *session) time.Time {
	if s.o.MaxLifetime > 0 {
		return sooner(x.ends, x.began.Add(s.o.MaxLifetime))
	}
	return x.ends
}

// given returns the end that a session was given, which is this node's if it
// was given none. A node with a shorter MaxLifetime does not change it: other
// copies have it too, and notes must outlast them all.
func (s *Sessions) given(x *session) time.Time {
	if x.ends.IsZero() {
		return s.end(x)
	}
	return x.ends
}

// cap lets a ticket end when its session does here, as exactly as it can say.
func (s *Sessions) cap(x *session) {
	if end := s.end(x); !end.IsZero() && x.expires.After(end) {
		x.expires = end.Truncate(s.traits.resolution)
	}
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
	latest.ends = later(latest.ends, before.ends) // an older session may outlive this one
	if s.o.MaxLifetime > 0 {
		latest.ends = later(latest.ends, s.grace(s.traits.now().Add(s.o.MaxLifetime)))
	}
	superseded := s.o.OnePerUser && before.id != "" && !before.isOf(latest.id)
	id, _, _ := strings.Cut(before.id, " ") // it may have been shared
	if superseded && before.began.After(latest.began) {
		// The clock of the node that began it was ahead. So it does not count
		// as older, and nothing but this note ends it.
		if err := s.track.end(ctx, id, latest.ends); err != nil {
			return err
		}
		superseded = false
	}
	if err := s.track.setLatest(ctx, user, latest); err != nil {
		return err
	}
	if superseded {
		// By now it is refused for being older. The note is for nodes without
		// OnePerUser.
		_ = s.track.end(ctx, id, latest.ends)
	}
	return nil
}

// SignOut signs the user out: it adds the deletion of every chunk of the cookie
// to the header of the response and, with a store, ends the session for all
// nodes; see [Sessions]. Revoked is not asked. A cookie that is refused for its
// age or endpoint, or by MaxLifetime, ends its session too, as copies may be good
// elsewhere. A cookie that is not authentic is only deleted. A
// cookie of ASP.NET Core is deleted even if the browser sent none, as .NET does.
//
// If the store fails, nothing is written and the error matches
// [ErrUnavailable]: the user may still be signed in, and may try again.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) error {
	if s.framework == nil {
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
		if s.never != nil && errors.Is(err, ErrInvalidCookie) { // browsers would drop the deletion too
			return nil
		}
		return err
	}
	if _, err := s.source(r); s.traits.kind == KindCore && isNone(err) { // deleted all the same, as .NET does
		return nil
	}
	if len(set) > 0 {
		s.observe(r.Context(), Event{Kind: eventSignedOut})
	}
	return nil
}

// signOut ends the session of a request in the store.
func (s *Sessions) signOut(r *http.Request) error {
	err := s.endSession(r)
	if err != nil {
		s.observe(r.Context(), Event{Kind: eventSignOutFailed, Err: err})
	}
	return err
}

func (s *Sessions) endSession(r *http.Request) error {
	f, err := s.identify(r)
	if err != nil {
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
			// So that nobody joins it.
			if err := s.track.forgetLatest(ctx, s.user(f.principal), f.id); err != nil {
				return err
			}
		}
	}
	if err := s.framework.forget(ctx, &f.session); err != nil {
		return classify(err)
	}
	return nil
}

// noteSlack is how much longer a note is kept than it must be: by this part of
// the lifetime, so that a copy that comes again and again prolongs it now and
// then, and not each time.
const noteSlack = 16

// outlasts returns until when a note about a session must be kept: as
// long as a cookie of it may be taken that is renewed right now, and to its end
// if it has one.
func (s *Sessions) outlasts(x *session, ends time.Time) time.Time {
	if ends.IsZero() {
		return s.longest(x)
	}
	return later(s.longest(x), s.grace(ends))
}

// longest returns until when some node may take a cookie of the session: as if
// it were renewed right now, and with the clock skew.
func (s *Sessions) longest(x *session) time.Time {
	if x.expires.IsZero() { // KatanaOptions.InsecureNoExpiry
		return s.traits.now().AddDate(100, 0, 0)
	}
	return s.grace(later(s.traits.now().Add(s.span(x)), x.expires))
}

// span is how long a ticket in place of that of x would live.
func (s *Sessions) span(x *session) time.Duration {
	if x.issued.IsZero() || x.expires.IsZero() {
		return s.traits.lifetime
	}
	return max(s.traits.lifetime, x.expires.Sub(x.issued))
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
	return at.Add(2 * min(max(s.traits.skew, 5*time.Minute), most))
}
