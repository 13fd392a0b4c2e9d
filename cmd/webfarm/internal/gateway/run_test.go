package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// running is a gateway that runs.
type running struct {
	*Gateway
	t             testing.TB
	public, admin string
	stop          context.CancelFunc
	done          chan error
}

func runGateway(t testing.TB, o Options, ro RunOptions) *running {
	t.Helper()
	o.Interval = 2 * time.Millisecond
	g := newGateway(t, o)
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	ro.Public, ro.Admin = listen(), listen()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{g, t, "http://" + ro.Public.Addr().String(), "http://" + ro.Admin.Addr().String(),
		stop, make(chan error, 1)}
	go func() { r.done <- g.Run(ctx, ro) }()
	t.Cleanup(func() {
		stop()
		r.wait()
	})
	return r
}

// wait returns what Run returned.
func (r *running) wait() error {
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(20 * time.Second):
		r.t.Error("the gateway does not stop")
		return nil
	}
}

// page returns the status and the text of an admin page.
func (r *running) page(path string) (int, string) {
	r.t.Helper()
	resp, err := http.Get(r.admin + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func (r *running) auth(cookie string) int {
	r.t.Helper()
	return fetch(r.t, "GET", r.public+"/auth", "Cookie", cookie).StatusCode
}

func TestAdmin(t *testing.T) {
	store := &brokenStore{Store: sessiontoken.NewMemoryStore(nil)}
	var o Options
	o.Site.Sessions.Store = store
	r := runGateway(t, o, RunOptions{})
	alice := signedIn(t, r.Gateway, user("Alice"))
	r.auth(alice)
	r.auth("FedAuth=AAAA")
	r.auth("")
	if status, text := r.page("/healthz"); status != 200 || text != "alive\n" {
		t.Errorf("healthz: %d %s", status, text)
	}
	if status, text := r.page("/readyz"); status != 200 || !strings.Contains(text, "site: ok") ||
		!strings.Contains(text, "keys: ok, ") {
		t.Errorf("readyz: %d %s", status, text)
	}
	store.fail(true)
	r.auth(alice)
	if status, text := r.page("/readyz"); status != 503 ||
		!strings.Contains(text, "store: "+errStore.Error()) {
		t.Errorf("readyz without the store: %d %s", status, text)
	}
	if status, _ := r.page("/healthz"); status != 200 {
		t.Errorf("healthz without the store: %d", status)
	}
	id := r.Site().Ring().Primary().ID()
	_, text := r.page("/metrics")
	for _, want := range []string{
		`webfarm_answers_total{code="200"} 1`, `webfarm_answers_total{code="401"} 2`,
		`webfarm_answers_total{code="503"} 1`,
		`webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="read",webfarm_event_reason="",webfarm_key_id="` + id + `"} 1`,
		`webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="refused",webfarm_event_reason="invalid",webfarm_key_id=""} 1`,
		`webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="unavailable",webfarm_event_reason="",webfarm_key_id=""} 1`,
		`webfarm_store_operation_duration_seconds_count{error_type="",webfarm_store_operation="get"} 3`,       // of alice, of the start and of a probe
		`webfarm_store_operation_duration_seconds_count{error_type="_OTHER",webfarm_store_operation="get"} 2`, // the same without it
		`webfarm_key_info{key="` + id + `",writes="true"} 1`,
		`webfarm_key_last_read_timestamp_seconds{webfarm_key_id="` + id + `"} `,
		"webfarm_key_changes_total 0", "webfarm_key_file_ok 1", "webfarm_ready 1",
		"# TYPE webfarm_store_operation_duration_seconds histogram",
		"# HELP webfarm_key_info The keys of the ring; the first one writes.", "\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "# ") && strings.Count(line, " ") != 1 {
			t.Errorf("not a sample: %q", line)
		}
	}
	for _, path := range []string{"/auth", "/", "/inspect", "/debug/pprof/"} {
		if status, _ := r.page(path); status != 404 {
			t.Errorf("the admin address has %s: %d", path, status)
		}
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
		if resp := fetch(t, "GET", r.public+path); resp.StatusCode != 404 {
			t.Errorf("the public address has %s: %s", path, resp.Status)
		}
	}
}

// The file is replaced, broken and mended, under load: no session is refused.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.config")
	writeConfig(t, path)
	j := new(testkit.Log)
	r := runGateway(t, Options{File: File{Path: path}, Logger: logger(j)}, RunOptions{})
	first := r.Site().Ring().Primary().ID()
	alice := signedIn(t, r.Gateway, user("Alice"))

	var stop atomic.Bool
	var refused atomic.Int64
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			client := &http.Client{Transport: new(http.Transport)}
			defer client.CloseIdleConnections()
			for !stop.Load() {
				req, _ := http.NewRequest("GET", r.public+"/auth", nil)
				req.Header.Set("Cookie", alice)
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != 200 {
					refused.Add(1)
				}
				if err == nil {
					resp.Body.Close()
				}
			}
		})
	}
	cfg := writeConfig(t, path)
	eventually(t, "the new key", func() bool { return r.Site().Ring().Primary().ID() != first })
	second := r.Site().Ring().Primary().ID()
	bob := signedIn(t, r.Gateway, user("Bob"))

	replaceFile(t, path, "<configuration><system.web>")
	eventually(t, "the fault", func() bool {
		_, text := r.page("/readyz")
		return strings.Contains(text, "web.config: cannot be used")
	})
	if status, text := r.page("/readyz"); status != 200 ||
		!strings.Contains(text, "keys: ok, "+second) {
		t.Errorf("readyz with a broken file: %d %s", status, text)
	}
	if _, text := r.page("/metrics"); !strings.Contains(text, "webfarm_key_file_ok 0\n") ||
		!strings.Contains(text, "webfarm_key_file_faults_total 1\n") ||
		!strings.Contains(text, "webfarm_key_changes_total 1\n") {
		t.Errorf("metrics with a broken file: %s", text)
	}
	if r.auth(alice) != 200 || r.auth(bob) != 200 {
		t.Error("a session is refused while the file is broken")
	}
	replaceFile(t, path, strings.Replace(webConfig, "%KEY%", cfg.WebConfig(), 1)) // the same key again
	eventually(t, "the mended file", func() bool {
		_, text := r.page("/readyz")
		return strings.Contains(text, "web.config: ok")
	})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the missing file", func() bool {
		_, text := r.page("/readyz")
		return strings.Contains(text, "web.config: cannot be used")
	})
	stop.Store(true)
	load.Wait()
	if n := refused.Load(); n != 0 {
		t.Errorf("%d requests of a session in force were refused", n)
	}
	for _, key := range []string{cfg.WebConfig()[40:90],
		fmt.Sprintf("%x", cfg.ValidationKey.Reveal()[:8]), fmt.Sprintf("%X",
			cfg.ValidationKey.Reveal()[:8])} {
		_, metrics := r.page("/metrics")
		_, ready := r.page("/readyz")
		if strings.Contains(j.String()+metrics+ready, key) {
			t.Error("a key is shown")
		}
	}
}

