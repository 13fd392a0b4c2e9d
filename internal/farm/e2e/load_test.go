package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// window is a time in which something is known to be broken.
type window struct{ n atomic.Int64 } // odd while open

func (w *window) open()  { w.n.Add(1) }
func (w *window) close() { w.n.Add(1) }

// met reports whether the window was open at some time since it said so at n.
func (w *window) met(n int64) bool { return n%2 == 1 || w.n.Load() != n }

// counts are what the users saw.
type counts struct {
	requests    int // sent
	visits      int // answered with the right identity
	signIns     int
	signOuts    int
	retries     int // sent again, as a node or a connection was gone in the middle
	badGateway  int // of these, errors of nginx
	noGateway   int // 503 of nginx, as the gateway was gone
	storeDown   int // 503, as Redis was stopped
	refused     int // at the .NET node, as a key opens the cookie that it has no more
	reissued    int // sessions of WIF that a Go node issued again: never but for a new key
	byNode      map[string]int
	lost, wrong int
}

func (c counts) minus(d counts) counts {
	c.requests -= d.requests
	c.visits -= d.visits
	c.signIns -= d.signIns
	c.signOuts -= d.signOuts
	c.retries -= d.retries
	c.badGateway -= d.badGateway
	c.noGateway -= d.noGateway
	c.storeDown -= d.storeDown
	c.refused -= d.refused
	c.reissued -= d.reissued
	by := map[string]int{}
	for node, n := range c.byNode {
		by[node] = n - d.byNode[node]
	}
	c.byNode = by
	return c
}

// load is many users at once, who check every answer they get.
type load struct {
	f        *testFarm
	users    []*user
	cancel   context.CancelFunc
	running  sync.WaitGroup
	nodeDown window // answers may be missing, and be 502 or 504
	reload   window // connections may end, upon which browsers send again
	noRedis  window // sessions in Redis may get 503

	// After switched the .NET node may have another key. It then refuses what
	// old opens and new does not.
	switched atomic.Bool
	old, new *cookie.Site

	mu       sync.Mutex
	counts   counts
	problems []string
}

// user is one of them, with a browser and a kind of session of his own.
type user struct {
	*load
	*plainClient
	id       int
	kind     string
	claims   int
	session  int // how many so far
	expected answer
	signedIn bool
	done     atomic.Int64 // visits answered with the right identity
}

// maxProblems ends a load that goes wrong.
const maxProblems = 20

// visitsPerSession is how often a user comes before he signs out, and in again.
// One in stayers never does: his one session sees all the trouble.
const (
	visitsPerSession = 60
	stayers          = 5
)

// startLoad has n users use the farm until stop.
func startLoad(t *testing.T, f *testFarm, n int) *load {
	t.Helper()
	l := &load{f: f, counts: counts{byNode: map[string]int{}}}
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	transport := f.transport(n)
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(l.stop)
	for id := range n {
		u := &user{load: l, plainClient: newPlain(t, f.nginx, transport), id: id,
			kind: kinds[id%len(kinds)]}
		if u.kind != forms {
			u.claims = sizes[id/len(kinds)%len(sizes)].claims
		}
		l.users = append(l.users, u)
	}
	for _, u := range l.users {
		l.running.Go(func() { u.run(ctx) })
	}
	return l
}

// stop waits until no user has a request under way.
func (l *load) stop() {
	l.cancel()
	l.running.Wait()
}

func (l *load) count(f func(c *counts)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.counts)
}

// sofar returns the counts at this time.
func (l *load) sofar() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts.minus(counts{})
}

// problem notes what must not happen.
func (u *user) problem(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.problems = append(u.problems, fmt.Sprintf("%s (%s): ", u.expected.Name,
		u.kind)+fmt.Sprintf(format, args...))
	if len(u.problems) >= maxProblems {
		u.cancel()
	}
}

// check fails the test if there were problems.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	problems := slices.Clone(l.problems)
	l.mu.Unlock()
	if len(problems) > 0 {
		t.Fatalf("%d problems:\n%s", len(problems), strings.Join(problems, "\n"))
	}
}

