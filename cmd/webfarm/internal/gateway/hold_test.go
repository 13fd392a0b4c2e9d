package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// strangers are requests that never end. Nobody is signed in, and the gateway
// passes requests on: it answers all of them itself.
var strangers = map[string]string{
	"a length and no body":      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"a long body":               "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n",
	"part of a body":            "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
	"no chunk":                  "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
	"part of a chunk":           "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	"no end of the trailer":     "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\n",
	"waits for 100":             "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
	"waits for 100, chunked":    "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
	"expects something odd":     "POST /a HTTP/1.1\r\nHost: x\r\nExpect: something odd\r\nContent-Length: 10\r\n\r\n",
	"HTTP/1.0":                  "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 10\r\n\r\n",
	"a forged cookie":           "GET /a HTTP/1.1\r\nHost: x\r\nCookie: FedAuth=AAAA\r\nContent-Length: 10\r\n\r\n",
	"asks for the whole server": "OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"CONNECT":                   "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 10\r\n\r\n",
	"/auth":                     "POST /.webfarm/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"/auth/traefik":             "POST /.webfarm/auth/traefik HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"/auth/envoy":               "POST /.webfarm/auth/envoy/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
	"/inspect":                  "GET /.webfarm/inspect HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"/signin, which reads":      "POST /.webfarm/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na",
	"nothing there":             "PUT /.webfarm/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"no end of the header":      "GET /a HTTP/1.1\r\nHost: x\r\n",
	"no HTTP":                   "\x16\x03\x01",
	"nothing":                   "",
}

// readingPage reads what it is sent, as a form that signs in does.
func readingPage(*Gateway) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Prefix+"/signin" {
			io.ReadAll(r.Body)
		}
		fmt.Fprint(w, "page")
	}), nil
}

// lasting reads from a connection until the other side has gone, and returns
// how long that took and the status of the first answer.
func lasting(conn net.Conn) (time.Duration, string) {
	begin := time.Now()
	in := bufio.NewReader(conn)
	line, _ := in.ReadString('\n')
	io.Copy(io.Discard, in)
	return time.Since(begin), strings.TrimSpace(line)
}

// pipes is a network within a test, whose connections hold no byte back.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	end   chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), end: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.end) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

// piped is a gateway and its service in a bubble, where hours pass at once.
type piped struct {
	*Gateway
	t      testing.TB
	public *pipes
	cookie string // of Alice
}

// bubble runs f with the default limits of a gateway that passes requests on.
func bubble(t *testing.T, o Options, service http.HandlerFunc, f func(*testing.T, *piped)) {
	o.File.Path = t.TempDir() + "/web.config"
	writeConfig(t, o.File.Path)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(3 * time.Hour) // until all that was closed has ended
		behind, public, admin := newPipes(), newPipes(), newPipes()
		transport := &http.Transport{DialContext: behind.dial}
		defer transport.CloseIdleConnections()
		o.Transport, o.Upstream = transport, &url.URL{Scheme: "http", Host: "service"}
		g := newGateway(t, o)
		serve := func(s *http.Server, l net.Listener) func() {
			go s.Serve(l)
			return func() { s.Close() }
		}
		defer serve(&http.Server{Handler: service}, behind)()
		defer serve(g.server(g.Handler()), public)()
		defer serve(g.server(g.Admin()), admin)()
		f(t, &piped{g, t, public, signedIn(t, g, user("Alice"))})
	})
}

// open sends text and lets f read the answers. Alice's cookie is in the place
// of COOKIE.
func (p *piped) open(text string) net.Conn {
	p.t.Helper()
	conn, err := p.public.dial(p.t.Context(), "", "")
	if err != nil {
		p.t.Fatal(err)
	}
	go io.WriteString(conn, strings.Replace(text, "COOKIE", "Cookie: "+p.cookie, 1))
	return conn
}

// With the limits that hold unless somebody sets others, 500 strangers are gone
// after 30 seconds, whatever they do instead of sending a body. Neither what
// they send now and then keeps them there, nor that they do not read.
func TestStrangersAreGoneAfter30Seconds(t *testing.T) {
	const bound = 30 * time.Second
	for name, anonymous := range map[string]bool{"strangers are refused": false,
		"strangers are let through": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{Page: readingPage, Anonymous: anonymous},
				func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
				}, func(t *testing.T, p *piped) {
					var all sync.WaitGroup
					for i := range 500/len(strangers) + 1 {
						for name, text := range strangers {
							if anonymous && strings.HasPrefix(name, "part of") {
								continue // moves, see TestBodyIdle
							}
							all.Go(func() {
								conn := p.open(text)
								defer conn.Close()
								switch {
								case i%3 == 1 && !anonymous &&
									strings.Contains(text, "Content-Length"):
									go func() { // a byte a second; the body of 10 has an end then
										for range 9 {
											time.Sleep(3 * time.Second)
											conn.Write([]byte("a"))
										}
									}()
								case i%3 == 2: // reads no answer, only looks whether it is gone
									time.Sleep(bound)
								}
								took, answer := lasting(conn)
								if i%3 == 2 {
									took += bound
								}
								if took > bound {
									t.Errorf("%s (%d): gone after %v, answer %q", name,
										i%3, took, answer)
								}
							})
						}
					}
					all.Wait()
				})
		})
	}
}

