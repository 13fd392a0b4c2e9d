package fiberguard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/webfarm-go/webfarm/cookie/fiberguard"
)

type key struct{}

// TestWrap tries what a middleware may do. The tests of docs/routers do it with
// the guards themselves.
func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name       string
		middleware func(http.ResponseWriter, *http.Request, http.Handler)
		status     int
		order      string
	}{
		{"admits", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "bob")))
		}, 200, "in out page:bob last"},
		{"refuses", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
			w.WriteHeader(http.StatusUnauthorized)
		}, 401, "in out"},
		{"says nothing", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
		}, 200, "in out"},
		{"panics", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			panic("middleware")
		}, 500, "in"},
		{"panics after it admitted", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(w, r)
			panic("middleware")
		}, 500, "in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var order []string
			app := fiber.New()
			app.Use(recover.New(), fiberguard.Wrap(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					order = append(order, "in")
					test.middleware(w, r, next)
					order = append(order, "out")
				})
			}))
			app.Get("/", func(c fiber.Ctx) error {
				user, _ := c.Context().Value(key{}).(string)
				order = append(order, "page:"+user)
				return c.Next()
			}, func(fiber.Ctx) error {
				order = append(order, "last")
				return nil
			})
			resp, err := app.Test(httptest.NewRequest("GET", "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(order, " "); got != test.order || resp.StatusCode != test.status {
				t.Errorf("%q and %d, want %q and %d", got, resp.StatusCode, test.order, test.status)
			}
			if test.status != 500 && resp.Header.Get("Set-Cookie") != "a=b" {
				t.Error("a cookie is lost")
			}
		})
	}
}
