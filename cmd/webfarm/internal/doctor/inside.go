package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// inside returns what is wrong with the contents of an authentic credential
// for this node, nil if nothing is.
func (e *exam) inside(n *Node, f found, k Kind, o opened) *Finding {
	label := capital(f.label()) + " is authentic"
	if !o.signed {
		label = capital(f.label()) + " reads, although nothing in it is signed"
	}
	now := e.o.Now
	skew := n.skew()
	if !k.IsSession() {
		skew = 0
	}
	var format *sessiontoken.FormatError
	switch {
	case errors.Is(o.err, sessiontoken.ErrCoreWCF):
		return &Finding{Code: CodeCoreWCF, Sentence: label + ", but CoreWCF wrote it, in a format of its own that no site on .NET Framework reads.",
			Fix: elsewhere("code", "let a site on .NET Framework or a Go node issue the cookie")}
	case errors.Is(o.err, sessiontoken.ErrNotInStore):
		return &Finding{Code: CodeReferenceMode, DotNet: "ID4243",
			Sentence: label + ", but only names a session: the session itself is in the store of the node that issued it.",
			Fix:      elsewhere("store", "give all nodes one shared store (SessionStore in CookieAuthenticationOptions; in Go KatanaOptions.Store, which .NET nodes cannot share), or none")}
	case errors.Is(o.err, sessiontoken.ErrExpired):
		return &Finding{Code: CodeExpired, DotNet: "ID4255, or anonymous", Sentence: fmt.Sprintf("%s, but it ended at %s, %s before %s%s.",
			label, clock(o.to), span(now.Sub(o.to)), clock(now), beyond(skew)), Fix: elsewhere("sign-in", expiredAdvice(now.Sub(o.to)-skew, k))}
	case errors.Is(o.err, sessiontoken.ErrNotYetValid):
		ahead := o.from.Sub(now)
		fix := elsewhere("clock", "synchronise the clocks of all nodes (NTP): that of the node that issued it is ahead, or this one is behind")
		if minutes := int(ahead/time.Minute) + 1; minutes <= 60 {
			setting := Setting{Path: pathIdentity, Attribute: "maximumClockSkew", Value: timeSpan(minutes)}
			if k == WIF10 {
				setting = Setting{Path: pathSkew10, Attribute: "value", Value: timeSpan(minutes)}
			}
			fix = n.inFile(fix.Text+"; until then a larger skew accepts it", setting)
		}
		return &Finding{Code: CodeNotYetValid, DotNet: "ID4255", Sentence: fmt.Sprintf("%s, but begins at %s, %s after %s%s: the clocks differ.",
			label, clock(o.from), span(ahead), clock(now), beyond(skew)), Fix: fix}
	case errors.Is(o.err, sessiontoken.ErrEndpoint):
		path := pathCookie
		if k == WIF10 {
			path = pathCookie10
		}
		return &Finding{Code: CodeEndpoint, DotNet: "ID4291",
			Sentence: fmt.Sprintf("%s was issued for the cookie path %s, and this node's is %s; case and the last slash count.", capital(f.label()), strconv.Quote(o.endpoint), strconv.Quote(e.endpoint(n))),
			Fix:      n.inFile("give all nodes the same path", Setting{Path: path, Attribute: "path", Value: o.endpoint})}
	case errors.Is(o.err, sessiontoken.ErrUnsupported) && k.IsKatana() && o.whole:
		return &Finding{Code: CodePayload, Sentence: label + ", but says no time at which it ends: .NET takes it for one that never expires, and webfarm refuses it.",
			Fix: elsewhere("code", "set ExpiresUtc where the ticket is made, or do not clear the properties")}
	case errors.As(o.err, &format) && errors.Is(o.err, sessiontoken.ErrUnsupported):
		return &Finding{Code: CodePayload,
			Sentence: fmt.Sprintf("%s and .NET may read it, but webfarm refuses what the layer %q holds (%v).", label, format.Layer, strings.TrimPrefix(format.Err.Error(), "sessiontoken: ")),
			Fix:      elsewhere("code", "see docs/decisions.md for what is refused on purpose: texts that two programs would read differently, and what .NET takes by accident")}
	case errors.As(o.err, &format):
		return &Finding{Code: CodePayload, DotNet: "a serialization error",
			Sentence: fmt.Sprintf("%s, but what is inside is not %s: the layer %q does not read.", label, k, format.Layer),
			Fix:      elsewhere("code", "look for a list of cookie transforms, a token class or a ticket serializer of the site's own; a session written by another generation of WIF or Katana looks so too")}
	case o.err != nil && o.partly:
		return &Finding{Code: CodePayload, Sentence: fmt.Sprintf("%s, but what is inside is not %s.", label, k),
			Fix: elsewhere("code", "look at the code that writes the cookie")}
	case o.err == nil && o.whole && o.noUser:
		return &Finding{Code: CodeNotAuthenticated, Sentence: capital(f.label()) + " reads, but none of its identities has an authentication type, so .NET counts the user as not signed in.",
			Fix: elsewhere("code", "give the ClaimsIdentity an authentication type where it is made: new ClaimsIdentity(claims, \"Federation\")")}
	}
	return nil
}

func expiredAdvice(over time.Duration, k Kind) string {
	text := "sign in again"
	if k.IsSession() {
		text += "; WIF does not renew sessions by itself: a longer lifetime of <sessionTokenRequirement> or sliding sessions in code keep them alive"
	}
	if over > 0 && over <= 10*time.Minute {
		text += "; so close to the end the clocks of the nodes may be the reason: compare them (NTP)"
	}
	return text + "; -at judges it as of another time"
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
	if d < 0 {
		d = -d
	}
	switch {
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

// timeSpan is a number of minutes as .NET writes it.
func timeSpan(minutes int) string { return fmt.Sprintf("%02d:%02d:00", minutes/60, minutes%60) }
