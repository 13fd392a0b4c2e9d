package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
)

// attributes are the attributes of a cookie that the site decides, without its path and domain.
// They follow cookie.LoadSite, but the cookie is Secure where the file says nothing about it.
type attributes struct {
	secure, httpOnly bool
	sameSite         http.SameSite
	maxAge           int // in seconds, zero for none
}

// attributesOf returns the attributes of a credential's cookie.
func attributesOf(c *site.Credential) attributes {
	sameSite, _ := sameSiteMode(c.SameSite)
	secure := c.Secure == site.On || c.From("Secure") == site.Source{}
	return attributes{secure, !c.ScriptAccess, sameSite, int(c.MaxAge.Seconds())}
}

// override applies the flags -same-site and -insecure-no-secure. The note names a change that
// neither the flags nor the file ask for.
func (a *attributes) override(sameSite string, noSecure bool) (note string, err error) {
	if sameSite != "" {
		a.sameSite, _ = sameSiteMode(sameSite)
	}
	switch {
	case noSecure && a.sameSite == http.SameSiteNoneMode:
		return "",
			usageError("-insecure-no-secure does not go with SameSite=None: browsers drop such a cookie; say -same-site lax")
	case noSecure:
		a.secure = false
	case !a.secure && a.sameSite == http.SameSiteNoneMode:
		a.secure = true
		note = "the web.config leaves out Secure, but browsers drop a cookie with SameSite=None that lacks it; it was set"
	}
	return note, nil
}

// sameSiteMode returns the mode of a name from web.config or a flag, in any case. It reports
// whether the name is known.
func sameSiteMode(name string) (http.SameSite, bool) {
	switch strings.ToLower(name) {
	case "lax":
		return http.SameSiteLaxMode, true
	case "strict":
		return http.SameSiteStrictMode, true
	case "none":
		return http.SameSiteNoneMode, true
	}
	return 0, false
}

// setCookies cuts the text into cookies.
func (c *issue) setCookies(r *issueReport, made issued) error {
	a := c.attributes
	template := &http.Cookie{Name: c.cookie, Value: made.text, Path: c.path, Domain: c.domain,
		Secure: a.secure, HttpOnly: a.httpOnly, SameSite: a.sameSite, MaxAge: a.maxAge}
	if c.persistent || c.kind == kindAnonymous { // .NET sends ids with their expiry
		template.Expires = made.to
	}
	set, err := doctor.Chunking(c.kind).Split(template, c.chunkSize)
	if errors.Is(err, cookie.ErrInvalidCookie) {
		return usageError(fmt.Sprintf("-cookie, -path or -domain: %v", err))
	} else if err != nil {
		return fmt.Errorf("%w; nothing was issued", err)
	}
	r.setCookies(set)
	protocol := "https"
	if c.noSecure {
		protocol = "http"
	}
	r.Curl = fmt.Sprintf("curl -H 'Cookie: %s' '%s://%s%s'", r.Header, protocol, c.host(), c.path)
	return nil
}
