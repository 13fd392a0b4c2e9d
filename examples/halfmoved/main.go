// Command halfmoved is the way into a farm that is half moved. The shop is on ASP.NET Core and
// signs users in on a key ring, the orders are new and in Go, and all else is still on .NET
// Framework with its web.config. Who is signed in on one half is signed in on all of them.
//
//	go run ./newsite                        # if you have neither at hand
//	go run ./halfmoved -config web.config -keys keys -app Shop \
//		-old http://127.0.0.1:8081 -core http://127.0.0.1:8082
//	webfarm issue -config web.config -name bob           # a cookie of the old half
//	webfarm issue -keys keys -app Shop -name zoe         # a cookie of the new half
//	curl -b '...' http://127.0.0.1:8080/orders
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
)

func main() {
	config := flag.String("config", "web.config", "web.config of the old half")
	keys := flag.String("keys", "keys", "folder of the key ring of the new half")
	app := flag.String("app", "", "the new half's SetApplicationName")
	old := flag.String("old", "http://127.0.0.1:8081", "a node on .NET Framework")
	core := flag.String("core", "http://127.0.0.1:8082", "a node on ASP.NET Core")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	ctx := context.Background()
	ring, err := dataprotection.Open(ctx, dataprotection.Path(*keys), &dataprotection.RingOptions{
		ApplicationName: *app,
	})
	if err != nil {
		log.Fatal(err)
	}
	site, err := cookie.LoadSite(*config, &cookie.SiteOptions{
		DataProtection: ring,
		Credentials:    []cookie.Credential{{Kind: cookie.KindCore}}, // .AspNetCore.Cookies
		Bridge:         &cookie.BridgeOptions{},                      // between this and FedAuth
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("joined both halves\n%v", site)
	go site.Watch(ctx, nil) // follows the keys of the file; the ring follows its folder by itself

	mux := http.NewServeMux()
	mux.Handle("GET /orders", site.Handler(http.HandlerFunc(orders)))
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		if err := site.SignOut(w, r); err != nil { // the cookies of both halves
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "signed out")
	})
	mux.Handle("/shop/", to(site, *core))
	mux.Handle("/", to(site, *old))
	safe := http.NewCrossOriginProtection().Handler(mux) // no other site signs anybody out
	server := &http.Server{Addr: *addr, Handler: safe, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func orders(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context())
	fmt.Fprintf(w, "orders of %s, admin: %v\n", user.Name(), user.HasRole("admin"))
}

// to passes requests on to a .NET node, with the cookie of its half.
func to(site *cookie.Site, node string) http.Handler {
	target, err := url.Parse(node)
	if err != nil {
		log.Fatal(err)
	}
	return site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host // .NET builds its redirects with it
			p.SetXForwarded()
		}, ModifyResponse: func(resp *http.Response) error {
			ours := w.Header()["Set-Cookie"]
			resp.Header["Set-Cookie"] = append(ours, resp.Header["Set-Cookie"]...)
			w.Header().Del("Set-Cookie")
			if err := site.BridgeAnswer(r, resp.Header); err != nil { // a sign-in there, or -out
				log.Print(err) // the next request does what is left
			}
			return nil
		}}
		proxy.ServeHTTP(w, r)
	}))
}
