package cookie_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// BenchmarkBridge is a request on which the bridge changes nothing, beside the
// same request without the bridge, in turns. "ratio" compares the two, and
// "one-more" compares it with the plain one and a reading of the other cookie.
func BenchmarkBridge(b *testing.B) {
	for _, old := range bridgeKinds[:3] {
		for original, name := range []string{"to-core", "from-core"} {
			b.Run(map[cookie.Kind]string{cookie.KindForms: "forms", cookie.KindKatana: "katana",
				cookie.KindFedAuth: "fedauth"}[old.Kind]+"/"+name, func(b *testing.B) {
				f := newBridgeFarm(b, old, cookie.SiteOptions{})
				plain, err := f.plain()
				if err != nil {
					b.Fatal(err)
				}
				var browser browser
				f.signIn(b, &browser, original, "bob")
				r, seen := browser.request(), 0
				next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ })
				other := browserOf(&browser, nameOfHalf(f, 1)).request()
				check := f.halfs[1]
				w := &nowhere{http.Header{}}
				handle := func(s *cookie.Site) func() {
					h := s.Handler(next)
					return func() {
						clear(w.header)
						h.ServeHTTP(w, r)
					}
				}
				calls := []func(){handle(plain), handle(f.site), func() {
					if _, err := check.Session(other); err != nil {
						b.Fatal(err)
					}
				}}
				took := [3]time.Duration{time.Hour, time.Hour, time.Hour} // of the quickest batch
				const batch = 20
				n := 0
				for b.Loop() {
					for i, call := range calls {
						began := time.Now()
						for range batch {
							call()
						}
						took[i] = min(took[i], time.Since(began))
					}
					n += 2 * batch
				}
				if seen != n || len(w.header["Set-Cookie"]) > 0 {
					b.Fatalf("%d of %d requests, %q", seen, n, w.header["Set-Cookie"])
				}
				b.ReportMetric(0, "ns/op") // of all three
				b.ReportMetric(float64(took[0])/batch, "plain-ns")
				b.ReportMetric(float64(took[1])/batch, "bridge-ns")
				b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
				b.ReportMetric(float64(took[1])/float64(took[0]+took[2]), "one-more")
			})
		}
	}
}

// browserOf has the cookies of b whose names begin so.
func browserOf(b *browser, name string) *browser {
	var list []pair
	for _, p := range b.cookies {
		if len(p.Name) >= len(name) && p.Name[:len(name)] == name {
			list = append(list, p)
		}
	}
	return &browser{list}
}
