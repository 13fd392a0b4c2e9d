// Package cookie says where a credential travels: in which cookies of a
// request, cut into how many pieces, and which handlers it opens.
//
// A service that only reads needs a [Guard]. It takes the text of a credential
// from the request, has a codec of package sessiontoken open it, and puts the
// principal into the request's context, where [FromContext] finds it:
//
//	var guard cookie.Guard
//	guard.Accept(cookie.FedAuth, codec)
//	mux.Handle("/orders", guard.Handler(orders))  // signed in, or 401
//	mux.Handle("/", guard.Optional(home))         // anybody
//
// Each credential of a farm has its source, so that nobody types a name:
//
//	FedAuth                                             WIF session
//	Forms                                               forms ticket
//	ApplicationCookie, ExternalCookie, TwoFactorCookie  ASP.NET Identity
//	OWIN(authenticationType)                            any Katana middleware
//	Bearer                                              OAuth access token
//	Roles, AnonymousID                                  no sign-ins
//
// A service that also signs in or out cuts the text with [Chunking.Split],
// adds the deletions of what the browser already has with [Chunking.Replace],
// or deletes everything with [Chunking.Expire], and hands the set to [Write].
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