// An answer of the gateway's own does not wait for the body, and says that the
// connection ends.
func TestOwnAnswersDoNotWait(t *testing.T) {
	bubble(t, Options{Page: readingPage}, func(http.ResponseWriter, *http.Request) {},
		func(t *testing.T, p *piped) {
			for name, text := range strangers {
				if !strings.Contains(text, "\r\n\r\n") || name == "/signin, which reads" ||
					strings.HasPrefix(text, "OPTIONS") {
					continue
				}
				begin := time.Now()
				conn := p.open(text)
				resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"})
				if err != nil || time.Since(begin) != 0 || !resp.Close {
					t.Errorf("%s: after %v: %v, %+v", name, time.Since(begin), err, resp)
				}
				conn.Close()
			}
		})
}

// The same over sockets, while those who are honest come and go, send slowly
// and read slowly.
func TestStrangersHarmNobody(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for range len(body) { // as slowly as it came
			time.Sleep(100 * time.Millisecond)
			io.WriteString(w, "b")
			http.NewResponseController(w).Flush()
		}
	}))
	defer service.Close()
	o := Options{Page: readingPage, Limits: Limits{HeaderTimeout: 500 * time.Millisecond,
		BodyIdle: 10 * time.Second}}
	o.Upstream, _ = url.Parse(service.URL)
	r := runGateway(t, o, RunOptions{})
	alice := signedIn(t, r.Gateway, user("Alice"))

	var remain atomic.Int64
	var all sync.WaitGroup
	for i := range 500/len(strangers) + 1 {
		for name, text := range strangers {
			address := r.public
			if i == 0 {
				address = r.admin
			}
			remain.Add(1)
			all.Go(func() {
				defer remain.Add(-1)
				conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, text)
				conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: still there after 20 seconds, with limits of a second", name)
				}
			})
		}
	}
	all.Go(func() { // comes and goes
		for n := 0; remain.Load() > 0; n++ {
			if resp := fetch(t, "GET", r.public+"/", "Cookie",
				alice); resp.StatusCode != http.StatusOK {
				t.Errorf("request %d: %s", n, resp.Status)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	for _, head := range []string{"Content-Length: 15\r\n\r\n",
		"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"} {
		all.Go(func() { // sends for 1.5 seconds, reads for 1.5
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "POST /slow HTTP/1.1\r\nHost: x\r\nCookie: "+alice+"\r\n"+head)
			for range 15 {
				io.WriteString(conn, "a")
				time.Sleep(100 * time.Millisecond)
			}
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			for err == nil && resp.StatusCode == http.StatusContinue {
				resp, err = http.ReadResponse(in, nil)
			}
			if err != nil {
				t.Error(err)
				return
			}
			if text, err := io.ReadAll(resp.Body); err != nil ||
				string(text) != strings.Repeat("b", 15) {
				t.Errorf("slow: %s, %q, %v", resp.Status, text, err)
			}
		})
	}
	all.Wait()
}

// A client that asks and asks, and reads no answer, does not hold the gateway
// either.
func TestFloodWithoutReading(t *testing.T) {
	r := runGateway(t, Options{Limits: Limits{HeaderTimeout: 100 * time.Millisecond}}, RunOptions{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	text := strings.Repeat("GET /auth HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
	for err == nil {
		_, err = io.WriteString(conn, text)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("still there after 20 seconds, with limits of 200 milliseconds")
	}
}

// The gateway ends no TLS, but whoever puts it behind a listener that does has
// the same limits, with HTTP/2 too.
func TestStrangersOverTLS(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			s := newService(t)
			o := Options{Limits: Limits{HeaderTimeout: 300 * time.Millisecond}}
			o.Upstream, _ = url.Parse(s.URL)
			g := newGateway(t, o)
			server := httptest.NewUnstartedServer(nil)
			server.Config = g.server(g.Handler())
			closed := make(chan struct{}, 1)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed {
					closed <- struct{}{}
				}
			}
			server.EnableHTTP2 = protocol == "h2"
			server.StartTLS()
			defer server.Close()

			body, never := io.Pipe()
			defer never.Close()
			r, _ := http.NewRequest("POST", server.URL+"/a", body)
			if protocol == "http/1.1" {
				conn, err := tls.Dial("tcp", server.Listener.Addr().String(),
					server.Client().Transport.(*http.Transport).TLSClientConfig)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				io.WriteString(conn, strangers["a length and no body"])
				if _, answer := lasting(conn); !strings.Contains(answer, "401") {
					t.Errorf("answer %q", answer)
				}
			} else {
				resp, err := server.Client().Transport.RoundTrip(r)
				if err != nil || resp.StatusCode != 401 || resp.ProtoMajor != 2 {
					t.Fatalf("%v, %v", resp, err)
				}
				resp.Body.Close()
			}
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				t.Error("the connection stays")
			}
		})
	}
}
