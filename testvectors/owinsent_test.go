package testvectors_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// fill puts into the store what the runs with a sign-in put there.
func (m *middleware) fill(t *testing.T) {
	t.Helper()
	for i := range m.content.Handler {
		other := &middleware{katanaRun: &m.content.Handler[i], f: m.f,
			content: m.content, store: m.store}
		if other.SignIn == nil || m.Options.SessionStore == "" ||
			other.Options.SessionStore != m.Options.SessionStore {
			continue
		}
		if _, err := other.codec(t, sessiontoken.KatanaOptions{}).Encode(context.Background(),
			other.newTicket(t)); err != nil {
			t.Fatal(err)
		}
	}
	m.store.log = nil
}

// newTicket returns the ticket of the sign-in as a reader sees it.
func (m *middleware) newTicket(t *testing.T) *sessiontoken.KatanaTicket {
	t.Helper()
	given := m.SignIn.ticket("3")
	ticket := m.codec(t, sessiontoken.KatanaOptions{}).NewTicket(given.Identity, given.Properties)
	plain, err := tokentest.MarshalKatana(ticket)
	if err != nil {
		t.Fatal(err)
	}
	read, err := tokentest.UnmarshalKatana(plain)
	if err != nil {
		t.Fatal(err)
	}
	read.SessionKey = machinekey.NewSecret([]byte(m.Options.NextSessionKey))
	return read
}

func (m *middleware) signIn(t *testing.T) {
	if m.Authenticated != nil && *m.Authenticated || m.Ticket != nil {
		t.Fatal("no test for a sign-in of somebody who is signed in")
	}
	ticket := m.newTicket(t)
	w := httptest.NewRecorder()
	if err := m.sessions(t).Issue(w, httptest.NewRequest(http.MethodGet, "/", nil),
		ticket); err != nil {
		t.Fatal(err)
	}
	if m.Options.SessionStore != "" {
		m.log = append([]string{}, m.store.log...)
	}
	m.headers(t, w.Header())
	m.sent(t, w.Header(), ticket)
}

// sentCookies parses the cookies of a response.
func sentCookies(t *testing.T, h http.Header) []*http.Cookie {
	t.Helper()
	var set []*http.Cookie
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, c)
	}
	return set
}

// headers wants the recorded headers and no others but Set-Cookie, which is
// compared on its own, and Vary, which Katana does not send.
func (m *middleware) headers(t *testing.T, h http.Header) {
	t.Helper()
	got := map[string]string{}
	for name, lines := range h {
		if name != "Set-Cookie" && name != "Vary" {
			got[name] = strings.Join(lines, ", ")
		}
	}
	if m.ResponseHeaders != nil && !maps.Equal(got, m.ResponseHeaders) {
		t.Errorf("responseHeaders %q, want %q", got, m.ResponseHeaders)
	}
}

// sent compares the cookies that .NET sent with those that we send in a
// response: the ticket, the cut, and the attributes. With a store both hold a
// reference. A nil ticket means that nothing is sent.
func (m *middleware) sent(t *testing.T, h http.Header, ticket *sessiontoken.KatanaTicket) {
	t.Helper()
	set := sentCookies(t, h)
	if ticket == nil {
		if m.NewTicket != nil || len(m.SetCookie) != 0 || len(set) != 0 {
			t.Errorf("%d cookies are sent, .NET sends %d", len(set), len(m.SetCookie))
		}
		return
	}
	if len(set) == 0 {
		t.Fatal("no cookie is sent")
	}
	ours, theirs := m.join(t, h["Set-Cookie"]), m.join(t, m.SetCookie)
	// Their text, cut by us and with our attributes.
	template := *set[0]
	template.Name, template.Value = m.cookieName(), theirs
	cut, err := chunks.Katana.Split(&template, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.lines(t, cut)
	for _, c := range set { // and so has each of ours
		same := template
		same.Name, same.Value, same.Raw, same.RawExpires = c.Name, c.Value, c.Raw, c.RawExpires
		if same.String() != c.String() {
			t.Errorf("chunks with different attributes: %s", short(c.String()))
		}
	}
	cfg, purposes := m.content.Keys.config(t, m.Key), []string{cookieMiddleware,
		m.Options.AuthenticationType, "v1"}
	inside := ticketInside(t, cfg, purposes, ours)
	sameTicket(t, "the ticket sent", inside, ticketInside(t, cfg, purposes, theirs))
	if m.NewTicket != nil {
		m.NewTicket.compare(t, m.f, inside)
	}
	if m.Options.SessionStore == "" {
		sameTicket(t, "the ticket sent", inside, ticket)
	}
}

func (m *middleware) cookieName() string {
	return ".AspNet." + m.Options.AuthenticationType
}

// join returns the text of the cookies in lines of Set-Cookie.
func (m *middleware) join(t *testing.T, lines []string) string {
	t.Helper()
	var pairs []string
	for _, line := range lines {
		pair, _, _ := strings.Cut(line, ";")
		pairs = append(pairs, pair)
	}
	text, err := chunks.Katana.Join(cookieRequest(strings.Join(pairs, "; ")), m.cookieName())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sessions returns the middleware of this module with the same options.
func (m *middleware) sessions(t *testing.T) *cookie.Sessions {
	t.Helper()
	if m.Scheme != "" && m.Scheme != "http" && m.Scheme != "https" {
		t.Fatalf("no test for scheme %q", m.Scheme)
	}
	tls := m.Scheme != "http"
	opts := cookie.SessionsOptions{MaxBytes: 1 << 20,
		IsTLS: func(*http.Request) bool { return tls }}
	if !m.slides() {
		opts.Sliding = cookie.Off
	}
	o := m.Options
	if o.CookieDomain+o.CookiePath+o.SameSite+o.Secure != "" || o.HTTPOnly != nil { // else the defaults
		opts.Cookie = &http.Cookie{Path: o.CookiePath, Domain: o.CookieDomain,
			HttpOnly: o.HTTPOnly == nil || *o.HTTPOnly, SameSite: sameSite(t, o.SameSite)}
		switch o.Secure {
		case "", "SameAsRequest":
			opts.Cookie.Secure = tls
		case "Always":
			opts.Cookie.Secure = true
		case "Never":
		default:
			t.Fatalf("no test for secure %q", o.Secure)
		}
	}
	s, err := cookie.NewSessions(m.codec(t, sessiontoken.KatanaOptions{}), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
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
