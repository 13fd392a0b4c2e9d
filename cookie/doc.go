// Package cookie says where a credential travels: in which cookies of a
// request, cut into how many pieces, and which handlers it opens.
//
// # Start here
//
// [LoadSite] reads the web.config of a .NET site and sets up all that is
// below:
//
//	site, err := cookie.LoadSite("web.config", nil)
//	mux.Handle("/orders", site.Handler(orders))   // signed in, or 401
//	mux.Handle("/", site.Optional(home))          // anybody
//	err = site.Sessions().SignIn(w, r, user, nil)
//	err = site.SignOut(w, r)
//	go site.Watch(ctx, nil)                       // follows the keys of the file
//
// In the handlers, [FromContext] has the user. Printed once at start-up, a
// [Site] explains each of its decisions with the line of the file.
//
// # Piece by piece
//
// [Sessions] signs users in and out with one cookie of the farm. With a
// [sessiontoken.Store], sign-out holds on all Go nodes that share it.
// SessionsOptions.Observer is told what happens.
//
// A [Guard] recognises users. It takes the text of a credential from the request,
// has a codec open it, and puts the principal into the request's context. It
// renews sessions as the .NET framework does whose cookie it is:
//
//	var guard cookie.Guard
//	guard.AcceptSessions(sessions)
//	guard.Accept(cookie.From(cookie.KindBearer, ""), codec) // reading needs no Sessions
//	mux.Handle("/orders", guard.Handler(orders))  // signed in, or 401
//	mux.Handle("/", guard.Optional(home))         // anybody
//
// [From] returns the source of each credential of a farm, under the name that
// .NET gives it unless told another, so that nobody types one. Package cookietest
// helps to test services.
//
// # Rules
//
// Names, sizes and the order of reading follow ChunkedCookieHandler of
// System.IdentityModel.Services, the two chunking cookie managers of Katana,
// and HttpCookieCollection of System.Web.
//
// A cookie that cannot be read means signed out. It is never an error page and
// never deleted by reading: while keys are being changed, another node of the
// farm may still read it.
//
// Not here: ciphers and formats (see package sessiontoken), protection against
// cross-site request forgery (see net/http.CrossOriginProtection), and any
// decision on what a user may do beyond being signed in.
package cookie
