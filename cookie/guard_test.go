package cookie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// reader is a Reader that knows a few texts by heart.
type reader struct {
	users  map[string]*sessiontoken.Principal
	errors map[string]error
}

func (f *reader) ReadPrincipal(_ context.Context, text string) (*sessiontoken.Principal, error) {
	if err := f.errors[text]; err != nil {
		return nil, err
	}
	if p, ok := f.users[text]; ok {
		return p, nil
	}
	return nil, sessiontoken.ErrInvalid
}

// user returns an authenticated principal.
func user(name string) *sessiontoken.Principal {
	return sessiontoken.NewPrincipal(name)
}

var errStore = errors.New("store: connection refused")

func newReader() *reader {
	return &reader{
		users: map[string]*sessiontoken.Principal{
			"bob": user("bob"), "eve": user("eve"), "anonymous": {Identities: make([]sessiontoken.Identity, 1)}, "nil": nil,
		},
		errors: map[string]error{
			"expired":   fmt.Errorf("wrapped: %w", sessiontoken.ErrExpired),
			"early":     sessiontoken.ErrNotYetValid,
			"endpoint":  sessiontoken.ErrEndpoint,
			"dpapi":     fmt.Errorf("%w: %w", sessiontoken.ErrUnsupported, layer.ErrDPAPI),
			"unknown":   sessiontoken.ErrNotInStore,
			"kind":      &sessiontoken.FormatError{Layer: "nrbf", Err: sessiontoken.ErrUnsupported},
			"format":    &sessiontoken.FormatError{Layer: "nrbf", Err: io.ErrUnexpectedEOF},
			"down":      errStore,
			"cancelled": fmt.Errorf("%w: %w", sessiontoken.ErrInvalid, context.Canceled),
			"late":      context.DeadlineExceeded,
		},
	}
}

// newGuard returns a guard that accepts FedAuth, then .ASPXAUTH, then
// .AspNet.Cookies.
func newGuard() *cookie.Guard {
	g := new(cookie.Guard)
	g.Accept(cookie.From(cookie.KindFedAuth, ""), newReader())
	g.Accept(cookie.From(cookie.KindForms, ""), newReader())
	g.Accept(cookie.From(cookie.KindKatana, ".AspNet.Cookies"), newReader())
	return g
}

