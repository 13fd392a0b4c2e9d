package cookie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// refresh renews the session of a request if it is due, and reports whether it
// did. The error is ErrRevoked if the session was ended while it was being
// renewed.
func (s *Sessions) refresh(w http.ResponseWriter, r *http.Request, f *found) (bool, error) {
	if s.never != nil {
		return false, nil
	}
	x, why := s.due(f)
	if why == "" {
		return false, nil
	}
	ctx := r.Context()
	err := s.renew(w, r, f, x, why)
	switch {
	case err == nil:
		s.observe(ctx, Event{Kind: eventRenewed, Reason: why, KeyID: f.ticket.OpenedBy()})
	case errors.Is(err, ErrRevoked):
		s.observeRefused(ctx, err)
		return false, err
	default:
		s.observe(ctx, Event{Kind: eventRenewalFailed, Reason: why, Err: err})
		if s.o.Logger != nil && ctx.Err() == nil {
			s.o.Logger.LogAttrs(ctx, slog.LevelWarn, "cookie: session not renewed",
				slog.String("cookie", s.template.Name), slog.Any("error", err))
		}
	}
	return err == nil, nil
}

// The reasons of eventRenewed.
const (
	reasonSliding = "sliding"
	reasonKey     = "key"
)

// due returns what to issue in place of what was found, and why, or no reason.
func (s *Sessions) due(f *found) (session, string) {
	if x, ok := s.slid(f, s.traits.now()); ok {
		return x, reasonSliding
	}
	if keys := s.traits.keys; keys != nil {
		if _, renew := keys.KeyStatus(f.ticket.OpenedBy()); renew {
			return f.session, reasonKey
		}
	}
	return session{}, ""
}

// slid returns what takes the place of what was found if it is renewed at that
// time, if it is due then.
func (s *Sessions) slid(f *found, at time.Time) (session, bool) {
	if !s.slides {
		return session{}, false
	}
	x, ok := s.framework.renew(f.session, at)
	if !ok {
		return session{}, false
	}
	if x.ends.IsZero() {
		// Copies may live on at nodes without MaxLifetime, as long as this ticket
		// tells: it is not cut short.
		x.ends = s.given(&x)
	} else {
		s.cap(&x)
	}
	// At its last end there is nothing to gain.
	if !x.expires.After(f.expires) {
		return session{}, false
	}
	if x.marked = s.marks() || !x.ends.IsZero(); x.marked {
		x.id = s.idOf(f.session)
	}
	return x, true
}

// renew issues x in place of what was found.
func (s *Sessions) renew(w http.ResponseWriter, r *http.Request, f *found, x session, why string) error {
	ctx := r.Context()
	if s.track != nil && !s.traits.remembers {
		var err error
		if why == reasonSliding && s.traits.name(x) != s.traits.name(f.session) {
			if x, err = s.successor(ctx, f); err != nil {
				return err
			}
		}
		// Also for the same ticket under another key: the older one will be gone.
		if id := s.traits.name(x); why == reasonSliding || f.recorded {
			until := s.longest(&x)
			if id == f.id { // there may be copies of older tickets
				until = s.outlasts(&x, x.ends)
			}
			if err = s.track.put(ctx, "first", id, record{f.id, f.began, x.ends}, until); err != nil {
				return err
			}
		}
	}
	set, err := s.cookies(r, &x)
	if err != nil {
		return err
	}
	if s.track != nil && x.reference {
		_, ended, err := s.track.ended(ctx, f.id)
		if err != nil {
			return err
		}
		if ended { // meanwhile: see end
			if err := s.framework.forget(ctx, &x); err != nil {
				return classify(err)
			}
			return ErrRevoked
		}
	}
	if err := s.keepLatest(ctx, f, &x); err != nil {
		return err
	}
	return s.write(w, set)
}

// successor returns what the ticket found is renewed to, which is what it was
// renewed to before, if it was. A ticket has one successor, which every request with it
// gets: requests that are repeated leave nothing more in the store.
func (s *Sessions) successor(ctx context.Context, f *found) (session, error) {
	now := s.traits.now()
	at, err := s.track.next(ctx, s.traits.name(f.session), now, s.grace(later(now, f.expires)))
	if err != nil {
		return session{}, err
	}
	if known, ok := s.slid(f, at); ok {
		return known, nil
	}
	return session{}, fmt.Errorf("cookie: the ticket was renewed at %s, when it was not due here",
		at.Format(time.RFC3339))
}

// keepLatest has the store remember the latest session of a user as long as
// the session is renewed.
func (s *Sessions) keepLatest(ctx context.Context, f *found, x *session) error {
	until := s.outlasts(x, x.ends)
	if !s.o.OnePerUser || !f.latest.isOf(f.id) || !until.After(f.latest.ends) {
		return nil
	}
	// Again, as the user may have signed in elsewhere since.
	latest, err := s.track.latest(ctx, s.user(f.principal), f.ticket)
	if err != nil || !latest.isOf(f.id) {
		return err
	}
	latest.ends = until.Add(s.span(x) / noteSlack)
	return s.track.setLatest(ctx, s.user(f.principal), latest)
}
