// Command bearer is an API for apps that have no cookies: it reads the access tokens that a site on
// ASP.NET Core gives them with AddBearerToken or MapIdentityApi.
//
//	go run ./newsite                        # if you have no key ring at hand
//	go run ./bearer -keys keys -app Shop
//	webfarm issue -keys keys -app Shop -kind corebearer -scheme Identity.Bearer -name zoe
//	curl -H 'Authorization: Bearer ...' http://127.0.0.1:8080/orders
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
)

func main() {
	keys := flag.String("keys", "keys", "folder of the key ring")
	app := flag.String("app", "", "what the .NET nodes pass to SetApplicationName")
	scheme := flag.String("scheme", "Identity.Bearer", "scheme of the .NET nodes")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	ring, err := dataprotection.Open(context.Background(), dataprotection.Path(*keys),
		&dataprotection.RingOptions{ApplicationName: *app})
	if err != nil {
		log.Fatal(err)
	}
	site, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{
		DataProtection: ring,
		Credentials:    []cookie.Credential{{Kind: cookie.KindBearer, AuthenticationType: *scheme}},
	})
	if err != nil {
		log.Fatal(err)
	}
	site.SetDeny(func(w http.ResponseWriter, r *http.Request, err error) {
		if !errors.Is(err, cookie.ErrUnavailable) {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		cookie.Deny(w, r, err)
	})
	http.Handle("GET /orders", site.Handler(http.HandlerFunc(orders)))
	server := &http.Server{Addr: *addr, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func orders(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context())
	fmt.Fprintf(w, "orders of %s\n", user.Name())
}
