package sessiontoken

import (
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// Keys of the properties that Katana itself knows
// (Microsoft.Owin.Security.AuthenticationProperties). Any other key belongs to
// the application, or to OAuth: "userName", "client_id", ".xsrf".
const (
	PropertyIssued     = ".issued"     // when the ticket was issued
	PropertyExpires    = ".expires"    // when it expires
	PropertyPersistent = ".persistent" // there, with any value: the cookie outlives the browser
	PropertyRedirect   = ".redirect"   // where to go after sign-in
	PropertyRefresh    = ".refresh"    // "False": the ticket is not to be renewed
)

// Properties are what a ticket says beside the identity: a dictionary of
// texts in the order of the bytes (AuthenticationProperties). The methods read
// and write the entries that Katana knows as it does; all else is kept as it
// is. Keys are compared exactly, and none may occur twice. The zero value is
// empty and ready for use.
type Properties []Property

// Get returns the value of a property.
func (p Properties) Get(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// Set gives a property a value, in its place or at the end.
func (p *Properties) Set(name, value string) {
	for i := range *p {
		if (*p)[i].Name == name {
			(*p)[i].Value = value
			return
		}
	}
	*p = append(*p, Property{name, value})
}

// Delete removes a property, if it is there.
func (p *Properties) Delete(name string) {
	*p = slices.DeleteFunc(*p, func(e Property) bool { return e.Name == name })
}

// Issued returns the time of .issued in UTC, and false if it is missing or in
// another form than Katana's.
func (p Properties) Issued() (time.Time, bool) { return p.time(PropertyIssued) }

// Expires returns the time of .expires in UTC, the last second of validity.
// It returns false if it is missing or in another form than Katana's: for
// .NET such a ticket never expires.
func (p Properties) Expires() (time.Time, bool) { return p.time(PropertyExpires) }

// SetIssued sets .issued to t, rounded down to the second.
func (p *Properties) SetIssued(t time.Time) { p.Set(PropertyIssued, formatKatanaTime(t)) }

// SetExpires sets .expires to t, rounded down to the second.
func (p *Properties) SetExpires(t time.Time) { p.Set(PropertyExpires, formatKatanaTime(t)) }

// Persistent reports whether .persistent is there. As in .NET its value does
// not matter, even if it is "false".
func (p Properties) Persistent() bool {
	_, ok := p.Get(PropertyPersistent)
	return ok
}

// SetPersistent adds .persistent, empty as .NET writes it, or removes it.
func (p *Properties) SetPersistent(persistent bool) {
	if !persistent {
		p.Delete(PropertyPersistent)
	} else if !p.Persistent() {
		p.Set(PropertyPersistent, "")
	}
}

// Redirect returns the address to go to after sign-in, or "".
func (p Properties) Redirect() string {
	v, _ := p.Get(PropertyRedirect)
	return v
}

// AllowRefresh returns what .refresh says about renewal, in any case of
// letters, and false if it says nothing. Silence allows it.
func (p Properties) AllowRefresh() (allow, known bool) {
	v, _ := p.Get(PropertyRefresh)
	v = strings.Trim(v, " \t\n\v\f\r\x00") // as Boolean.TryParse does
	return fold.Equal(v, "True"), fold.Equal(v, "True") || fold.Equal(v, "False")
}

// SetAllowRefresh sets .refresh to True or False.
func (p *Properties) SetAllowRefresh(allow bool) {
	if allow {
		p.Set(PropertyRefresh, "True")
	} else {
		p.Set(PropertyRefresh, "False")
	}
}

func (p Properties) time(name string) (time.Time, bool) {
	v, ok := p.Get(name)
	if !ok {
		return time.Time{}, false
	}
	return parseKatanaTime(v)
}

// katanaTime is .NET's format "r" (RFC 1123), the only one that Katana reads.
const katanaTime = "Mon, 02 Jan 2006 15:04:05 GMT"

func formatKatanaTime(t time.Time) string { return t.UTC().Format(katanaTime) }

// parseKatanaTime accepts what formatKatanaTime writes for the years 1 to 9999,
// with the right day of the week, and nothing else. .NET would also take the
// names in another case of letters, which nothing writes.
func parseKatanaTime(s string) (time.Time, bool) {
	if len(s) != len(katanaTime) {
		return time.Time{}, false
	}
	number := func(from, to int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	day, month, year := number(5, 7), strings.Index(monthNames, s[8:11]), number(12, 16)
	hour, minute, second := number(17, 19), number(20, 22), number(23, 25)
	if month%3 != 0 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day || s[:3] != dayNames[3*t.Weekday():][:3] ||
		s[3:5] != ", " || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[19] != ':' || s[22] != ':' || s[25:] != " GMT" {
		return time.Time{}, false
	}
	return t, true
}

const (
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
	dayNames   = "SunMonTueWedThuFriSat"
)

// wholeSecond is Katana's clock, which has no fractions of a second
// (Microsoft.Owin.Infrastructure.SystemClock).
func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