// rounds waits until every user, or those that which chooses, was recognised n
// times more.
func (l *load) rounds(t *testing.T, n int64, which func(*user) bool) {
	t.Helper()
	from := map[*user]int64{}
	for _, u := range l.users {
		if which == nil || which(u) {
			from[u] = u.done.Load()
		}
	}
	end := time.Now().Add(60 * time.Second)
	for u, done := range from {
		for u.done.Load() < done+n {
			l.check(t)
			if time.Now().After(end) {
				t.Fatalf("%s (%s) was recognised %d times in a minute", u.expected.Name, u.kind,
					u.done.Load()-done)
			}
			time.Sleep(time.Millisecond)
		}
	}
	l.check(t)
}

// until waits for something that the load makes true.
func (l *load) until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !f(); time.Sleep(time.Millisecond) {
		l.check(t)
		if time.Now().After(end) {
			t.Fatalf("not in a minute: %s", what)
		}
	}
}

func (u *user) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !u.signedIn && !u.signIn(ctx) { // signed in already after a stop
			return
		}
		for i := 0; i < visitsPerSession || u.id%stayers == 0; i++ {
			if !u.visit(ctx, u.pool()) {
				return
			}
			if i%10 == 0 && u.kind != reference && !u.visitService(ctx) {
				return
			}
		}
		if !u.signOut(ctx) {
			return
		}
	}
}

// pool is what the argument node is for this user.
func (u *user) pool() string {
	if u.kind == reference {
		return "go"
	}
	return ""
}

// do sends a request until it is answered by somebody who can know, or until the
// gateway that the service needs is found to be gone. It is false when the load
// has ended.
func (u *user) do(ctx context.Context, path, pool string, query url.Values) (reply, bool) {
	if pool != "" {
		query.Set("node", pool)
	}
	for ctx.Err() == nil {
		down, reload, noRedis := u.nodeDown.n.Load(), u.reload.n.Load(), u.noRedis.n.Load()
		r, err := u.try(path + "?" + query.Encode())
		u.count(func(c *counts) {
			c.requests++
			if r.node != "" {
				c.byNode[r.node]++
			}
		})
		again := func(c *counts) { c.retries++ }
		switch {
		case err != nil:
			if !u.nodeDown.met(down) && !u.reload.met(reload) {
				u.problem("%s: %v", path, err)
			}
		case r.node == "" && (path != servicePath || r.status != http.StatusUnauthorized): // nginx itself
			excused := r.status == http.StatusBadGateway || r.status == http.StatusGatewayTimeout ||
				path == servicePath && r.status == http.StatusServiceUnavailable // it could not ask the gateway
			if !excused || !u.nodeDown.met(down) {
				u.problem("%s: nginx says %d", path, r.status)
			}
			if path == servicePath {
				u.count(func(c *counts) { c.noGateway++ })
				return r, true
			}
			again = func(c *counts) { c.retries++; c.badGateway++ }
		case r.status == http.StatusServiceUnavailable:
			if u.kind != reference || !u.noRedis.met(noRedis) {
				u.problem("%s: %s says 503: %s", path, r.node, r.text)
			}
			again = func(c *counts) { c.storeDown++ }
		case r.status != http.StatusOK && r.status != http.StatusUnauthorized:
			u.problem("%s: %s says %d: %s", path, r.node, r.status, r.text)
		default:
			return r, true
		}
		u.count(again)
		time.Sleep(2 * time.Millisecond)
	}
	return reply{}, false
}

