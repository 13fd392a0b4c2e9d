package cookie_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// serveDue serves next behind sessions, and returns the response to a user
// whose session is due, with its body read.
func serveDue(t *testing.T, kind string, next http.Handler) (*http.Response, string) {
	t.Helper()
	n := newFarmNode(t)
	s := opener(t, kind)(n, &cookie.SessionsOptions{Sliding: cookie.On})
	b := new(browser)
	b.signIn(t, s, user("bob"), nil)
	n.clock.Move(40 * time.Minute)

	var errors testkit.Log
	server := httptest.NewUnstartedServer(guardOf(s).Handler(next))
	server.Config.ErrorLog = log.New(&errors, "", 0)
	server.Start()
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", testkit.Header(b.cookies))
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	old := b.clone()
	b.take(response.Header)
	if slices.Equal(b.cookies, old.cookies) {
		t.Errorf("%s: not renewed, status %s", kind, response.Status)
	}
	b.wants(t, s, "bob")
	if errors.String() != "" { // such as a superfluous WriteHeader
		t.Errorf("%s: server says %s", kind, &errors)
	}
	return response, string(body)
}

// TestRenewalBehindAnyHandler wants the renewal in the one header of the
// response, and the writer of the server in the hands of the handler.
func TestRenewalBehindAnyHandler(t *testing.T) {
	hello := func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s", p.Name())
	}
	flush := func(w http.ResponseWriter) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}
	for name, next := range map[string]http.HandlerFunc{
		"plain": hello,
		"status first": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			hello(w, r)
		},
		"streaming": func(w http.ResponseWriter, r *http.Request) {
			flush(w)
			for _, c := range "hello " {
				fmt.Fprintf(w, "%c", c)
				flush(w)
			}
			p, _ := cookie.FromContext(r.Context())
			io.WriteString(w, p.Name())
		},
		"plain type assertions": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			if _, ok := w.(http.Hijacker); !ok {
				t.Error("no Hijacker")
			}
			if _, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("hello ")); err != nil {
				t.Error(err)
			}
			p, _ := cookie.FromContext(r.Context())
			if _, err := w.(io.StringWriter).WriteString(p.Name()); err != nil {
				t.Error(err)
			}
		},
		"deadlines": func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := c.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			if err := c.EnableFullDuplex(); err != nil {
				t.Error(err)
			}
			hello(w, r)
		},
		"hijacking": func(w http.ResponseWriter, r *http.Request) {
			h := w.Header().Clone()
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n")
			_ = h.Write(rw)
			fmt.Fprint(rw, "\r\n")
			p, _ := cookie.FromContext(r.Context())
			fmt.Fprintf(rw, "hello %s", p.Name())
			_ = rw.Flush()
		},
		"TimeoutHandler": func(w http.ResponseWriter, r *http.Request) {
			http.TimeoutHandler(http.HandlerFunc(hello), time.Hour, "late").ServeHTTP(w, r)
		},
		"ServeContent": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("hello bob"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, k := range sessionKinds {
				response, body := serveDue(t, k.name, next)
				h := response.Header
				if body != "hello bob" || len(h["Set-Cookie"]) != 1 ||
					!slices.Equal(h["Vary"], []string{"Cookie"}) ||
					!slices.Equal(h["Cache-Control"], []string{noCacheOf(k.name)}) ||
					h.Get("Pragma") != "no-cache" ||
					(h.Get("Expires") != "-1") != (k.name == "core") {
					t.Errorf("%s: %q, %q, Vary %q, Cache-Control %q", k.name, body, attributes(h),
						h["Vary"], h["Cache-Control"])
				}
			}
		})
	}
}

// TestRenewalBehindReverseProxy adds to what the backend sets.
func TestRenewalBehindReverseProxy(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "theme=dark; Path=/")
		w.Header().Add("Vary", "Accept-Encoding")
		for range 3 {
			io.WriteString(w, "part ")
			w.(http.Flusher).Flush()
		}
	}))
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	response, body := serveDue(t, "token", &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1,
	})
	if body != "part part part " || len(response.Header["Set-Cookie"]) != 2 ||
		!slices.Equal(response.Header["Vary"], []string{"Cookie", "Accept-Encoding"}) {
		t.Errorf("%q, %q, Vary %q", body, attributes(response.Header), response.Header["Vary"])
	}
}

// A handler that has sent its header cannot sign in any more; the client sees
// one whole header in any case.
func TestLateSignInIsNotSeen(t *testing.T) {
	s := opener(t, "token")(newFarmNode(t), nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = s.SignIn(w, r, user("bob"), nil)
	}))
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if len(response.Header["Set-Cookie"]) != 0 {
		t.Errorf("%q", attributes(response.Header))
	}
	if line, _ := bufio.NewReader(response.Body).ReadString('\n'); line != "" {
		t.Errorf("body %q", line)
	}
}

// TestHandlerHeaders has the headers of requests that are not renewed.
func TestHandlerHeaders(t *testing.T) {
	forKinds(t,
		func(t *testing.T, kind string, open func(*farmNode, *cookie.SessionsOptions) *cookie.Sessions) {
			n := newFarmNode(t)
			s := open(n, nil)
			bob, eve := new(browser), &browser{[]pair{{Name: s.CookieName(), Value: "forged"}}}
			bob.signIn(t, s, user("bob"), nil)
			ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
			for _, test := range []struct {
				name    string
				b       *browser
				h       http.Handler
				status  int
				deletes bool
			}{
				{"fresh", bob, guardOf(s).Handler(ok), 200, false},
				{"twice", bob, guardOf(s).Handler(guardOf(s).Handler(ok)), 200, false},
				{"none", new(browser), guardOf(s).Handler(ok), 401, false},
				{"forged", eve, guardOf(s).Handler(ok), 401, false},
				{"forged, optional", eve, guardOf(s).Optional(ok), 200, false},
				{"one byte", &browser{[]pair{{Name: s.CookieName(), Value: "x"}}}, guardOf(s).Handler(ok),
					401, false},
				{"forged and cleared", eve.clone(),
					guardOf(open(n, &cookie.SessionsOptions{ClearInvalid: true})).Handler(ok), 401,
					true},
				{"forged, cleared, optional", eve.clone(),
					guardOf(open(n, &cookie.SessionsOptions{ClearInvalid: true})).Optional(ok), 200,
					true},
			} {
				w := test.b.do(test.h)
				h := w.Result().Header
				if w.Code != test.status || !slices.Equal(h["Vary"], []string{"Cookie"}) ||
					(len(h["Set-Cookie"]) > 0) != test.deletes ||
					(h["Cache-Control"] != nil) != test.deletes {
					t.Errorf("%s: status %d, Vary %q, %q", test.name, w.Code,
						h["Vary"], attributes(h))
				}
				if test.deletes && len(test.b.cookies) != 0 {
					t.Errorf("%s: not deleted", test.name)
				}
			}
		})
}
