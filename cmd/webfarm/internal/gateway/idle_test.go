package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// slowly writes text, byte for byte, with as long a pause before each.
func slowly(w io.Writer, text string, pause time.Duration) {
	for i := range len(text) {
		time.Sleep(pause)
		io.WriteString(w, text[i:i+1])
		if w, ok := w.(http.ResponseWriter); ok {
			http.NewResponseController(w).Flush()
		}
	}
}

// A body that is passed on may take long, and may not stand still for longer
// than Limits.BodyIdle: a minute. Times are exact here.
func TestBodyIdle(t *testing.T) {
	const (
		pause = 50 * time.Second // a little below the limit
		text  = "ten pauses"
		post  = "POST /a HTTP/1.1\r\nHost: x\r\nCOOKIE\r\nContent-Length: 10\r\n\r\n"
		get   = "GET /a HTTP/1.1\r\nHost: x\r\nCOOKIE\r\n\r\n"
	)
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			w.Write(body)
		}
	}
	for name, tt := range map[string]struct {
		request string
		send    func(net.Conn) // behind it
		service http.HandlerFunc
		status  int // of the answer; 0 for none
		body    string
		answer  time.Duration // until the answer is read, or broken off
		broken  bool
		closes  time.Duration // until the connection is closed; 0: it is not
	}{
		"a slow upload": {post,
			func(c net.Conn) { c.Write([]byte("t")); slowly(c, text[1:], pause) }, echo, 200, text,
			9 * pause, false, 0},
		"an upload that stops": {post, func(c net.Conn) { c.Write([]byte("abc")) }, echo, 408, "",
			time.Minute, false, 65 * time.Second},
		"chunks that stop": {strings.Replace(post, "Content-Length: 10",
			"Transfer-Encoding: chunked", 1), func(c net.Conn) { c.Write([]byte("3\r\nabc\r\n")) },
			echo, 408, "", time.Minute, false, time.Minute},
		"an upload never begun": {post, nil, echo, 408, "", 20 * time.Second, false, 25 * time.Second},
		"a service that streams": {get, nil,
			func(w http.ResponseWriter, _ *http.Request) { slowly(w, text, pause) }, 200, text,
			10 * pause, false, 0},
		"a service that stops": {get, nil, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "abc")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 200, "abc", time.Minute, true, time.Minute},
		"a service that thinks": {get, nil,
			func(w http.ResponseWriter, _ *http.Request) { time.Sleep(time.Hour); io.WriteString(w, text) }, 200, text, time.Hour, false, 0},
		"a service that thinks, after a body": {post, func(c net.Conn) { io.WriteString(c, text) },
			func(w http.ResponseWriter, r *http.Request) {
				io.ReadAll(r.Body)
				time.Sleep(time.Hour)
				io.WriteString(w, text)
			}, 200, text, time.Hour, false, 0},
		"a service that takes nothing": {strings.Replace(post, "10", "1000000", 1),
			func(c net.Conn) { c.Write(make([]byte, 1e6)) },
			func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Minute) }, 504, "",
			time.Minute, false, -1},
		"an early answer, and nothing more is sent": {post,
			func(c net.Conn) { c.Write([]byte("abc")) },
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "close")
				http.Error(w, "no", http.StatusRequestEntityTooLarge)
			}, 413, "no\n", 0, false, 5 * time.Second},
		"an early answer, and the client does not go on": {post, nil,
			func(w http.ResponseWriter, _ *http.Request) {
				http.NewResponseController(w).EnableFullDuplex()
				slowly(w, text, 8*time.Second)
			}, 200, "te", 25 * time.Second, true, 25 * time.Second},
		"both ways at once": {post, func(c net.Conn) { slowly(c, text, 10*time.Second) },
			func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).EnableFullDuplex()
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(200)
				http.NewResponseController(w).Flush()
				for b := make([]byte, 1); ; {
					if _, err := io.ReadFull(r.Body, b); err != nil {
						return
					}
					w.Write(b)
					http.NewResponseController(w).Flush()
				}
			}, 200, text, 100 * time.Second, false, 100 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, tt.service, func(t *testing.T, p *piped) {
				begin := time.Now()
				conn := p.open(tt.request)
				defer conn.Close()
				if tt.send != nil {
					go func() {
						time.Sleep(time.Nanosecond) // behind the header
						tt.send(conn)
					}()
				}
				in := bufio.NewReader(conn)
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				took := time.Since(begin).Truncate(time.Millisecond)
				if resp.StatusCode != tt.status || (err != nil) != tt.broken ||
					tt.body != "" && string(body) != tt.body || took != tt.answer {
					t.Errorf("%s, %q, %v, after %v; want %d, %q, broken off %v, after %v",
						resp.Status, body, err, took, tt.status, tt.body, tt.broken, tt.answer)
				}
				switch {
				case tt.closes > 0:
					io.Copy(io.Discard, in)
					if took := time.Since(begin).Truncate(time.Millisecond); took != tt.closes {
						t.Errorf("closed after %v, want %v", took, tt.closes)
					}
				case tt.closes == 0: // there is nothing left of these limits
					time.Sleep(90 * time.Second)
					go io.WriteString(conn, strings.Replace(get, "COOKIE", "Cookie: "+p.cookie, 1))
					if resp, err := http.ReadResponse(in, nil); err != nil ||
						resp.StatusCode != 200 {
						t.Errorf("the next request: %v, %v", resp, err)
					}
				}
			})
		})
	}
}