// signIn begins a session, with a name that no other has.
func (u *user) signIn(ctx context.Context) bool {
	u.session++
	name, role := fmt.Sprintf("user %d, session %d", u.id, u.session), fmt.Sprint("role of ", u.id)
	u.expected = answer{Kind: u.kind, Name: name, Roles: []string{role}}
	if u.kind != forms {
		u.expected.Claims = []claim{{sessiontoken.ClaimTypeName, name},
			{sessiontoken.ClaimTypeRole, role}}
		for i := 1; i <= u.claims; i++ {
			u.expected.Claims = append(u.expected.Claims, filler(name, i))
		}
	}
	r, ok := u.do(ctx, "/signin", u.pool(), url.Values{"kind": {u.kind}, "name": {name},
		"roles": {role}, "claims": {fmt.Sprint(u.claims)}})
	if !ok {
		return false
	}
	if r.status != http.StatusOK {
		u.problem("sign-in at %s: %d %s", r.node, r.status, r.text)
	}
	u.signedIn = true
	u.count(func(c *counts) { c.signIns++ })
	return true
}

// visit asks who the user is.
func (u *user) visit(ctx context.Context, pool string) bool {
	r, ok := u.do(ctx, "/whoami", pool, url.Values{"kind": {u.kind}})
	if !ok {
		return false
	}
	got, want := r.answer, u.expected
	switch {
	case r.status != http.StatusOK && u.mayRefuse(r.node):
		u.count(func(c *counts) { c.refused++ })
	case r.status != http.StatusOK:
		u.count(func(c *counts) { c.lost++ })
		u.problem("lost at %s, with cookies %v", r.node, u.cookies())
	case got.Kind != want.Kind || got.Name != want.Name || !slices.Equal(got.Roles, want.Roles) ||
		!slices.Equal(got.Claims, want.Claims):
		u.count(func(c *counts) { c.wrong++ })
		u.problem("%s takes him for %q (%s) with roles %q and %d claims", r.node, got.Name,
			got.Kind, got.Roles, len(got.Claims))
	default:
		u.count(func(c *counts) {
			c.visits++
			if got.Renewed && u.kind == fedAuth {
				c.reissued++
			}
		})
		u.done.Add(1)
	}
	return true
}

// visitService asks the service behind the gateway who the user is.
func (u *user) visitService(ctx context.Context) bool {
	r, ok := u.do(ctx, servicePath, "", url.Values{})
	if !ok {
		return false
	}
	roles := u.expected.Roles
	if u.kind == forms {
		roles = []string{""} // in the user data, of which the gateway makes nothing
	}
	switch {
	case r.node == "" && r.status != http.StatusUnauthorized: // do has looked at it
	case r.status != http.StatusOK:
		u.count(func(c *counts) { c.lost++ })
		u.problem("lost at the gateway, with cookies %v", u.cookies())
	case r.answer.Name != u.expected.Name || !slices.Equal(r.answer.Roles, roles):
		u.count(func(c *counts) { c.wrong++ })
		u.problem("the service takes him for %q with roles %q", r.answer.Name, r.answer.Roles)
	default:
		u.count(func(c *counts) { c.visits++ })
	}
	return true
}

// mayRefuse reports whether a node may take the user for a stranger: the one in
// C#, which has one key and no other, with a cookie of the key before.
func (u *user) mayRefuse(node string) bool {
	if node != "dotnet" || !u.switched.Load() {
		return false
	}
	r := u.request()
	if _, err := u.old.Check(r); err != nil {
		return false
	}
	_, err := u.new.Check(r)
	return err != nil
}

// signOut ends the session, after which nobody may know the user.
func (u *user) signOut(ctx context.Context) bool {
	r, ok := u.do(ctx, "/signout", u.pool(), url.Values{})
	if !ok {
		return false
	}
	u.signedIn = false
	if left := u.cookies(); r.status != http.StatusOK || len(left) > 0 {
		u.problem("sign-out at %s: %d, cookies %v are left", r.node, r.status, left)
	}
	if r, ok = u.do(ctx, "/whoami", u.pool(), url.Values{"kind": {u.kind}}); !ok {
		return false
	}
	if r.status != http.StatusUnauthorized {
		u.problem("after sign-out %s says %d: %s", r.node, r.status, r.text)
	}
	u.count(func(c *counts) { c.signOuts++ })
	return true
}
