package cookie

import (
	"errors"
	"log/slog"
	"net/http"
)

// refresh renews the session of a request if it is due. The error is
// ErrRevoked if the session was ended while it was being renewed.
func (s *Sessions) refresh(w http.ResponseWriter, r *http.Request, f found) error {
	t, why := s.due(f)
	if t == nil {
		return nil
	}
	ctx := r.Context()
	err := s.renew(w, r, f, t)
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
	if s.slides {
		if t, ok := s.kind.renewed(f.ticket, s.kind.now()); ok {
			t = s.capped(t, f.began)
			// At its last end there is nothing to gain.
			if s.kind.facts(t).expires.After(s.kind.facts(f.ticket).expires) {
				if s.marks() {
					t = s.kind.marked(t, s.session(f).ID, f.began)
				}
				return t, reasonSliding
			}
		}
	}
	if ring := s.kind.ring(); ring != nil && ring.WasPrimary(f.ticket.OpenedBy()) {
		return f.ticket, reasonKey
	}
	return nil, ""
}

// renew issues t in place of what was found.
func (s *Sessions) renew(w http.ResponseWriter, r *http.Request, f found, t Ticket) error {
	ctx := r.Context()
	set, err := s.cookies(r, t)
	if err != nil {
		return err
	}
	if id := s.kind.id(t); s.track != nil && !s.kind.canRemember() && (s.slides || id != f.id) {
		if err := s.track.setFirst(ctx, id, record{f.id, f.began}, s.longest(t)); err != nil {
			return err
		}
	}
	if s.track != nil && s.kind.facts(t).reference {
		ended, err := s.track.isEnded(ctx, f.id)
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
	return s.write(w, set)
}
