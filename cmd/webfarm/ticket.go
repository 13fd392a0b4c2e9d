package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// shown is what people see of the contents of a credential: a transcript the title, the rows and
// the properties, the page the facts, and both the rest.
type shown struct {
	title      string
	rows       [][]string
	properties []propertyReport // nil for what has none
	Facts      []factReport
	who        string           // begins the summary of an accepted credential
	Life       *life            // nil if it says no times
	Identities []identityReport // nil for what has none
}

// Summary is one line for an accepted credential.
func (s *shown) Summary() string {
	text := s.who
	if s.Life != nil {
		text += ", " + s.Life.ends
	}
	if s.Identities != nil &&
		!slices.ContainsFunc(s.Identities, func(id identityReport) bool { return id.Authenticated }) {
		text += "; but no identity is authenticated, so a Go service takes it for signed out"
	}
	return text
}

func userName(name string) string { return abridgedOr(name, "a user without a name") }

func firstName(ids []identityReport) string {
	if len(ids) == 0 {
		return "nobody"
	}
	return userName(ids[0].Name)
}

func cookieLasts(persistent bool) string {
	if persistent {
		return "across browser restarts (persistent)"
	}
	return "until the browser closes"
}

// tokenReport is a session token without its secrets: its key and the bootstrap tokens.
type tokenReport struct {
	ID            string           `json:"id"`
	ContextID     string           `json:"contextId"`
	KeyGeneration string           `json:"keyGeneration,omitempty"`
	EndpointID    string           `json:"endpointId"`
	Context       string           `json:"context,omitempty"`
	ValidFrom     time.Time        `json:"validFrom"`
	ValidTo       time.Time        `json:"validTo"`
	SecondsLeft   int64            `json:"secondsLeft"` // negative after the end; without clock skew
	Persistent    bool             `json:"persistent"`
	ReferenceMode bool             `json:"referenceMode"`
	Identities    []identityReport `json:"identities"`
}

func (c *codecs) showToken(t *sessiontoken.Token) (*tokenReport, shown) {
	now := c.now()
	r := &tokenReport{ID: t.ID, ContextID: string(secret.View(t.ContextID)),
		KeyGeneration: t.KeyGeneration, EndpointID: t.EndpointID, Context: t.Context,
		ValidFrom: t.ValidFrom, ValidTo: t.ValidTo, SecondsLeft: t.ValidTo.Unix() - now.Unix(),
		Persistent: t.Persistent, ReferenceMode: t.ReferenceMode,
		Identities: appendIdentities(nil, &t.Principal)}
	kept, lasts, path := "in the cookie", cookieLasts(t.Persistent), "every cookie path"
	if t.ReferenceMode {
		kept = "on the server (reference mode)"
	}
	s := shown{title: "Session", who: firstName(r.Identities), Identities: r.Identities,
		Life:  newLife(&t.ValidFrom, &t.ValidTo, nil, now),
		Facts: []factReport{{"Kept", kept}, {"Lasts", lasts}}}
	if t.EndpointID != "" {
		path = "cookie path " + abridged(t.EndpointID)
		s.Facts = append(s.Facts, factReport{"Good for", path})
	}
	s.rows = [][]string{
		{"valid from", when(t.ValidFrom, now)},
		{"valid to", when(t.ValidTo, now)},
		{"clock skew", site.Span(c.skew.Truncate(time.Second)) + " tolerated at both ends"},
		{"good for", path},
		{"cookie lasts", lasts},
	}
	if t.ReferenceMode {
		s.rows = append(s.rows, []string{"kept", kept})
	}
	if t.Context != "" {
		s.rows = append(s.rows, []string{"context", abridged(t.Context)})
	}
	return r, s
}

// formsReport is a ticket of forms authentication.
type formsReport struct {
	Version     int       `json:"version"`
	Name        string    `json:"name"`
	IssueDate   time.Time `json:"issueDate"`
	Expiration  time.Time `json:"expiration"`
	SecondsLeft int64     `json:"secondsLeft"` // negative when over
	Persistent  bool      `json:"persistent"`
	UserData    string    `json:"userData"`
	Roles       []string  `json:"roles,omitempty"` // in the user data, with -forms-roles
	CookiePath  string    `json:"cookiePath"`
	RenewFrom   time.Time `json:"renewFrom"` // with slidingExpiration
}

