package routers_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/webfarm-go/webfarm/cookie"
)

func (f *farm) standard() *http.ServeMux {
	site, orders := f.site, f.orders

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
	})
	home := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, greeting(cookie.FromContext(r.Context())))
	}
	ordersOf := func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		io.WriteString(w, orders(user))
	}
	mux.Handle("GET /home", site.Optional(http.HandlerFunc(home)))
	mux.Handle("GET /orders", site.Handler(http.HandlerFunc(ordersOf)))

	mux.HandleFunc("POST /signin", f.signIn)
	mux.HandleFunc("POST /signout", f.signOut)
	return mux
}

func serveStandard(t *testing.T, f *farm) string {
	mux := f.standard()
	for path, h := range f.more(t) {
		mux.Handle(path, f.site.Handler(h))
	}
	return serve(t, mux)
}

// more are the pages of the tests, for routers that take http.Handler.
func (f *farm) more(t *testing.T) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/leave": f.signOut,
		"/twice": f.site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.ran.Add(1)
		})).ServeHTTP,
		"/stream": func(w http.ResponseWriter, r *http.Request) {
			if err := f.stream(w, http.NewResponseController(w).Flush); err != nil {
				t.Error(err)
			}
		},
		"/hijack": func(w http.ResponseWriter, r *http.Request) {
			if err := f.hijack(w); err != nil {
				t.Error(err)
			}
		},
		"/fails": func(w http.ResponseWriter, r *http.Request) {
			f.ran.Add(1)
			http.Error(w, "failed", http.StatusInternalServerError)
		},
	}
}

func (f *farm) chi() *chi.Mux {
	site, orders := f.site, f.orders

	r := chi.NewRouter()
	r.Get("/health", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	r.With(site.Optional).Get("/home", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, greeting(cookie.FromContext(r.Context())))
	})
	r.Group(func(members chi.Router) {
		members.Use(site.Handler)
		members.Get("/orders", func(w http.ResponseWriter, r *http.Request) {
			user, _ := cookie.FromContext(r.Context())
			io.WriteString(w, orders(user))
		})
	})

	r.Post("/signin", f.signIn)
	r.Post("/signout", f.signOut)
	return r
}

func serveChi(t *testing.T, f *farm) string {
	r := f.chi()
	r.Group(func(members chi.Router) {
		members.Use(f.site.Handler)
		for path, h := range f.more(t) {
			members.HandleFunc(path, h)
		}
	})
	return serve(t, r)
}

// TestChiOrder wants the panic that the document promises.
func TestChiOrder(t *testing.T) {
	f := newFarm(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r := chi.NewRouter()
	r.Get("/orders", func(http.ResponseWriter, *http.Request) {})
	r.Use(f.site.Handler)
}

// TestAroundTheRouter guards routers as a whole: what they leave open is shut.
func TestAroundTheRouter(t *testing.T) {
	f := newFarm(t)
	for name, router := range map[string]http.Handler{
		"net/http": f.standard(), "chi": f.chi(), "gin": f.gin(), "echo": f.echo(),
	} {
		url := serve(t, f.site.Handler(router))
		for _, path := range []string{"/health", "/orders", "/none"} {
			a := ask(t, "GET", url+path, "")
			if a.status != 401 || a.body != "Unauthorized\n" {
				t.Errorf("%s: %s: status %d, %q", name, path, a.status, a.body)
			}
		}
	}
}
