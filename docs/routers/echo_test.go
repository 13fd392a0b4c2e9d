package routers_test

import (
	"errors"
	"net/http"
	"testing"

	echo4 "github.com/labstack/echo/v4"
	"github.com/labstack/echo/v5"
	"github.com/webfarm-go/webfarm/cookie"
)

func (f *farm) echo() *echo.Echo {
	site, orders := f.site, f.orders

	e := echo.New()
	e.GET("/health", func(c *echo.Context) error { return c.String(http.StatusOK, "ok") })
	e.GET("/home", func(c *echo.Context) error {
		return c.String(http.StatusOK, greeting(cookie.FromContext(c.Request().Context())))
	}, echo.WrapMiddleware(site.Optional))
	members := e.Group("", echo.WrapMiddleware(site.Handler))
	members.GET("/orders", func(c *echo.Context) error {
		user, _ := cookie.FromContext(c.Request().Context())
		return c.String(http.StatusOK, orders(user))
	})

	e.POST("/signin", echo.WrapHandler(http.HandlerFunc(f.signIn)))
	e.POST("/signout", echo.WrapHandler(http.HandlerFunc(f.signOut)))
	return e
}

func serveEcho(t *testing.T, f *farm) string {
	e := f.echo()
	members := e.Group("", echo.WrapMiddleware(f.site.Handler))
	members.GET("/twice", func(*echo.Context) error {
		f.ran.Add(1)
		return nil
	}, echo.WrapMiddleware(f.site.Handler))
	members.POST("/leave", echo.WrapHandler(http.HandlerFunc(f.signOut)))
	members.GET("/stream", func(c *echo.Context) error {
		return f.stream(c.Response(), http.NewResponseController(c.Response()).Flush)
	})
	members.GET("/hijack", func(c *echo.Context) error { return f.hijack(c.Response()) })
	members.GET("/fails", func(*echo.Context) error {
		f.ran.Add(1)
		return errors.New("failed")
	})
	return serve(t, e)
}

func serveEcho4(t *testing.T, f *farm) string {
	e := echo4.New()
	e.GET("/health", func(c echo4.Context) error { return c.String(http.StatusOK, "ok") })
	e.GET("/home", func(c echo4.Context) error {
		return c.String(http.StatusOK, greeting(cookie.FromContext(c.Request().Context())))
	}, echo4.WrapMiddleware(f.site.Optional))
	e.POST("/signin", echo4.WrapHandler(http.HandlerFunc(f.signIn)))
	e.POST("/signout", echo4.WrapHandler(http.HandlerFunc(f.signOut)))
	members := e.Group("", echo4.WrapMiddleware(f.site.Handler))
	members.GET("/orders", func(c echo4.Context) error {
		user, _ := cookie.FromContext(c.Request().Context())
		return c.String(http.StatusOK, f.orders(user))
	})
	members.GET("/twice", func(echo4.Context) error {
		f.ran.Add(1)
		return nil
	}, echo4.WrapMiddleware(f.site.Handler))
	members.POST("/leave", echo4.WrapHandler(http.HandlerFunc(f.signOut)))
	members.GET("/stream", func(c echo4.Context) error {
		return f.stream(c.Response(), http.NewResponseController(c.Response()).Flush)
	})
	members.GET("/hijack", func(c echo4.Context) error { return f.hijack(c.Response()) })
	members.GET("/fails", func(echo4.Context) error {
		f.ran.Add(1)
		return errors.New("failed")
	})
	return serve(t, e)
}

// TestEchoOrder wants Use of a group to leave alone the routes before it, and Use
// of the whole to leave none out.
func TestEchoOrder(t *testing.T) {
	f := newFarm(t)
	page := func(c *echo.Context) error { return c.String(http.StatusOK, "page") }
	e := echo.New()
	group := e.Group("/group")
	group.GET("/before", page)
	group.Use(echo.WrapMiddleware(f.site.Handler))
	group.GET("/after", page)

	whole := echo.New()
	whole.GET("/before", page)
	whole.Use(echo.WrapMiddleware(f.site.Handler))
	for url, want := range map[string]int{
		serve(t, e) + "/group/before": 200,
		serve(t, e) + "/group/after":  401,
		serve(t, whole) + "/before":   401,
	} {
		if a := ask(t, "GET", url, ""); a.status != want {
			t.Errorf("%s: status %d, want %d", url, a.status, want)
		}
	}
}

// TestEchoRefusedByHand shows what goes wrong without WrapMiddleware: echo calls
// what the middleware calls, and a refusal does not end a function.
func TestEchoRefusedByHand(t *testing.T) {
	f := newFarm(t)
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if _, err := f.site.Check(c.Request()); err != nil {
				cookie.Deny(c.Response(), c.Request(), err)
			}
			return next(c)
		}
	})
	e.GET("/orders", func(c *echo.Context) error { return c.String(http.StatusOK, "orders") })
	a := ask(t, "GET", serve(t, e)+"/orders", "")
	if a.status != 401 || a.body != "Unauthorized\norders" {
		t.Errorf("status %d, %q", a.status, a.body)
	}
}
