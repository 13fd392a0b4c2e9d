// Package cookietest helps to test services that recognise their users with
// package cookie. [New] makes a site with fresh keys in memory, or takes the
// service's own. [Site.Request] and [Site.Client] are signed in as anybody, with any
// kind of credential, good or bad:
//
//	site := cookietest.New(cookie.KindFedAuth, nil)
//	service := routes(site.Site) // what is tested
//
//	alice := sessiontoken.NewPrincipal("alice", "buyer")
//	w := httptest.NewRecorder()
//	service.ServeHTTP(w, site.Request("GET", "/orders", nil, alice))
//	if w.Code != http.StatusOK {
//		t.Errorf("alice gets %d", w.Code)
//	}
//
// [Site.Advance] turns the clock of the site, and [Site.Outcome] tells what a handler
// did to the session. As in package httptest, a test that is set up wrongly panics.
package cookietest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Site is a site to test with. Its methods are safe for concurrent use if the function
// that [New] got is.
type Site struct {
	// Site is what the service gets.
	*cookie.Site

	node
	build   func(*cookie.SiteOptions) (*cookie.Site, error)
	clock   atomic.Int64 // in Unix nanoseconds
	revoked sync.Map     // ids of sessions
}

// node is a site under one clock and with one set of keys. Others of the same site
// issue what is expired or protected with foreign keys.
type node struct {
	of   *cookie.Site
	kind cookie.Kind
	o    cookie.SiteOptions // as they were built with
}

// New returns a site whose users have one kind of credential; an empty kind means
// the first cookie of the site.
//
// With a nil build the site has fresh keys and accepts this kind alone, with .NET's
// defaults: for KindKatana the AuthenticationType ApplicationCookie, for KindSQSession
// a cookie of that name, and for KindForms user data of roles between commas.
//
// Build makes a site of your own from options that are filled in already, for
// example:
//
//	func(o *cookie.SiteOptions) (*cookie.Site, error) {
//		return cookie.LoadSite("testdata/web.config", o)
//	}
//
// It adds what your service sets, and leaves Now, the clock of [Site.Advance]; in
// Sessions the Store, which sign-out needs, and Revoked; and DataProtection, a fresh
// key ring, unless the site has a ring of its own. It is called again for
// credentials that are expired or protected with a foreign key, and must take the
// same keys each time.
//
// The clock shows the present, and moves by a microsecond whenever it is read and no
// more. New panics if build fails.
func New(kind cookie.Kind, build func(*cookie.SiteOptions) (*cookie.Site, error)) *Site {
	s := &Site{build: build}
	if s.build == nil {
		s.build = fresh(kind)
	}
	s.clock.Store(time.Now().UnixNano())
	s.node = s.open(kind, s.now, newRing())
	s.Site = s.of
	return s
}

// Advance moves the clock of the site forward.
func (s *Site) Advance(d time.Duration) { s.clock.Add(int64(d)) }

// now is the clock. Two forms tickets of one user and one moment would be one session.
func (s *Site) now() time.Time { return time.Unix(0, s.clock.Add(int64(time.Microsecond))).UTC() }

// open makes a node.
func (s *Site) open(kind cookie.Kind, now func() time.Time, ring *dataprotection.Ring) node {
	n := node{kind: kind, o: cookie.SiteOptions{DataProtection: ring, Now: now}}
	n.o.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: now})
	n.o.Sessions.Revoked = func(_ context.Context, x cookie.Session) (bool, error) {
		_, revoked := s.revoked.Load(x.ID())
		return revoked, nil
	}
	of, err := s.build(&n.o)
	must(err)
	n.of = of
	return n
}

// fresh builds a site that accepts one kind of credential, with fresh keys.
func fresh(kind cookie.Kind) func(*cookie.SiteOptions) (*cookie.Site, error) {
	keys := freshKeys()
	return func(o *cookie.SiteOptions) (*cookie.Site, error) {
		c := cookie.Credential{Kind: cmp.Or(kind, cookie.KindFedAuth)}
		switch kind {
		case cookie.KindKatana:
			c.AuthenticationType = "ApplicationCookie"
		case cookie.KindSQSession:
			c.Name = "SQSession"
		case cookie.KindForms:
			o.Roles = func(userData string) []string { return strings.Split(userData, ",") }
		}
		o.Credentials = []cookie.Credential{c}
		return cookie.NewSite(keys, o)
	}
}

func freshKeys() machinekey.Config {
	keys, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	must(err)
	return keys
}

// newRing returns a key ring with a fresh key that protects at any time.
func newRing() *dataprotection.Ring {
	ctx := context.Background()
	ring, err := dataprotection.Open(ctx, new(memory),
		&dataprotection.RingOptions{ApplicationName: "cookietest", Interval: -1})
	must(err)
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = ring.NewKey(ctx, from, from.AddDate(7000, 0, 0))
	must(err)
	return ring
}

// memory is the repository of a ring.
type memory struct {
	mu       sync.Mutex
	elements [][]byte
}

func (m *memory) Elements(_ context.Context, each func(string, []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, xml := range m.elements {
		if err := each("", xml); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Store(_ context.Context, _ string, xml []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.elements = append(m.elements, xml)
	return nil
}

// sessions returns what the users of the node sign in to.
func (n *node) sessions() *cookie.Sessions {
	if n.kind == "" {
		if s := n.of.Sessions(); s != nil {
			return s
		}
		fail("the site has no cookie that it issues:\n%v", n.of)
	}
	c := n.credential()
	name := c.Name
	if name == "" {
		switch n.kind {
		case cookie.KindForms:
			name = ".ASPXAUTH"
		case cookie.KindKatana:
			name = site.KatanaPrefix + c.AuthenticationType
		case cookie.KindCore:
			name = site.CoreName(cmp.Or(c.AuthenticationType, "Cookies"))
		default:
			name = "FedAuth"
		}
	}
	s, ok := n.of.SessionsOf(name)
	if !ok {
		fail("the site issues no cookie %q for %s: name it in SiteOptions.Credentials, "+
			"or leave the kind empty for the first cookie\n%v", name, n.kind, n.of)
	}
	return s
}

// credential returns what the options say of the kind.
func (n *node) credential() cookie.Credential {
	for _, c := range n.o.Credentials {
		if c.Kind == n.kind {
			return c
		}
	}
	return cookie.Credential{}
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) { panic("cookietest: " + fmt.Sprintf(format, args...)) }