func TestCheck(t *testing.T) {
	tests := []struct {
		line string
		user string
		errs []error
	}{
		{"FedAuth=bob", "bob", nil},
		{"FedAuth=b; FedAuth1=ob", "bob", nil},
		{".ASPXAUTH=bob", "bob", nil},
		{".ASPXAUTH=bob; FedAuth=eve", "eve", nil},
		{".ASPXAUTH=bob; FedAuth=forged", "bob", nil},
		{".ASPXAUTH=bob; FedAuth=down", "bob", nil},
		{".ASPXAUTH=bob; FedAuth=anonymous", "bob", nil},
		{".ASPXAUTH=bob; " + testkit.Header(parts(61, "x")), "bob", nil},

		{"", "", []error{cookie.ErrNoCredential}},
		{"other=bob", "", []error{cookie.ErrNoCredential}},
		{"FedAuth=forged", "", []error{sessiontoken.ErrInvalid}},
		{"FedAuth=", "", []error{sessiontoken.ErrInvalid}},
		{"FedAuth=expired", "", []error{sessiontoken.ErrExpired}},
		{"FedAuth=early", "", []error{sessiontoken.ErrNotYetValid}},
		{"FedAuth=endpoint", "", []error{sessiontoken.ErrEndpoint}},
		{"FedAuth=dpapi", "", []error{layer.ErrDPAPI}},
		{"FedAuth=unknown", "", []error{sessiontoken.ErrNotInStore}},
		{"FedAuth=kind", "", []error{sessiontoken.ErrUnsupported}},
		{"FedAuth=format", "", []error{sessiontoken.ErrInvalid, io.ErrUnexpectedEOF}},
		{"FedAuth=anonymous", "", []error{cookie.ErrNotAuthenticated}},
		{"FedAuth=nil", "", []error{cookie.ErrNotAuthenticated}},
		{testkit.Header(parts(61, "x")), "", []error{chunks.ErrTooManyChunks}},
		{"FedAuth=" + strings.Repeat("x", chunks.MaxLength+1), "", []error{cookie.ErrTooLong}},
		{".AspNet.Cookies=bob", "bob", nil},
		{".AspNet.Cookies=chunks:2; .AspNet.CookiesC1=b; .AspNet.CookiesC2=ob", "bob", nil},
		{".AspNet.Cookies=chunks:2; .AspNet.CookiesC1=b", "", []error{cookie.ErrMissingChunk}},
		{".AspNet.Cookies=chunks:61", "", []error{chunks.ErrTooManyChunks}},
		{".ASPXAUTH=expired; FedAuth=early", "", []error{sessiontoken.ErrNotYetValid}},
		{".ASPXAUTH=early; FedAuth=expired", "", []error{sessiontoken.ErrExpired}},

		{"FedAuth=down", "", []error{cookie.ErrUnavailable, errStore}},
		{"FedAuth=late", "", []error{cookie.ErrUnavailable, context.DeadlineExceeded}},
		{"FedAuth=cancelled", "", []error{cookie.ErrUnavailable, context.Canceled}},
		{"FedAuth=expired; .ASPXAUTH=down", "", []error{cookie.ErrUnavailable, errStore}},
		{"FedAuth=down; .ASPXAUTH=expired", "", []error{cookie.ErrUnavailable, errStore}},
		{"FedAuth=down; .ASPXAUTH=late", "", []error{cookie.ErrUnavailable, errStore}},
	}
	g := newGuard()
	for _, test := range tests {
		t.Run(fmt.Sprintf("%.40s", test.line), func(t *testing.T) {
			r := request(test.line)
			p, err := g.Check(r)
			if p.Name() != test.user || (p != nil) != (err == nil) ||
				(err == nil) != (test.errs == nil) {
				t.Errorf("Check = %q, %v; want %q", p.Name(), err, test.user)
			}
			unavailable := false
			for _, want := range test.errs {
				unavailable = unavailable || want == cookie.ErrUnavailable
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			}
			if errors.Is(err, cookie.ErrUnavailable) != unavailable {
				t.Errorf("error %v: unavailable", err)
			}

			// The handlers agree, and nobody's cookie is deleted.
			status, optional, seen := http.StatusOK, http.StatusOK, test.user
			if test.errs != nil {
				status = http.StatusUnauthorized
			}
			if unavailable {
				status, optional = http.StatusServiceUnavailable, http.StatusServiceUnavailable
			}
			for name, wrap := range map[string]func(http.Handler) http.Handler{"Handler": g.Handler, "Optional": g.Optional} {
				w, called := httptest.NewRecorder(), false
				wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					called = true
					p, ok := cookie.FromContext(r.Context())
					if p.Name() != seen || ok != (seen != "") || (p != nil) != ok {
						t.Errorf("%s: user %q, %v; want %q", name, p.Name(), ok, seen)
					}
				})).ServeHTTP(w, r)
				want := status
				if name == "Optional" {
					want = optional
				}
				if w.Code != want || called != (want == http.StatusOK) {
					t.Errorf("%s: status %d, next called: %v; want %d", name, w.Code, called, want)
				}
				if got := w.Header()["Vary"]; len(got) != 1 || got[0] != "Cookie" {
					t.Errorf("%s: Vary %q", name, got)
				}
				if w.Header()["Set-Cookie"] != nil {
					t.Errorf("%s sets %q", name, w.Header()["Set-Cookie"])
				}
				if w.Code != 200 && strings.TrimSpace(w.Body.String()) != http.StatusText(w.Code) {
					t.Errorf("%s: body %q", name, w.Body)
				}
			}
		})
	}
}

func TestZeroGuard(t *testing.T) {
	var g cookie.Guard
	if p, err := g.Check(request("FedAuth=bob")); p != nil ||
		!errors.Is(err, cookie.ErrNoCredential) {
		t.Errorf("Check = %v, %v", p, err)
	}
}

