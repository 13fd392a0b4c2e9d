package cookie

import "net/http"

// Source takes the text of a credential from a request. It must be safe for
// concurrent use and not change the request.
//
// The error matches [ErrNoCredential] or [http.ErrNoCookie] if the request
// carries none, and [sessiontoken.ErrInvalid] if what it carries is malformed.
// A guard takes any other error for an outage; see [ErrUnavailable]. It refuses
// a text of more than [MaxLength] bytes.
type Source func(*http.Request) (string, error)

// FromCookie returns the source that joins the chunks of the named cookie.
func FromCookie(name string, k Chunking) Source {
	return func(r *http.Request) (string, error) { return k.Join(r, name) }
}
