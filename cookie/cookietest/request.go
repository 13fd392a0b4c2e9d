package cookietest

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Request is [httptest.NewRequest], signed in as a user, each time in a session of
// its own. A nil user is a stranger. The credential has at most one of the [Faults].
//
// It panics if the user cannot sign in; see [cookie.Sessions.SignIn]. One of
// [sessiontoken.NewPrincipal] can. The roles of a forms ticket are put into its user
// data, between commas, bars or semicolons, from where SiteOptions.Roles must read
// them.
func (s *Site) Request(method, target string, body io.Reader,
	user *sessiontoken.Principal, fault ...string) *http.Request {
	r := httptest.NewRequest(method, target, body)
	s.issue(user, fault).addTo(r)
	return r
}

// Client is the server's client, with a cookie jar, signed in as a user. A nil user
// is a stranger, who may sign in at a page of the service. The server need not use
// TLS, nor have the host name of the cookies. It panics as [Site.Request] does.
func (s *Site) Client(server *httptest.Server,
	user *sessiontoken.Principal, fault ...string) *http.Client {
	at, err := url.Parse(server.URL)
	must(err)
	kept, err := cookiejar.New(nil)
	must(err)
	i := s.issue(user, fault)
	client := *server.Client()
	client.Jar = jar{kept}
	client.Jar.SetCookies(at, i.cookies)
	if i.token != "" {
		client.Transport = bearer{client.Transport, at.Host, i}
	}
	return &client
}

// jar takes the server for the host that the cookies are for, reached with TLS.
type jar struct{ *cookiejar.Jar }

func (j jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var local []*http.Cookie
	for _, c := range cookies {
		one := *c
		one.Domain = ""
		local = append(local, &one)
	}
	j.Jar.SetCookies(secure(u), local)
}

func (j jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secure(u)) }

func secure(u *url.URL) *url.URL {
	tls := *u
	tls.Scheme = "https"
	return &tls
}

// bearer adds a token to the requests for one host.
type bearer struct {
	next  http.RoundTripper
	host  string
	token issued
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host {
		r = r.Clone(r.Context())
		b.token.addTo(r)
	}
	return b.next.RoundTrip(r)
}

// issued is a credential: cookies, or a bearer token.
type issued struct {
	cookies []*http.Cookie
	token   string
}

func (i issued) addTo(r *http.Request) {
	for _, c := range i.cookies {
		r.AddCookie(c)
	}
	if i.token != "" {
		r.Header.Set("Authorization", "Bearer "+i.token)
	}
}

// request returns a request with nothing but the credential.
func (i issued) request() *http.Request {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	i.addTo(r)
	return r
}

// issue signs a user in.
func (n *node) issue(user *sessiontoken.Principal) issued {
	if n.kind == cookie.KindBearer {
		return issued{token: n.token(user)}
	}
	sessions, w := n.sessions(), httptest.NewRecorder()
	err := sessions.SignIn(w, issued{}.request(), user, nil)
	if err != nil && n.o.Roles != nil { // a forms ticket, if anything
		var roles []string
		for c := range user.All(sessiontoken.ClaimTypeRole) {
			roles = append(roles, c.Value)
		}
		for _, between := range []string{",", "|", ";"} {
			o := &cookie.SignInOptions{UserData: strings.Join(roles, between)}
			if sessions.SignIn(w, issued{}.request(), user, o) == nil {
				err = nil
				break
			}
		}
	}
	must(err)
	return issued{cookies: w.Result().Cookies()}
}

// token returns an access token: of AddBearerToken if the options name its scheme,
// and else of Katana.
func (n *node) token(user *sessiontoken.Principal) string {
	c, ctx := n.credential(), context.Background()
	if c.AuthenticationType != "" {
		purpose := sessiontoken.AccessToken(c.AuthenticationType)
		codec, err := sessiontoken.NewCoreCodec(n.o.DataProtection, purpose,
			&sessiontoken.CoreOptions{Lifetime: c.Lifetime, Now: n.o.Now})
		must(err)
		text, err := codec.Encode(ctx, codec.NewTicket(user, nil))
		must(err)
		return text
	}
	var keys sessiontoken.Keys = n.o.DataProtection
	if n.of.Ring() != nil {
		keys = n.of.Ring()
	}
	codec, err := sessiontoken.NewKatanaCodec(keys, sessiontoken.AccessToken("Bearer"),
		&sessiontoken.KatanaOptions{Lifetime: c.Lifetime, Now: n.o.Now})
	must(err)
	if len(user.Identities) != 1 {
		fail("a token of Katana holds exactly one identity")
	}
	text, err := codec.Encode(ctx, codec.NewTicket(user.Identities[0], nil))
	must(err)
	return text
}
