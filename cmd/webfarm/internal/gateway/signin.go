package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SignInOptions are the redirect to the sign-in.
type SignInOptions struct {
	// URL is the site's own sign-in: a path such as /Account/Login, or an http or https URL. Empty
	// means no redirects.
	URL string
	// Param is the query parameter with the way back. Empty means ReturnUrl, as in ASP.NET.
	Param string
	// Hosts are the other hosts to which an absolute URL may send users back: "app.example.com", or
	// ".example.com" for all below it. The way back to the sign-in's own host is a bare path.
	Hosts []string
}

// Headers in which proxies describe a request.
const (
	headerOriginalURL    = "X-Original-URL"    // nginx, as docs/gateway.md has it set
	headerOriginalMethod = "X-Original-Method" // nginx
	headerForwardedHost  = "X-Forwarded-Host"
)

// maxReturn bounds the address of the way back. A longer one is left out.
const maxReturn = 2048

// signIn makes redirects to the sign-in.
type signIn struct {
	url   *url.URL
	param string
	hosts []string
}

func newSignIn(o SignInOptions) (*signIn, error) {
	if o.URL == "" {
		if o.Param != "" || len(o.Hosts) > 0 {
			return nil, errors.New("gateway: without a sign-in URL there is no way back from it")
		}
		return nil, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || !isClean(o.URL) || u.User != nil || u.Fragment != "" ||
		!(u.Scheme == "" && u.Host == "" && isLocal(o.URL) ||
			(u.Scheme == "http" || u.Scheme == "https") && isHost(u.Host)) {
		return nil, fmt.Errorf("gateway: %q cannot be the sign-in: a path, or an http or https URL",
			o.URL)
	}
	s := &signIn{url: u, param: cmp.Or(o.Param, "ReturnUrl")}
	for _, host := range o.Hosts {
		if !isHost(strings.TrimPrefix(host, ".")) {
			return nil,
				fmt.Errorf("gateway: %q is not a host to return to: app.example.com, or .example.com for all below it", host)
		}
		s.hosts = append(s.hosts, strings.ToLower(host))
	}
	return s, nil
}

// asked is the request that a proxy asks about. Its contents come from the client, and are not
// trusted.
type asked struct {
	method       string
	scheme, host string
	uri          string // path and query
	navigates    bool   // a browser that would show the sign-in
}

// original returns the request that r asks about.
func original(r *http.Request, as asker) asked {
	a := asked{method: r.Method, scheme: "http", host: r.Host, uri: r.RequestURI,
		navigates: navigates(r)}
	if isTLS(r) {
		a.scheme = "https"
	}
	switch as {
	case asNginx:
		a.method = r.Header.Get(headerOriginalMethod)
		a.host, a.uri = "", ""
		if rest, ok := cutScheme(r.Header.Get(headerOriginalURL)); ok {
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				a.host, a.uri = rest[:i], rest[i:]
			} else {
				a.host = rest
			}
		}
	case asTraefik:
		a.method = r.Header.Get("X-Forwarded-Method")
		a.host, a.uri = r.Header.Get(headerForwardedHost), r.Header.Get("X-Forwarded-Uri")
	case asEnvoy:
		// The original text: parsing could make two addresses equal.
		if i := strings.Index(r.RequestURI, envoyPath); i >= 0 {
			a.uri = r.RequestURI[i+len(envoyPath):]
		}
	}
	return a
}

// cutScheme returns what follows http:// or https://.
func cutScheme(s string) (string, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	return rest, ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// navigates reports whether the client is likely to show the page of a redirect. Scripts get 401.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	if r.Header.Get("X-Requested-With") != "" {
		return false
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

// location returns the redirect for a request. It reports false for 401: there is no sign-in, the
// client would not show it, the method is not GET or HEAD, or the request is for the sign-in itself.
func (s *signIn) location(a asked) (string, bool) {
	if s == nil || !a.navigates || a.method != "" && a.method != http.MethodGet &&
		a.method != http.MethodHead {
		return "", false
	}
	if _, err := url.ParseRequestURI(a.uri); err != nil || !isLocal(a.uri) ||
		len(a.uri) > maxReturn {
		a.uri = ""
	}
	sameHost := s.url.Host == "" || strings.EqualFold(s.url.Host, a.host)
	if path, _, _ := strings.Cut(a.uri, "?"); sameHost && a.uri != "" &&
		strings.EqualFold(path, s.url.EscapedPath()) {
		return "", false // a loop
	}
	back := a.uri
	if !sameHost && back != "" {
		back = ""
		if s.allows(a.host) {
			back = a.scheme + "://" + a.host + a.uri
		}
	}
	if back == "" {
		return s.url.String(), true
	}
	u := *s.url
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.QueryEscape(s.param) + "=" + url.QueryEscape(back)
	return u.String(), true
}

// allows reports whether users may be sent back to host.
func (s *signIn) allows(host string) bool {
	if !isHost(host) {
		return false
	}
	host = strings.ToLower(host)
	return slices.ContainsFunc(s.hosts, func(allowed string) bool {
		if strings.HasPrefix(allowed, ".") {
			below, ok := strings.CutSuffix(host, allowed)
			return ok && isName(below)
		}
		return host == allowed
	})
}

// isLocal reports whether uri is a path on the present host. Browsers read // and /\ as the beginning
// of another host.
func isLocal(uri string) bool {
	return isClean(uri) && strings.HasPrefix(uri, "/") && !strings.HasPrefix(uri, "//")
}

// isClean reports whether s is printable ASCII without quotes, < and > and #, and without a backslash,
// which browsers read as a slash.
func isClean(s string) bool {
	return !strings.ContainsFunc(s,
		func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`\"<>#`, c) })
}

// isHost reports whether s is a host name or address, with or without a port.
func isHost(s string) bool {
	if len(s) > 255 {
		return false
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		if port, err := strconv.ParseUint(s[i+1:], 10, 16); err != nil || port == 0 {
			return false
		}
		s = s[:i]
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		return ok && err == nil && address.Is6() && address.Zone() == ""
	}
	return isName(s)
}

// isName reports whether s consists of the characters of host names and IPv4 addresses, and does not
// begin with a dot.
func isName(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == ""
}
