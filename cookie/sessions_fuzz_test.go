package cookie_test

import (
	"errors"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
)

// FuzzSessionsCheck reads arbitrary Cookie headers with a store: nobody but the
// user who signed in is ever seen, whoever is seen has a whole cookie, and what
// is refused is never an outage.
func FuzzSessionsCheck(f *testing.F) {
	seeds := 0
	for _, v := range testkit.WithCookies(f, "sessiontoken_45.json", 121)[:20] {
		f.Add(testkit.Header(v.Cookies))
		seeds++
	}
	var nodes []*cookie.Sessions
	for _, m := range storeModes {
		farm := newModeFarm(f, m.kind, m.reference)
		s := farm.node(cookie.SessionsOptions{Verified: 8, OnePerUser: true})
		b := farm.signIn(s, "bob")
		nodes = append(nodes, s)
		f.Add(testkit.Header(b.cookies))
		f.Add("a=b; " + testkit.Header(b.cookies) + "; " + b.cookies[0].Name + "1=x")
		seeds += 2
	}
	if seeds < 20 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, s := range nodes {
			r := request(line)
			p, err := guardOf(s).Check(r)
			again, errAgain := guardOf(s).Check(r)
			if p.Name() != again.Name() || (err == nil) != (errAgain == nil) {
				t.Errorf("%q, %v; then %q, %v", p.Name(), err, again.Name(), errAgain)
			}
			if err == nil && (p.Name() != "bob" ||
				!strings.Contains(strings.ToLower(line), strings.ToLower(s.CookieName())+"=")) {
				t.Errorf("%q", p.Name())
			}
			if errors.Is(err, cookie.ErrUnavailable) {
				t.Error(err)
			}
			w := &nowhere{http.Header{}}
			guardOf(s).Handler(http.NotFoundHandler()).ServeHTTP(w, r)
			if len(w.header["Set-Cookie"]) > 0 {
				t.Errorf("a cookie is set: %q", attributes(w.header))
			}
		}
	})
}

// FuzzPassOn passes arbitrary headers on: all chunks as a plain reading of the
// header finds them, or an error and nothing.
func FuzzPassOn(f *testing.F) {
	seeds := 0
	for _, v := range testkit.WithCookies(f, "sessiontoken_45.json", 121)[:20] {
		f.Add(strings.ReplaceAll(testkit.Header(v.Cookies), "FedAuth", "SQSessionFlowtime"), "own=1")
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Add("SQSessionFlowtime=a\nb; x=y", "SQSessionFlowtime1=c")
	f.Add("sqsessionFLOWTIME=a;;SQSessionFlowtime60=b;SQSessionFlowtime61=c", "")
	value := cookie.From(cookie.KindSQSession, "SQSessionFlowtime")
	q, err := cookie.NewSQSession(nil, cookie.Credential{Name: "SQSessionFlowtime", Opaque: true},
		&cookie.SiteOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line, own string) {
		in, out := request(line), request(own)
		before := slices.Clone(out.Header["Cookie"])
		text, _ := value(in)
		err := q.PassOn(out, in)
		got := out.Header.Get("Cookie")
		if err != nil || !strings.Contains(strings.ToLower(line), "sqsessionflowtime") {
			if !slices.Equal(out.Header["Cookie"], before) {
				t.Errorf("%v, and %q became %q", err, own, got)
			}
			return
		}
		if slices.Equal(out.Header["Cookie"], before) {
			return
		}
		if len(got) > chunks.MaxLength+len(line)+len(own) {
			t.Errorf("%d bytes", len(got))
		}
		// What the next node reads is what this one reads, and nothing was
		// smuggled in with it.
		if passed, _ := value(out); passed != text {
			t.Errorf("%q is read as %q", text, passed)
		}
		for pair := range strings.SplitSeq(got, ";") {
			pair = strings.Trim(pair, " \t")
			if !strings.Contains(own, pair) &&
				!strings.HasPrefix(strings.ToLower(pair), "sqsessionflowtime") {
				t.Errorf("%q was passed on", pair)
			}
		}
		again := request(own)
		again.Header.Set("Cookie", got)
		if err := q.PassOn(again, in); err != nil || again.Header.Get("Cookie") != got {
			t.Errorf("twice: %v, %q", err, again.Header.Get("Cookie"))
		}
	})
}
