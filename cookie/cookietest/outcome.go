package cookietest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Outcome tells what the response to a request does to the session of the user:
//
//	nothing
//	signed in as alice
//	renewed              it prolongs the session of the request
//	signed out           it deletes a cookie
//	refused: …           it sets a cookie that the site refuses, and why
//
// It reads all cookies that the site issues; different answers for different cookies
// have a comma between them.
func (s *Site) Outcome(r *http.Request, response *http.Response) string {
	var set issued
	for _, c := range response.Cookies() {
		if c.Value != "" {
			set.cookies = append(set.cookies, c)
		}
	}
	var outcomes []string
	for _, c := range response.Cookies() {
		sessions, ok := s.SessionsOf(c.Name)
		if !ok { // another cookie, or a further chunk
			continue
		}
		outcome := "signed out"
		if c.Value != "" {
			now, err := sessions.Session(set.request())
			before, stranger := sessions.Session(r)
			switch {
			case err != nil:
				outcome = fmt.Sprintf("refused: %v", err)
			case stranger == nil && before.ID() == now.ID() &&
				before.Principal().Name() == now.Principal().Name():
				outcome = "renewed"
			default:
				outcome = "signed in as " + now.Principal().Name()
			}
		}
		if !slices.Contains(outcomes, outcome) {
			outcomes = append(outcomes, outcome)
		}
	}
	if outcomes == nil {
		return "nothing"
	}
	return strings.Join(outcomes, ", ")
}
