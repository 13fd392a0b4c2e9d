package webconfig

import (
	"cmp"
	"slices"
)

// Cora is <sequence.engine><web><session> of Cora SeQuence (formerly PNMsoft
// Sequence), with the defaults of its version 9.3 and later. What the cookie
// holds is not public: it can be passed on and not read.
type Cora struct {
	// Enabled says that the product keeps sessions of its own.
	Enabled bool
	// Application is Administration, Flowtime or any text, and empty in files
	// of before version 9.3.
	Application string
	// LifetimeMinutes is how long an idle session lives, and
	// MaxLifetimeMinutes any session.
	LifetimeMinutes, MaxLifetimeMinutes int
	// CookieNamePrefix is the attribute sessionCookieName.
	CookieNamePrefix string
	// Path, Domain and Secure are those of the cookie.
	Path, Domain string
	Secure       bool
	// CacheMaxSize bounds the sessions in memory, 0 means no bound.
	CacheMaxSize int
	// CacheItemFadeMinutes is how long a session stays in memory.
	CacheItemFadeMinutes int
	// ReuseSession says that the browsers of a user share one session.
	ReuseSession bool
	// Locations are the parts of the site with settings of their own.
	Locations []CoraLocation
	// Line is the line of the element, of the first for a part of the site if
	// there is no other.
	Line int
	// Warnings are cora_cookie_payload_unknown, and cora_cookie_name_unknown and
	// cora_cookie_not_secure for sessions that are enabled.
	Warnings []Warning
}

// CoraLocation is the section in a <location> for a part of the site.
type CoraLocation struct {
	// Path is the attribute of <location>.
	Path string
	// Enabled is as in [Cora]; that of the application unless set.
	Enabled bool
	// Line is the line of the element.
	Line int
}

// CookieName returns the name of the session cookie, as version 9.3 and later
// make it, or "" if the file does not tell: older versions add a number that
// is known at run time only.
func (c *Cora) CookieName() string {
	if c.Application == "" {
		return ""
	}
	return c.CookieNamePrefix + c.Application
}

// Cora reads <sequence.engine><web><session>; nil if the file has none. The
// class behind it is not public, so attributes unknown here are no fault
// unless they look like a misspelling.
func (f *File) Cora() (*Cora, error) {
	path := []string{"sequence.engine", "web", "session"}
	s, err := f.Section(path...)
	if err != nil {
		return nil, err
	}
	parts, err := f.SectionsIn(path...)
	if err != nil {
		return nil, err
	}
	if s == nil && len(parts) == 0 {
		return nil, nil
	}
	c, err := readCora(s, &Cora{Enabled: true})
	if err != nil {
		return nil, err
	}
	prefix := c.CookieNamePrefix
	if s != nil {
		c.warn(c, true, true)
	}
	for i, part := range parts {
		p, err := readCora(part.Section, c)
		if err != nil {
			return nil, err
		}
		if s == nil && i == 0 {
			c.Line, prefix = p.Line, p.CookieNamePrefix
		}
		c.Locations = append(c.Locations, CoraLocation{Path: part.Location, Enabled: p.Enabled, Line: p.Line})
		// What a part inherits is said where it stands, unless it has no effect there.
		_, application := part.Attr("application")
		_, secure := part.Attr("sessionCookieSecure")
		own := s == nil || !c.Enabled
		c.warn(p, own || application, own || secure)
	}
	c.Warnings = slices.Insert(c.Warnings, 0, Warning{Code: "cora_cookie_payload_unknown", Line: c.Line,
		Text: "what the cookie " + quote(prefix+"…") + " holds is not public: it can be passed on and not read"})
	return c, nil
}

// warn adds what is doubtful about the cookie of the application or of a part
// of the site, as far as its own element says it.
func (c *Cora) warn(part *Cora, name, secure bool) {
	add := func(code, text string) {
		if len(c.Warnings) < maxRemarks {
			c.Warnings = append(c.Warnings, Warning{code, part.Line, text})
		}
	}
	if name && part.Enabled && part.CookieName() == "" {
		add("cora_cookie_name_unknown", "without the attribute application, as before version 9.3, the name of the cookie is "+quote(part.CookieNamePrefix)+
			" and a number that is made at run time; look it up in a browser and say Credential.Name, such as "+
			quote(part.CookieNamePrefix+"_123456"))
	}
	if secure && part.Enabled && !part.Secure {
		add("cora_cookie_not_secure", "sessionCookieSecure is not true, so that browsers send the cookie "+quote(part.CookieNamePrefix+part.Application)+
			` without TLS too; want sessionCookieSecure="true" on all nodes`)
	}
}

// maxRemarks bounds the warnings of a file with very many <location>s.
const maxRemarks = 100

// readCora reads one element. One for a part of the site inherits what the
// application has.
func readCora(s *Section, above *Cora) (*Cora, error) {
	a := s.Attributes()
	c := &Cora{
		Enabled:              a.Bool("enabled", above.Enabled),
		Application:          trim(a.Text("application", above.Application)),
		LifetimeMinutes:      a.Int("lifetime", 20, 0, CodeInvalidTimeout),
		MaxLifetimeMinutes:   a.Int("maxLifetime", 1440, 0, CodeInvalidTimeout),
		CookieNamePrefix:     a.NonEmpty("sessionCookieName", cmp.Or(above.CookieNamePrefix, "SQSession")),
		Path:                 a.Text("sessionCookiePath", "/"),
		Domain:               trim(a.Text("sessionCookieDomain", "")),
		Secure:               a.Bool("sessionCookieSecure", above.Secure),
		CacheMaxSize:         a.Int("cacheMaxSize", 0, 0, CodeInvalidSize),
		CacheItemFadeMinutes: a.Int("cacheItemFade", 10, 0, CodeInvalidTimeout),
		ReuseSession:         a.Bool("reuseSession", true),
		Line:                 lineOf(s),
	}
	return c, a.DonePartly()
}
