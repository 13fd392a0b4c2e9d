package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// demo stands for a codec of package sessiontoken: it takes the text of the
// credential for the name of the user.
type demo struct{}

func (demo) ReadPrincipal(_ context.Context, text string) (*sessiontoken.Principal, error) {
	if strings.Contains(text, "forged") {
		return nil, sessiontoken.ErrInvalid
	}
	return sessiontoken.NewPrincipal(text), nil
}

// get asks a handler for a page and prints the answer.
func get(h http.Handler, path, cookies string) {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Cookie", cookies)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"), strings.TrimSpace(w.Body.String()))
}

func ExampleGuard_Handler() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), demo{}) // a codec of package sessiontoken

	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context()) // always there behind Handler
		fmt.Fprintf(w, "orders of %s", user.Name())
	})
	mux := http.NewServeMux()
	mux.Handle("/orders", guard.Handler(orders))

	get(mux, "/orders", "FedAuth=bob")
	get(mux, "/orders", "FedAuth=b; FedAuth1=ob")
	get(mux, "/orders", "FedAuth=forged")
	get(mux, "/orders", "")
	// Output:
	// 200  orders of bob
	// 200  orders of bob
	// 401  Unauthorized
	// 401  Unauthorized
}

// Handler and Optional have the shape of middleware in any router.
func ExampleGuard_Handler_chain() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), demo{})
	guard.Accept(cookie.From(cookie.KindForms, ""), demo{})

	admins := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, ok := cookie.FromContext(r.Context()); !ok || user.Name() != "alice" {
				http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	var page http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "settings")
	})
	for _, wrap := range []func(http.Handler) http.Handler{admins, guard.Handler} {
		page = wrap(page)
	}

	get(page, "/", "FedAuth=alice")
	get(page, "/", ".ASPXAUTH=alice")
	get(page, "/", "FedAuth=bob")
	get(page, "/", "")
	// Output:
	// 200  settings
	// 200  settings
	// 403  Forbidden
	// 401  Unauthorized
}

func ExampleGuard_Optional() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), demo{})

	home := guard.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, ok := cookie.FromContext(r.Context()); ok {
			fmt.Fprintf(w, "hello %s", user.Name())
			return
		}
		fmt.Fprint(w, "hello stranger")
	}))

	get(home, "/", "FedAuth=bob")
	get(home, "/", "FedAuth=forged")
	get(home, "/", "")
	// Output:
	// 200  hello bob
	// 200  hello stranger
	// 200  hello stranger
}

func ExampleGuard_SetDeny() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), demo{})
	guard.SetDeny(func(w http.ResponseWriter, r *http.Request, err error) {
		if errors.Is(err, cookie.ErrUnavailable) {
			cookie.Deny(w, r, err) // signing in again would not help
			return
		}
		http.Redirect(w, r, "/signin?from="+r.URL.EscapedPath(), http.StatusSeeOther)
	})

	get(guard.Handler(http.NotFoundHandler()), "/orders", "FedAuth=forged")
	// Output:
	// 303 /signin?from=/orders <a href="/signin?from=/orders">See Other</a>.
}

func ExampleGuard_Check() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindFedAuth, ""), demo{})

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "FedAuth=forged")
	_, err := guard.Check(r)
	fmt.Println(err)
	fmt.Println(errors.Is(err, sessiontoken.ErrInvalid), errors.Is(err, cookie.ErrNoCredential))
	// Output:
	// sessiontoken: not a valid credential
	// true false
}
