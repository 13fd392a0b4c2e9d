package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// loadUsers is how many use the farm at once: every kind of session in every
// size, twice.
const loadUsers = 24

// visits is how often every user is recognised in a phase, and while a part is
// missing.
const visits = 50

// TestTroubleUnderLoad breaks one thing after the other while users work, who
// must not notice: nobody is taken for another and nobody is signed out, but
// for what docs/rotation.md says of a .NET node with a new key.
func TestTroubleUnderLoad(t *testing.T) {
	f := startFarmWithGateway(t)
	browser := startChromium(t).visit(t, f.nginx)
	mustAsk(t, browser, f.node("dotnet"), "/signin",
		url.Values{"kind": {fedAuth}, "name": {"Zoë"}, "claims": {"120"}})
	l := startLoad(t, f, loadUsers)
	type phase struct {
		name string
		took time.Duration
		counts
	}
	var phases []phase
	// during runs a phase: an act, then every user is recognised n times more.
	during := func(name string, n int64, act func()) {
		t.Helper()
		before, start := l.sofar(), time.Now()
		if act != nil {
			act()
		}
		l.rounds(t, n, nil)
		phases = append(phases, phase{name, time.Since(start), l.sofar().minus(before)})
		// One user has Chromium, and one session through all of it.
		if r := browser.get("/whoami?node=go"); r.status != http.StatusOK ||
			r.answer.Name != "Zoë" || len(r.answer.Claims) != 121 {
			t.Fatalf("after %s: Chromium: %d %s", name, r.status, r.text)
		}
	}

	during("all is well", 4*visits, nil)

	for _, node := range append(slices.Clone(f.nodes), f.gateway) {
		during(node.Name+" killed and started", visits, func() {
			l.restart(t, node, func() { l.rounds(t, visits, nil) })
		})
	}

	during("nginx reloaded, 3 times", visits, func() {
		for range 3 {
			l.reload.open()
			f.nginx.reload(t)
			l.rounds(t, visits, nil)
			l.reload.close()
		}
	})

	during("Redis killed and started", visits, func() {
		probe := newPlain(t, f.nginx, f.transport(1))
		mustAsk(t, probe, f.nodes[0], "/signin", url.Values{"kind": {reference}, "name": {"probe"}})
		l.noRedis.open()
		f.redis.Kill(t)
		from := l.sofar().storeDown
		l.until(t, "sessions in Redis get 503",
			func() bool { return l.sofar().storeDown >= from+loadUsers/len(kinds) })
		l.rounds(t, visits, func(u *user) bool { return u.kind != reference })
		f.redis.Start(t)
		// A node may wait before it tries Redis again.
		for _, node := range f.readers(reference) {
			l.until(t, node.Name+" has Redis again", func() bool {
				r, err := probe.try("/whoami?kind=reference&node=" + node.Name)
				return err == nil && r.status == http.StatusOK
			})
		}
		l.noRedis.close()
	})

	l.rotate(t, during)
	l.stop()
	l.check(t)
	l.verifyNewKeyOnly(t)
	if who := mustAsk(t, browser, f.node("dotnet"), "/whoami", nil); who.Name != "Zoë" ||
		len(who.Claims) != 121 {
		t.Errorf("Chromium at the end: %+v", who)
	}

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 1, ' ', 0)
	fmt.Fprintln(w,
		"| phase\t| time\t| requests\t| per second\t| go1\t| go2\t| dotnet\t| service\t| sent again\t| 502, 504\t| no gateway\t| no Redis\t| old key at .NET\t| issued again\t|")
	row := func(p phase) {
		fmt.Fprintf(w,
			"| %s\t| %.1f s\t| %d\t| %.0f\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t|\n", p.name, p.took.Seconds(), p.requests, float64(p.requests)/p.took.Seconds(),
			p.byNode["go1"], p.byNode["go2"], p.byNode["dotnet"], p.byNode["service"], p.retries,
			p.badGateway, p.noGateway, p.storeDown, p.refused, p.reissued)
	}
	all := phase{name: "together", counts: l.sofar()}
	for _, p := range phases {
		row(p)
		all.took += p.took
	}
	row(all)
	w.Flush()
	requests, retried := f.tries(t)
	t.Logf("%d users, %d sign-ins, %d sign-outs, %d times recognised, %d times taken for another, %d sessions lost; of %d requests nginx tried %d at a second node\n%s",
		loadUsers, all.signIns, all.signOuts, all.visits, all.wrong, all.lost, requests,
		retried, table.String())
	if all.visits < 40*loadUsers || all.signOuts == 0 || all.wrong != 0 || all.lost != 0 {
		t.Error("too little was tested, or too much went wrong")
	}
}

