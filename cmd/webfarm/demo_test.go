package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestDemoTranscript(t *testing.T) {
	folder := here(t)
	r := tool(t, "", "demo").want(t, exitOK)
	golden(t, folder, "demo.txt", normalised(r.out))
	if r.err != "" {
		t.Errorf("standard error: %s", r.err)
	}
}

func TestDemoJSON(t *testing.T) {
	var s story
	tool(t, "", "demo", "-json").want(t, exitOK).decode(t, &s)
	if !s.OK || len(s.Scenes) != 7 || len(s.Nodes) != 2 || s.URL == "" {
		t.Fatalf("ok %v, %d scenes, nodes %q, address %q", s.OK, len(s.Scenes), s.Nodes, s.URL)
	}
	refused := s.Scenes[3].Steps[0]
	if refused.Status != http.StatusUnauthorized || refused.Sent != 3 {
		t.Errorf("the changed cookie: %+v", refused)
	}
}

// TestDemoSecrets looks for the key in everything that the farm says. The
// demo makes its own key, so the farm is started here with a known one.
func TestDemoSecrets(t *testing.T) {
	cfg := freshConfig(t)
	s, ring := newTestStoryWithRing(t, cfg)
	s.play(t.Context())
	if !s.OK {
		t.Fatal("the demo failed")
	}
	var b bytes.Buffer
	b.Write(s.text(true))
	if err := writeJSON(&b, s); err != nil {
		t.Fatal(err)
	}
	noSecrets(t, cfg, b.String())
	master := regexp.MustCompile(`<value>(.*)</value>`).FindStringSubmatch(ring)
	key, err := base64.StdEncoding.DecodeString(master[1])
	if err != nil || len(key) != 64 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	(&ringVector{Keys: []struct{ MasterKey []byte }{{key}}}).secret(t, b.String())
}

func newTestStory(t *testing.T, cfg machinekey.Config) *story {
	t.Helper()
	s, _ := newTestStoryWithRing(t, cfg)
	return s
}

// newTestStoryWithRing is newTestStory and the text of the key ring.
func newTestStoryWithRing(t *testing.T, cfg machinekey.Config) (*story, string) {
	t.Helper()
	shared := sharedKeys{webConfigText(cfg), ringText(time.Now())}
	f := newTestFarm(t, shared)
	s, err := newStory(f, shared)
	if err != nil {
		t.Fatal(err)
	}
	return s, shared.ring
}

// TestDemoNotices runs the story against a farm that does not work: the demo
// must say so.
func TestDemoNotices(t *testing.T) {
	cfg := freshConfig(t)
	for name, broken := range map[string]http.HandlerFunc{
		"lets everybody in": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") },
		"lets nobody in":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"is down":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStory(t, cfg)
			f := new(farm)
			f.transport = new(http.Transport)
			t.Cleanup(f.close)
			address, err := f.serve("127.0.0.1:0", broken)
			if err != nil {
				t.Fatal(err)
			}
			s.URL = "http://" + address
			s.play(t.Context())
			var b bytes.Buffer
			b.Write(s.text(false))
			if s.OK || !strings.Contains(b.String(), "NOT AS EXPECTED: ") ||
				!strings.Contains(b.String(), "The demo failed.") {
				t.Errorf("not noticed:\n%s", b.String())
			}
		})
	}
}

// TestDemoOtherKey has two nodes with different keys: neither recognises whom
// the other signed in.
func TestDemoOtherKey(t *testing.T) {
	s := newTestStory(t, freshConfig(t))
	other := newTestFarm(t, freshKeys(t))
	mixed := newBalancer([]string{strings.TrimPrefix(s.Nodes[0], "http://"),
		strings.TrimPrefix(other.NodeURLs[1], "http://")}, other.transport)
	address, err := other.serve("127.0.0.1:0", mixed)
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + address
	s.play(t.Context())
	if last := s.Scenes[len(s.Scenes)-1]; s.OK || len(s.Scenes) != 2 || last.Wrong == "" {
		t.Errorf("ok %v after %d scenes", s.OK, len(s.Scenes))
	}
}

