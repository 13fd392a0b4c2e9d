package cookie_test

import (
	"fmt"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// bridgeFarm is a site in front of two .NET halves, which know nothing of its
// store and of each other.
type bridgeFarm struct {
	clock *testkit.Clock
	site  *cookie.Site
	halfs [2]*cookie.Sessions // of System.Web and of ASP.NET Core, as .NET has them
	// unseen has the proxy not read what .NET answers.
	unseen bool
	next   http.HandlerFunc // behind the half's guard, or nil
	seen   [2]string        // the user in front and behind, of the last request
	// plain is a site with the same keys and cookies, and without the bridge.
	plain func() (*cookie.Site, error)
}

// bridgeKinds are the cookies of System.Web. All tickets live for an hour.
var bridgeKinds = []cookie.Credential{
	{Kind: cookie.KindForms},
	{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"},
	{Kind: cookie.KindFedAuth, Path: "/", ClockSkew: -1},
	{Kind: cookie.KindFedAuth, Path: "/", ClockSkew: -1, Sliding: cookie.On},
}

func newBridgeFarm(t testing.TB, old cookie.Credential, o cookie.SiteOptions) *bridgeFarm {
	t.Helper()
	f := &bridgeFarm{clock: newTestClock()}
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	ring := o.DataProtection
	if ring == nil {
		ring, err = dataprotection.Open(t.Context(),
			dataprotection.Document([]byte(coreKeyXML(t, 3, on2026()))),
			&dataprotection.RingOptions{Interval: -1, Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
	}
	old.Lifetime = time.Hour
	o.Now, o.DataProtection, o.Sessions.IsTLS = f.clock.Now, ring, func(*http.Request) bool { return true }
	o.Credentials = append(o.Credentials, old,
		cookie.Credential{Kind: cookie.KindCore, Lifetime: time.Hour})
	if o.Bridge == nil {
		o.Bridge = &cookie.BridgeOptions{}
	}
	if f.site, err = cookie.NewSite(cfg, &o); err != nil {
		t.Fatal(err)
	}
	f.plain = func() (*cookie.Site, error) {
		o.Bridge = nil
		return cookie.NewSite(cfg, &o)
	}
	// The nodes: no store, no MaxLifetime, so their tickets carry no id.
	var codec sessiontoken.Reader
	keys := cookie.KeysOf(f.site)
	switch old.Kind {
	case cookie.KindForms:
		codec, err = sessiontoken.NewFormsCodec(keys,
			&sessiontoken.FormsOptions{Lifetime: time.Hour, Now: f.clock.Now})
	case cookie.KindKatana:
		codec, err = sessiontoken.NewKatanaCodec(keys, sessiontoken.Cookie(old.AuthenticationType),
			&sessiontoken.KatanaOptions{Lifetime: time.Hour, Now: f.clock.Now})
	default:
		codec, err = sessiontoken.NewSessionCodec(keys,
			&sessiontoken.SessionOptions{Lifetime: time.Hour, Endpoint: "/", ClockSkew: -1,
				Now: f.clock.Now})
	}
	if err != nil {
		t.Fatal(err)
	}
	core, err := sessiontoken.NewCoreCodec(ring, sessiontoken.Cookie("Cookies"),
		&sessiontoken.CoreOptions{Lifetime: time.Hour, Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	for i, codec := range []sessiontoken.Reader{codec, core} {
		if f.halfs[i], err = cookie.NewSessions(codec,
			&cookie.SessionsOptions{Sliding: old.Sliding}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// half answers as a .NET node of one half does.
func (f *bridgeFarm) half(i int) http.Handler {
	var g cookie.Guard
	g.AcceptSessions(f.halfs[i])
	return g.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		f.seen[1] = p.Name()
		if f.next != nil {
			f.next(w, r)
		}
	}))
}

// front is the proxy.
func (f *bridgeFarm) front(t testing.TB, i int) http.Handler {
	return f.site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		f.seen[0] = p.Name()
		behind := httptest.NewRecorder()
		f.half(i).ServeHTTP(behind, r)
		h := behind.Header()
		if !f.unseen {
			h["Set-Cookie"] = append(slices.Clone(w.Header()["Set-Cookie"]), h["Set-Cookie"]...)
			if err := f.site.BridgeAnswer(r, h); err != nil {
				t.Error(err)
			}
			w.Header()["Set-Cookie"] = nil
		}
		for _, line := range h["Set-Cookie"] {
			w.Header().Add("Set-Cookie", line)
		}
	}))
}

func (f *bridgeFarm) do(t testing.TB, b *browser, half int) *httptest.ResponseRecorder {
	f.seen = [2]string{"-", "-"}
	return b.do(f.front(t, half))
}

// visit sends one request to a half, and returns who was seen there and how
// many lines set cookies.
func (f *bridgeFarm) visit(t testing.TB, b *browser, half int) (user string, set int) {
	t.Helper()
	w := f.do(t, b, half)
	names := map[string]bool{}
	lines := w.Header()["Set-Cookie"]
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		if names[name] && !f.unseen {
			t.Errorf("two lines set %s", name)
		}
		names[name] = true
	}
	if f.seen[0] != f.seen[1] {
		t.Errorf("half %d: %q is seen in front and %q behind, %d", half, f.seen[0],
			f.seen[1], w.Code)
	}
	return f.seen[1], len(lines)
}

// signIn has a half sign a user in, and signOut out.
func (f *bridgeFarm) signIn(t testing.TB, b *browser, half int, name string) {
	t.Helper()
	f.next = func(w http.ResponseWriter, r *http.Request) {
		if err := f.halfs[half].SignIn(w, r, user(name), nil); err != nil {
			t.Error(err)
		}
	}
	f.do(t, b, half)
	f.next = nil
}

func (f *bridgeFarm) signOut(t testing.TB, b *browser, half int) {
	t.Helper()
	f.next = func(w http.ResponseWriter, r *http.Request) {
		if err := f.halfs[half].SignOut(w, r); err != nil {
			t.Error(err)
		}
	}
	f.do(t, b, half)
	f.next = nil
}

// TestBridgeWalk walks at random over sign-ins, sign-outs, requests and time on
// two halves. A model says who is signed in: the same user on both.
func TestBridgeWalk(t *testing.T) {
	step, n := share.OneIn(t, 2), uint(0)
	for k, old := range bridgeKinds {
		for _, unseen := range []bool{false, true} {
			for _, limit := range []time.Duration{0, 150 * time.Minute} {
				for _, stored := range []bool{false, true} {
					name := fmt.Sprintf("%s%d/unseen=%t/limit=%s/store=%t", old.Kind, k,
						unseen, limit, stored)
					if n++; bits.OnesCount(n-1)%step != 0 { // by default all settings meet in pairs
						continue
					}
					t.Run(name, func(t *testing.T) {
						if limit > 0 && !stored && old.Kind == cookie.KindForms {
							return // a forms ticket has no room for the sign-in
						}
						walkBridge(t, 200/step, old, unseen, limit, stored)
					})
				}
			}
		}
	}
}

func walkBridge(t *testing.T, steps int, old cookie.Credential, unseen bool, limit time.Duration, stored bool) {
	random := seed.Of(t)
	var o cookie.SiteOptions
	o.Sessions.MaxLifetime = limit
	clock := newTestClock()
	if stored {
		o.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: func() time.Time { return clock.Now() }})
	}
	f := newBridgeFarm(t, old, o)
	clock, f.unseen = f.clock, unseen
	var (
		b              browser
		name           string // who is signed in
		began, issued  time.Time
		slides         bool
		thieves        []*browser
		users, changed int
	)
	for step := range steps {
		// Never a moment at which times of a second and of a tick differ.
		f.clock.Move(time.Duration(random.IntN(24))*time.Minute + 7*time.Second + 300*time.Millisecond)
		half := random.IntN(2)
		now := f.clock.Now()
		if name != "" && (!now.Before(issued.Add(time.Hour)) ||
			limit > 0 && !now.Before(began.Add(limit))) {
			name = ""
		}
		capped := limit > 0 && !issued.Add(time.Hour).Before(began.Add(limit)) // nothing is to be gained
		if slides && name != "" && now.Sub(issued) > 30*time.Minute && !capped {
			issued = now
		}
		before := name
		switch n := random.IntN(12); {
		case n < 2:
			users++
			name = fmt.Sprint("user", users)
			f.signIn(t, &b, half, name)
			began, issued, slides = now, now, half == 1 || old.Kind != cookie.KindFedAuth ||
				old.Sliding == cookie.On
		case n == 2 && name != "":
			thieves = append(thieves[:min(len(thieves), 3)], b.clone())
			f.signOut(t, &b, half)
			name = ""
		default:
			f.visit(t, &b, half)
		}
		if name != before {
			changed++
		}
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
		if unseen {
			f.visit(t, &b, random.IntN(2))
		}
		capped = limit > 0 && !issued.Add(time.Hour).Before(began.Add(limit))
		if capped { // a .NET node renews what Go does not, at half of what is left
			f.visit(t, &b, 0)
			f.visit(t, &b, 1)
		}
		for _, half := range []int{half, 1 - half} {
			got, set := f.visit(t, &b, half)
			if got != name || set > 0 {
				t.Fatalf("step %d, half %d: %q, want %q, began %v, issued %v, now %v; %d lines",
					step, half, got, name, began, issued, now, set)
			}
		}
		for half, s := range f.halfs {
			x, err := s.Session(b.request())
			if (err == nil) != (name != "") {
				t.Fatalf("step %d: half %d: %v", step, half, err)
			}
			if err == nil && !capped && issuedOf(x.Ticket()).Sub(issued).Abs() > time.Second {
				t.Fatalf("step %d: half %d has a ticket of %v, the original is of %v", step, half,
					issuedOf(x.Ticket()), issued)
			}
		}
		for _, thief := range thieves {
			if !stored {
				break
			}
			for _, only := range []int{-1, 0, 1, 2} {
				jar := thief.clone()
				if only >= 0 && only < len(jar.cookies) {
					jar.cookies = jar.cookies[only : only+1]
				}
				if f.do(t, jar, half); f.seen != [2]string{} {
					t.Fatalf("step %d: the thief is %q", step, f.seen)
				}
			}
		}
	}
	if changed < steps/20 {
		t.Errorf("%d changes", changed)
	}
}

// issuedOf is when a ticket was issued.
func issuedOf(t cookie.Ticket) time.Time {
	switch t := t.(type) {
	case *sessiontoken.Token:
		return t.ValidFrom
	case *sessiontoken.FormsTicket:
		return t.IssueDate
	case *sessiontoken.KatanaTicket:
		at, _ := t.Properties.Time(sessiontoken.PropertyIssued)
		return at
	}
	at, _ := t.(*sessiontoken.CoreTicket).Properties.Time(sessiontoken.PropertyIssued)
	return at
}
