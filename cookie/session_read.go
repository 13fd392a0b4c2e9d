package cookie

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// found is a credential that was recognised. sessions and ticket are nil if
// it is not one of a [Sessions].
type found struct {
	session
	sessions *Sessions
	recorded bool      // the store has the beginning of the session
	noted    time.Time // until when the store remembers that it was ended
	latest   record    // the latest session of the user, with OnePerUser
}

// read recognises the session of a request. The error is classified, and
// ErrNoCredential as it is if there is no cookie.
func (s *Sessions) read(r *http.Request, f *found) error {
	text, err := s.source(r)
	return s.readText(r, text, err, f)
}

// readText is read of what source returned.
func (s *Sessions) readText(r *http.Request, text string, err error, f *found) error {
	if err == nil {
		err = s.open(r.Context(), text, f)
	}
	if err != nil {
		*f = found{}
		if isNone(err) {
			return ErrNoCredential
		}
		err = classify(err)
		s.observeRefused(r.Context(), err)
		return err
	}
	s.observeRead(r, f.ticket)
	return nil
}

// open is readText without the observer.
func (s *Sessions) open(ctx context.Context, text string, f *found) error {
	var err error
	if f.session, err = s.decode(ctx, text); err != nil {
		return err
	}
	f.sessions = s
	if !f.principal.IsAuthenticated() {
		return ErrNotAuthenticated
	}
	if s.track != nil || s.o.Revoked != nil {
		f.id = s.idOf(f.session)
	}
	if s.track != nil {
		if err := s.recall(ctx, f); err != nil {
			return err
		}
	}
	if end := s.end(&f.session); !end.IsZero() && s.traits.now().After(end) {
		return fmt.Errorf("%w: MaxLifetime ended at %s", sessiontoken.ErrExpired,
			end.Format(time.RFC3339))
	}
	if s.o.Revoked != nil {
		x := f.session // of its own, so that f need not be on the heap
		revoked, err := s.o.Revoked(ctx, s.describe(&x))
		if err != nil {
			return fmt.Errorf("%w: revocation: %w", ErrUnavailable, err)
		}
		if revoked {
			return ErrRevoked
		}
	}
	return nil
}

// identify returns the session of whatever is authentic, for SignOut: also of a
// cookie that open refuses, as its session may live on in copies.
func (s *Sessions) identify(r *http.Request) (found, error) {
	text, err := s.source(r)
	if err != nil {
		return found{}, err
	}
	ctx := r.Context()
	f := found{sessions: s}
	if f.session, err = s.decode(ctx, text); err != nil {
		var ok bool
		if f.session, ok = s.late(ctx, text); !ok {
			return found{}, err
		}
	}
	err = s.remember(ctx, &f)
	return f, err
}

// late returns what an authentic text says that open refuses for its times or
// its endpoint alone. The text costs more than in open: it is for SignOut.
func (s *Sessions) late(ctx context.Context, text string) (session, bool) {
	r := anatomy.Of(ctx, s.traits.reader.ReadPrincipal, text)
	t, ok := r.Content.(Ticket)
	if !ok || !errors.Is(r.Err, sessiontoken.ErrExpired) &&
		!errors.Is(r.Err, sessiontoken.ErrNotYetValid) &&
		!errors.Is(r.Err, sessiontoken.ErrEndpoint) {
		return session{}, false
	}
	x, err := s.framework.begin(nil, &SignInOptions{ticket: t})
	x.ticket, x.id = t, "" // begin may have named it anew
	return x, err == nil
}

// decode opens a text, or finds it among the verified ones.
func (s *Sessions) decode(ctx context.Context, text string) (session, error) {
	if s.verified == nil {
		return s.framework.open(ctx, text, nil)
	}
	sum, ok := s.verified.sum(text)
	if !ok {
		return s.framework.open(ctx, text, nil)
	}
	if v, ok := s.verified.get(sum); ok {
		// A key that left the ring opens nothing any more. Certificates, which
		// have no ring, are fixed for the life of a codec.
		if keys := s.traits.keys; keys == nil || known(keys, v.ticket) {
			return s.framework.open(ctx, text, v)
		}
		s.verified.remove(sum)
	}
	x, err := s.framework.open(ctx, text, nil)
	if err == nil && !x.reference && (s.traits.keys == nil || x.ticket.OpenedBy() != "") {
		s.verified.put(sum, &x)
	}
	return x, err
}

