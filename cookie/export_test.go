package cookie

import (
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// NewSQSession is the SQSession of a site that says c, with the keys of a ring.
func NewSQSession(ring *machinekey.Ring, c Credential, o *SiteOptions) (*SQSession, error) {
	c.Kind = KindSQSession
	s, err := site.New(site.Key{}, &site.Options{Credentials: []site.Settings{site.Settings(c)}})
	if err != nil {
		return nil, err
	}
	return newSQSession(ring, s.SQSession, o)
}

// SessionsOf returns the sessions of q, or nil.
func SessionsOf(q *SQSession) *Sessions { return q.sessions }

// KeysOf returns what MachineKey.Protect of a site protects with.
func KeysOf(s *Site) sessiontoken.Keys { return s.keys }

// CookieName returns the name of the cookie.
func (s *Sessions) CookieName() string { return s.template.Name }

// CookieName returns the name of the cookie.
func (q *SQSession) CookieName() string { return q.c.Name }

// SetNow sets the clock of the lines about refusals.
func (g *Guard) SetNow(now func() time.Time) { g.refusals.now = now }

// RefusalRows returns how many kinds of refusals g remembers.
func (g *Guard) RefusalRows() int { return len(g.refusals.rows) }
