// Package fiberguard puts a guard of package cookie in front of the handlers of
// fiber v3.
//
// fiber's own adaptor.HTTPMiddleware stops strangers too, but the user does not
// get to the context that fiber's handlers have, fiber.Ctx.Context: whoever looks
// there takes everybody for a stranger.
package fiberguard

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
)

// Wrap returns fiber's form of a middleware, such as the method Handler or
// Optional of a cookie.Site or cookie.Guard:
//
//	members := app.Group("/", fiberguard.Wrap(site.Handler))
//
// The handlers that come after it run if, and only if, the middleware calls the
// handler it was given. They find the user with
// cookie.FromContext(c.Context()), also after the request.
//
// Of what the middleware hands on, they get the context, which is that of
// fiber.Ctx.Context and what was added. They do not get another request or
// http.ResponseWriter. Guards change neither, but with cookie.BridgeOptions the
// cookies of the request: fiber's handlers see those of the browser. It is built
// anew for each request.
func Wrap(middleware func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		outer := c.Context()
		var admitted context.Context
		guarded := middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			admitted = r.Context()
		}))
		err := adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			guarded.ServeHTTP(w, r.WithContext(outer))
		})(c)
		if err != nil || admitted == nil {
			return err
		}
		c.SetContext(admitted)
		return c.Next()
	}
}