func (c *codecs) showForms(t *sessiontoken.FormsTicket) (*formsReport, shown) {
	now := c.now()
	r := &formsReport{
		Version: int(t.Version), Name: t.Name, IssueDate: t.IssueDate, Expiration: t.Expiration,
		SecondsLeft: t.Expiration.Unix() - now.Unix(), Persistent: t.Persistent,
		UserData: t.UserData, CookiePath: t.CookiePath, RenewFrom: middle(t.IssueDate, t.Expiration),
	}
	if c.formsRoles != "" {
		r.Roles = c.formsRoles.roles(t.UserData)
	}
	lasts, data := cookieLasts(t.Persistent), abridgedOr(t.UserData, "none")
	path := abridgedOr(t.CookiePath, "none")
	s := shown{title: "Forms ticket", who: userName(t.Name),
		Life: newLife(&t.IssueDate, &t.Expiration, &r.RenewFrom, now),
		Facts: []factReport{{"Name", userName(t.Name)}, {"User data", data}, {"Lasts", lasts},
			{"Cookie path", path}}}
	s.rows = [][]string{
		{"name", abridgedOr(t.Name, "none: .NET takes the user for signed in all the same")},
		{"issued", when(t.IssueDate, now)},
		{"expires", when(t.Expiration, now)},
		{"renewed from", when(r.RenewFrom, now) + ", if the site slides"},
		{"cookie lasts", lasts},
		{"user data", data},
	}
	for _, role := range r.Roles {
		s.rows = append(s.rows, []string{"role", abridged(role)})
		s.Facts = append(s.Facts, factReport{"Role", abridged(role)})
	}
	s.rows = append(s.rows, []string{"cookie path", path}, []string{"version", fmt.Sprint(t.Version)})
	return r, s
}

// middle is the time halfway between two others. They may lie further apart than the longest
// Duration.
func middle(from, to time.Time) time.Time {
	seconds := to.Unix() - from.Unix()
	if seconds < 0 {
		return to
	}
	return time.Unix(from.Unix()+(seconds+1)/2, 0).UTC()
}

// katanaReport is a ticket of Katana.
type katanaReport struct {
	Version string `json:"version"`
	ticketReport
	Identity identityReport `json:"identity"`
}

func (c *codecs) showKatana(
	t *sessiontoken.KatanaTicket, k kind, authType string,
) (*katanaReport, shown) {
	r := &katanaReport{Version: t.Version, Identity: newIdentityReport(&t.Identity)}
	s := c.showTicket(&r.ticketReport, t.Properties, k, []identityReport{r.Identity})
	s.title = "Katana ticket"
	s.rows = append(s.rows, []string{"version", t.Version})
	s.Facts = append(s.Facts, factReport{"Authentication type", abridged(authType)})
	return r, s
}

// coreReport is a ticket of ASP.NET Core.
type coreReport struct {
	Scheme string `json:"scheme"` // inside
	ticketReport
	Identities []identityReport `json:"identities"`
}

func (c *codecs) showCore(t *sessiontoken.CoreTicket, k kind) (*coreReport, shown) {
	r := &coreReport{Scheme: t.Scheme, Identities: appendIdentities([]identityReport{}, t.Principal)}
	s := c.showTicket(&r.ticketReport, t.Properties, k, r.Identities)
	s.title = "Ticket of ASP.NET Core"
	s.rows = append(s.rows, []string{"scheme", abridgedOr(t.Scheme, "none")})
	s.Facts = append(s.Facts, factReport{"Scheme", abridged(t.Scheme)})
	return r, s
}

// ticketReport are the properties of a ticket of either.
type ticketReport struct {
	Issued      *time.Time       `json:"issued,omitempty"`
	Expires     *time.Time       `json:"expires,omitempty"` // missing: the ticket never expires
	SecondsLeft *int64           `json:"secondsLeft,omitempty"`
	RenewFrom   *time.Time       `json:"renewFrom,omitempty"` // with SlidingExpiration
	Persistent  bool             `json:"persistent"`
	Properties  []propertyReport `json:"properties"`
}

