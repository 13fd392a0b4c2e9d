package sessiontoken

import (
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Names of properties that .NET itself knows (AuthenticationProperties of
// Microsoft.Owin.Security). It also knows ".redirect", where to go after sign-in, and
// ".refresh": "False" there says that the ticket is not to be renewed. Any other belongs
// to the application, or to OAuth: "userName", "client_id", ".xsrf".
const (
	PropertyIssued     = ".issued"     // when the ticket was issued
	PropertyExpires    = ".expires"    // the last second of validity; without it, for .NET the ticket never expires
	PropertyPersistent = ".persistent" // there, with any value, even "false": the cookie outlives the browser
)

// Properties are pairs of names and values in the order of the bytes: what a ticket says
// beside the identity (AuthenticationProperties), or the property bag of a claim. Names
// are compared exactly, and none may occur twice.
type Properties [][2]string

// Get returns the value of a property.
func (p Properties) Get(name string) (string, bool) {
	for i := range p {
		if p[i][0] == name {
			return p[i][1], true
		}
	}
	return "", false
}

// Set gives a property a value, in its place or at the end. .NET writes
// .persistent with an empty value, and .refresh with True or False.
func (p *Properties) Set(name, value string) {
	for i := range *p {
		if (*p)[i][0] == name {
			(*p)[i][1] = value
			return
		}
	}
	*p = append(*p, [2]string{name, value})
}

// Time returns the time in a property, in UTC, and false if it is missing or in
// another form than .NET's format "r" (RFC 1123), the only one that .NET reads.
// The names of days and months may be in any case of letters.
func (p Properties) Time(name string) (time.Time, bool) {
	v, ok := p.Get(name)
	if !ok {
		return time.Time{}, false
	}
	return dotnet.ParseRFC1123(v)
}

// SetTime sets a property to t, rounded down to the second.
func (p *Properties) SetTime(name string, t time.Time) { p.Set(name, dotnet.FormatRFC1123(t)) }

// end returns .expires and whether it is there, or says what is wrong with it.
func (p Properties) end() (expires time.Time, there bool, fault string) {
	text, there := p.Get(PropertyExpires)
	if !there {
		return expires, false, "no .expires, so the ticket would never expire"
	}
	expires, ok := dotnet.ParseRFC1123(text)
	if !ok {
		fault = ".expires is not in the form of RFC 1123, so for .NET the ticket would never expire"
	}
	return expires, true, fault
}

// allowsRefresh reports whether .refresh allows a renewal. Silence allows it.
func (p Properties) allowsRefresh() bool {
	text, _ := p.Get(".refresh")
	allow, known := dotnet.ParseBool(text)
	return allow || !known
}

// renewed returns the properties of the ticket that takes the place of one with p, by the
// rule of sliding expiration that Katana and ASP.NET Core share: when less time remains
// than has elapsed, it is issued now and lives as long. It returns false if the ticket is
// not due, has expired, or has no .issued or .expires or .refresh False. The rule knows
// no end: bound it where sign-ins must not last for ever.
func (p Properties) renewed(now time.Time) (Properties, bool) {
	issued, hasIssued := p.Time(PropertyIssued)
	expires, hasExpires := p.Time(PropertyExpires)
	if !hasIssued || !hasExpires || !p.allowsRefresh() {
		return nil, false
	}
	if remaining := expires.Sub(now); remaining < 0 || remaining >= now.Sub(issued) {
		return nil, false
	}
	p = slices.Clone(p)
	p.SetTime(PropertyIssued, now)
	p.SetTime(PropertyExpires, now.Add(expires.Sub(issued)))
	return p, true
}

// times are the times of a ticket for a log.
func (p Properties) times() string {
	at := func(v time.Time, ok bool) string {
		if !ok {
			return "none"
		}
		return v.Format(time.RFC3339)
	}
	return fmt.Sprintf("issued %s, expires %s",
		at(p.Time(PropertyIssued)), at(p.Time(PropertyExpires)))
}

// has reports whether a property is there.
func (p Properties) has(name string) bool {
	_, ok := p.Get(name)
	return ok
}
