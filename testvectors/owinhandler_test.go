package testvectors_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Classes that Katana puts into purposes.
const (
	cookieMiddleware = "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware"
	oauthTokens      = "Microsoft.Owin.Security.OAuth"
	oauthServer      = "Microsoft.Owin.Security.OAuth.OAuthAuthorizationServerMiddleware"
)

// katanaRun is a request to a whole middleware of Katana, or a token from its
// OAuth server.
type katanaRun struct {
	ID, Desc, Key string
	Now           time.Time
	Options       struct {
		AuthenticationType, SameSite, CookieDomain, CookiePath string
		Secure                                                 string // "Never", "Always", or as the request
		SlidingExpiration, HTTPOnly                            *bool
		ExpireSeconds                                          int
		SessionStore                                           string // the name of a store
		NextSessionKey                                         string // the key that it gives next
	}
	Scheme        string // "https" if empty
	CookieHeader  *string
	Authorization *string
	SignIn        *katanaInput
	SignOut       bool

	Authenticated       *bool
	Ticket              *katanaModel // of the request, after a renewal the new one
	NewTicket           *katanaModel // in the cookie that was sent
	SetCookie           []string
	SetCookieCount      *int
	SetCookieAttributes *string
	StoreLog            []string
	Status              int

	Text         *string // of a token
	Purposes     []string
	PurposesSeen []string // all of the response, joined with a bar each
	ExpiresIn    int      // seconds

	ResponseHeaders map[string]string // but for Set-Cookie
	WWWAuthenticate *string
}

func (r *katanaRun) run(t *testing.T, f *file, content *katanaFile) {
	if r.SetCookieCount != nil && *r.SetCookieCount != len(r.SetCookie) {
		t.Errorf("setCookieCount %d, and setCookie has %d lines", *r.SetCookieCount,
			len(r.SetCookie))
	}
	m := &middleware{katanaRun: r, f: f, content: content,
		store: &loggingStore{mapStore: mapStore{}}}
	switch {
	case r.Text != nil && r.Purposes != nil && r.Ticket != nil:
		m.token(t)
	case r.Authorization != nil && r.Authenticated != nil:
		m.bearer(t)
	case r.SignIn != nil:
		m.signIn(t)
	case r.CookieHeader != nil && r.Authenticated != nil:
		m.request(t)
	default:
		t.Fatal("no test for a run of this kind")
	}
	if m.log != nil && !slices.Equal(m.log, r.StoreLog) {
		t.Errorf("storeLog %q, want %q", m.log, r.StoreLog)
	}
}

// middleware plays one run.
type middleware struct {
	*katanaRun
	f       *file
	content *katanaFile
	store   *loggingStore
	log     []string // nil: there is no store
	// noExpiry makes codecs that read tickets without an end, as .NET does.
	noExpiry bool
}

// loggingStore keeps a log in the words of Katana's IAuthenticationSessionStore.
type loggingStore struct {
	mapStore
	log []string
}

func (s *loggingStore) note(verb, key string) {
	if strings.HasPrefix(key, sessiontoken.NotePrefix) {
		return // whether a session was ended is a question of cookie.Sessions
	}
	s.log = append(s.log, verb+" "+key[strings.LastIndexByte(key, ';')+1:])
}

func (s *loggingStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	s.note("retrieve", key)
	return s.mapStore.Get(ctx, key)
}

func (s *loggingStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	verb := "store"
	if s.mapStore[key] != nil {
		verb = "renew"
	}
	s.note(verb, key)
	return s.mapStore.Put(ctx, key, data, expires)
}

func (s *loggingStore) Delete(ctx context.Context, key string) error {
	s.note("remove", key)
	return s.mapStore.Delete(ctx, key)
}

// now is the clock; the fraction must not matter.
func (m *middleware) now() time.Time { return m.Now.Add(999 * time.Millisecond) }

func (m *middleware) slides() bool {
	return m.Options.SlidingExpiration == nil || *m.Options.SlidingExpiration
}

// codec returns the codec of the middleware with the given options.
func (m *middleware) codec(t *testing.T, opts sessiontoken.KatanaOptions) *sessiontoken.KatanaCodec {
	t.Helper()
	ring := m.content.Keys.ring(t, m.Key)
	opts.Now, opts.InsecureNoExpiry = m.now, m.noExpiry
	opts.Lifetime = time.Duration(m.Options.ExpireSeconds) * time.Second
	if m.Options.SessionStore != "" {
		opts.Store = m.store
	}
	var codec *sessiontoken.KatanaCodec
	var err error
	switch purposes := strings.Join(m.Purposes, "|"); {
	case m.Authorization != nil, purposes == oauthTokens+"|Access_Token|v1":
		codec, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.AccessToken("Bearer"), &opts)
	case purposes == oauthTokens+"|Refresh_Token|v1":
		codec, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.RefreshToken("Bearer"), &opts)
	case purposes == oauthServer+"|Authentication_Code|v1":
		codec, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.AuthorizationCode(), &opts)
	case purposes == "":
		codec, err = sessiontoken.NewKatanaCodec(ring,
			sessiontoken.Cookie(m.Options.AuthenticationType), &opts)
	default:
		t.Fatalf("no test for purposes %q", m.Purposes)
	}
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// decode reads the text and wants the recorded outcome. It returns nil if
// nobody is signed in.
func (m *middleware) decode(t *testing.T, text string) *sessiontoken.KatanaTicket {
	t.Helper()
	got, err := m.codec(t, sessiontoken.KatanaOptions{}).Decode(context.Background(), text)
	switch {
	case m.Authenticated != nil && !*m.Authenticated:
		if err == nil {
			t.Errorf("read as %v; .NET signs nobody in", got)
		}
		return nil
	case m.Ticket == nil:
		t.Fatal("authenticated, and no ticket")
	case err != nil && m.Ticket.neverExpires(got):
		if !errors.Is(err, sessiontoken.ErrUnsupported) &&
			!errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("undocumented error %v", err)
		}
		m.noExpiry = true
		got, err = m.codec(t, sessiontoken.KatanaOptions{}).Decode(context.Background(), text)
	case m.Ticket.neverExpires(got):
		t.Errorf("a ticket that never expires is read as %v", got)
	}
	if err != nil {
		m.f.refused(t, m.ID, err, declaredClass(err) ||
			refersToStore(m.Ticket) && errors.Is(err, sessiontoken.ErrNotInStore))
		return nil
	}
	return got
}

