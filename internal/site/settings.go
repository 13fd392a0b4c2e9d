package site

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are what a site can say about one credential, for every kind in one
// shape. In [Options] a zero field says nothing: the file decides, or .NET's
// default. In a [Credential] all that count are filled in. Package cookie, whose
// Credential has the same fields, says more of them.
type Settings struct {
	Kind               Kind          // empty in Options: every one
	Name               string        // of the cookie
	AuthenticationType string        // of Katana's middleware, or the scheme of ASP.NET Core: a part of the key
	Path               string        // empty in sessions: the application's, which is not known
	Domain             string        // empty for the host alone
	Secure             Toggle        // neither On nor Off: as the request was, which only Katana and Core know
	ScriptAccess       bool          // no HttpOnly
	SameSite           string        // None, Lax, Strict, or Unspecified for a cookie without it
	ChunkSize          int           // for sessions in characters of the value, for Katana and Core those of the line
	ClockSkew          time.Duration // widens the validity of session tokens; None is none
	Lifetime           time.Duration // of one ticket
	MaxLifetime        time.Duration // from the sign-in on; zero is no end
	PersistentLifetime time.Duration // of a session's persistent cookie; zero is that of the token
	MaxAge             time.Duration // of every cookie of ASP.NET Core, in whole seconds
	Sliding            Toggle
	Opaque             bool // the value of SQSession is left to the product
	NoReuse            bool // reuseSession="false" of SQSession
	CacheMaxSize       int  // sessions that SQSession keeps in memory, and how long
	CacheItemFade      time.Duration
}

// None is a duration that was said to be zero, unlike one that was not said.
const None time.Duration = -1

// Toggle is a choice that may be left out.
type Toggle uint8

// The values of a Toggle. Zero leaves the choice to the file or to .NET.
const (
	On Toggle = iota + 1
	Off
)

func toggle(on bool) Toggle {
	if on {
		return On
	}
	return Off
}

// Source says where a setting was said. The zero value is nowhere: it is .NET's
// default.
type Source struct {
	// Line is the 1-based line in the file, of the element that said it.
	Line int
	// Options says that it was Options and not the file.
	Options bool
}

// property is one setting. A new one is a field of Settings and a row here.
type property struct {
	name  string
	at    func(*Settings) any // a pointer to the field
	kinds []Kind              // for which it counts
	other string              // what does in its place for the others
}

var (
	inCookies = []Kind{FedAuth, WIF10, Forms, Roles, Anonymous, Katana, Core, SQSession}
	inSession = []Kind{FedAuth, WIF10}
	signIns   = []Kind{FedAuth, WIF10, Forms, Katana, Core, SQSession}
	inCora    = []Kind{SQSession}
)

const bare = "no cookie carries it"

var properties = []property{
	{"Name", func(s *Settings) any { return &s.Name }, inCookies, bare},
	{"AuthenticationType", func(s *Settings) any { return &s.AuthenticationType },
		[]Kind{Katana, Core, Bearer}, "Name is the name of the cookie"},
	{"Path", func(s *Settings) any { return &s.Path }, inCookies, bare},
	{"Domain", func(s *Settings) any { return &s.Domain }, inCookies, bare},
	{"Secure", func(s *Settings) any { return &s.Secure }, inCookies, bare},
	{"ScriptAccess", func(s *Settings) any { return &s.ScriptAccess },
		[]Kind{FedAuth, WIF10, Katana, Core, SQSession}, ".NET always hides it from scripts"},
	{"SameSite", func(s *Settings) any { return &s.SameSite }, inCookies, bare},
	{"ChunkSize", func(s *Settings) any { return &s.ChunkSize },
		[]Kind{FedAuth, WIF10, Katana, Core},
		".NET does not cut it into chunks of a size that can be set"},
	{"ClockSkew", func(s *Settings) any { return &s.ClockSkew }, inSession, "only session tokens know one"},
	{"Lifetime", func(s *Settings) any { return &s.Lifetime }, nil, ""},
	{"MaxLifetime", func(s *Settings) any { return &s.MaxLifetime }, signIns,
		"Lifetime is how long it is valid"},
	{"PersistentLifetime", func(s *Settings) any { return &s.PersistentLifetime }, inSession,
		"a persistent cookie lives as long as its ticket, by Lifetime"},
	{"MaxAge", func(s *Settings) any { return &s.MaxAge }, []Kind{Core},
		"only ASP.NET Core writes max-age"},
	{"Sliding", func(s *Settings) any { return &s.Sliding },
		[]Kind{FedAuth, WIF10, Forms, Roles, Anonymous, Katana, Core},
		"Lifetime is how long it is valid"},
	{"Opaque", func(s *Settings) any { return &s.Opaque }, inCora,
		"only SQSession has a value that is not known"},
	{"NoReuse", func(s *Settings) any { return &s.NoReuse }, inCora,
		"OnePerUser ends the older sessions of a user"},
	{"CacheMaxSize", func(s *Settings) any { return &s.CacheMaxSize }, inCora,
		"only SQSession keeps sessions in memory by itself"},
	{"CacheItemFade", func(s *Settings) any { return &s.CacheItemFade }, inCora,
		"only SQSession keeps sessions in memory by itself"},
}

