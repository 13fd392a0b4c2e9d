package routers_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	fiber2 "github.com/gofiber/fiber/v2"
	adaptor2 "github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/fiberguard"
)

func (f *farm) fiber() *fiber.App {
	site, orders, signIn, signOut := f.site, f.orders, f.signIn, f.signOut

	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Get("/health", func(c fiber.Ctx) error { return c.SendString("ok") })
	app.Post("/signin", adaptor.HTTPHandlerFunc(signIn))
	app.Post("/signout", adaptor.HTTPHandlerFunc(signOut))
	app.Get("/home", fiberguard.Wrap(site.Optional), func(c fiber.Ctx) error {
		return c.SendString(greeting(cookie.FromContext(c.Context())))
	})
	members := app.Group("/", fiberguard.Wrap(site.Handler)) // guards all that follows
	members.Get("/orders", func(c fiber.Ctx) error {
		user, _ := cookie.FromContext(c.Context())
		return c.SendString(orders(user))
	})
	return app
}

func serveFiber3(t *testing.T, f *farm) string {
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Get("/hijack", adaptor.HTTPHandler(f.site.Handler(f.more(t)["/hijack"])))
	guard := fiberguard.Wrap(f.site.Handler)
	app.Get("/twice", guard, guard, func(fiber.Ctx) error {
		f.ran.Add(1)
		return nil
	})
	app.Post("/leave", guard, adaptor.HTTPHandlerFunc(f.signOut))
	app.Get("/stream", guard, func(c fiber.Ctx) error {
		return c.SendStreamWriter(func(w *bufio.Writer) {
			if err := f.stream(w, w.Flush); err != nil {
				t.Error(err)
			}
		})
	})
	app.Get("/fails", guard, func(fiber.Ctx) error {
		f.ran.Add(1)
		return errors.New("failed")
	})
	app.Use(f.fiber())
	return serveFiber(t, app)
}

// serveFiber2 has the lines that stand for fiber v2: its own adaptor, and its
// Context, which is that of fasthttp.
func serveFiber2(t *testing.T, f *farm) string {
	app := fiber2.New(fiber2.Config{ReadBufferSize: 64 << 10, DisableStartupMessage: true})
	guard := adaptor2.HTTPMiddleware(f.site.Handler)
	app.Get("/health", func(c *fiber2.Ctx) error { return c.SendString("ok") })
	app.Post("/signin", adaptor2.HTTPHandlerFunc(f.signIn))
	app.Post("/signout", adaptor2.HTTPHandlerFunc(f.signOut))
	app.Get("/home", adaptor2.HTTPMiddleware(f.site.Optional), func(c *fiber2.Ctx) error {
		return c.SendString(greeting(cookie.FromContext(c.Context())))
	})
	app.Get("/hijack", adaptor2.HTTPHandler(f.site.Handler(f.more(t)["/hijack"])))
	app.Get("/orders", guard, func(c *fiber2.Ctx) error {
		user, _ := cookie.FromContext(c.Context())
		return c.SendString(f.orders(user))
	})
	app.Get("/twice", guard, guard, func(*fiber2.Ctx) error {
		f.ran.Add(1)
		return nil
	})
	app.Post("/leave", guard, adaptor2.HTTPHandlerFunc(f.signOut))
	app.Get("/stream", guard, func(c *fiber2.Ctx) error {
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			if err := f.stream(w, w.Flush); err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	app.Get("/fails", guard, func(*fiber2.Ctx) error {
		f.ran.Add(1)
		return errors.New("failed")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return onListener(t, l, app.Listener, app.ShutdownWithTimeout)
}

// serveFiber serves an app of fiber v3 until the test ends.
func serveFiber(t *testing.T, app *fiber.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	run := func(l net.Listener) error {
		return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
	}
	return onListener(t, l, run, app.ShutdownWithTimeout)
}

// onListener runs a server that is not one of net/http until the test ends, and
// returns its address.
func onListener(
	t *testing.T, l net.Listener, run func(net.Listener) error, stop func(time.Duration) error,
) string {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- run(l) }()
	url := "http://" + l.Addr().String()
	send(t, "GET", url+"/health", "") // stop has no effect on a server that has not started
	t.Cleanup(func() {
		if err := stop(10 * time.Second); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return url
}

// TestFiberOrder wants the guard of a group to stand before all that is added
// under its prefix afterwards, and before nothing that was there.
func TestFiberOrder(t *testing.T) {
	f := newFarm(t)
	page := func(c fiber.Ctx) error { return c.SendString("page") }
	app := fiber.New()
	app.Get("/before", page)
	group := app.Group("/", fiberguard.Wrap(f.site.Handler))
	group.Get("/in", page)
	app.Get("/after", page)
	url := serveFiber(t, app)
	for path, want := range map[string]int{"/before": 200, "/in": 401, "/after": 401} {
		if a := ask(t, "GET", url+path, ""); a.status != want {
			t.Errorf("%s: status %d, want %d", path, a.status, want)
		}
	}
}

// TestFiberHeaderSize sends bob's cookies to a fiber with its defaults.
func TestFiberHeaderSize(t *testing.T) {
	f := newFarm(t)
	bob := signedIn(t, serveStandard(t, f))
	app := fiber.New()
	app.Get("/orders", func(c fiber.Ctx) error { return c.SendString("orders") })
	a := ask(t, "GET", serveFiber(t, app)+"/orders", bob)
	if len(bob) <= 4096 || a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d for %d bytes", a.status, len(bob))
	}
}

// TestFiberContext wants the user in fiber's context beside what was there, and
// the same after the request, when fiber has used its memory again. With fiber's
// own adaptor he is not there.
func TestFiberContext(t *testing.T) {
	type key struct{}
	f := newFarm(t)
	seen := make(chan context.Context, 1)
	app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
	app.Post("/signin", adaptor.HTTPHandlerFunc(f.signIn))
	app.Use(func(c fiber.Ctx) error {
		c.SetContext(context.WithValue(c.Context(), key{}, "trace"))
		return c.Next()
	})
	home := func(c fiber.Ctx) error {
		seen <- c.Context()
		return c.SendString("home")
	}
	app.Get("/ours", fiberguard.Wrap(f.site.Optional), home)
	app.Get("/theirs", adaptor.HTTPMiddleware(f.site.Optional), home)
	url := serveFiber(t, app)
	bob := signedIn(t, url)
	for path, want := range map[string]string{"/ours": "hello bob", "/theirs": "hello stranger"} {
		ask(t, "GET", url+path, bob)
		ctx := <-seen
		for range 20 {
			ask(t, "GET", url+"/"+strings.Repeat("x", 4000), "y="+strings.Repeat("y", 8000))
		}
		if got := greeting(cookie.FromContext(ctx)); got != want || ctx.Value(key{}) != "trace" {
			t.Errorf("%s: %q, %v", path, got, ctx.Value(key{}))
		}
	}
}
