// The program of docs/joining.md: a service that joins a farm. It stands in a
// test file so that it is compiled and tested as it is printed there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

func main() {
	config := flag.String("config", "web.config", "the site's web.config")
	addr := flag.String("addr", "127.0.0.1:8080", "where the balancer reaches this service")
	signIn := flag.String("signin", "/signin", "page of a .NET node that signs users in")
	flag.Parse()

	site, err := cookie.LoadSite(*config, &cookie.SiteOptions{
		Sessions: cookie.SessionsOptions{IsTLS: isTLS, Logger: slog.Default()},
	})
	if err != nil {
		log.Fatal(err) // names the line of the file, what is wrong there and what would be right
	}
	go site.Watch(context.Background(), nil) // follows the keys of the file; it logs by itself

	server := &http.Server{Addr: *addr, Handler: pages(site, *signIn), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// pages is the service itself: a page for users, and one for everybody.
func pages(site *cookie.Site, signIn string) http.Handler {
	site.SetDeny(func(w http.ResponseWriter, r *http.Request, err error) {
		if errors.Is(err, cookie.ErrUnavailable) || r.Method != http.MethodGet {
			cookie.Deny(w, r, err)
			return
		}
		http.Redirect(w, r, signIn+"?ReturnUrl="+url.QueryEscape(r.URL.RequestURI()), http.StatusFound)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s, admin: %v\n", user.Name(), user.HasRole("admin"))
	})))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

// isTLS believes the header: nobody but the balancer can reach this service.
func isTLS(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" }
