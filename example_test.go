package webfarm_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Example is the README's: a service behind the farm's load balancer that
// knows the user whom a .NET node has signed in.
func Example() {
	defer enterSite()()

	site, err := cookie.LoadSite("web.config", nil)
	if err != nil {
		log.Fatal(err)
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s, admin: %v", user.Name(), user.HasRole("admin"))
	})
	http.Handle("/orders", site.Handler(orders))

	fmt.Println(visit("/orders", nil))
	fmt.Println(visit("/orders", farmtest.SignedInAt(site)))
	// Output:
	// 401 Unauthorized
	//
	// 200 orders of bob, admin: true
}

// Example_signIn issues and deletes the cookies that the .NET nodes accept.
func Example_signIn() {
	defer enterSite()()

	site, err := cookie.LoadSite("web.config", nil)
	if err != nil {
		log.Fatal(err)
	}

	signIn := func(w http.ResponseWriter, r *http.Request) {
		user := sessiontoken.NewPrincipal("bob", "admin")
		if err := site.Sessions().SignIn(w, r, user, nil); err != nil {
			http.Error(w, "sign-in failed", http.StatusInternalServerError)
		}
	}
	signOut := func(w http.ResponseWriter, r *http.Request) {
		if err := site.SignOut(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	}

	w := httptest.NewRecorder()
	signIn(w, httptest.NewRequest("POST", "/signin", nil))
	r := httptest.NewRequest("POST", "/signout", nil)
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.Path, c.Secure, c.HttpOnly)
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	signOut(w, r)
	fmt.Println(w.Header().Get("Set-Cookie"))
	// Output:
	// FedAuth / true true
	// FedAuth=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure
}

// enterSite goes to the folder of a site with a fresh web.config, and returns
// the way back.
func enterSite() (leave func()) {
	back, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Chdir(filepath.Dir(farmtest.FreshSite())); err != nil {
		log.Fatal(err)
	}
	return func() {
		if err := os.Chdir(back); err != nil {
			log.Fatal(err)
		}
	}
}

// visit asks the default mux for a page.
func visit(path string, like *http.Request) string {
	r := httptest.NewRequest("GET", path, nil)
	if like != nil {
		r.Header = like.Header
	}
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", w.Body)
}