// A client that does not read its answer is cut off, and the service told.
func TestClientThatDoesNotRead(t *testing.T) {
	ended := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	defer service.Close()
	o := Options{Limits: Limits{BodyIdle: 200 * time.Millisecond}}
	o.Upstream, _ = url.Parse(service.URL)
	r := runGateway(t, o, RunOptions{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: x\r\nCookie: "+
		signedIn(t, r.Gateway, user("Alice"))+"\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the service still writes after 20 seconds, with a limit of 200 milliseconds")
		service.CloseClientConnections()
	}
}

// A WebSocket may be silent.
func TestSilentWebSocket(t *testing.T) {
	bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		conn, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn,
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := in.ReadString('\n')
		time.Sleep(time.Hour)
		io.WriteString(conn, line)
	}, func(t *testing.T, p *piped) {
		conn := p.open("GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCOOKIE\r\n\r\n")
		defer conn.Close()
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(resp, err)
		}
		time.Sleep(time.Hour)
		io.WriteString(conn, "hello\n")
		if line, err := in.ReadString('\n'); line != "hello\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
}

// What is left of a body behind an early answer is not another request.
func TestEarlyAnswerIsTheLast(t *testing.T) {
	seen := make(chan string, 9)
	bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.URL.Path
		w.Header().Set("Connection", "close") // and does not wait for the body
		http.Error(w, "no", http.StatusRequestEntityTooLarge)
	}, func(t *testing.T, p *piped) {
		conn := p.open("POST /a HTTP/1.1\r\nHost: x\r\nCOOKIE\r\nContent-Length: 1000\r\n\r\n")
		defer conn.Close()
		in := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(in, nil); err != nil ||
			resp.StatusCode != 413 || !resp.Close {
			t.Errorf("%+v, %v", resp, err)
		}
		time.Sleep(4 * time.Second)
		go io.WriteString(conn, "GET /b HTTP/1.1\r\nHost: x\r\nCookie: "+p.cookie+"\r\n\r\n")
		rest, _ := io.ReadAll(in)
		time.Sleep(time.Minute)
		if strings.Contains(string(rest), "HTTP/1.1") || len(seen) != 1 {
			t.Errorf("%d requests, and then %.80q", len(seen), rest)
		}
	})
}