// showTicket fills in the report of a ticket of Katana or ASP.NET Core.
func (c *codecs) showTicket(
	r *ticketReport, properties sessiontoken.Properties, k kind, ids []identityReport,
) shown {
	now := c.now()
	_, r.Persistent = properties.Get(sessiontoken.PropertyPersistent)
	r.Properties = newPropertyReports(properties)
	issuedRow, expiresRow := "not said", "never: .expires is missing or unreadable"
	issued, hasIssued := properties.Time(sessiontoken.PropertyIssued)
	if hasIssued {
		r.Issued, issuedRow = &issued, when(issued, now)
	}
	expires, hasExpires := properties.Time(sessiontoken.PropertyExpires)
	if hasExpires {
		left := expires.Unix() - now.Unix()
		r.Expires, r.SecondsLeft, expiresRow = &expires, &left, when(expires, now)
	}
	refresh, _ := properties.Get(".refresh")
	if allow, known := dotnet.ParseBool(refresh); hasIssued && hasExpires &&
		(k == site.Katana || k == site.Core) && (allow || !known) && expires.After(issued) {
		half := middle(issued, expires)
		if half.Unix()-issued.Unix() == expires.Unix()-half.Unix() {
			half = half.Add(time.Second) // a ticket of exactly half its age is not renewed
		}
		r.RenewFrom = &half
	}
	s := shown{properties: r.Properties, Identities: ids, who: firstName(ids),
		Life: newLife(r.Issued, r.Expires, r.RenewFrom, now),
		rows: [][]string{{"issued", issuedRow}, {"expires", expiresRow}}}
	if r.RenewFrom != nil {
		s.rows = append(s.rows,
			[]string{"renewed from", when(*r.RenewFrom, now) + ", if the site slides"})
	}
	if carried(k) { // a token lies in no cookie
		lasts := cookieLasts(r.Persistent)
		s.Facts = []factReport{{"Lasts", lasts}}
		s.rows = append(s.rows, []string{"cookie lasts", lasts})
	}
	return s
}

// stateReport is the state of a remote sign-in.
type stateReport struct {
	Class      string           `json:"class"`
	Properties []propertyReport `json:"properties"`
}

func (c *codecs) showState(properties sessiontoken.Properties) (*stateReport, shown) {
	r := &stateReport{c.stateClass, newPropertyReports(properties)}
	return r, shown{title: "State of a remote sign-in", who: "the state is authentic",
		properties: r.Properties,
		rows: [][]string{
			{"class", abridged(r.Class)},
			{"", "it says where to go after the sign-in and which browser asked, and signs nobody in"},
		}}
}

// anonymousReport is an anonymous id.
type anonymousReport struct {
	ID          string    `json:"id"`
	Expires     time.Time `json:"expires"`
	SecondsLeft int64     `json:"secondsLeft"`
}

func (c *codecs) showAnonymous(id *sessiontoken.AnonymousID) (*anonymousReport, shown) {
	now := c.now()
	return &anonymousReport{id.ID, id.Expires, id.Expires.Unix() - now.Unix()},
		shown{title: "Anonymous id", who: "visitor " + abridged(id.ID),
			Life:  newLife(nil, &id.Expires, nil, now),
			Facts: []factReport{{"Visitor", abridged(id.ID)}},
			rows: [][]string{
				{"id", abridged(id.ID)},
				{"expires", when(id.Expires, now)},
				{"", "it names a visitor and signs nobody in"},
			}}
}

// rolesReport is the envelope of a role cookie.
type rolesReport struct {
	PayloadSize int `json:"payloadSize"`
}

func showRoles(payload []byte) (*rolesReport, shown) {
	return &rolesReport{len(payload)}, shown{title: "Cached roles", who: "the envelope is authentic",
		rows: [][]string{
			{"payload", plural(len(payload), "byte") + ", a BinaryFormatter stream of a RolePrincipal, not read"},
			{"", "the roles and their expiry are a cache of the site's role provider"},
		}}
}
