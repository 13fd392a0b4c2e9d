package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// ownPrefix begins, folded, the names of headers that come from the gateway
// only, whatever HeaderOptions call those of the identity.
const ownPrefix = "x-webfarm-"

// isForwarded reports whether a header, its name folded, tells a service where a
// request comes from or what it was before a proxy changed it.
func isForwarded(folded string) bool {
	switch folded {
	case "forwarded", "x-real-ip", "x-original-url", "x-rewrite-url":
		return true
	}
	return strings.HasPrefix(folded, "x-forwarded")
}

// stripForwarded removes every header, in every spelling, that says where a
// request comes from.
func stripForwarded(header http.Header) {
	for name := range header {
		if isForwarded(fold(name)) {
			delete(header, name)
		}
	}
}

// copyForwarded copies these headers, in their own spelling, for a gateway that
// trusts the proxy in front. It does so from the request as it came: a client
// cannot have them taken out with Connection.
func copyForwarded(to, from http.Header) {
	for name, values := range from {
		if folded := fold(name); isForwarded(folded) && http.CanonicalHeaderKey(folded) == name {
			to[name] = slices.Clone(values)
		}
	}
}

// PassedProxy reports whether a request has a header that no browser sends by
// itself, in the spelling that net/http gives it. Proxies, balancers, content
// networks and tracing agents add such headers under so many names that a list
// of theirs is never complete; that of browsers is short. A request from
// something else than a browser, such as a script with a header of its own,
// counts as one that passed a proxy.
func PassedProxy(header http.Header) bool {
	for name := range header {
		if !slices.Contains(browserHeaders, name) &&
			!slices.ContainsFunc(browserPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return true
		}
	}
	return false
}

// What browsers send: the forbidden request-headers of the Fetch standard, those
// of HTTP (RFC 9110), client hints and Sec-Fetch, and a few of single browsers.
// Those that say where a request comes from (Via, Forwarded, Max-Forwards), or
// are for the next hop only, are not among them.
var (
	browserHeaders = []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Content-Encoding",
		"Content-Length", "Content-Type", "Cookie", "Dnt", "Host", "If-Match", "If-Modified-Since", "If-None-Match",
		"If-Range", "If-Unmodified-Since", "Keep-Alive", "Origin", "Pragma", "Priority", "Range", "Referer", "Te", "Upgrade",
		"Upgrade-Insecure-Requests", "User-Agent",
		"Device-Memory", "Downlink", "Dpr", "Ect", "Rtt", "Save-Data", "Viewport-Width", "Width", // client hints
		"Alt-Used", "Available-Dictionary", "Dictionary-Id", "Http2-Settings", "Last-Event-Id", "Ping-From", "Ping-To", "Purpose", "Service-Worker",
		"Service-Worker-Navigation-Preload", "X-Moz", "X-Purpose", "X-Requested-With",
	}
	browserPrefixes = []string{"Access-Control-Request-", "Sec-Ch-", "Sec-Fetch-", "Sec-Gpc", "Sec-Purpose", "Sec-Speculation-", "Sec-Websocket-"}
)