func TestAcceptPanics(t *testing.T) {
	for _, test := range []struct {
		source func(*http.Request) (string, error)
		reader sessiontoken.Reader
	}{{nil, newReader()}, {cookie.From(cookie.KindFedAuth, ""), nil}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			new(cookie.Guard).Accept(test.source, test.reader)
		}()
	}
}

// Sources of an application: net/http's own error means no credential, a
// verdict of sessiontoken a bad one, and a mistake in the set-up an outage.
func TestSource(t *testing.T) {
	tests := []struct {
		name   string
		source func(*http.Request) (string, error)
		want   error
	}{
		{"net/http",
			func(r *http.Request) (string, error) { _, err := r.Cookie("x"); return "", err },
			cookie.ErrNoCredential},
		{"none", func(*http.Request) (string, error) { return "", cookie.ErrNoCredential },
			cookie.ErrNoCredential},
		{"none, wrapped",
			func(*http.Request) (string, error) { return "", fmt.Errorf("x: %w", cookie.ErrNoCredential) }, cookie.ErrNoCredential},
		{"malformed", func(*http.Request) (string, error) { return "", sessiontoken.ErrInvalid },
			sessiontoken.ErrInvalid},
		{"other", func(*http.Request) (string, error) { return "", errStore }, cookie.ErrUnavailable},
		{"outage, said so",
			func(*http.Request) (string, error) { return "", cookie.ErrUnavailable },
			cookie.ErrUnavailable},
		{"bad name", cookie.From(cookie.KindFedAuth, "a b"), cookie.ErrUnavailable},
	}
	for _, test := range tests {
		var g cookie.Guard
		g.Accept(test.source, newReader())
		if _, err := g.Check(request("a=b")); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// Every sentinel of package sessiontoken is either a verdict on the credential
// or not, and one that is forgotten would be answered as an outage.
func TestEverySentinelIsClassified(t *testing.T) {
	verdict := map[string]error{
		"ErrInvalid":     sessiontoken.ErrInvalid,
		"ErrExpired":     sessiontoken.ErrExpired,
		"ErrNotYetValid": sessiontoken.ErrNotYetValid,
		"ErrEndpoint":    sessiontoken.ErrEndpoint,
		"ErrUnsupported": sessiontoken.ErrUnsupported,
		"ErrNotInStore":  sessiontoken.ErrNotInStore,
	}
	for name, want := range verdict {
		var g cookie.Guard
		g.Accept(cookie.From(cookie.KindFedAuth, ""), &reader{errors: map[string]error{"x": want}})
		if _, err := g.Check(request("FedAuth=x")); !errors.Is(err, want) ||
			errors.Is(err, cookie.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../sessiontoken/errors.go", nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, id := range spec.Names {
			if !strings.HasPrefix(id.Name, "Err") {
				continue
			}
			found++
			if verdict[id.Name] == nil {
				t.Errorf("sessiontoken.%s is new: say in classify and here whether it is a verdict on the credential", id.Name)
			}
		}
		return true
	})
	if found < len(verdict) {
		t.Errorf("%d sentinels found, want at least %d", found, len(verdict))
	}
}

func TestSetDeny(t *testing.T) {
	g := newGuard()
	var got error
	g.SetDeny(func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusTeapot)
	})
	w := httptest.NewRecorder()
	g.Handler(http.NotFoundHandler()).ServeHTTP(w, request("FedAuth=expired"))
	if w.Code != http.StatusTeapot || !errors.Is(got, sessiontoken.ErrExpired) {
		t.Errorf("status %d, error %v", w.Code, got)
	}
	g.SetDeny(nil)
	w = httptest.NewRecorder()
	g.Handler(http.NotFoundHandler()).ServeHTTP(w, request(""))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}

func TestContext(t *testing.T) {
	if p, ok := cookie.FromContext(context.Background()); p != nil || ok {
		t.Error("a user in an empty context")
	}
}

