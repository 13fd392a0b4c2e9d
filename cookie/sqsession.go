package cookie

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// SQSession is the session cookie of Cora SeQuence (Genpact, formerly PNMsoft),
// with the settings of <sequence.engine><web><session>.
//
// The settings are public, in the administration guides of versions 8.7 to 9.2
// and of 9.3 and later, and all of them are read. What the product puts into the
// cookie is not public, and nothing here claims to read it. So there are two ways
// to use an SQSession.
//
// Unless SiteOptions.Credentials name it, or say Opaque, the value is the
// product's: [SQSession.PassOn] and [SQSession.PassBack] carry it between the
// browser and a .NET node. Who is signed in is then known from the cookie FedAuth,
// which federated installations of the product have.
//
// With a [Credential] of KindSQSession the value is a session token, issued and
// read by Go nodes among themselves under the machine key and with the rules of
// the settings: a session of the product's own is refused. [Site.SessionsOf] then
// has the sessions in which users sign in.
//
//	attribute             field           default
//	enabled                               true
//	application           end of Name     none
//	lifetime              Lifetime        20 minutes, sliding, exact to a minute
//	maxLifetime           MaxLifetime     1440 minutes, absolute
//	sessionCookieName     start of Name   SQSession
//	sessionCookiePath     Path            /
//	sessionCookieDomain   Domain          none
//	sessionCookieSecure   Secure          false
//	cacheMaxSize          CacheMaxSize    0, no bound
//	cacheItemFade         CacheItemFade   10 minutes
//	reuseSession          NoReuse         true
//
// With SessionsOptions.Store the sessions lie there, with memory in front of it, as
// in the database of the product, and the cookie holds only the name of the
// session.
type SQSession struct {
	c        site.Credential
	sessions *Sessions // nil if disabled or opaque
}

// sqSkew is how far the clocks of nodes may differ. WIF's five minutes would be
// a quarter of the lifetime.
const sqSkew = time.Minute

// newSQSession returns the sessions of one application. The keys may be nil for
// an opaque one.
func newSQSession(keys sessiontoken.Keys, c *site.Credential, o *SiteOptions) (*SQSession, error) {
	q := &SQSession{c: *c}
	if !c.On || c.Opaque {
		return q, nil
	}
	if c.NoReuse && o.Sessions.Store == nil {
		return nil,
			errors.New("cookie: reuseSession=\"false\", or Credential.NoReuse, needs SessionsOptions.Store")
	}
	store := o.Sessions.Store
	if store != nil {
		size := c.CacheMaxSize
		if size == 0 {
			size = -1 // no bound
		}
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: size,
			Now: o.Now})
		// Memory forgets an entry so soon that a longer CacheItemFade has no effect.
		staleness := 5 * time.Second
		if c.CacheItemFade > 0 {
			staleness = min(staleness, c.CacheItemFade)
		}
		var err error
		if store, err = sessiontoken.NewTwoLevelStore(memory, store, staleness); err != nil {
			return nil, err
		}
	}
	// The purpose keeps the cookie from being used as FedAuth, and FedAuth as it.
	protect, err := sessiontoken.MachineKeyTransform(keys, purposeSQSession)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(keys, &sessiontoken.SessionOptions{
		Transforms: []sessiontoken.Protector{sessiontoken.DeflateTransform(), protect},
		// The endpoint keeps the cookie of one application from being used as
		// that of another under the same keys. Names of cookies that differ in
		// case are one to .NET.
		Endpoint:  fold.ToUpper(c.Name) + ";" + c.Path,
		Lifetime:  c.Lifetime,
		ClockSkew: sqSkew,
		Store:     store,
		Now:       o.Now,
	})
	if err != nil {
		return nil, err
	}
	so := o.Sessions
	so.Cookie, so.Store, so.Sliding = templateOf(c), nil, On // with the store of the codec
	so.MaxLifetime, so.OnePerUser = max(c.MaxLifetime, 0), c.NoReuse
	f, k := newWIF(codec)
	k.purpose = "sqsession;" + codec.Traits().Path
	s, err := newSessions(&sequence{f, k}, k, &so)
	if err != nil {
		return nil, err
	}
	s.reuse = store != nil && !c.NoReuse
	q.sessions = s
	return q, nil
}

// purposeSQSession is this library's own; .NET has nothing of the kind.
const purposeSQSession = "github.com/webfarm-go/webfarm/cookie.SQSession"

// sequence is the framework of a session token with the rules of SQSession.
type sequence struct {
	framework
	traits *traits
}

// open wants the endpoint named. One that fits all applications would have the
// session under a name of its own in each.
func (q *sequence) open(ctx context.Context, text string, known *session) (session, error) {
	x, err := q.framework.open(ctx, text, known)
	if err == nil && x.ticket.(*sessiontoken.Token).EndpointID == "" {
		return session{}, fmt.Errorf("%w: token is for every cookie", sessiontoken.ErrEndpoint)
	}
	return x, err
}

// begin puts every session into the store, if there is one.
func (q *sequence) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	inStore := *o
	inStore.Reference = q.traits.store != nil
	return q.framework.begin(p, &inStore)
}