// token reads a token of the OAuth server and, for the recorded ones, makes
// one like it.
func (m *middleware) token(t *testing.T) {
	if m.PurposesSeen != nil && !slices.Contains(m.PurposesSeen, strings.Join(m.Purposes, "|")) {
		t.Errorf("purposes %q are not among purposesSeen", m.Purposes)
	}
	got := m.decode(t, *m.Text)
	if got == nil {
		return
	}
	m.Ticket.compare(t, m.f, got)
	issued, _ := got.Properties.Time(sessiontoken.PropertyIssued)
	expires, _ := got.Properties.Time(sessiontoken.PropertyExpires)
	if m.ExpiresIn != 0 && expires.Sub(issued) != time.Duration(m.ExpiresIn)*time.Second {
		t.Errorf("expires in %v, want %d seconds", expires.Sub(issued), m.ExpiresIn)
	}
	if m.f.own {
		return // the site may have other lifetimes
	}
	given := slices.DeleteFunc(slices.Clone(got.Properties), func(p [2]string) bool {
		return p[0] == sessiontoken.PropertyIssued || p[0] == sessiontoken.PropertyExpires
	})
	made := m.codec(t, sessiontoken.KatanaOptions{}).NewTicket(got.Identity, given)
	for _, ticket := range []*sessiontoken.KatanaTicket{got, made} { // a server may set the times before the rest
		slices.SortFunc(ticket.Properties,
			func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
	sameTicket(t, "the ticket made", made, got)
}

// bearer sends the request through a guard.
func (m *middleware) bearer(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", *m.Authorization)
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindBearer, ""), m.codec(t, sessiontoken.KatanaOptions{}))
	guard.SetDeny(func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		cookie.Deny(w, r, err)
	})
	w := httptest.NewRecorder()
	guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	if m.Status != 0 && w.Code != m.Status {
		t.Errorf("status %d, want %d", w.Code, m.Status)
	}
	if got, want := w.Header()["Www-Authenticate"], m.WWWAuthenticate; want == nil && got != nil ||
		want != nil && !slices.Equal(got, []string{*want}) {
		t.Errorf("wwwAuthenticate %q, want %s", got, short(want))
	}
	text, err := cookie.From(cookie.KindBearer, "")(r)
	if err != nil {
		if *m.Authenticated || !errors.Is(err, cookie.ErrNoCredential) {
			t.Error(err)
		}
		return
	}
	if got := m.decode(t, text); got != nil {
		m.Ticket.compare(t, m.f, got)
	}
}

// request reads a cookie and renews or deletes it as the middleware does.
func (m *middleware) request(t *testing.T) {
	m.fill(t)
	request := cookieRequest(*m.CookieHeader)
	text, err := cookie.From(cookie.KindKatana, ".AspNet."+m.Options.AuthenticationType)(request)
	if err != nil {
		t.Fatal(err)
	}
	got := m.decode(t, text)
	m.fill(t) // as it was
	w := httptest.NewRecorder()
	next := func(w http.ResponseWriter, r *http.Request) {
		if _, ok := cookie.FromContext(r.Context()); ok != (got != nil) {
			t.Errorf("the handler sees a user: %v", ok)
		}
	}
	sessions := m.sessions(t)
	if m.SignOut {
		err = sessions.SignOut(w, request)
	} else {
		var guard cookie.Guard
		guard.AcceptSessions(sessions)
		guard.Optional(http.HandlerFunc(next)).ServeHTTP(w, request)
	}
	if err != nil {
		t.Fatal(err)
	}
	if m.Options.SessionStore != "" {
		m.log = append([]string{}, m.store.log...)
	}
	m.headers(t, w.Header())
	if got == nil {
		m.sent(t, w.Header(), nil)
		return
	}
	renewed, due := m.codec(t, sessiontoken.KatanaOptions{}).Traits().Renew(got, m.now())
	switch {
	case m.SignOut:
		m.Ticket.compare(t, m.f, got)
		m.lines(t, sentCookies(t, w.Header()))
	case due && m.slides():
		m.Ticket.compare(t, m.f, renewed)
		m.sent(t, w.Header(), renewed)
	default:
		m.Ticket.compare(t, m.f, got)
		m.sent(t, w.Header(), nil)
	}
}
