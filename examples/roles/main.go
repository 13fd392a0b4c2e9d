// Command roles is a site with chi in which pages want roles and claims, as [Authorize(Roles = …)]
// does in .NET.
//
//	go run ./newsite                                           # if you have no web.config at hand
//	go run ./roles -config web.config
//	webfarm issue -config web.config -name bob -role sales     # prints a cookie to try it with
//	curl -b 'FedAuth=...' http://127.0.0.1:8080/orders
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func main() {
	config := flag.String("config", "web.config", "the site's web.config")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	site, err := cookie.LoadSite(*config, nil)
	if err != nil {
		log.Fatal(err)
	}
	go site.Watch(context.Background(), nil) // follows the keys of the file

	server := &http.Server{Addr: *addr, Handler: router(site), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func router(site *cookie.Site) http.Handler {
	r := chi.NewRouter()
	r.Get("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })

	r.Group(func(r chi.Router) {
		r.Use(site.Handler) // strangers get 401 from here on, users without the role 403
		r.Get("/", page("home"))
		r.With(cookie.RequireRole("sales", "chief")).Get("/orders", page("orders")) // one of them
		r.With(cookie.RequireClaim(sessiontoken.ClaimTypeEmail)).Get("/letters", page("letters"))

		r.Route("/admin", func(r chi.Router) {
			r.Use(cookie.RequireRole("admin"))
			r.Get("/users", page("users"))
			r.With(cookie.RequireRole("chief")).Get("/salaries", page("salaries")) // both
		})
	})
	return r
}

func page(title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "%s, for %s\n", title, user.Name())
	}
}
