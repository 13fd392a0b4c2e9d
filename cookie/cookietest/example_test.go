package cookietest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/cookietest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// shop is the service that the examples test.
func shop(site *cookie.Site) http.Handler {
	mux := http.NewServeMux()
	orders := func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", user.Name())
	}
	staff := cookie.RequireRole("staff")
	mux.Handle("GET /orders", site.Handler(http.HandlerFunc(orders)))
	mux.Handle("GET /prices", site.Handler(staff(http.HandlerFunc(prices))))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := site.SignOut(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
	return mux
}

func prices(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "prices") }

// A stranger is refused, and so is whoever brings a bad credential.
func Example_strangerRefused() {
	site := cookietest.New(cookie.KindFedAuth, nil)
	service := shop(site.Site)
	alice := sessiontoken.NewPrincipal("alice")

	w := httptest.NewRecorder()
	service.ServeHTTP(w, site.Request("GET", "/orders", nil, nil))
	fmt.Println("a stranger:", w.Code)
	for _, fault := range cookietest.Faults {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, site.Request("GET", "/orders", nil, alice, fault))
		fmt.Printf("%s: %d\n", fault, w.Code)
	}
	// Output:
	// a stranger: 401
	// expired: 401
	// tampered: 401
	// foreign key: 401
	// signed out: 401
	// revoked: 401
}

// A user is let in.
func Example_userLetIn() {
	site := cookietest.New(cookie.KindFedAuth, nil)
	alice := sessiontoken.NewPrincipal("alice")

	w := httptest.NewRecorder()
	shop(site.Site).ServeHTTP(w, site.Request("GET", "/orders", nil, alice))
	fmt.Println(w.Code, w.Body)
	// Output: 200 orders of alice
}

// A user without the role is refused.
func Example_roleMissing() {
	site := cookietest.New(cookie.KindForms, nil)
	for _, user := range []*sessiontoken.Principal{
		sessiontoken.NewPrincipal("alice"),
		sessiontoken.NewPrincipal("bob", "staff"),
	} {
		w := httptest.NewRecorder()
		shop(site.Site).ServeHTTP(w, site.Request("GET", "/prices", nil, user))
		fmt.Println(user.Name(), w.Code)
	}
	// Output:
	// alice 403
	// bob 200
}

// A session ends.
func Example_sessionEnds() {
	site := cookietest.New(cookie.KindFedAuth, nil)
	r := site.Request("GET", "/orders", nil, sessiontoken.NewPrincipal("alice"))

	for range 3 {
		w := httptest.NewRecorder()
		shop(site.Site).ServeHTTP(w, r)
		fmt.Println(w.Code)
		site.Advance(6 * time.Hour) // of the ten that FedAuth lasts
	}
	// Output:
	// 200
	// 200
	// 401
}

// Sign-out works: for the browser, and for a copy of its cookie.
func Example_signOut() {
	site := cookietest.New(cookie.KindKatana, nil)
	service := shop(site.Site)
	alice := sessiontoken.NewPrincipal("alice")

	r := site.Request("POST", "/logout", nil, alice)
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	fmt.Println(site.Outcome(r, w.Result()))
	_, err := site.Check(r)
	fmt.Println("a copy:", err)

	server := httptest.NewServer(service)
	defer server.Close()
	browser := site.Client(server, alice)
	status := func(response *http.Response, err error) {
		if err != nil {
			fmt.Println(err)
			return
		}
		response.Body.Close()
		fmt.Println(response.Request.URL.Path, response.StatusCode)
	}
	status(browser.Get(server.URL + "/orders"))
	status(browser.Post(server.URL+"/logout", "", nil))
	status(browser.Get(server.URL + "/orders"))
	// Output:
	// signed out
	// a copy: cookie: the session was ended
	// /orders 200
	// /logout 200
	// /orders 401
}

// A test with the web.config of the service, and what the service sets in Go.
func ExampleNew() {
	path, err := newWebConfig() // of your own: testdata/web.config
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(path)
	site := cookietest.New(cookie.KindBearer, func(o *cookie.SiteOptions) (*cookie.Site, error) {
		o.Credentials = []cookie.Credential{{Kind: cookie.KindBearer, Lifetime: time.Hour}}
		return cookie.LoadSite(path, o)
	})

	r := site.Request("GET", "/orders", nil, sessiontoken.NewPrincipal("alice"))
	w := httptest.NewRecorder()
	shop(site.Site).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 orders of alice
}
