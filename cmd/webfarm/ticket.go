package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

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

func newFormsReport(t *sessiontoken.FormsTicket, roles formsRoles, now time.Time) *formsReport {
	r := &formsReport{
		Version: int(t.Version), Name: t.Name, IssueDate: t.IssueDate, Expiration: t.Expiration,
		SecondsLeft: t.Expiration.Unix() - now.Unix(), Persistent: t.Persistent, UserData: t.UserData, CookiePath: t.CookiePath,
		RenewFrom: middle(t.IssueDate, t.Expiration),
	}
	if roles != "" {
		r.Roles = roles.roles(t.UserData)
	}
	return r
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

func (r *formsReport) print(b *bytes.Buffer, now time.Time) {
	fmt.Fprint(b, "\nForms ticket\n")
	rows := [][]string{
		{"name", abridgedOr(r.Name, "none: .NET takes the user for signed in all the same")},
		{"issued", when(r.IssueDate, now)},
		{"expires", when(r.Expiration, now)},
		{"renewed from", when(r.RenewFrom, now) + ", if the site slides"},
		{"cookie lasts", cookieLasts(r.Persistent)},
		{"user data", abridgedOr(r.UserData, "none")},
	}
	for _, role := range r.Roles {
		rows = append(rows, []string{"role", abridged(role)})
	}
	writeTable(b, "  ", append(rows, [][]string{
		{"cookie path", abridgedOr(r.CookiePath, "none")},
		{"version", fmt.Sprint(r.Version)},
	}...))
}

func cookieLasts(persistent bool) string {
	if persistent {
		return "across browser restarts (persistent)"
	}
	return "until the browser closes"
}

// katanaReport is a ticket of Katana.
type katanaReport struct {
	Version string `json:"version"`
	ticketReport
	Identity identityReport `json:"identity"`
}

// coreReport is a ticket of ASP.NET Core.
type coreReport struct {
	Scheme string `json:"scheme"` // inside
	ticketReport
	Identities []identityReport `json:"identities"`
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

func newKatanaReport(t *sessiontoken.KatanaTicket, k kind, now time.Time) *katanaReport {
	return &katanaReport{t.Version, newTicketReport(t.Properties, k, now),
		newIdentityReport(&t.Identity)}
}

func newCoreReport(t *sessiontoken.CoreTicket, k kind, now time.Time) *coreReport {
	r := &coreReport{t.Scheme, newTicketReport(t.Properties, k, now), []identityReport{}}
	for i := range t.Principal.Identities {
		r.Identities = append(r.Identities, newIdentityReport(&t.Principal.Identities[i]))
	}
	return r
}

func newTicketReport(properties sessiontoken.Properties, k kind, now time.Time) ticketReport {
	_, persistent := properties.Get(sessiontoken.PropertyPersistent)
	r := ticketReport{Persistent: persistent, Properties: newPropertyReports(properties)}
	issued, hasIssued := properties.Time(sessiontoken.PropertyIssued)
	expires, hasExpires := properties.Time(sessiontoken.PropertyExpires)
	if hasIssued {
		r.Issued = &issued
	}
	if hasExpires {
		r.Expires = &expires
		left := expires.Unix() - now.Unix()
		r.SecondsLeft = &left
	}
	refresh, _ := properties.Get(".refresh")
	if allow, known := dotnet.ParseBool(refresh); hasIssued && hasExpires &&
		(k == kindKatana || k == kindCore) && (allow || !known) {
		half := middle(issued, expires)
		if half.Unix()-issued.Unix() == expires.Unix()-half.Unix() {
			half = half.Add(time.Second) // a ticket of exactly half its age is not renewed
		}
		if expires.After(issued) {
			r.RenewFrom = &half
		}
	}
	return r
}

// propertyMeanings explain the properties of Katana, of ASP.NET Core and of common sites.
var propertyMeanings = map[string]string{
	sessiontoken.PropertyIssued:     "when the ticket was issued",
	sessiontoken.PropertyExpires:    "the last second of its validity",
	sessiontoken.PropertyPersistent: "the cookie outlives the browser",
	".redirect":                     "where to go after sign-in",
	".refresh":                      "whether the ticket may be renewed",
	".xsrf":                         "ties the sign-in to one browser",
	"userName":                      "set by the OAuth provider of the site",
	"client_id":                     "the OAuth client that the ticket is for",
	"as:client_id":                  "the OAuth client, as many sites call it",
	"code_challenge":                "PKCE: what the client must prove",
	"redirect_uri":                  "the address that the code was sent to",
	"LoginProvider":                 "the provider of an external sign-in",
	"XsrfId":                        "ties an external sign-in to a user",
}

func (r *katanaReport) print(b *bytes.Buffer, now time.Time) {
	fmt.Fprintf(b, "\nKatana ticket\n")
	r.printTimes(b, now, "version", r.Version)
	r.Identity.print(b, "Identity")
	printProperties(b, r.Properties)
}

func (r *coreReport) print(b *bytes.Buffer, now time.Time) {
	fmt.Fprintf(b, "\nTicket of ASP.NET Core\n")
	r.printTimes(b, now, "scheme", abridgedOr(r.Scheme, "none"))
	printIdentities(b, r.Identities)
	printProperties(b, r.Properties)
}

// printTimes writes the table of a ticket, with a last row of its own.
func (r *ticketReport) printTimes(b *bytes.Buffer, now time.Time, name, value string) {
	var rows [][]string
	row := func(name string, t *time.Time, note, missing string) {
		if t == nil {
			rows = append(rows, []string{name, missing})
			return
		}
		rows = append(rows, []string{name, when(*t, now) + note})
	}
	row("issued", r.Issued, "", "not said")
	row("expires", r.Expires, "", "never: .expires is missing or unreadable")
	if r.RenewFrom != nil {
		row("renewed from", r.RenewFrom, ", if the site slides", "")
	}
	rows = append(rows, []string{"cookie lasts", cookieLasts(r.Persistent)}, []string{name, value})
	writeTable(b, "  ", rows)
}

// summary is one line for an accepted ticket.
func (r *ticketReport) summary(ids []identityReport, now time.Time) string {
	text := "nobody"
	if len(ids) > 0 {
		text = userName(ids[0].Name)
	}
	if r.Expires == nil {
		text += ", never expires"
	} else {
		text += ", expires " + relative(*r.Expires, now)
	}
	return text + unauthenticated(ids)
}

// printProperties writes the properties as a table.
func printProperties(b *bytes.Buffer, list []propertyReport) {
	if len(list) == 0 {
		fmt.Fprint(b, "\nNo properties\n")
		return
	}
	title := "1 property"
	if len(list) > 1 {
		title = fmt.Sprintf("%d properties", len(list))
	}
	fmt.Fprintf(b, "\n%s\n", title)
	rows := [][]string{{"NAME", "MEANING", "VALUE"}}
	for _, p := range list {
		meaning, known := propertyMeanings[p.Name]
		if !known {
			meaning = "the application's own"
		}
		rows = append(rows, []string{abridged(p.Name), meaning, p.shown()})
	}
	writeTable(b, "  ", rows)
}

// anonymousReport is an anonymous id.
type anonymousReport struct {
	ID          string    `json:"id"`
	Expires     time.Time `json:"expires"`
	SecondsLeft int64     `json:"secondsLeft"`
}

func (r *anonymousReport) print(b *bytes.Buffer, now time.Time) {
	fmt.Fprint(b, "\nAnonymous id\n")
	writeTable(b, "  ", [][]string{
		{"id", abridged(r.ID)},
		{"expires", when(r.Expires, now)},
		{"", "it names a visitor and signs nobody in"},
	})
}

// rolesReport is the envelope of a role cookie.
type rolesReport struct {
	PayloadSize int `json:"payloadSize"`
}

func (r *rolesReport) print(b *bytes.Buffer) {
	fmt.Fprint(b, "\nCached roles\n")
	writeTable(b, "  ", [][]string{
		{"payload", plural(r.PayloadSize, "byte") + ", a BinaryFormatter stream of a RolePrincipal, not read"},
		{"", "the roles and their expiry are a cache of the site's role provider"},
	})
}
