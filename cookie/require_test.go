package cookie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// members reads "NAME ROLE,ROLE". The second identity has a role type of its own.
type members struct{}

func (members) ReadPrincipal(_ context.Context, text string) (*sessiontoken.Principal, error) {
	name, roles, _ := strings.Cut(text, "/")
	if name == "forged" {
		return nil, sessiontoken.ErrInvalid
	}
	p := &sessiontoken.Principal{Identities: []sessiontoken.Identity{
		{AuthenticationType: "Federation", Claims: []sessiontoken.Claim{
			{Type: sessiontoken.ClaimTypeName, Value: name}, {Type: "urn:floor", Value: "3"}}},
		{RoleClaimType: "group"},
	}}
	for role := range strings.SplitSeq(roles, "-") {
		claim, first := sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole,
			Value: role}, &p.Identities[0]
		if group, ok := strings.CutPrefix(role, "g:"); ok {
			claim, first = sessiontoken.Claim{Type: "group", Value: group}, &p.Identities[1]
		}
		first.Claims = append(first.Claims, claim)
	}
	return p, nil
}

func TestRequire(t *testing.T) {
	var guard, telling cookie.Guard
	for _, g := range []*cookie.Guard{&guard, &telling} {
		g.Accept(cookie.From(cookie.KindForms, ""), members{})
	}
	telling.SetDeny(func(w http.ResponseWriter, _ *http.Request, err error) {
		status := map[bool]int{true: 499, false: 498}[errors.Is(err, cookie.ErrForbidden)]
		http.Error(w, err.Error(), status)
	})
	admin, floor := cookie.RequireRole("admin", "chief"), cookie.RequireClaim("URN:Floor", "3", "4")
	both := func(next http.Handler) http.Handler { return cookie.RequireRole("chief")(admin(next)) }
	for _, test := range []struct {
		name    string
		guard   func(http.Handler) http.Handler
		require func(http.Handler) http.Handler
		cookie  string
		status  int
	}{
		{"one of two roles", guard.Handler, admin, "ann/chief", 200},
		{"another role", guard.Handler, admin, "ann/guest", 403},
		{"a role in another case", guard.Handler, admin, "ann/Admin", 403},
		{"a role of the identity's own type", guard.Handler, admin, "ann/g:admin", 200},
		{"all of two roles", guard.Handler, both, "ann/admin", 403},
		{"all of two roles, by one that counts for both", guard.Handler, both, "ann/chief", 200},
		{"a forged cookie", guard.Handler, admin, "forged/admin", 401},
		{"nobody", guard.Handler, admin, "", 401},
		{"a stranger behind Optional", guard.Optional, admin, "", 401},
		{"a forged cookie behind Optional", guard.Optional, admin, "forged/admin", 401},
		{"a user behind Optional", guard.Optional, admin, "ann/admin", 200},
		{"a claim", guard.Handler, floor, "ann/x", 200},
		{"a claim with another value", guard.Handler, cookie.RequireClaim("urn:floor", "4"), "ann/x", 403},
		{"any value", guard.Handler, cookie.RequireClaim("urn:floor"), "ann/x", 200},
		{"no such claim", guard.Handler, cookie.RequireClaim("urn:door"), "ann/x", 403},
		{"an answer of one's own", telling.Handler, admin, "ann/guest", 499},
		{"an answer of one's own for strangers", telling.Optional, admin, "", 498},
		{"the answer of the guard next to it", func(h http.Handler) http.Handler {
			return telling.Optional(guard.Optional(h))
		}, admin, "", 401},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if test.cookie != "" {
			r.Header.Set("Cookie", ".ASPXAUTH="+test.cookie)
		}
		w := httptest.NewRecorder()
		ran := false
		test.guard(test.require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			ran = true
		}))).ServeHTTP(w, r)
		if w.Code != test.status || ran != (test.status == 200) {
			t.Errorf("%s: %d, handler called: %v; want %d", test.name, w.Code, ran, test.status)
		}
	}
}

// TestRequireWithoutGuard is a mistake in the wiring: nobody comes through, and
// the log says what to do.
func TestRequireWithoutGuard(t *testing.T) {
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	w := httptest.NewRecorder()
	cookie.RequireRole("admin")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request came through")
	})).ServeHTTP(w, httptest.NewRequest("GET", "/reports?q=secret", nil))
	if w.Code != 500 || !strings.Contains(log.String(), "level=ERROR") ||
		!strings.Contains(log.String(), "Guard.Handler\" path=/reports\n") {
		t.Errorf("%d, log %q", w.Code, log.String())
	}
}

func TestRequireNothing(t *testing.T) {
	for name, f := range map[string]func(){
		"no role":       func() { cookie.RequireRole() },
		"an empty role": func() { cookie.RequireRole("a", "") },
		"no claim":      func() { cookie.RequireClaim("", "a") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func ExampleRequireRole() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindForms, ""), members{}) // a codec of package sessiontoken

	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "reports for %s", user.Name())
	})
	reports := guard.Handler(cookie.RequireRole("editor", "admin")(page))

	get(reports, "/reports", ".ASPXAUTH=ann/admin")
	get(reports, "/reports", ".ASPXAUTH=bob/guest")
	get(reports, "/reports", "")
	// Output:
	// 200  reports for ann
	// 403  Forbidden
	// 401  Unauthorized
}
