package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// reply is what a request got.
type reply struct {
	status int
	node   string // that answered, empty if nginx did
	answer answer
	text   string
}

// visitor is somebody's browser: one that keeps cookies by the rules, of which
// each test has Go's and Chromium.
type visitor interface {
	// get asks for a path with its query.
	get(path string) reply
	// cookies returns the names of the cookies that the browser would send,
	// sorted.
	cookies() []string
}

// ask is get at one node, which must be the one that answers.
func ask(t *testing.T, v visitor, node *member, path string, query url.Values) reply {
	t.Helper()
	with := url.Values{"node": {node.Name}}
	for key, values := range query {
		with[key] = values
	}
	r := v.get(path + "?" + with.Encode())
	if r.node != node.Name {
		t.Fatalf("%s at %s: %d by %q: %s\n%s", path, node.Name, r.status, r.node,
			r.text, node.Log())
	}
	return r
}

// mustAsk is ask where only 200 will do.
func mustAsk(t *testing.T, v visitor, node *member, path string, query url.Values) answer {
	t.Helper()
	r := ask(t, v, node, path, query)
	if r.status != http.StatusOK {
		t.Fatalf("%s at %s: %d: %s\ncookies %v\n%s", path, node.Name, r.status, r.text,
			v.cookies(), node.Log())
	}
	return r.answer
}

// plainClient is net/http with a cookie jar.
type plainClient struct {
	t      *testing.T
	base   *url.URL
	client *http.Client
}

// transport reaches nginx.
func (n *nginx) transport(connections int) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: n.roots},
		MaxIdleConnsPerHost: connections}
}

func newPlain(t *testing.T, n *nginx, transport http.RoundTripper) *plainClient {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(n.url)
	if err != nil {
		t.Fatal(err)
	}
	return &plainClient{t, base, &http.Client{Transport: transport, Jar: jar,
		Timeout: 20 * time.Second}}
}

// try is get where no answer at all is no failure of the test.
func (c *plainClient) try(path string) (reply, error) {
	r, err := http.NewRequest("GET", c.base.String()+path, nil)
	if err != nil {
		return reply{}, err
	}
	return c.do(r)
}

func (c *plainClient) do(request *http.Request) (reply, error) {
	r, err := c.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, err
	}
	return newReply(r.StatusCode, r.Header.Get("X-Node"), string(body))
}

func (c *plainClient) get(path string) reply {
	c.t.Helper()
	r, err := c.try(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *plainClient) cookies() []string {
	var names []string
	for _, c := range c.client.Jar.Cookies(c.base) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// request returns a request with the cookies of the jar, for a guard.
func (c *plainClient) request() *http.Request {
	r := &http.Request{Method: "GET", URL: c.base, Header: http.Header{}}
	for _, cookie := range c.client.Jar.Cookies(c.base) {
		r.AddCookie(cookie)
	}
	return r
}

func newReply(status int, node, text string) (reply, error) {
	r := reply{status: status, node: node, text: text}
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &r.answer); err != nil {
			return r, fmt.Errorf("%w in %s", err, text)
		}
	}
	return r, nil
}