// TestDemoServe drives the page as a browser does, through the balancer.
func TestDemoServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, out := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"demo", "-serve", "-json"}, strings.NewReader(""),
			out, io.Discard)
		out.Close()
	}()
	var s story
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, in)
	b := newBrowser(t, s.URL)

	b.get("/")
	b.holds("Nobody is signed in", "None.")
	first := b.node
	b.get("/")
	if b.node == first {
		t.Error("the balancer does not take turns")
	}
	for _, u := range demoUsers() {
		for range 2 { // on either node
			b.post("/signin", url.Values{"user": {u.ID}})
			b.holds(u.Name, u.Email, "Sign out")
			if want := 1 + min(u.Groups, 2); b.cookies() != want {
				t.Errorf("%s has %d cookies, want %d", u.Name, b.cookies(), want)
			}
			issuer := b.post("/signin", url.Values{"user": {u.ID}})
			for range 2 {
				b.get("/")
				b.holds("Signed in as", u.Name, "made the cookie")
			}
			b.get("/me")
			b.holds(`"signedInBy":"`+issuer+`"`, u.Name)
			b.get("/") // so that the next sign-in is on the other node
		}
	}
	b.post("/signin", url.Values{"user": {"alice"}})
	if b.cookies() != 1 {
		t.Errorf("%d cookies are left of the longer session", b.cookies())
	}
	for range 2 { // from one half of a farm to the other, and back
		b.post("/signin", url.Values{"user": {"carol"}, "core": {"on"}})
		b.holds("Carol Jensen", ".AspNetCore.CookiesC1")
		b.get("/inspect")
		b.holds("✓ accepted", "Key ring", "Ticket", "Scheme",
			"magic number 4, key id 16", "Carol Jensen")
		b.post("/signin", url.Values{"user": {"alice"}})
		b.holds("Alice Weber", "FedAuth")
		if b.cookies() != 1 {
			t.Errorf("%d cookies, want one", b.cookies())
		}
	}
	b.post("/signin", url.Values{"user": {"carol"}})
	b.post("/signout", url.Values{})
	b.holds("Nobody is signed in")
	if b.cookies() != 0 {
		t.Errorf("%d cookies are left after the sign-out", b.cookies())
	}

	cancel()
	select {
	case code := <-done:
		if code != exitOK {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(8 * time.Second):
		t.Fatal("the demo does not stop")
	}
	if _, err := http.Get(s.URL); err == nil {
		t.Error("the farm is still there")
	}
}

// browser is an http.Client that follows redirects and keeps the last page.
type browser struct {
	t      *testing.T
	base   *url.URL
	client *http.Client
	node   string
	body   string
	header http.Header
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, base: u, client: &http.Client{Jar: jar, Transport: transport,
		Timeout: 10 * time.Second}}
}

func (b *browser) cookies() int { return len(b.client.Jar.Cookies(b.base)) }

func (b *browser) get(path string) {
	b.t.Helper()
	b.keep(b.client.Get(b.base.String() + path))
}

// post sends a form and returns the node that answered it; the page after the
// redirect is from the next one.
func (b *browser) post(path string, form url.Values) string {
	b.t.Helper()
	b.keep(b.client.PostForm(b.base.String()+path, form))
	for _, name := range nodeNames() {
		if name != b.node {
			return name
		}
	}
	return ""
}

func (b *browser) keep(r *http.Response, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s", r.Request.URL, r.Status)
	}
	b.node, b.body, b.header = r.Header.Get(headerNode), string(body), r.Header
	if !slices.Contains(nodeNames(), b.node) {
		b.t.Errorf("the answer is from node %q", b.node)
	}
}

func (b *browser) holds(parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if !strings.Contains(b.body, part) {
			b.t.Errorf("%q is not in\n%s", part, b.body)
		}
	}
}
