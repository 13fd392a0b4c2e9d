package routers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/ginguard"
)

func (f *farm) gin() *gin.Engine {
	site, orders := f.site, f.orders

	r := gin.New()
	r.GET("/health", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	r.GET("/home", ginguard.Wrap(site.Optional), func(c *gin.Context) {
		c.String(http.StatusOK, greeting(cookie.FromContext(c.Request.Context())))
	})
	members := r.Group("/", ginguard.Wrap(site.Handler))
	members.GET("/orders", func(c *gin.Context) {
		user, _ := cookie.FromContext(c.Request.Context())
		c.String(http.StatusOK, orders(user))
	})

	r.POST("/signin", gin.WrapF(f.signIn))
	r.POST("/signout", gin.WrapF(f.signOut))
	return r
}

func serveGin(t *testing.T, f *farm) string {
	r := f.gin()
	members := r.Group("/", ginguard.Wrap(f.site.Handler))
	members.GET("/twice", ginguard.Wrap(f.site.Handler), func(*gin.Context) { f.ran.Add(1) })
	members.POST("/leave", gin.WrapF(f.signOut))
	members.GET("/stream", func(c *gin.Context) {
		if err := f.stream(c.Writer, http.NewResponseController(c.Writer).Flush); err != nil {
			t.Error(err)
		}
	})
	members.GET("/hijack", func(c *gin.Context) {
		if err := f.hijack(c.Writer); err != nil {
			t.Error(err)
		}
	})
	members.GET("/fails", func(c *gin.Context) {
		f.ran.Add(1)
		c.AbortWithStatus(http.StatusInternalServerError)
	})
	return serve(t, r)
}

// TestGinRunsOn shows why ginguard exists: a guard without Abort sends its
// refusal and the page behind it.
func TestGinRunsOn(t *testing.T) {
	f := newFarm(t)
	r := gin.New()
	r.Use(gin.WrapH(f.site.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
	r.GET("/orders", func(c *gin.Context) { c.String(http.StatusOK, "orders") })
	a := ask(t, "GET", serve(t, r)+"/orders", "")
	if a.status != 401 || a.body != "Unauthorized\norders" {
		t.Errorf("status %d, %q", a.status, a.body)
	}
}

// TestGinOrder wants Use to leave alone the routes before it, without a word, and
// a guard around the engine to leave none out.
func TestGinOrder(t *testing.T) {
	f := newFarm(t)
	page := func(c *gin.Context) { c.String(http.StatusOK, "page") }
	r := gin.New()
	r.GET("/before", page)
	r.Use(ginguard.Wrap(f.site.Handler))
	r.GET("/after", page)
	inside, around := serve(t, r), serve(t, f.site.Handler(r))
	for path, want := range map[string]int{"/before": 200, "/after": 401, "/none": 401} {
		a := ask(t, "GET", inside+path, "")
		if a.status != want || want == 401 && strings.Contains(a.body, "page") {
			t.Errorf("%s: status %d, want %d", path, a.status, want)
		}
		if a := ask(t, "GET", around+path, ""); a.status != 401 || a.body != "Unauthorized\n" {
			t.Errorf("%s in a guarded engine: status %d, %q", path, a.status, a.body)
		}
	}
}

// TestGinContext wants the user in the context of the request, and in gin's own
// with ContextWithFallback only.
func TestGinContext(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		f := newFarm(t)
		r := gin.New()
		r.ContextWithFallback = fallback
		r.Use(ginguard.Wrap(f.site.Optional))
		r.POST("/signin", gin.WrapF(f.signIn))
		r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, greeting(cookie.FromContext(c))) })
		url := serve(t, r)
		want := map[bool]string{false: "hello stranger", true: "hello bob"}[fallback]
		if a := ask(t, "GET", url+"/", signedIn(t, url)); a.body != want {
			t.Errorf("fallback %t: %q", fallback, a.body)
		}
	}
}
