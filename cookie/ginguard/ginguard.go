// Package ginguard puts a guard of package cookie in front of gin's handlers.
//
// gin runs the handlers that come after a middleware whether or not it answered
// the request: only Abort stops them. A guard that is called with gin.WrapH, or
// by hand and without Abort, sends its 401 and then the page behind it.
package ginguard

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Wrap returns gin's form of a middleware, such as the method Handler or
// Optional of a cookie.Site or cookie.Guard:
//
//	members := r.Group("/", ginguard.Wrap(site.Handler))
//
// The handlers that come after it run if, and only if, the middleware calls the
// handler it was given. They find the user with
// cookie.FromContext(c.Request.Context()).
//
// The middleware must hand on the http.ResponseWriter that it got, as guards
// do; gin's handlers write to their own. It is built anew for each request.
func Wrap(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		admitted := false
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			admitted = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !admitted {
			c.Abort()
		}
	}
}
