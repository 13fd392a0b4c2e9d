package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
)

// rawService answers every connection once, and notes what it is sent, byte for
// byte, trailers too.
func rawService(t *testing.T) (*url.URL, <-chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent := make(chan string, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var text strings.Builder
			in := bufio.NewReader(io.TeeReader(conn, &text))
			if r, err := http.ReadRequest(in); err == nil {
				io.Copy(io.Discard, r.Body)
			}
			sent <- text.String()
			io.WriteString(conn,
				"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}, sent
}

// forgeable are headers that services believe, with a value that must not reach
// them.
var forgeable = []string{
	"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
	"X-Forwarded-User", "X-Forwarded-Prefix",
	"X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded", "Forwarded", "X-Original-URL", "X-Rewrite-URL",
	"X-Webfarm-User", "X-Webfarm-Roles", "X-Webfarm-Email", "X-Webfarm-Require-Role",
	"X-Webfarm-Renew", "X-Webfarm-Set-Cookie-1", "X-Webfarm-To-Come",
}

// spellings returns name in spellings that some service takes for it: any case,
// and any other sign in the place of the hyphens.
func spellings(random *seed.Stream, name string) []string {
	all := []string{name, strings.ToLower(name), strings.ToUpper(name),
		strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(strings.ToLower(name), "-", "_"),
		strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", ".")}
	for range 2 {
		b := []byte(name)
		for i, c := range b {
			switch {
			case c == '-':
				b[i] = "-_.!#$&'*+^`|~"[random.IntN(14)]
			case random.IntN(2) == 0:
				b[i] = strings.ToUpper(string(c))[0]
			}
		}
		all = append(all, string(b))
	}
	return all
}

// What a service believes is from the gateway, whatever a client writes: in any
// spelling, repeatedly, named in Connection, before and behind the body, signed
// in or not. With TrustForwarded, what the proxy in front says passes in its own
// spelling, and nothing of ours.
func TestHeadersAreFromUsOnly(t *testing.T) {
	random := seed.Of(t)
	for _, trust := range []bool{false, true} {
		service, sent := rawService(t)
		g := newGateway(t, Options{Upstream: service, Anonymous: true, TrustForwarded: trust})
		server := httptest.NewServer(g.Handler())
		defer server.Close()
		for name, cookie := range map[string]string{"Alice": signedIn(t, g, user("Alice", "Sales")),
			"a stranger": "a=b"} {
			for _, header := range forgeable {
				for _, spelled := range spellings(random, header) {
					line := spelled + ": evil\r\n" + spelled + ": evil\r\n"
					for where, text := range map[string]string{
						"header": "GET /a HTTP/1.1\r\nHost: x\r\n" + line,
						"connection": "GET /a HTTP/1.1\r\nHost: x\r\n" + line +
							"Connection: close, " + spelled +
							", X-Webfarm-User\r\nConnection: X-Webfarm-Roles, X-Forwarded-For, X-Forwarded-Proto\r\n",
						"early trailer": "POST /a HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: " + spelled + "\r\n" + line,
						"HTTP/1.0":      "GET /a HTTP/1.0\r\nHost: x\r\n" + line,
					} {
						text += "Cookie: " + cookie + "\r\n\r\n"
						if where == "early trailer" {
							text += "1\r\na\r\n0\r\n" + line + "\r\n"
						}
						what := fmt.Sprintf("trust %v, %s, %q in the %s", trust,
							name, spelled, where)
						_, in := dial(t, server, text)
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							t.Fatalf("%s: %v", what, err)
						}
						if resp.StatusCode != http.StatusOK {
							t.Fatalf("%s: %s", what, resp.Status)
						}
						canonical := http.CanonicalHeaderKey(spelled) == http.CanonicalHeaderKey(header)
						passes := trust && canonical && !strings.HasPrefix(header, "X-Webfarm-")
						checkSent(t, what, <-sent, name == "Alice", header, passes)
					}
				}
			}
		}
	}
}

// checkSent looks at what a service was sent.
func checkSent(t *testing.T, what, text string, signedIn bool, header string, passes bool) {
	t.Helper()
	got := map[string][]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok && name != "Cookie" {
			got[fold(name)] = append(got[fold(name)], value)
		}
	}
	evil := strings.Contains(text, "evil")
	if evil != passes {
		t.Errorf("%s: it reaches the service: %v, want %v\n%s", what, evil, passes, text)
	}
	want := map[string][]string{}
	if signedIn {
		want["x-webfarm-user"], want["x-webfarm-roles"] = []string{"Alice"}, []string{"Sales"}
	}
	for name, values := range got {
		if strings.HasPrefix(name, ownPrefix) && !slices.Equal(values, want[name]) {
			t.Errorf("%s: the service gets %s %q", what, name, values)
		}
	}
	for name, values := range want {
		if !slices.Equal(got[name], values) {
			t.Errorf("%s: the service gets %s %q, want %q", what, name, got[name], values)
		}
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := got[fold(name)]; len(values) != 1 && !(passes && name == header) {
			t.Errorf("%s: the service gets %s %q", what, name, values)
		}
	}
}

// A header of a proxy is known in every spelling; those of a browser are none.
func TestPassedProxy(t *testing.T) {
	random := seed.Of(t)
	for _, name := range []string{
		"X-Client-IP", "Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Ray",
		"CF-Visitor", "CF-IPCountry", "True-Client-IP", "Fastly-Client-IP", "Fastly-SSL",
		"X-Cluster-Client-IP", "Forwarded", "Forwarded-For", "X-Forwarded", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Via", "X-Real-IP",
		"X-Original-URL", "X-Original-For", "X-Original-Host", "X-Original-Forwarded-For",
		"X-Rewrite-URL", "X-ProxyUser-Ip", "Proxy-Client-IP", "WL-Proxy-Client-IP", "WL-Proxy-SSL",
		"X-Envoy-External-Address", "X-Envoy-Original-Path", "X-ARR-LOG-ID", "X-ARR-SSL",
		"X-Amzn-Trace-Id", "X-Amz-Cf-Id", "CloudFront-Viewer-Address", "X-Azure-ClientIP",
		"X-Azure-SocketIP", "X-Azure-Ref", "X-Client-Port", "X-Appengine-User-IP",
		"X-Cloud-Trace-Context", "Fly-Client-IP", "DO-Connecting-IP", "X-Vercel-Forwarded-For",
		"X-NF-Client-Connection-IP", "CDN-Loop", "X-Varnish", "X-Remote-IP", "X-Remote-Addr",
		"Remote-Addr", "X-Originating-IP", "X-Source-IP", "X-Nginx-Proxy", "X-Scheme", "X-URL-Scheme",
		"Front-End-Https", "X-Akamai-Edgescape", "Akamai-Origin-Hop", "X-Request-ID",
		"X-Request-Start", "X-Host", "X-Webfarm-User", "X-Webfarm-Require-Role",
		"Proxy-Connection", "Max-Forwards",
		"X-Forward-For", "X-Coming-From", "Surrogate-Capability", "X-B3-TraceId", "B3",
		"Traceparent", "Tracestate", "Baggage", "Uber-Trace-Id", "X-Datadog-Trace-Id", "Newrelic",
		"Elastic-Apm-Traceparent", "Sentry-Trace", "Request-Id", "X-Edge-IP", "X-IP", "X-HTTPS",
		"X-Site-Deployment-Id", "X-WAWS-Unencoded-URL", "Disguised-Host",
		"Was-Default-Hostname", "X-MS-Client-Principal", "X-MS-Token-AAD-Id-Token", "X-Real-Port",
		"X-Remote-Host", "X-Remote-User", "X-Auth-Request-User", "X-Trace-Id",
		"X-Correlation-ID", "Sec-GFE", "X-GFE-Request-Trace", "X-Google-Apps-Metadata",
		"X-FB-Trace", "X-Iinfo", "Incap-Client-IP", "X-Sucuri-ClientIP", "X-Country-Code",
		"X-Geo-Country", "X-TLS-Version", "X-JA3-Hash", "X-Bluecoat-Via", "X-IMForwards", "X-Cache",
		"Age", "From", "Ali-CDN-Real-IP", "EO-Connecting-IP", "QUIC-Version", "SSL-Client-Verify",
		"Client-Cert", "X-Client-Cert", "X-Scheme-Proto", "Https", "X-Backend", "X-LB-Name",
		"X-Server-Name", "X-Script-Name", "X-Path-Prefix", "Early-Data", "Accept_Language", "Sec-Proxy",
	} {
		for _, spelled := range spellings(random, name) {
			if !PassedProxy(http.Header{spelled: {"127.0.0.1"}}) ||
				!PassedProxy(http.Header{spelled: nil}) {
				t.Errorf("%s passed no proxy", spelled)
			}
		}
	}
	browser := http.Header{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control",
		"Connection", "Content-Length", "Content-Type", "Cookie", "DNT", "Host", "If-Modified-Since",
		"If-None-Match", "Origin", "Pragma", "Priority", "Range", "Referer", "Sec-CH-UA",
		"Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
		"If-Range", "Sec-CH-Prefers-Color-Scheme", "Sec-Fetch-Storage-Access", "Sec-WebSocket-Key",
		"Upgrade", "Keep-Alive", "Service-Worker", "Content-Encoding", "Alt-Used",
		"Sec-Fetch-User", "Sec-GPC", "Sec-Purpose", "Purpose", "Save-Data", "TE",
		"Upgrade-Insecure-Requests", "User-Agent", "X-Requested-With", "Last-Event-ID",
		"Device-Memory", "Viewport-Width",
	} {
		browser.Set(name, "a")
	}
	if PassedProxy(browser) {
		t.Error("a browser is taken for a proxy")
	}
}