// restart kills a node, starts it again, and waits until it has its share of the
// requests. While it is down, meanwhile is called.
func (l *load) restart(t *testing.T, node *member, meanwhile func()) {
	t.Helper()
	l.nodeDown.open()
	node.Kill()
	if meanwhile != nil {
		meanwhile()
	}
	node.restart(t)
	l.nodeDown.close()
	name := node.Name
	if node == l.f.gateway {
		name = "service"
	}
	from := l.sofar().byNode[name]
	l.until(t, name+" gets requests again",
		func() bool { return l.sofar().byNode[name] > from+loadUsers })
}

// rotate changes the machine key by the steps of docs/rotation.md.
func (l *load) rotate(t *testing.T, during func(name string, n int64, act func())) {
	t.Helper()
	f := l.f
	dir := t.TempDir()
	oldConfig, next := filepath.Join(dir, "old.config"), filepath.Join(dir, "next.config")
	replace(t, oldConfig, f.goConfig)
	newKey := writeKey(t, next)
	open := func(path string) *cookie.Site {
		site, err := cookie.LoadSite(path,
			&cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
				AuthenticationType: "ApplicationCookie"}}})
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	l.old, l.new = open(oldConfig), open(next)
	// Restarts the nodes in Go one by one, as a deployment does.
	deploy := func() {
		for _, node := range f.ours() {
			l.restart(t, node, nil)
		}
	}

	during("key, step 2: Go reads the new one", visits, func() {
		f.next = next
		deploy()
	})
	if r := l.sofar().refused + l.sofar().reissued; r != 0 {
		t.Errorf("%d sessions were refused or issued again before the key changed", r)
	}
	during("key, step 3: .NET has it", visits, func() {
		from := l.sofar()
		l.switched.Store(true)
		replace(t, f.dotnetConfig, next)
		l.until(t, ".NET refuses old cookies",
			func() bool { return l.sofar().refused > from.refused })
		// Sessions that .NET makes now are of the new key, those of Go of the old.
		l.until(t, "users sign in",
			func() bool { return l.sofar().signIns > from.signIns+loadUsers })
	})
	during("key, step 4: Go writes it", visits, func() {
		from := l.sofar().reissued
		replace(t, f.goConfig, next)
		for _, node := range f.ours() {
			l.until(t, node.Name+" has the new key",
				func() bool { return strings.Contains(node.get(t, node.key), newKey) })
		}
		l.until(t, "old sessions are issued again",
			func() bool { return l.sofar().reissued > from })
	})
	// Whoever was at a Go node since has the new key. All have been there once
	// most users signed out and in; the others are sent.
	during("key, step 5: the old one goes", visits, func() {
		l.cancel()
		l.running.Wait()
		for _, u := range l.users {
			if u.signedIn {
				u.visit(context.Background(), "go")
			}
		}
		f.next = ""
		for _, node := range f.ours() {
			node.restart(t)
		}
		l.resume()
	})
	l.check(t)
}

// resume has the users go on where they stopped.
func (l *load) resume() {
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	for _, u := range l.users {
		l.running.Go(func() { u.run(ctx) })
	}
}

// verifyNewKeyOnly wants each session that is left to open with the new key at
// every node.
func (l *load) verifyNewKeyOnly(t *testing.T) {
	t.Helper()
	checked, refused := 0, l.sofar().refused
	for _, u := range l.users {
		if !u.signedIn {
			continue
		}
		for _, node := range l.f.readers(u.kind) {
			u.visit(context.Background(), node.Name)
			checked++
		}
	}
	l.check(t)
	if n := l.sofar().refused - refused; n != 0 || checked < loadUsers {
		t.Errorf("%d of %d answers at the end were refusals", n, checked)
	}
}