// A stop is told first, then requests under way are finished.
func TestShutdown(t *testing.T) {
	store := &slowStore{Store: sessiontoken.NewMemoryStore(nil), entered: make(chan struct{}),
		leave: make(chan struct{})}
	var o Options
	o.Site.Sessions.Store = store
	drained := make(chan time.Time)
	r := runGateway(t, o, RunOptions{drained: drained})
	alice := signedIn(t, r.Gateway, user("Alice"))
	store.slow.Store(true)
	answer := make(chan int, 1)
	go func() { answer <- r.auth(alice) }()
	<-store.entered
	store.slow.Store(false)
	r.stop()
	eventually(t, "readyz says no", func() bool {
		status, text := r.page("/readyz")
		return status == 503 && strings.Contains(text, "shutting down")
	})
	if status := r.auth(alice); status != 200 {
		t.Errorf("a request while draining: %d", status)
	}
	close(drained)
	eventually(t, "no connection is taken", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-answer:
		t.Error("the request came back early")
	default:
	}
	close(store.leave)
	if status := <-answer; status != 200 {
		t.Errorf("the request under way: %d", status)
	}
	if err := r.wait(); err != nil {
		t.Error(err)
	}
}

// A request that does not end is cut off in time.
func TestShutdownDeadline(t *testing.T) {
	store := &slowStore{Store: sessiontoken.NewMemoryStore(nil), entered: make(chan struct{}),
		leave: make(chan struct{})}
	defer close(store.leave)
	var o Options
	o.Site.Sessions.Store = store
	r := runGateway(t, o, RunOptions{Timeout: 10 * time.Millisecond})
	alice := signedIn(t, r.Gateway, user("Alice"))
	store.slow.Store(true)
	go func() {
		req, _ := http.NewRequest("GET", r.public+"/auth", nil)
		req.Header.Set("Cookie", alice)
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-store.entered
	r.stop()
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Run: %v", err)
	}
}

