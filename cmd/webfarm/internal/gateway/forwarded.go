package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// ownPrefix begins the folded names of headers that are the gateway's, under any HeaderOptions.
const ownPrefix = "x-webfarm-"

// isForwarded reports whether a header with this folded name describes the client of a request, or
// the request before a proxy changed it.
func isForwarded(folded string) bool {
	switch folded {
	case "forwarded", "x-real-ip", "x-original-url", "x-rewrite-url":
		return true
	}
	return strings.HasPrefix(folded, "x-forwarded")
}

// stripForwarded removes these headers in every spelling.
func stripForwarded(header http.Header) {
	for name := range header {
		if isForwarded(fold(name)) {
			delete(header, name)
		}
	}
}

// copyForwarded copies these headers, in their standard spelling, for a gateway that trusts the
// proxy in front. The source is the original request: a client cannot remove them with Connection.
func copyForwarded(to, from http.Header) {
	for name, values := range from {
		if folded := fold(name); isForwarded(folded) && http.CanonicalHeaderKey(folded) == name {
			to[name] = slices.Clone(values)
		}
	}
}

// PassedProxy reports whether a request has a header that browsers do not send by themselves.
// Proxies, balancers, content networks and tracing agents add headers of many names. The list of
// browsers' headers is short, and can be complete. A script with a header of its own counts as a
// proxy.
func PassedProxy(header http.Header) bool {
	for name := range header {
		if !slices.Contains(browserHeaders, name) &&
			!slices.ContainsFunc(browserPrefixes,
				func(p string) bool { return strings.HasPrefix(name, p) }) {
			return true
		}
	}
	return false
}

// The headers of browsers: the forbidden request-headers of the Fetch standard, headers of HTTP (RFC
// 9110), client hints and Sec-Fetch, and a few of single browsers. Headers about the way of a request
// (Via, Forwarded, Max-Forwards), and for one hop only, are left out.
var (
	browserHeaders = []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization",
		"Cache-Control", "Connection", "Content-Encoding",
		"Content-Length", "Content-Type", "Cookie", "Dnt", "Host", "If-Match", "If-Modified-Since",
		"If-None-Match",
		"If-Range", "If-Unmodified-Since", "Keep-Alive", "Origin", "Pragma", "Priority", "Range",
		"Referer", "Te", "Upgrade",
		"Upgrade-Insecure-Requests", "User-Agent",
		"Device-Memory", "Downlink", "Dpr", "Ect", "Rtt", "Save-Data", "Viewport-Width", "Width", // client hints
		"Alt-Used", "Available-Dictionary", "Dictionary-Id", "Http2-Settings", "Last-Event-Id",
		"Ping-From", "Ping-To", "Purpose", "Service-Worker",
		"Service-Worker-Navigation-Preload", "X-Moz", "X-Purpose", "X-Requested-With",
	}
	browserPrefixes = []string{"Access-Control-Request-", "Sec-Ch-", "Sec-Fetch-", "Sec-Gpc",
		"Sec-Purpose", "Sec-Speculation-", "Sec-Websocket-"}
)
