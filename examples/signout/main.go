// Command signout is one of several services that share the sign-in of a .NET site. Signing out at
// one ends the session at all of them, also for those who copied the cookie: they share a Redis.
//
//	go run ./newsite                        # if you have no web.config at hand
//	redis-server --maxmemory-policy noeviction
//	go run ./signout -config web.config -redis 127.0.0.1:6379 -addr 127.0.0.1:8080
//	go run ./signout -config web.config -redis 127.0.0.1:6379 -addr 127.0.0.1:8081
//	webfarm issue -config web.config -name bob           # prints a cookie to try it with
//	curl -b 'FedAuth=...' http://127.0.0.1:8080/
//	curl -b 'FedAuth=...' -X POST http://127.0.0.1:8081/signout
//
// .NET nodes do not look into the Redis: docs/sessions.md says what a sign-out means there.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
)

func main() {
	config := flag.String("config", "web.config", "the site's web.config")
	address := flag.String("redis", "127.0.0.1:6379", "the Redis of all services")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	client := redis.NewClient(&redis.Options{Addr: *address, ContextTimeoutEnabled: true})
	store, err := redisstore.New(client, nil)
	if err != nil {
		log.Fatal(err)
	}
	site, err := cookie.LoadSite(*config, &cookie.SiteOptions{Sessions: cookie.SessionsOptions{
		Store:       store,          // knows which sessions were ended
		MaxLifetime: 12 * time.Hour, // so long it remembers them
	}})
	if err != nil {
		log.Fatal(err)
	}
	go site.Watch(context.Background(), nil) // follows the keys of the file

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", site.Handler(http.HandlerFunc(home)))
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		// With the Redis away this is an error and deletes nothing, so that the user can try again.
		if err := site.SignOut(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "signed out everywhere")
	})
	safe := http.NewCrossOriginProtection().Handler(mux) // no other site signs anybody out
	server := &http.Server{Addr: *addr, Handler: safe, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func home(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s\n", user.Name())
}
