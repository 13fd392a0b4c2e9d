package cookie_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreRepository is a key ring that can be away.
type coreRepository struct {
	elements []string
	err      error
}

func (c *coreRepository) Elements(_ context.Context, each func(string, []byte) error) error {
	for i, xml := range c.elements {
		if err := each(fmt.Sprint(i), []byte(xml)); err != nil {
			return err
		}
	}
	return c.err
}

func (*coreRepository) Store(context.Context, string, []byte) error { return errors.ErrUnsupported }

func (c *coreRepository) open(t *testing.T) *dataprotection.Ring {
	t.Helper()
	ring, err := dataprotection.Open(t.Context(), c,
		&dataprotection.RingOptions{Interval: -1, Now: on2026})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// coreText returns the text of a ticket.
func coreText(t *testing.T, ring *dataprotection.Ring, purpose sessiontoken.Purpose, p *sessiontoken.Principal) string {
	t.Helper()
	codec, err := sessiontoken.NewCoreCodec(ring, purpose, &sessiontoken.CoreOptions{Now: on2026})
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Encode(t.Context(), codec.NewTicket(p, nil))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// reference returns the text of a ticket whose claims are in a SessionStore of
// the .NET nodes.
func reference(t *testing.T, ring *dataprotection.Ring) string {
	t.Helper()
	p := user("zoe")
	p.Identities[0].Claims = []sessiontoken.Claim{{Type: "Microsoft.AspNetCore.Authentication.Cookies-SessionXX", Value: "7"}}
	protector, err := ring.Protector("Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2")
	if err != nil {
		t.Fatal(err)
	}
	protected, _ := base64.RawURLEncoding.DecodeString(coreText(t, ring,
		sessiontoken.Cookie("Cookies"), p))
	plain, _, err := protector.Unprotect(t.Context(), nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	protected, err = protector.Protect(nil, []byte(strings.Replace(string(plain), "SessionXX",
		"SessionId", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(protected)
}

// TestCoreVerdicts wants the verdict on every kind of ticket of ASP.NET Core,
// and what the observer is told.
func TestCoreVerdicts(t *testing.T) {
	farm := &coreRepository{elements: []string{coreKeyXML(t, 1, on2026())}}
	ring := farm.open(t)
	zoe, anonymous := user("zoe"), user("zoe")
	anonymous.Identities[0].AuthenticationType = ""
	cookieOf := sessiontoken.Cookie("Cookies")
	byOld := coreText(t, ring, cookieOf, zoe)
	farm.elements = append(farm.elements, coreKeyXML(t, 2, on2026()))
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := coreText(t, ring, cookieOf, zoe)
	unknown := coreText(t,
		(&coreRepository{elements: []string{coreKeyXML(t, 4, on2026())}}).open(t), cookieOf, zoe)
	half := len(text) / 2
	in := func(name string) string { return name + "C1=" + text[:half] + "; " + name + "C2=" + text[half:] }
	const shared = ".AspNet.SharedCookie"
	tests := []struct {
		name, cookies, bearer string
		want                  error
		events                string // kind, cookie and reason
	}{
		{"a ticket", ".AspNetCore.Cookies=" + text, "", nil, "read .AspNetCore.Cookies "},
		{"the older key", ".AspNetCore.Cookies=" + byOld, "", nil,
			"read .AspNetCore.Cookies |renewed .AspNetCore.Cookies key"},
		{"another key", ".AspNetCore.Cookies=" + unknown, "", sessiontoken.ErrInvalid,
			"refused .AspNetCore.Cookies invalid"},
		{"another scheme", ".AspNetCore.Cookies=" +
			coreText(t, ring, sessiontoken.Cookie("cookies"), zoe), "", sessiontoken.ErrInvalid,
			"refused .AspNetCore.Cookies invalid"},
		{"nobody", ".AspNetCore.Cookies=" + coreText(t, ring, cookieOf, anonymous), "",
			cookie.ErrNotAuthenticated, "refused .AspNetCore.Cookies not_authenticated"},
		{"no identity", ".AspNetCore.Cookies=" +
			coreText(t, ring, cookieOf, new(sessiontoken.Principal)), "",
			cookie.ErrNotAuthenticated, "refused .AspNetCore.Cookies not_authenticated"},
		{"kept elsewhere", ".AspNetCore.Cookies=" + reference(t, ring), "",
			sessiontoken.ErrNotInStore, "refused .AspNetCore.Cookies not_in_store"},
		{"kept elsewhere, and a token", ".AspNetCore.Cookies=" + reference(t, ring),
			coreText(t, ring, sessiontoken.AccessToken("Identity.Bearer"), zoe), nil,
			"refused .AspNetCore.Cookies not_in_store"},
		{"a token", "", coreText(t, ring, sessiontoken.AccessToken("Identity.Bearer"), zoe), nil, ""},
		{"a refresh token", "", coreText(t, ring, sessiontoken.RefreshToken("Identity.Bearer"),
			zoe), sessiontoken.ErrInvalid, ""},
		{"a cookie as a token", "", text, sessiontoken.ErrInvalid, ""},
		{"chunks", ".AspNetCore.Cookies=chunks-2; " + in(".AspNetCore.Cookies"), "", nil,
			"read .AspNetCore.Cookies "},
		{"chunks of Katana, not shared", ".AspNetCore.Cookies=chunks:2; " +
			in(".AspNetCore.Cookies"), "", sessiontoken.ErrInvalid,
			"refused .AspNetCore.Cookies invalid"},
		{"shared", shared + "=" + text, "", nil, "read .AspNet.SharedCookie "},
		{"shared chunks", shared + "=chunks-2; " + in(shared), "", nil, "read .AspNet.SharedCookie "},
		{"shared chunks of Katana", shared + "=chunks:2; " + in(shared), "", nil,
			"read .AspNet.SharedCookie katana_chunks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var events []string
			site, err := coreSite(t, &cookie.SiteOptions{DataProtection: ring,
				Sessions: cookie.SessionsOptions{
					Observer: func(_ context.Context, e cookie.Event) {
						if e.Kind != "ring" {
							events = append(events, e.Kind+" "+e.Cookie+" "+e.Reason)
						}
					}}}, cookie.Credential{Kind: cookie.KindCore},
				cookie.Credential{Kind: cookie.KindCore, Name: shared},
				cookie.Credential{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"})
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Header: http.Header{"Cookie": {tt.cookies}}}
			if tt.bearer != "" {
				r.Header.Set("Authorization", "Bearer "+tt.bearer)
			}
			var got error
			site.SetDeny(func(_ http.ResponseWriter, _ *http.Request, err error) { got = err })
			_, name := answer(site, r)
			if (name == "zoe") != (tt.want == nil) || !errors.Is(got, tt.want) ||
				errors.Is(got, cookie.ErrUnavailable) {
				t.Errorf("%q, %v, want %v", name, got, tt.want)
			}
			if got := strings.Join(events, "|"); got != tt.events {
				t.Errorf("events %q, want %q", got, tt.events)
			}
		})
	}
}

// TestCoreRingAway wants 503 for a cookie that nobody can judge, and nothing
// deleted, while known keys are read as ever. The observer hears of readings.
func TestCoreRingAway(t *testing.T) {
	farm := &coreRepository{elements: []string{coreKeyXML(t, 1, on2026())}}
	ring := farm.open(t)
	cookieOf := sessiontoken.Cookie("Cookies")
	known := coreText(t, ring, cookieOf, user("zoe"))
	later := &coreRepository{elements: []string{coreKeyXML(t, 2, on2026())}}
	unknown := coreText(t, later.open(t), cookieOf, user("zoe"))
	heard := make(chan error, 9)
	site, err := coreSite(t, &cookie.SiteOptions{DataProtection: ring,
		Sessions: cookie.SessionsOptions{
			Observer: func(_ context.Context, e cookie.Event) {
				if e.Kind == "ring" {
					heard <- e.Err
				}
			}}}, cookie.Credential{Kind: cookie.KindCore})
	if err != nil {
		t.Fatal(err)
	}
	farm.err = errStore
	for _, text := range []string{unknown, known, unknown} {
		r := request(".AspNetCore.Cookies=" + text)
		status, name := answer(site, r)
		w := httptest.NewRecorder()
		err := site.SignOut(w, r)
		if text == known {
			if status != http.StatusOK || name != "zoe" || err != nil {
				t.Errorf("known key: %d %q, %v", status, name, err)
			}
		} else if status != http.StatusServiceUnavailable ||
			!errors.Is(err, cookie.ErrUnavailable) || len(w.Header()) > 0 {
			t.Errorf("unknown key: %d, sign-out %v %v", status, err, w.Header())
		}
	}
	if err := <-heard; !errors.Is(err, errStore) {
		t.Errorf("heard of %v", err)
	}
	farm.err, farm.elements = nil, append(farm.elements, later.elements...)
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err != nil {
		t.Errorf("heard of %v", err)
	}
	if status, name := answer(site, request(".AspNetCore.Cookies="+
		unknown)); status != http.StatusOK || name != "zoe" {
		t.Errorf("%d %q", status, name)
	}
}