// idOf returns the id of a session.
func (s *Sessions) idOf(x session) string {
	if x.id != "" {
		return x.id
	}
	return s.traits.name(x)
}

// remember names a session, and asks the store when it began and how it was called
// then, if the ticket has no room for that.
func (s *Sessions) remember(ctx context.Context, f *found) error {
	f.id = s.idOf(f.session)
	if s.track == nil || s.traits.remembers { // asked also where nothing slides: other nodes may renew
		return nil
	}
	first, _, err := s.track.get(ctx, "first", f.id)
	if err == nil && first.id != "" {
		f.id, f.began, f.ends, f.recorded = first.id, first.began, first.ends, true
	}
	return err
}

// recall is remember that also asks whether the session was ended. That is
// asked in reference mode too, where the entry should be gone: a renewal that
// was cut short, or memory in front of the store, may still have it.
func (s *Sessions) recall(ctx context.Context, f *found) error {
	if err := s.remember(ctx, f); err != nil {
		return err
	}
	note, ended, err := s.track.ended(ctx, f.id)
	if err != nil {
		return err
	}
	if ended {
		// A .NET node may have renewed this copy, and may go on doing so. If
		// the note cannot be prolonged, the next request tries again.
		f.noted = note.ends
		_ = s.note(ctx, f)
		return ErrRevoked
	}
	if name := f.principal.Name(); s.o.OnePerUser && name != "" {
		if f.latest, err = s.track.latest(ctx, name, f.ticket); err != nil {
			return err
		}
		if f.latest.id != "" && !f.latest.isOf(f.id) && !f.began.After(f.latest.began) {
			_ = s.note(ctx, f) // so that it holds when the record of the user has gone
			return ErrRevoked
		}
	}
	return nil
}

// note notes that the session of f was ended, unless the store remembers it for
// long enough.
func (s *Sessions) note(ctx context.Context, f *found) error {
	until := s.outlasts(&f.session, s.given(&f.session))
	if s.reuse { // as long as a record may last by which somebody could join it again
		until = later(until, s.grace(s.traits.now().Add(s.o.MaxLifetime)))
	}
	if !until.After(f.noted) {
		return nil
	}
	slack := s.span(&f.session) / noteSlack
	if err := s.track.end(ctx, f.id, until.Add(slack)); err != nil {
		return err
	}
	for _, half := range s.bridged { // a thief may have had his own copies made
		if half.track == nil {
			continue
		}
		until := later(until, half.outlasts(&f.session, half.given(&f.session)))
		if err := half.track.end(ctx, s.idOfCopies(f.id), until.Add(slack)); err != nil {
			return err
		}
	}
	return nil
}

// idOfCopies returns the id of all copies that the bridge makes of a session,
// and of their copies on its own half. So the end of one is the end of all.
func (s *Sessions) idOfCopies(id string) string {
	const prefix = "bridge:"
	if strings.HasPrefix(id, prefix) {
		return id
	}
	sum := sha256.Sum256([]byte(s.traits.purpose + "\x00" + id))
	return prefix + hex.EncodeToString(sum[:16])
}

// keepsID reports whether the id of a session stays when it is renewed: as the
// store knows which ticket came of which, nothing is renewed, or the ticket
// carries the id, or will.
func (s *Sessions) keepsID(x *session) bool {
	return s.track != nil || !s.slides || s.traits.carriesID(x.ticket) ||
		s.traits.remembers && s.marks()
}

// isNone reports whether a source found nothing.
func isNone(err error) bool {
	return errors.Is(err, ErrNoCredential) || errors.Is(err, http.ErrNoCookie)
}
