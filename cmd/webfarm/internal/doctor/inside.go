package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// inside returns the node's objection to the contents of an authentic credential, nil for none.
func (e *exam) inside(n *Node, f found, k Kind, o opened) *Finding {
	authentic := f.label() + " is authentic"
	if !o.signed {
		authentic = f.label() + " reads, although nothing in it is signed"
	}
	says := func(id string, words ...any) *Finding {
		return n.says(f, id, append(words, "authentic", authentic)...)
	}
	v := e.view(n, k)
	now, skew := v.now, v.skew
	if !k.IsSession() && k != site.SQSession {
		skew = 0
	}
	var format *sessiontoken.FormatError
	switch {
	case errors.Is(o.err, wif.ErrCoreWCF):
		return says("corewcf")
	case errors.Is(o.err, sessiontoken.ErrNotInStore) && k.IsCore():
		return says("reference_mode/core")
	case errors.Is(o.err, sessiontoken.ErrNotInStore):
		return says("reference_mode/katana")
	case errors.Is(o.err, sessiontoken.ErrExpired):
		session, clocks, ago := "", "", now.Sub(o.to)
		if k.IsSession() {
			session = findings["expired"].Text("session")
		}
		if over := ago - skew; over > 0 && over <= 10*time.Minute {
			clocks = findings["expired"].Text("clocks")
		}
		return says("expired", "end", clock(o.to), "ago", Span(ago), "now", clock(now),
			"skew", beyond(skew), "session", session, "clocks", clocks)
	case errors.Is(o.err, sessiontoken.ErrNotYetValid):
		return says("not_yet_valid", "start", clock(o.from), "ahead", Span(o.from.Sub(now)),
			"now", clock(now), "skew", beyond(skew))
	case errors.Is(o.err, sessiontoken.ErrEndpoint) && k == site.SQSession:
		return says("endpoint/sq_session", "found", place(o.endpoint), "own", place(v.endpoint))
	case errors.Is(o.err, sessiontoken.ErrEndpoint):
		path := settingOf(k, "Path")
		path.Value = o.endpoint
		return says("endpoint", "path", strconv.Quote(o.endpoint), "own",
			strconv.Quote(v.endpoint)).in(n, *path)
	case errors.Is(o.err, sessiontoken.ErrUnsupported) && (k.IsKatana() || k.IsCore()) && o.whole:
		return says("payload/no_end")
	case errors.As(o.err, &format) && errors.Is(o.err, sessiontoken.ErrUnsupported):
		return says("payload/refused", "layer", strconv.Quote(format.Layer),
			"error", strings.TrimPrefix(format.Err.Error(), "sessiontoken: "))
	case errors.As(o.err, &format):
		return says("payload/layer", "kind", k, "layer", strconv.Quote(format.Layer))
	case o.err != nil && o.partly:
		return says("payload", "kind", k)
	case o.err == nil && o.whole && o.noUser:
		return says("not_authenticated")
	}
	return nil
}

// place is the endpoint of an SQSession for a sentence.
func place(endpoint string) string {
	name, path, _ := strings.Cut(endpoint, ";")
	return fmt.Sprintf("%q with the path %q", name, path)
}

func beyond(skew time.Duration) string {
	if skew == 0 {
		return ""
	}
	return fmt.Sprintf(" (a clock skew of %s is allowed)", site.Span(skew))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Span returns d for people, rounded to the nearest of its largest unit, and without its sign.
func Span(d time.Duration) string {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	d = d.Abs()
	seconds, minutes, days := d.Round(time.Second), d.Round(time.Minute), d.Round(day)
	switch {
	case seconds < time.Minute:
		return fmt.Sprintf("%ds", seconds/time.Second)
	case minutes < time.Hour:
		return fmt.Sprintf("%dm", minutes/time.Minute)
	case minutes < 2*day:
		return fmt.Sprintf("%dh%02dm", minutes/time.Hour, minutes%time.Hour/time.Minute)
	case days < 2*year:
		return fmt.Sprintf("%d days", days/day)
	case d < 200*year: // a Duration holds 292
		return fmt.Sprintf("%d years", d.Round(year)/year)
	}
	return "more than 200 years"
}