// renew renews once a minute, or four times in a shorter lifetime, so that a
// session lasts its lifetime from the last use on, and not half of it.
func (q *sequence) renew(x session, now time.Time) (session, bool) {
	if now.Sub(x.issued) < min(time.Minute, q.traits.lifetime/4) {
		return x, false
	}
	t := *x.ticket.(*sessiontoken.Token)
	t.ValidFrom = now.UTC().Truncate(100 * time.Nanosecond)
	t.ValidTo = t.ValidFrom.Add(q.traits.lifetime)
	t.KeyExpires = t.ValidTo
	x.ticket, x.issued, x.expires = &t, t.ValidFrom, t.ValidTo
	return x, true
}

// SignOut is [Sessions.SignOut]. An opaque cookie is deleted from the browser;
// the product does not learn of it.
func (q *SQSession) SignOut(w http.ResponseWriter, r *http.Request) error {
	if q.sessions != nil {
		return q.sessions.SignOut(w, r)
	}
	return chunks.WIF.Write(w, chunks.WIF.Expire(r, templateOf(&q.c)))
}

// PassOn adds the cookie of a request that came in, with all its chunks and
// nothing else, to a request that goes out to a .NET node, in place of any that
// is there already. It changes nothing if there is none, and nothing on error:
// a name or value that net/http would change, or more than 64 KiB.
func (q *SQSession) PassOn(out, in *http.Request) error {
	var ours, others []string
	size := 0
	for _, pair := range chunks.WIF.Pairs(in) {
		spelled, value, ok := chunks.WIF.Match(pair, q.c.Name)
		if !ok {
			continue
		}
		if !isPlain(value) {
			return fmt.Errorf("%w: %s", ErrInvalidCookie, spelled)
		}
		if size += len(pair); size > chunks.MaxLength {
			return ErrTooLong
		}
		ours = append(ours, spelled+"="+value)
	}
	if ours == nil {
		return nil
	}
	for _, pair := range chunks.WIF.Pairs(out) {
		if _, _, replaced := chunks.WIF.Match(pair, q.c.Name); !replaced && pair != "" {
			others = append(others, pair)
		}
	}
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	out.Header.Set("Cookie", strings.Join(append(others, ours...), "; "))
	return nil
}

// PassBack adds what the response of a .NET node sets for the cookie, line by
// line as the node wrote it, to a response to the browser. All of it is added
// or nothing; a line that net/http would not write is [ErrInvalidCookie].
func (q *SQSession) PassBack(w http.ResponseWriter, from *http.Response) error {
	var lines []string
	for _, line := range from.Header["Set-Cookie"] {
		pair, _ := chunks.CutPair(line)
		spelled, _, ok := chunks.WIF.Match(pair, q.c.Name)
		if !ok {
			continue
		}
		if !isPlain(line) {
			return fmt.Errorf("%w: %s", ErrInvalidCookie, spelled)
		}
		if len(pair) > chunks.MaxCookieSize {
			return chunks.TooLarge(spelled, len(pair))
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil
	}
	for _, line := range lines {
		w.Header().Add("Set-Cookie", line)
	}
	noCache(w.Header(), "no-cache", "-1")
	return nil
}

// isPlain reports whether a header can hold s as it stands.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 && s[i] != '\t' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// Reuse of sessions (reuseSession): a user who signs in again joins the session
// that he has already. All cookies of a session name one entry of the codec's
// store, and the entry has one ID. That is as secret as the cookie, so it is not
// in the key of the entry: it stands in the record of the user's latest session,
// a blank behind the id of the session.

// sharingUser is what users are told apart by who see each other's identity:
// the name and who gave it.
func sharingUser(p *sessiontoken.Principal) string {
	name := p.Name()
	if name == "" {
		return ""
	}
	id := &p.Identities[0]
	first := &sessiontoken.Principal{Identities: p.Identities[:1]}
	claim, _ := first.First(cmp.Or(id.NameClaimType, sessiontoken.ClaimTypeName))
	issuer := cmp.Or(claim.Issuer, dotnet.LocalAuthority)
	h := sha256.New()
	// Only ASCII letters are folded: to others that look alike, or have one
	// lower-case form, belong other names.
	folded := []byte(name)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] |= 0x20
		}
	}
	for _, text := range []string{string(folded), issuer, cmp.Or(claim.OriginalIssuer, issuer)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		io.WriteString(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// join makes x one more browser of the session that its user has already, if
// there is one that was not ended.
func (s *Sessions) join(ctx context.Context, x *session, user string) (joined bool, err error) {
	latest, err := s.track.latest(ctx, user, nil)
	if err != nil || latest.id == "" {
		return false, err
	}
	contextID, id, ok := strings.Cut(latest.id, " ")
	if !ok { // of a time when sessions were not shared
		return false, nil
	}
	if _, ended, err := s.track.ended(ctx, contextID); err != nil || ended {
		return false, err
	}
	t := *x.ticket.(*sessiontoken.Token)
	t.ContextID, t.ID = secret.New([]byte(contextID)), id
	x.ticket, x.id = &t, contextID
	return true, nil
}
