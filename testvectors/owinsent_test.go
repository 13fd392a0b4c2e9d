package testvectors_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// fill puts into the store what the runs with a sign-in put there.
func (m *middleware) fill(t *testing.T) {
	t.Helper()
	for i := range m.content.Handler {
		other := &middleware{owinRun: &m.content.Handler[i], f: m.f, content: m.content, store: m.store}
		if other.SignIn == nil || m.Options.SessionStore == "" || other.Options.SessionStore != m.Options.SessionStore {
			continue
		}
		if _, err := other.codec(t, sessiontoken.OWINOptions{}).Encode(context.Background(), other.newTicket(t)); err != nil {
			t.Fatal(err)
		}
	}
	m.store.log = nil
}

// newTicket returns the ticket of the sign-in as a reader sees it.
func (m *middleware) newTicket(t *testing.T) *sessiontoken.OWINTicket {
	t.Helper()
	given := m.SignIn.ticket(sessiontoken.OWINVersion3)
	ticket := m.codec(t, sessiontoken.OWINOptions{}).NewTicket(given.Identity, given.Properties)
	plain, err := ticket.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	read := new(sessiontoken.OWINTicket)
	if err := read.UnmarshalBinary(plain); err != nil {
		t.Fatal(err)
	}
	read.SessionKey = m.Options.NextSessionKey
	return read
}

func (m *middleware) signIn(t *testing.T) {
	if m.Authenticated != nil && *m.Authenticated || m.Ticket != nil {
		t.Fatal("no test for a sign-in of somebody who is signed in")
	}
	if m.Options.SessionStore != "" {
		defer func() { m.log = append([]string{}, m.store.log...) }()
	}
	m.sent(t, m.newTicket(t))
}

// sent compares the cookies that .NET sent with those that we would: the
// ticket, the cut, and the attributes. With a store both hold a reference.
func (m *middleware) sent(t *testing.T, ticket *sessiontoken.OWINTicket) {
	t.Helper()
	var pairs []string
	for _, line := range m.SetCookie {
		pair, _, _ := strings.Cut(line, ";")
		pairs = append(pairs, pair)
	}
	template := m.cookie(t, ticket)
	theirs, err := cookie.Katana.Join(cookieRequest(strings.Join(pairs, "; ")), template.Name)
	if err != nil {
		t.Fatal(err)
	}
	template.Value = theirs
	set, err := cookie.Katana.Split(template)
	if err != nil {
		t.Fatal(err)
	}
	m.lines(t, set)
	ours, err := m.codec(t, sessiontoken.OWINOptions{}).Encode(context.Background(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	cfg, purposes := m.content.Keys.config(t, m.Key), []string{cookieMiddleware, m.Options.AuthenticationType, "v1"}
	inside := ticketInside(t, cfg, purposes, ours)
	sameTicket(t, "the ticket sent", inside, ticketInside(t, cfg, purposes, theirs))
	if m.NewTicket != nil {
		m.NewTicket.compare(t, m.f, inside)
	}
	if m.Options.SessionStore == "" {
		sameTicket(t, "the ticket sent", inside, ticket)
	}
}

// cookie returns the template of the cookies that the middleware sends.
func (m *middleware) cookie(t *testing.T, ticket *sessiontoken.OWINTicket) *http.Cookie {
	t.Helper()
	o := m.Options
	c := &http.Cookie{Name: cookie.KatanaCookieName(o.AuthenticationType), Path: "/", Domain: o.CookieDomain,
		HttpOnly: o.HTTPOnly == nil || *o.HTTPOnly, SameSite: sameSite(t, o.SameSite)}
	if o.CookiePath != "" {
		c.Path = o.CookiePath
	}
	if m.Scheme != "" && m.Scheme != "http" && m.Scheme != "https" {
		t.Fatalf("no test for scheme %q", m.Scheme)
	}
	switch o.Secure {
	case "", "SameAsRequest":
		c.Secure = m.Scheme != "http"
	case "Always":
		c.Secure = true
	case "Never":
	default:
		t.Fatalf("no test for secure %q", o.Secure)
	}
	if ticket.Properties.Persistent() {
		c.Expires, _ = ticket.Properties.Expires()
	}
	return c
}

// lines wants the recorded lines.
func (m *middleware) lines(t *testing.T, set []*http.Cookie) {
	t.Helper()
	var got []string
	for _, c := range set {
		got = append(got, dotNetLine(c))
	}
	if !slices.Equal(got, m.SetCookie) {
		t.Errorf("setCookie\ngot  %s\nwant %s", short(got), short(m.SetCookie))
	}
	if want := m.SetCookieAttributes; want != nil && len(got) > 0 {
		if _, attributes, _ := strings.Cut(got[0], ";"); attributes != *want {
			t.Errorf("setCookieAttributes %q, want %q", attributes, *want)
		}
	}
}
