// Command api is a JSON API for the users of a .NET site: whoever has its session cookie, FedAuth,
// is known here, with roles and claims.
//
//	go run ./newsite                                          # if you have no web.config at hand
//	go run ./api -config web.config
//	webfarm issue -config web.config -name bob -role admin    # prints a cookie to try it with
//	curl -b 'FedAuth=...' http://127.0.0.1:8080/api/me
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

func main() {
	config := flag.String("config", "web.config", "the site's web.config")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	site, err := cookie.LoadSite(*config, nil)
	if err != nil {
		log.Fatal(err) // names the line of the file, and what would be right there
	}
	log.Printf("joined the farm\n%v", site)
	go site.Watch(context.Background(), nil) // follows the keys of the file

	server := &http.Server{Addr: *addr, Handler: api(site), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func api(site *cookie.Site) http.Handler {
	site.SetDeny(deny)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/me", me)
	mux.Handle("DELETE /api/orders/{id}", cookie.RequireRole("admin")(http.HandlerFunc(remove)))
	// Browsers send cookies along with requests that other sites start.
	return http.NewCrossOriginProtection().Handler(site.Handler(mux))
}

// me says who asks.
func me(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context())
	claims := map[string][]string{}
	for c := range user.All("") {
		claims[c.Type] = append(claims[c.Type], c.Value)
	}
	reply(w, http.StatusOK, map[string]any{"name": user.Name(), "claims": claims})
}

// remove is for admins.
func remove(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]any{"removed": r.PathValue("id")})
}

// deny answers those who are not let in. The client learns the status and no more.
func deny(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusUnauthorized
	switch {
	case errors.Is(err, cookie.ErrUnavailable):
		status = http.StatusServiceUnavailable
	case errors.Is(err, cookie.ErrForbidden):
		status = http.StatusForbidden
	}
	reply(w, status, map[string]any{"error": http.StatusText(status)})
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err) // the client has gone
	}
}
