package cookie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// refresh renews the session of a request if it is due. The error is
// ErrRevoked if the session was ended while it was being renewed.
func (s *Sessions) refresh(w http.ResponseWriter, r *http.Request, f found) error {
	t, why := s.due(f)
	if t == nil {
		return nil
	}
	ctx := r.Context()
	err := s.renew(w, r, f, t, why)
	switch {
	case err == nil:
		s.observe(ctx, Event{Kind: EventRenewed, Reason: why, KeyID: keyID(f.ticket)})
	case errors.Is(err, ErrRevoked):
		s.observeRefused(ctx, err)
		return err
	default:
		s.observe(ctx, Event{Kind: EventRenewalFailed, Reason: why, Err: err})
		if s.o.Logger != nil && ctx.Err() == nil {
			s.o.Logger.LogAttrs(ctx, slog.LevelWarn, "cookie: session not renewed",
				slog.String("cookie", s.template.Name), slog.Any("error", err))
		}
	}
	return nil
}

// The reasons of EventRenewed.
const (
	reasonSliding = "sliding"
	reasonKey     = "key"
)

// due returns the ticket to issue in place of the one found, if any.
func (s *Sessions) due(f found) (Ticket, string) {
	if t := s.slid(f, s.kind.now()); t != nil {
		return t, reasonSliding
	}
	if ring := s.kind.ring(); ring != nil && ring.WasPrimary(f.ticket.OpenedBy()) {
		return f.ticket, reasonKey
	}
	return nil, ""
}

// slid returns the ticket that takes the place of the one found if it is
// renewed at that time, or nil if it is not due then.
func (s *Sessions) slid(f found, at time.Time) Ticket {
	if !s.slides {
		return nil
	}
	t, ok := s.kind.renewed(f.ticket, at)
	if !ok {
		return nil
	}
	t = s.capped(t, f.ends)
	// At its last end there is nothing to gain.
	if !s.kind.facts(t).expires.After(s.kind.facts(f.ticket).expires) {
		return nil
	}
	if s.marks() || !f.ends.IsZero() {
		t = s.kind.marked(t, s.session(f).ID, f.began, f.ends)
	}
	return t
}

// renew issues t in place of what was found.
func (s *Sessions) renew(w http.ResponseWriter, r *http.Request, f found, t Ticket, why string) error {
	ctx := r.Context()
	if s.track != nil && !s.kind.canRemember() {
		var err error
		if why == reasonSliding && s.kind.id(t) != s.kind.id(f.ticket) {
			if t, err = s.successor(ctx, f); err != nil {
				return err
			}
		}
		// Also for the same ticket under another key: the older one will be gone.
		if id := s.kind.id(t); why == reasonSliding || f.recorded {
			until := s.longest(t)
			if id == f.id { // there may be copies of older tickets
				until = s.outlasts(t, f.ends)
			}
			if err = s.track.setFirst(ctx, id, record{f.id, f.began, f.ends}, until); err != nil {
				return err
			}
		}
	}
	set, err := s.cookies(r, t)
	if err != nil {
		return err
	}
	if s.track != nil && s.kind.facts(t).reference {
		_, ended, err := s.track.ended(ctx, f.id)
		if err != nil {
			return err
		}
		if ended { // meanwhile: see end
			if err := s.kind.forget(ctx, t); err != nil {
				return classify(err)
			}
			return ErrRevoked
		}
	}
	if err := s.keepLatest(ctx, f, t); err != nil {
		return err
	}
	return s.write(w, set)
}

// successor returns what the ticket found is renewed to, which is what it was
// renewed to before, if it was. A ticket has one successor, which every request with it
// gets: requests that are repeated leave nothing more in the store.
func (s *Sessions) successor(ctx context.Context, f found) (Ticket, error) {
	now := s.kind.now()
	until := s.grace(later(now, s.kind.facts(f.ticket).expires))
	at, err := s.track.next(ctx, s.kind.id(f.ticket), now, until)
	if err != nil {
		return nil, err
	}
	if known := s.slid(f, at); known != nil {
		return known, nil
	}
	return nil, fmt.Errorf("cookie: the ticket was renewed at %s, when it was not due here", at.Format(time.RFC3339))
}

// keepLatest has the store remember the latest session of a user as long as
// the session is renewed.
func (s *Sessions) keepLatest(ctx context.Context, f found, t Ticket) error {
	until := s.outlasts(t, f.ends)
	if !s.o.OnePerUser || !f.latest.isOf(f.id) || !until.After(f.latest.ends) {
		return nil
	}
	// Again, as the user may have signed in elsewhere since.
	latest, err := s.track.latest(ctx, s.user(f.principal), f.ticket)
	if err != nil || !latest.isOf(f.id) {
		return err
	}
	latest.ends = until.Add(s.span(t) / noteSlack)
	return s.track.setLatest(ctx, s.user(f.principal), latest)
}
