package testvectors_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreSite is a site of ASP.NET Core with the cookie handler, and requests to
// it.
type coreSite struct {
	Name, Scheme, ApplicationName, Ring string
	Settings                            coreSettings
	Steps                               []coreStep
}

type coreSettings struct {
	CookieName, Domain, Path, SameSite string
	Secure                             string // Always, None, or as the request
	HTTPOnly, SlidingExpiration        *bool  // true if absent
	ExpireMinutes, MaxAgeSeconds       int
	PathBase                           string // behind the handler, so without effect
	SessionStore                       bool
}

// coreStep is one request.
type coreStep struct {
	Name, Op      string
	Now           time.Time
	Cookie        *string
	Input         *coreTicketModel // signin
	SetCookie     []string
	SetTicket     *coreTicketModel // what the cookies of SetCookie hold
	Authenticated bool             // whoami
	Failure       string
	Ticket        *coreTicketModel
}

// coreOther is what else the file has.
type coreOther struct {
	name string
	run  func(*testing.T, *file)
}

func runCoreCookies(t *testing.T, f *file) {
	var content struct {
		header
		About  string
		Sites  []coreSite
		Others struct {
			DefaultDiscriminator []struct {
				ContentRootGiven string
				Discriminator    string
			} `json:"default_discriminator"`
			Bearer               []coreBearer
			Session, Antiforgery *coreProtected
		}
	}
	f.read(t, &content)
	var steps []struct {
		*coreStep
		site *coreSite
	}
	for i := range content.Sites {
		s := &content.Sites[i]
		for k := range s.Steps {
			steps = append(steps, struct {
				*coreStep
				site *coreSite
			}{&s.Steps[k], s})
		}
	}
	var others []coreOther
	for _, v := range content.Others.DefaultDiscriminator {
		others = append(others, coreOther{"discriminator of " + v.ContentRootGiven,
			func(t *testing.T, _ *file) {
				// What a farm without a name must say in RingOptions.ApplicationName.
				got := strings.TrimSuffix(v.ContentRootGiven, "/") + "/"
				if got != v.Discriminator {
					t.Errorf("%q, want %q", got, v.Discriminator)
				}
			}})
	}
	for _, v := range content.Others.Bearer {
		others = append(others, coreOther{v.Field, v.run})
	}
	for name, v := range map[string]*coreProtected{"session": content.Others.Session,
		"antiforgery": content.Others.Antiforgery} {
		if v != nil {
			others = append(others, coreOther{name, v.run})
		}
	}
	content.check(t, f, len(steps), len(others))
	each(t, f, steps, func(v *struct {
		*coreStep
		site *coreSite
	}) string {
		return v.site.Name + "," + v.Name
	}, func(t *testing.T, v *struct {
		*coreStep
		site *coreSite
	}) {
		v.run(t, f, v.site)
	})
	each(t, f, others, func(v *coreOther) string { return v.name },
		func(t *testing.T, v *coreOther) { v.run(t, f) })
}

func (s *coreSite) ring(t *testing.T) *dataprotection.Ring {
	t.Helper()
	return (&corePayload{Ring: s.Ring, ApplicationName: s.ApplicationName}).ring(t, nil)
}