// slowStore holds a Get until it may go on.
type slowStore struct {
	sessiontoken.Store
	slow           atomic.Bool
	entered, leave chan struct{}
}

func (s *slowStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if s.slow.Load() && !strings.HasPrefix(key, "webfarm: ") { // but the probe
		s.entered <- struct{}{}
		<-s.leave
	}
	return s.Store.Get(ctx, key)
}

// Slow clients and large headers are turned away; the cookies of a farm are
// not.
func TestLimits(t *testing.T) {
	slow := runGateway(t, Options{Limits: Limits{HeaderTimeout: 30 * time.Millisecond}},
		RunOptions{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(slow.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /auth HTTP/1.1\r\nHost: x\r\nCookie: Fed")
	if _, err := io.Copy(io.Discard, conn); err != nil { // until the gateway hangs up
		t.Errorf("a slow client: %v", err)
	}
	r := runGateway(t, Options{}, RunOptions{})
	if status := r.auth("FedAuth=" + strings.Repeat("A", 60<<10)); status != 401 {
		t.Errorf("60 KiB of header: %d", status)
	}
	if status := r.auth("FedAuth=" + strings.Repeat("A", 80<<10)); status != 431 {
		t.Errorf("80 KiB of header: %d", status)
	}
	// a body is not for us, and what follows it is not read
	conn2, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn2.Close()
	io.WriteString(conn2,
		"POST /auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /auth HTTP/1.1\r\nHost: x\r\n\r\n")
	in := bufio.NewReader(conn2)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode/100 != 4 || !resp.Close {
		t.Errorf("a body: %s, close %v", resp.Status, resp.Close)
	}
	if _, err := http.ReadResponse(in, nil); err == nil {
		t.Error("what follows a body was answered")
	}
	if _, err := New(Options{Limits: Limits{HeaderBytes: -1}}); err == nil {
		t.Error("a negative limit is accepted")
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Options{File: File{Path: filepath.Join(t.TempDir(),
		"none.config")}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "web.config")
	replaceFile(t, path,
		`<configuration><system.web><machineKey validationKey="AutoGenerate"/></system.web></configuration>`)
	var e *machinekey.ConfigError
	if _, err := New(Options{File: File{Path: path}}); !errors.As(err, &e) {
		t.Errorf("generated keys: %v", err)
	}
	writeConfig(t, path)
	for _, bad := range []Options{
		{RequireRoles: []string{""}}, {RequireRoles: []string{"%zz"}},
		{SignIn: SignInOptions{URL: "x"}}, {Headers: HeaderOptions{User: "Cookie"}},
		{Page: func(*Gateway) (http.Handler, error) { return nil, errStore }},
	} {
		bad.File.Path = path
		if _, err := New(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// An observer of the caller is told too.
func TestObserver(t *testing.T) {
	var o Options
	var count counter
	o.Site.Sessions.Observer = count.Observe
	g := newGateway(t, o)
	ask(g.Handler(), "GET", "/auth", "Cookie", signedIn(t, g, user("Alice")))
	if n := count.Load(); n != 2 { // signed in and read
		t.Errorf("%d events", n)
	}
}

type counter struct{ atomic.Int64 }

func (c *counter) Observe(context.Context, cookie.Event) { c.Add(1) }

// BenchmarkAuth is an answer at /auth, without the network, and BenchmarkCheck
// the part of it that reads the cookie.
func BenchmarkAuth(b *testing.B) {
	benchmarkUsers(b, func(g *Gateway) func(*http.Request) bool {
		h := g.Handler()
		return func(r *http.Request) bool {
			w := bare{make(http.Header)}
			h.ServeHTTP(w, r)
			return w.header.Get(DefaultUserHeader) != ""
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	benchmarkUsers(b, func(g *Gateway) func(*http.Request) bool {
		return func(r *http.Request) bool {
			p, err := g.Site().Check(r)
			return err == nil && p != nil
		}
	})
}

func benchmarkUsers(b *testing.B, f func(*Gateway) func(*http.Request) bool) {
	g := newGateway(b, Options{})
	ask := f(g)
	for _, p := range []*sessiontoken.Principal{user("small", "Sales"),
		user("90-roles", manyRoles(90)...)} {
		r := httptest.NewRequest("GET", "/auth", nil)
		r.Header.Set("Cookie", signedIn(b, g, p))
		b.Run(p.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !ask(r) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// bare is a ResponseWriter that keeps the header only.
type bare struct{ header http.Header }

func (b bare) Header() http.Header         { return b.header }
func (b bare) Write(p []byte) (int, error) { return len(p), nil }
func (b bare) WriteHeader(int)             {}
