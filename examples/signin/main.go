// Command signin signs users in against a table of its own, with the forms tickets of a .NET site:
// whoever signs in here is signed in there, and the other way round.
//
//	go run ./newsite                        # if you have no web.config at hand
//	go run ./signin -config web.config
//
// Then open http://127.0.0.1:8080/ and sign in as bob, with the password that the program prints.
package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"flag"
	"html/template"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// row is a user in the table, which a real service has in a database.
type row struct {
	salt, hash []byte
	roles      string // as the .NET site writes them into the user data of its tickets
}

func splitRoles(userData string) []string { return strings.Split(userData, "|") }

func hash(password string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, password, salt, 600_000, 32)
	if err != nil {
		log.Fatal(err) // bad parameters
	}
	return key
}

func main() {
	config := flag.String("config", "web.config", "the site's web.config")
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()

	site, err := cookie.LoadSite(*config, &cookie.SiteOptions{Roles: splitRoles})
	if err != nil {
		log.Fatal(err)
	}
	forms, ok := site.SessionsOf(".ASPXAUTH")
	if !ok {
		log.Fatalf("no forms tickets:\n%v", site)
	}
	password, salt := rand.Text(), []byte(rand.Text())
	log.Printf("bob's password: %s", password)
	users := map[string]row{"bob": {salt, hash(password, salt), "staff|sales"}}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", site.Optional(http.HandlerFunc(home)))
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		name, password := r.PostFormValue("name"), r.PostFormValue("password")
		u := users[name] // hashed for strangers too: the time tells nothing
		if subtle.ConstantTimeCompare(hash(password, u.salt), u.hash) == 0 {
			http.Error(w, "wrong name or password", http.StatusForbidden)
			return
		}
		user := sessiontoken.NewPrincipal(name, splitRoles(u.roles)...)
		if err := forms.SignIn(w, r, user, &cookie.SignInOptions{UserData: u.roles}); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		if err := site.SignOut(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	safe := http.NewCrossOriginProtection().Handler(mux) // no other site signs anybody in
	server := &http.Server{Addr: *addr, Handler: safe, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func home(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context()) // nil for a stranger
	if err := page.Execute(w, user); err != nil {
		log.Print(err)
	}
}

var page = template.Must(template.New("").Parse(`<!doctype html><title>Sign-in</title>
{{with .}}<p>Hello {{.Name}}{{if .HasRole "staff"}}, of our staff{{end}}.
<form method="post" action="/signout"><button>Sign out</button></form>{{else}}
<form method="post" action="/signin">Name <input name="name"> Password
<input name="password" type="password"> <button>Sign in</button></form>{{end}}
`))