// Behind Optional, the user of an outer guard is hidden.
func TestNestedGuards(t *testing.T) {
	inner := new(cookie.Guard)
	inner.Accept(cookie.From(cookie.KindForms, "inner"), newReader())
	called := false
	h := newGuard().Handler(inner.Optional(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		if p, ok := cookie.FromContext(r.Context()); p != nil || ok {
			t.Errorf("user %q", p.Name())
		}
	})))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request("FedAuth=bob"))
	if !called || len(w.Header()["Vary"]) != 1 {
		t.Errorf("called %v, Vary %q", called, w.Header()["Vary"])
	}
}

func TestVary(t *testing.T) {
	for before, want := range map[string]int{"": 1, "Accept-Encoding": 2,
		"Accept, cookie": 1, "*": 1} {
		w := httptest.NewRecorder()
		if before != "" {
			w.Header().Set("Vary", before)
		}
		newGuard().Optional(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, request(""))
		if got := w.Header()["Vary"]; len(got) != want {
			t.Errorf("%q becomes %q", before, got)
		}
	}
}

func TestLogger(t *testing.T) {
	tests := []struct {
		line string
		want string
	}{
		{"FedAuth=bob", ""},
		{"a=b", ""},
		{"FedAuth=SECRET; .ASPXAUTH=bob",
			`level=DEBUG msg="cookie: credential refused" source=0 error="sessiontoken: not a valid credential"` + "\n" +
				`level=WARN msg="cookie: credentials refused" source=0 credential=*cookie_test.reader reason=invalid count=1` + "\n"},
		{".ASPXAUTH=anonymous",
			`level=DEBUG msg="cookie: credential refused" source=1 error="cookie: the credential is of a user who is not authenticated"` + "\n" +
				`level=WARN msg="cookie: credentials refused" source=1 credential=*cookie_test.reader reason=not_authenticated count=1` + "\n"},
		{"FedAuth=down",
			`level=WARN msg="cookie: credential not checked" source=0 error="cookie: the credential could not be checked: store: connection refused"` + "\n"},
	}
	g := newGuard()
	var out bytes.Buffer
	g.SetLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	for _, test := range tests {
		out.Reset()
		_, _ = g.Check(request(test.line))
		if out.String() != test.want {
			t.Errorf("%s:\n got %swant %s", test.line, out.String(), test.want)
		}
	}
	// A client that has gone away is no reason to warn.
	out.Reset()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = g.Check(request("FedAuth=cancelled").WithContext(ctx))
	if !strings.HasPrefix(out.String(), "level=DEBUG msg=\"cookie: credential not checked\"") {
		t.Errorf("cancelled: %s", out.String())
	}
}

func TestGuardConcurrent(t *testing.T) {
	g := newGuard()
	h := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var wg sync.WaitGroup
	for _, line := range []string{"FedAuth=bob", "FedAuth=forged", ".ASPXAUTH=eve", ""} {
		wg.Go(func() {
			for range 100 {
				h.ServeHTTP(httptest.NewRecorder(), request(line))
				_, _ = g.Check(request(line))
			}
		})
	}
	wg.Wait()
}

// constant is a reader that costs nothing.
type constant struct{ p *sessiontoken.Principal }

func (c constant) ReadPrincipal(context.Context, string) (*sessiontoken.Principal, error) {
	return c.p, nil
}

func TestCheckAllocations(t *testing.T) {
	var g cookie.Guard
	g.Accept(cookie.From(cookie.KindFedAuth, ""), constant{user("bob")})
	for line, want := range map[string]float64{
		"FedAuth=A": 0, "FedAuth=A; FedAuth1=B": 1, "a=b": 0, testkit.Header(parts(61, "x")): 0,
	} {
		r := request(line)
		if got := testing.AllocsPerRun(100, func() { _, _ = g.Check(r) }); got != want {
			t.Errorf("%.30s: %v allocations, want %v", line, got, want)
		}
	}
}

func BenchmarkCheckAlone(b *testing.B) {
	var g cookie.Guard
	g.Accept(cookie.From(cookie.KindFedAuth, ""), constant{user("bob")})
	r := request("ASP.NET_SessionId=0123456789abcdefghijklmn; " +
		testkit.Header(parts(2, strings.Repeat("A", 2000))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Check(r); err != nil {
			b.Fatal(err)
		}
	}
}
