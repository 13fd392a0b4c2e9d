package cookietest

import (
	"errors"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

const (
	expired    = "expired"
	tampered   = "tampered"
	foreignKey = "foreign key"
	signedOut  = "signed out"
	revoked    = "revoked"
)

// Faults are what may be wrong with a credential. The site refuses it for any of
// them, and to the client they look the same:
//
//	expired      issued twenty years ago, and not renewed
//	tampered     with one character changed
//	foreign key  protected with keys that the site does not have
//	signed out   a copy that somebody kept when the user signed out
//	revoked      of a session that SessionsOptions.Revoked ended
//
// A bearer token has no session, and can be neither signed out nor revoked. A user
// with SQSession has one session in all browsers, which ends in all of them.
var Faults = []string{expired, tampered, foreignKey, signedOut, revoked}

// issue returns the credential of a user with a fault, or nothing for a stranger.
func (s *Site) issue(user *sessiontoken.Principal, faults []string) issued {
	switch {
	case user == nil && len(faults) == 0:
		return issued{}
	case user == nil:
		fail("a stranger has no credential that could be %q", faults[0])
	case len(faults) == 0:
		return s.node.issue(user)
	case len(faults) > 1 || !slices.Contains(Faults, faults[0]):
		fail("%q: want one of %q", faults, Faults)
	}
	fault := faults[0]
	if ends := fault == signedOut || fault == revoked; ends && s.kind == cookie.KindBearer {
		fail("a bearer token has no session that could be %q", fault)
	}
	var i issued
	switch fault {
	case expired:
		past := func() time.Time { return s.now().AddDate(-20, 0, 0) }
		n := s.open(s.kind, past, s.o.DataProtection)
		i = n.issue(user)
	case foreignKey:
		n := s.open(s.kind, s.now, newRing())
		if ring := n.of.Ring(); ring != nil {
			key, err := machinekey.New(freshKeys())
			must(err)
			must(ring.Replace(key))
		}
		i = n.issue(user)
	case tampered:
		i = s.tamper(s.node.issue(user))
	case signedOut:
		i = s.node.issue(user)
		must(s.sessions().SignOut(httptest.NewRecorder(), i.request()))
	case revoked:
		i = s.node.issue(user)
		x, err := s.sessions().Session(i.request())
		must(err)
		if x.ID() == "" {
			fail("the sessions have no id that lasts: give the site a Store")
		}
		s.revoked.Store(x.ID(), true)
	}
	switch err := s.check(i); {
	case err == nil:
		fail("the site takes a credential that is %q: "+
			"leave it the Store, Revoked, Now and DataProtection that it is given", fault)
	case !errors.Is(err, reasons[fault]) && !errors.Is(err, sessiontoken.ErrNotInStore):
		fail("of a credential that is %q the site says %q: "+
			"it needs the same keys each time it is built", fault, err)
	}
	return i
}

// reasons are what a site says of the faults; where its sessions lie in a store it
// may not find them there.
var reasons = map[string]error{
	expired:    sessiontoken.ErrExpired,
	tampered:   sessiontoken.ErrInvalid,
	foreignKey: sessiontoken.ErrInvalid,
	signedOut:  cookie.ErrRevoked,
	revoked:    cookie.ErrRevoked,
}

// check returns why the site refuses a credential.
func (s *Site) check(i issued) error {
	_, err := s.Site.Check(i.request())
	return err
}

// tamper changes one character. Around a name in the store there are some that
// nobody reads: it goes on until the site refuses the credential.
func (s *Site) tamper(i issued) issued {
	text := &i.token
	for _, c := range i.cookies {
		if len(c.Value) > len(*text) {
			text = &c.Value
		}
	}
	whole := *text
	for at := len(whole) / 2; at < len(whole); at++ {
		other := "A" // in hexadecimal and base64
		if whole[at] == 'A' || whole[at] == 'a' {
			other = "B"
		}
		*text = whole[:at] + other + whole[at+1:]
		if err := s.check(i); err != nil {
			break
		}
	}
	return i
}
