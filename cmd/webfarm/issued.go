package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
)

// issueReport is the result of issue, in the form of -json. Cookies, SetCookie and Header are set
// for a credential in cookies, Authorization for an access token.
type issueReport struct {
	OK            bool         `json:"ok"`
	Kind          kind         `json:"kind"`
	KeyID         string       `json:"keyId"`
	ValidFrom     time.Time    `json:"validFrom"`
	ValidTo       time.Time    `json:"validTo"`
	Cookies       []issuedPart `json:"cookies,omitempty"`
	SetCookie     []string     `json:"setCookie,omitempty"`
	Header        string       `json:"cookieHeader,omitempty"`  // the value, without "Cookie: "
	Authorization string       `json:"authorization,omitempty"` // the value, without "Authorization: "
	Value         string       `json:"value,omitempty"`         // of a refresh token or code
	Curl          string       `json:"curl"`
	Notes         []string     `json:"notes,omitempty"`
}

type issuedPart struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

// largeHeader is the size of a Cookie header beyond which servers refuse requests by default:
// http.sys takes 16 KiB for all headers, nginx 8 KiB for one.
const largeHeader = 8 << 10

// sameSites are the modes by their names in lower case, in web.config and as flags.
var sameSites = map[string]http.SameSite{"lax": http.SameSiteLaxMode,
	"strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}

// setCookies cuts the text into cookies.
func (c *issue) setCookies(r *issueReport, made issued) error {
	t, protocol := &c.template, "https"
	switch open := t.SameSite == http.SameSiteNoneMode; {
	case c.noSecure && open:
		return usageError("-insecure-no-secure does not go with SameSite=None: browsers drop such a cookie; say -same-site lax")
	case c.noSecure:
		t.Secure, protocol = false, "http"
	case !t.Secure && open:
		t.Secure = true
		r.Notes = append(r.Notes, "the web.config leaves out Secure, but browsers drop a cookie with SameSite=None that lacks it; it was set")
	}
	t.Name, t.Value, t.Path, t.Domain = c.cookie, made.text, c.path, c.domain
	if c.persistent || c.kind == site.Anonymous { // .NET sends ids with their expiry
		t.Expires = made.to
	}
	set, err := doctor.Chunking(c.kind).Split(t, c.chunkSize)
	if errors.Is(err, cookie.ErrInvalidCookie) {
		return usageError(fmt.Sprintf("-cookie, -path or -domain: %v", err))
	} else if err != nil {
		return fmt.Errorf("%w; nothing was issued", err)
	}
	var pairs []string
	for _, part := range set {
		r.Cookies = append(r.Cookies, issuedPart{part.Name, len(part.Value)})
		r.SetCookie = append(r.SetCookie, part.String())
		pairs = append(pairs, part.Name+"="+part.Value)
	}
	r.Header = strings.Join(pairs, "; ")
	if len(r.Header) > largeHeader {
		r.Notes = append(r.Notes, fmt.Sprintf(
			"the Cookie header has %d bytes; many servers and proxies take no more than 8 or 16 KiB", len(r.Header)))
	}
	r.Curl = fmt.Sprintf("curl -H 'Cookie: %s' '%s://%s%s'", r.Header, protocol, c.host(), c.path)
	return nil
}

// setToken notes a token that is not in a cookie.
func (c *issue) setToken(r *issueReport, text string) {
	if c.kind == site.Bearer || c.kind == site.CoreBearer {
		r.Authorization = "Bearer " + text
		r.Curl = fmt.Sprintf("curl -H 'Authorization: %s' 'https://%s%s'", r.Authorization,
			c.host(), c.path)
		return
	}
	format := "curl -d grant_type=authorization_code -d 'code=%s' 'https://%s/token'"
	switch c.kind {
	case site.Refresh:
		format = "curl -d grant_type=refresh_token -d 'refresh_token=%s' 'https://%s/token'"
	case site.CoreRefresh:
		format = "curl -H 'Content-Type: application/json' -d '{\"refreshToken\":\"%s\"}' 'https://%s/refresh'"
	}
	r.Value, r.Curl = text, fmt.Sprintf(format, text, c.host())
}

// host is the site for the curl command.
func (c *issue) host() string {
	return cmp.Or(strings.TrimPrefix(c.domain, "."), "your-site.example")
}

func (r *issueReport) print(s streams, user string) error {
	var b bytes.Buffer
	form := r.Kind.Long()
	if len(r.Cookies) > 0 {
		form = "in " + plural(len(r.Cookies), "cookie")
	} else if r.Value != "" {
		form += " (-kind " + string(r.Kind) + ")" // which inspect cannot know
	}
	fmt.Fprintf(&b, "# %s, valid to %s, %s\n", printable(user), when(r.ValidTo, r.ValidFrom), form)
	for _, line := range r.SetCookie {
		fmt.Fprintf(&b, "Set-Cookie: %s\n", line)
	}
	switch {
	case r.Header != "":
		fmt.Fprintf(&b, "\n# the same as the header of a request\nCookie: %s\n", r.Header)
	case r.Authorization != "":
		fmt.Fprintf(&b, "Authorization: %s\n", r.Authorization)
	default:
		fmt.Fprintf(&b, "%s\n", r.Value)
	}
	fmt.Fprintf(&b, "\n# the same for curl\n%s\n", r.Curl)
	for _, note := range r.Notes {
		fmt.Fprintf(s.err, "note: %s\n", note)
	}
	_, err := s.out.Write(b.Bytes())
	return err
}
