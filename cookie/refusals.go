package cookie

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// refusals tells of refused credentials without a line for each: one line per
// kind of refusal and minute, and one when the credential is accepted again. No
// timer runs: requests find out that a minute is over. There are as many rows as
// sources and reasons, and nothing in them is a client's but the id of a key.
type refusals struct {
	now  func() time.Time // nil: time.Now
	open atomic.Bool      // a row has something left to tell
	mu   sync.Mutex
	rows map[refusalKind]*refusalRow
}

type refusalKind struct {
	source int // the position of the credential in the guard
	reason string
}

type refusalRow struct {
	refusalKind
	told  time.Time // when the last line was written
	count int       // since then
	total int       // since the credential was last accepted
	keys  []string  // that the latest one was tried with
}

// refusalPause is the time between two lines about one kind of refusal.
const refusalPause = time.Minute

// clock returns the time.
func (f *refusals) clock() time.Time {
	if f.now != nil {
		return f.now()
	}
	return time.Now()
}

// refuse counts a refusal and returns the lines that are due.
func (f *refusals) refuse(kind refusalKind, keys []string) []refusalRow {
	now := f.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	row := f.rows[kind]
	if row == nil {
		row = &refusalRow{refusalKind: kind}
		if f.rows == nil {
			f.rows = map[refusalKind]*refusalRow{}
		}
		f.rows[kind] = row
	}
	row.count++
	row.total++
	row.keys = keys
	f.open.Store(true)
	return f.due(now)
}

// accept returns how often a credential was refused since it was last accepted,
// and the lines that are due.
func (f *refusals) accept(source int) (refused int, lines []refusalRow) {
	if !f.open.Load() {
		return 0, nil
	}
	now := f.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	lines = f.due(now)
	open := false
	for kind, row := range f.rows {
		if kind.source == source {
			refused += row.total
			row.total = 0
		}
		open = open || row.count > 0 || row.total > 0
	}
	f.open.Store(open)
	return refused, lines
}

// due returns the lines of the rows whose minute is over. The caller holds f.mu.
func (f *refusals) due(now time.Time) (lines []refusalRow) {
	for _, row := range f.rows {
		since := now.Sub(row.told)
		if row.count == 0 || 0 <= since && since < refusalPause { // a clock may be set back
			continue
		}
		lines = append(lines, *row)
		row.told, row.count = now, 0
	}
	slices.SortFunc(lines, func(a, b refusalRow) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.reason, b.reason))
	})
	return lines
}

// logRefused writes about a credential that was not accepted: a record of its
// own, and the lines that are due.
func (g *Guard) logRefused(r *http.Request, source int, err error) {
	if g.logger == nil {
		return
	}
	ctx := r.Context()
	level, message := slog.LevelDebug, "cookie: credential refused"
	unavailable := errors.Is(err, ErrUnavailable)
	if unavailable {
		message = "cookie: credential not checked"
		if ctx.Err() == nil {
			level = slog.LevelWarn
		}
	}
	g.logger.LogAttrs(ctx, level, message, slog.Int("source", source), slog.Any("error", err))
	if unavailable {
		return
	}
	var keys []string
	reason := reasonOf(err)
	if reason == "invalid" { // after that a key fits
		keys = g.accepted[source].tried(r)
	}
	g.logLines(ctx, g.refusals.refuse(refusalKind{source, reason}, keys))
}

// logAccepted writes about a credential that was accepted after refusals.
func (g *Guard) logAccepted(ctx context.Context, source int, f *found) {
	if g.logger == nil {
		return
	}
	refused, lines := g.refusals.accept(source)
	g.logLines(ctx, lines)
	if refused == 0 {
		return
	}
	attrs := append(g.about(source), slog.Int("refused", refused))
	if f.ticket != nil && f.ticket.OpenedBy() != "" {
		attrs = append(attrs, slog.String("key", f.ticket.OpenedBy()))
	}
	g.logger.LogAttrs(ctx, slog.LevelInfo, "cookie: credential accepted after refusals", attrs...)
}

func (g *Guard) logLines(ctx context.Context, lines []refusalRow) {
	for _, l := range lines {
		attrs := append(g.about(l.source), slog.String("reason", l.reason), slog.Int("count", l.count))
		if len(l.keys) > 0 {
			attrs = append(attrs, slog.Any("keys", l.keys))
		}
		g.logger.LogAttrs(ctx, slog.LevelWarn, "cookie: credentials refused", attrs...)
	}
}

// about says which credential a line is about.
func (g *Guard) about(source int) []slog.Attr {
	return []slog.Attr{slog.Int("source", source),
		slog.String("credential", g.accepted[source].name())}
}

// tried returns the ids of the keys that the credential of a request was tried
// with: all machine keys, as no cookie names one, or the one that a text of
// ASP.NET Core names. It returns nothing where that is not known.
func (c *credential) tried(r *http.Request) (ids []string) {
	var keys sessiontoken.Keys
	source := c.source
	if c.sessions != nil {
		keys, source = c.sessions.traits.keys, c.sessions.source
	} else if _, k := frameworkOf(c.reader); k != nil {
		keys = k.keys
	}
	switch keys := keys.(type) {
	case *machinekey.Ring:
		for _, key := range keys.Keys() {
			ids = append(ids, key.ID())
		}
	case interface{ Traits() seal.RingTraits }:
		const head = 27 // digits of 20 bytes
		if text, err := source(r); err == nil && len(text) >= head {
			protected, _ := base64.RawURLEncoding.DecodeString(text[:head])
			if id := keys.Traits().Named(protected); id != "" {
				ids = []string{id}
			}
		}
	}
	return ids
}
