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
		return says("expired", "end", clock(o.to), "ago", span(ago), "now", clock(now),
			"skew", beyond(skew), "session", session, "clocks", clocks)
	case errors.Is(o.err, sessiontoken.ErrNotYetValid):
		return says("not_yet_valid", "start", clock(o.from), "ahead", span(o.from.Sub(now)),
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
	return fmt.Sprintf(" (a clock skew of %s is allowed)", span(skew))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span returns d in words for people, in its largest units.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		if s := d % time.Minute / time.Second; s > 0 {
			return fmt.Sprintf("%dm%02ds", d/time.Minute, s)
		}
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.Round(time.Second).String()
}
