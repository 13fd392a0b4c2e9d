package webconfig

import (
	"cmp"
	"slices"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Cora is <sequence.engine><web><session> of Cora SeQuence (formerly PNMsoft
// Sequence), with the defaults of its version 9.3 and later. What the cookie
// holds is not public: it can be passed on and not read.
type Cora struct {
	Enabled bool // the product keeps sessions of its own
	// Application is Administration, Flowtime or any text, and empty in files
	// of before version 9.3.
	Application string
	// LifetimeMinutes is how long an idle session lives, and
	// MaxLifetimeMinutes any session.
	LifetimeMinutes, MaxLifetimeMinutes int
	CookieNamePrefix                    string // the attribute sessionCookieName
	Path, Domain                        string // of the cookie
	Secure                              bool
	CacheMaxSize                        int  // bounds the sessions in memory, 0 means no bound
	CacheItemFadeMinutes                int  // how long a session stays in memory
	ReuseSession                        bool // the browsers of a user share one session
	// Locations are the parts of the site with settings of their own.
	Locations []CoraLocation
	// Line is the line of the element. If there is none for the application,
	// it is that of the first for a part of the site.
	Line int
	Said []string // the attributes of the element
	// Warnings are cora_cookie_payload_unknown, and cora_cookie_name_unknown and
	// cora_cookie_not_secure for sessions that are enabled.
	Warnings []Warning
}

// CoraLocation is the section in a <location> for a part of the site.
type CoraLocation struct {
	Path    string // the attribute of <location>
	Enabled bool   // as the application unless set
	Line    int    // of the element
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
	s := f.Section(path...)
	parts := s.r.sectionsIn(path...)
	there := s.RefLine > 0
	if s.Err() != nil || !there && len(parts) == 0 {
		return nil, s.Err()
	}
	c := readCora(s, &Cora{Enabled: true})
	prefix := c.CookieNamePrefix
	if there {
		c.warn(c, true, true)
	}
	for i, part := range parts {
		p := readCora(part, c)
		if !there && i == 0 {
			c.Line, prefix = p.Line, p.CookieNamePrefix
		}
		c.Locations = append(c.Locations, CoraLocation{Path: part.location,
			Enabled: p.Enabled, Line: p.Line})
		// What a part inherits is said where it stands, unless it has no effect there.
		_, application := part.Attr("application")
		_, secure := part.Attr("sessionCookieSecure")
		own := !there || !c.Enabled
		c.warn(p, own || application, own || secure)
	}
	c.Warnings = slices.Insert(c.Warnings, 0, Warning{"cora_cookie_payload_unknown", c.Line,
		"what the cookie " + secret.Quote(prefix+"…") +
			" holds is not public: it can be passed on and not read"})
	return result(s.r, c)
}

// warn adds what is doubtful about the cookie of the application or of a part
// of the site, as far as its own element says it.
func (c *Cora) warn(part *Cora, name, secure bool) {
	if len(c.Warnings) >= maxRemarks-1 { // two at most are added
		return
	}
	add := func(code, text string) {
		c.Warnings = append(c.Warnings, Warning{code, part.Line, text})
	}
	if name && part.Enabled && part.CookieName() == "" {
		add("cora_cookie_name_unknown",
			"without the attribute application, as before version 9.3, "+
				"the name of the cookie is "+secret.Quote(part.CookieNamePrefix)+
				" and a number that is made at run time; look it up in a browser and say "+
				"Credential.Name, such as "+secret.Quote(part.CookieNamePrefix+"_123456"))
	}
	if secure && part.Enabled && !part.Secure {
		add("cora_cookie_not_secure",
			"sessionCookieSecure is not true, so that browsers send the cookie "+
				secret.Quote(part.CookieNamePrefix+part.Application)+
				` without TLS too; want sessionCookieSecure="true" on all nodes`)
	}
}

// maxRemarks bounds the warnings of a file with very many <location>s.
const maxRemarks = 100

// readCora reads one element. One for a part of the site inherits what the
// application has.
func readCora(s *Section, above *Cora) *Cora {
	c := &Cora{
		Enabled:              s.Bool("enabled", above.Enabled),
		Application:          trim(s.Text("application", above.Application)),
		LifetimeMinutes:      s.Int("lifetime", 20, 0, CodeInvalidTimeout),
		MaxLifetimeMinutes:   s.Int("maxLifetime", 1440, 0, CodeInvalidTimeout),
		CookieNamePrefix:     s.NonEmpty("sessionCookieName", cmp.Or(above.CookieNamePrefix, "SQSession")),
		Path:                 s.Text("sessionCookiePath", "/"),
		Domain:               trim(s.Text("sessionCookieDomain", "")),
		Secure:               s.Bool("sessionCookieSecure", above.Secure),
		CacheMaxSize:         s.Int("cacheMaxSize", 0, 0, CodeInvalidSize),
		CacheItemFadeMinutes: s.Int("cacheItemFade", 10, 0, CodeInvalidTimeout),
		ReuseSession:         s.Bool("reuseSession", true),
		Line:                 s.RefLine,
		Said:                 s.Said(),
	}
	s.DonePartly()
	return c
}