func (s *coreSite) codec(t *testing.T, now time.Time) *sessiontoken.CoreCodec {
	t.Helper()
	codec, err := sessiontoken.NewCoreCodec(s.ring(t), sessiontoken.Cookie(s.Scheme),
		&sessiontoken.CoreOptions{
			Lifetime: time.Duration(s.Settings.ExpireMinutes) * time.Minute, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// sessions returns the sessions of the site at a time.
func (s *coreSite) sessions(t *testing.T, now time.Time) (*sessiontoken.CoreCodec, *cookie.Sessions, error) {
	t.Helper()
	codec := s.codec(t, now)
	no := func(b *bool) bool { return b != nil && !*b }
	o := &cookie.SessionsOptions{MaxBytes: 1 << 20}
	if no(s.Settings.SlidingExpiration) {
		o.Sliding = cookie.Off
	}
	if set := s.Settings; set != (coreSettings{ExpireMinutes: set.ExpireMinutes,
		SlidingExpiration: set.SlidingExpiration,
		SessionStore:      set.SessionStore, PathBase: set.PathBase}) {
		o.Cookie = &http.Cookie{Name: set.CookieName, Domain: set.Domain, Path: set.Path,
			HttpOnly: !no(set.HTTPOnly), Secure: set.Secure == "Always", MaxAge: set.MaxAgeSeconds,
			SameSite: http.SameSiteLaxMode}
		if set.SameSite != "" {
			o.Cookie.SameSite = coreSameSite(t, set.SameSite)
		}
	}
	sessions, err := cookie.NewSessions(codec, o)
	return codec, sessions, err
}

func (v *coreStep) run(t *testing.T, f *file, site *coreSite) {
	codec, sessions, err := site.sessions(t, v.Now)
	if strings.ContainsAny(site.Settings.CookieName, " ;") { // .NET throws with the first cookie
		if err == nil {
			t.Errorf("sessions with the name %q", site.Settings.CookieName)
		}
		if len(v.SetCookie) > 0 {
			t.Error("and .NET writes it")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://site.example/", nil)
	if v.Cookie != nil {
		r.Header.Set("Cookie", *v.Cookie)
	}
	w := httptest.NewRecorder()
	switch v.Op {
	case "signin":
		if site.Settings.SessionStore {
			v.keptElsewhere(t, codec)
			return
		}
		v.signIn(t, sessions, codec, w, r)
	case "signout":
		if err := sessions.SignOut(w, r); err != nil {
			t.Fatal(err)
		}
		if got := w.Header()["Set-Cookie"]; !slices.Equal(got, v.SetCookie) {
			t.Errorf("Set-Cookie%s\nwant%s", shortAll(got), shortAll(v.SetCookie))
		}
		return
	case "whoami":
		if done := v.whoAmI(t, f, sessions, site, w, r); done {
			return
		}
	default:
		t.Fatalf("no test for op %q", v.Op)
	}
	v.sameCookies(t, f, site.codec(t, time.Time{}), w.Header()["Set-Cookie"])
}

// keptElsewhere wants the cookies of a site with a SessionStore to be named.
func (v *coreStep) keptElsewhere(t *testing.T, codec *sessiontoken.CoreCodec) {
	t.Helper()
	if _, err := codec.Decode(t.Context(), coreText(t, v.SetCookie)); !errors.Is(err,
		sessiontoken.ErrNotInStore) {
		t.Errorf("error %v, want ErrNotInStore", err)
	}
}

// coreText joins the cookies of a response.
func coreText(t *testing.T, lines []string) string {
	t.Helper()
	var pairs []string
	base := ""
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		if strings.Contains(attributes, "1970") {
			continue
		}
		if name, _, _ := strings.Cut(pair, "="); base == "" {
			base = name
		}
		pairs = append(pairs, pair)
	}
	text, err := chunks.Core.Join(cookieRequest(strings.Join(pairs, "; ")), base)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signIn signs the user in. What the handler adds to the properties is left to
// the codec.
func (v *coreStep) signIn(t *testing.T, sessions *cookie.Sessions, codec *sessiontoken.CoreCodec, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	user := new(sessiontoken.Principal)
	for i := range v.Input.Identities {
		user.Identities = append(user.Identities, v.Input.Identities[i].identity())
	}
	o := &cookie.SignInOptions{}
	lifetime := codec.Traits().Lifetime
	for _, p := range v.Input.Properties {
		at, ok := sessiontoken.Properties{p}.Time(p[0])
		if ok && (p[0] == ".issued" && at.Equal(v.Now) ||
			p[0] == ".expires" && at.Equal(v.Now.Add(lifetime))) {
			continue
		}
		o.Properties = append(o.Properties, p)
	}
	if err := sessions.SignIn(w, r, user, o); err != nil {
		t.Fatal(err)
	}
}

func (i *coreIdentity) identity() sessiontoken.Identity {
	id := sessiontoken.Identity{AuthenticationType: i.AuthenticationType, NameClaimType: i.NameType,
		RoleClaimType: i.RoleType}
	for _, c := range i.Claims {
		id.Claims = append(id.Claims, sessiontoken.Claim{Type: c.Type, Value: c.Value,
			ValueType: c.ValueType, Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer,
			Properties: sessiontoken.Properties(c.Properties)})
	}
	return id
}

// whoAmI recognises the user. It reports whether the step is done: the store of
// a .NET site is not ours.
func (v *coreStep) whoAmI(t *testing.T, f *file, sessions *cookie.Sessions, site *coreSite, w http.ResponseWriter, r *http.Request) bool {
	t.Helper()
	var guard cookie.Guard
	guard.AcceptSessions(sessions)
	passed := false
	guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })).ServeHTTP(w, r)
	s, err := sessions.Session(r)
	if passed != (err == nil) {
		t.Errorf("passed: %v, session: %v", passed, err)
	}
	switch {
	case site.Settings.SessionStore && (v.Authenticated ||
		strings.Contains(v.Failure, "session store")):
		if !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("error %v, want ErrNotInStore", err)
		}
		return true
	case v.Authenticated:
		if err != nil {
			f.refused(t, site.Name+","+v.Name, err, false)
		}
		ticket, _ := s.Ticket().(*sessiontoken.CoreTicket)
		v.Ticket.compare(t, f, describeCore(ticket))
	case err == nil:
		t.Errorf("signed in; .NET: %s", v.Failure)
	case v.Failure == "Ticket expired":
		if !errors.Is(err, sessiontoken.ErrExpired) {
			t.Errorf("error %v, want ErrExpired", err)
		}
	case v.Failure == "Unprotect ticket failed":
		if !errors.Is(err, sessiontoken.ErrInvalid) && !errors.Is(err, cookie.ErrMissingChunk) &&
			!errors.Is(err, cookie.ErrTooLong) {
			t.Errorf("error %v, want ErrInvalid", err)
		}
	case v.Failure != "":
		t.Fatalf("no test for failure %q", v.Failure)
	case !errors.Is(err, cookie.ErrNoCredential):
		t.Errorf("error %v, want ErrNoCredential", err)
	}
	return false
}

// sameCookies compares the lines of a response with the recorded ones, whose
// values differ as they are encrypted: by their lengths and by what they hold.
func (v *coreStep) sameCookies(t *testing.T, f *file, codec *sessiontoken.CoreCodec, got []string) {
	t.Helper()
	if !slices.Equal(coreOutlines(got), coreOutlines(v.SetCookie)) {
		t.Fatalf("Set-Cookie%s\nwant%s", shortAll(got), shortAll(v.SetCookie))
	}
	if (v.SetTicket == nil) != (len(v.SetCookie) == 0) {
		t.Errorf("setTicket %v, setCookie %v", v.SetTicket, v.SetCookie)
	}
	if v.SetTicket == nil {
		return
	}
	for _, lines := range [][]string{v.SetCookie, got} {
		ticket, err := codec.Decode(t.Context(), coreText(t, lines))
		if err != nil {
			t.Fatal(err)
		}
		v.SetTicket.compare(t, f, describeCore(ticket))
	}
}

// coreOutlines are lines with the length of a protected value in its place.
func coreOutlines(lines []string) (out []string) {
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && !strings.HasPrefix(value, "chunks-") {
			value = fmt.Sprint(len(value))
		}
		out = append(out, name+"="+value+";"+attributes)
	}
	return out
}

