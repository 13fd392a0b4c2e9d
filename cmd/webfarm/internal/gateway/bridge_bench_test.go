package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkBridge is a request through the gateway to a service and back, over
// the loopback interface, with the bridge and without it in turns. "share" is how
// many answers the gateway gives with the bridge, of those without.
func BenchmarkBridge(b *testing.B) {
	for _, half := range []string{"FedAuth", ".AspNetCore.Cookies"} {
		b.Run(strings.Trim(half, "."), func(b *testing.B) {
			o := bridged(b, time.Now)
			g, server, service := newProxying(b, o)
			o.Site.Bridge = nil
			_, plain, _ := newProxying(b, o)
			service.answer = func(http.ResponseWriter, *http.Request) { service.last() }
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", issue(b, g, half, user("alice", "Sales")))
			cookies := ""
			g.Site().Optional(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cookies = r.Header.Get("Cookie") })).ServeHTTP(w, r)
			if names(cookies) != bothCookies {
				b.Fatal(names(cookies))
			}
			get := func(url string) {
				req, _ := http.NewRequest("GET", url, nil)
				req.Header.Set("Cookie", cookies)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || len(resp.Header["Set-Cookie"]) > 0 {
					b.Fatal(resp.Status, resp.Header)
				}
			}
			took := [2]time.Duration{time.Hour, time.Hour} // of the quickest batch
			const batch = 20
			for b.Loop() {
				for i, url := range []string{plain.URL, server.URL} {
					began := time.Now()
					for range batch {
						get(url)
					}
					took[i] = min(took[i], time.Since(began))
				}
			}
			b.ReportMetric(0, "ns/op") // of both
			b.ReportMetric(float64(took[0].Microseconds())/batch, "plain-µs")
			b.ReportMetric(float64(took[1].Microseconds())/batch, "bridge-µs")
			b.ReportMetric(float64(took[0])/float64(took[1]), "share")
		})
	}
}