func (p property) counts(k Kind) bool { return p.kinds == nil || slices.Contains(p.kinds, k) }

func (p property) said(s *Settings) bool { return p.text(s) != "" }

// text is the value for people, empty for the zero value.
func (p property) text(s *Settings) string {
	switch v := p.at(s).(type) {
	case *string:
		return *v
	case *int:
		if *v != 0 {
			return fmt.Sprint(*v)
		}
	case *bool:
		if *v {
			return "true"
		}
	case *Toggle:
		return [...]string{"", "on", "off"}[min(*v, Off)]
	case *time.Duration:
		return span(*v)
	}
	return ""
}

func (p property) copy(to, from *Settings) {
	switch v := p.at(to).(type) {
	case *string:
		*v = *p.at(from).(*string)
	case *int:
		*v = *p.at(from).(*int)
	case *bool:
		*v = *p.at(from).(*bool)
	case *Toggle:
		*v = *p.at(from).(*Toggle)
	case *time.Duration:
		*v = *p.at(from).(*time.Duration)
	}
}

// OptionError is a mistake in Options: a value that cannot be, or an option
// that does not count.
type OptionError struct {
	Kind   Kind
	Option string // the field of Settings, empty for the kind itself
	Text   string
}

// Error describes the mistake.
func (e *OptionError) Error() string {
	where := "the options"
	if e.Kind != "" {
		where += " of " + e.Kind.String()
	}
	if e.Option != "" {
		where += ", " + e.Option
	}
	return where + ": " + e.Text
}

// check finds the mistakes of settings in Options.
func (s *Settings) check() error {
	bad := func(option, format string, args ...any) error {
		return &OptionError{s.Kind, option, fmt.Sprintf(format, args...)}
	}
	for _, p := range properties {
		switch v := p.at(s).(type) {
		case *Toggle:
			if *v > Off {
				return bad(p.name, "%d is neither on nor off", *v)
			}
		case *int:
			if *v < 0 {
				return bad(p.name, "%d is negative", *v)
			}
		case *time.Duration:
			if *v < 0 && !(p.name == "ClockSkew" && *v == None) &&
				!(p.name == "MaxLifetime" && *v == None && s.Kind == SQSession) {
				return bad(p.name, "%s is negative", *v)
			}
		}
		switch {
		case !p.said(s):
		case s.Kind == "" && (p.name == "Name" || p.name == "AuthenticationType"):
			return bad(p.name, "say of which Kind")
		case s.Kind != "" && !p.counts(s.Kind):
			return bad(p.name, "it has no effect: %s", p.other)
		}
	}
	if s.MaxAge%time.Second != 0 {
		return bad("MaxAge", "%s is no number of whole seconds", Span(s.MaxAge))
	}
	switch s.SameSite {
	case "", "None", "Lax", "Strict", "Unspecified":
	default:
		return bad("SameSite", "%q is none of None, Lax, Strict and Unspecified", s.SameSite)
	}
	// Katana wants an authentication type, and not the name of its cookie.
	const auth = "AuthenticationType"
	rest, katanas := strings.CutPrefix(s.AuthenticationType, KatanaPrefix)
	cores := strings.HasPrefix(s.AuthenticationType, CorePrefix)
	switch {
	case s.Kind == Core && (cores || katanas):
		return bad(auth, "%q is the name of a cookie; give the scheme, and the name as Name", s.AuthenticationType)
	case s.Kind != Katana:
	case s.AuthenticationType == "":
		return bad(auth, `it is missing: that of CookieAuthenticationOptions, such as "ApplicationCookie" of ASP.NET Identity`)
	case cores:
		return bad(auth, "%q is a cookie of ASP.NET Core, not of Katana", s.AuthenticationType)
	case rest != "" && katanas:
		return bad(auth, "%q is the name of a cookie; the type is %q", s.AuthenticationType, rest)
	default:
		return nil
	}
	if s.Name != "" && !ValidName(s.Name) {
		return bad("Name", "%q cannot be the name of a cookie", s.Name)
	}
	return nil
}

// span shows a time span, empty for zero.
func span(d time.Duration) string {
	switch d {
	case 0:
		return ""
	case None:
		return "none"
	}
	return Span(d)
}

const day = 24 * time.Hour

// Span shows a time span as ParseSpan reads it: "14d", where package time has "336h0m0s".
func Span(d time.Duration) string {
	if d == Infinite {
		return "Infinite"
	}
	d, days := max(d, 0), ""
	if d >= 2*day {
		d, days = d%day, fmt.Sprintf("%dd", d/day)
	}
	if d == 0 && days != "" {
		return days
	}
	text := d.String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return days + text
}

// ParseSpan reads a duration of Go, with days in front if it has any: "14d", "1d12h" or "90m".
func ParseSpan(text string) (time.Duration, error) {
	bad := errors.New("such as 14d, 36h or 90m")
	number, rest, inDays := strings.Cut(text, "d")
	if !inDays {
		number, rest = "0", text
	} else if rest == "" {
		rest = "0"
	}
	days, err := strconv.ParseUint(number, 10, 16)
	d, err2 := time.ParseDuration(rest)
	d += time.Duration(days) * day
	if err != nil || err2 != nil || d < 0 || strings.HasPrefix(rest, "-") {
		return 0, bad
	}
	return d, nil
}
