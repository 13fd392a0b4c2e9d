package ginguard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/webfarm-go/webfarm/cookie/ginguard"
)

type key struct{}

// TestWrap tries what a middleware may do. The tests of docs/routers do it with
// the guards themselves.
func TestWrap(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for _, test := range []struct {
		name       string
		middleware func(http.ResponseWriter, *http.Request, http.Handler)
		status     int
		order      string
	}{
		{"admits", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "bob")))
		}, 200, "in page:bob last out"},
		{"refuses", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
			w.WriteHeader(http.StatusUnauthorized)
		}, 401, "in out"},
		{"says nothing", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
		}, 200, "in out"},
		{"panics", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Set-Cookie", "a=b")
			panic("middleware")
		}, 500, "in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var order []string
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(nil), ginguard.Wrap(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					order = append(order, "in")
					test.middleware(w, r, next)
					order = append(order, "out")
				})
			}))
			r.GET("/", func(c *gin.Context) {
				user, _ := c.Request.Context().Value(key{}).(string)
				order = append(order, "page:"+user)
			}, func(*gin.Context) { order = append(order, "last") })
			w := httptest.NewRecorder()
			r.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if got := strings.Join(order, " "); got != test.order || w.Code != test.status {
				t.Errorf("%q and %d, want %q and %d", got, w.Code, test.order, test.status)
			}
			if w.Header().Get("Set-Cookie") != "a=b" {
				t.Error("a cookie is lost")
			}
		})
	}
}