// coreBearer is a token of AddBearerToken.
type coreBearer struct {
	Field, Ring, ApplicationName string
	Purposes                     []string
	Now                          time.Time
	Text                         string
	Ticket                       coreTicketModel
}

func (v coreBearer) run(t *testing.T, f *file) {
	purpose, ok := corePurpose(v.Purposes)
	if !ok {
		t.Fatalf("no codec for purposes %q", v.Purposes)
	}
	ring := (&corePayload{Ring: v.Ring, ApplicationName: v.ApplicationName}).ring(t, nil)
	codec, err := sessiontoken.NewCoreCodec(ring, purpose,
		&sessiontoken.CoreOptions{Now: func() time.Time { return v.Now }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(t.Context(), v.Text)
	if err != nil {
		t.Fatal(err)
	}
	v.Ticket.compare(t, f, describeCore(got))
	v.Ticket.compare(t, f, describeCore(codec.NewTicket(got.Principal, nil)))
}

// coreProtected is a cookie that is protected and no ticket.
type coreProtected struct {
	SetCookie, RequestToken string
	Purposes                []string
	Plaintext               hexBytes
	PlaintextUTF8           string
	Ring, ApplicationName   string
}

func (v *coreProtected) run(t *testing.T, _ *file) {
	p := &corePayload{Ring: v.Ring, ApplicationName: v.ApplicationName, Purposes: v.Purposes}
	open := func(text string) []byte {
		t.Helper()
		text, err := url.PathUnescape(text)
		if err != nil {
			t.Fatal(err)
		}
		protected, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_",
			"=", "").Replace(text))
		if err != nil {
			t.Fatal(err)
		}
		plain, _, err := p.protector(t, nil).Unprotect(t.Context(), nil, protected)
		if err != nil {
			t.Fatal(err)
		}
		return plain
	}
	pair, _, _ := strings.Cut(v.SetCookie, ";")
	_, value, _ := strings.Cut(pair, "=")
	want := []byte(v.Plaintext)
	if want == nil {
		want = []byte(v.PlaintextUTF8)
	}
	sameBytes(t, "plaintext", open(value), want)
	if v.RequestToken != "" {
		open(v.RequestToken)
	}
}
