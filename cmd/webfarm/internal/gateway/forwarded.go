package gateway

import (
	_ "embed"
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

// The headers of browsers: the forbidden request-headers of the Fetch standard, headers of HTTP (RFC
// 9110), client hints and Sec-Fetch, and a few of single browsers; * stands for any end. Headers
// about the way of a request (Via, Forwarded, Max-Forwards), and for one hop only, are left out.
//
//go:embed browser_headers.txt
var browserHeadersFile string

var browserHeaders = strings.Fields(browserHeadersFile)

// PassedProxy reports whether a request has a header that browsers do not send by themselves.
// Proxies, balancers, content networks and tracing agents add headers of many names. The list of
// browsers' headers is short, and can be complete. A script with a header of its own counts as a
// proxy.
func PassedProxy(header http.Header) bool {
	for name := range header {
		if !slices.ContainsFunc(browserHeaders, func(known string) bool {
			begin, open := strings.CutSuffix(known, "*")
			return name == known || open && strings.HasPrefix(name, begin)
		}) {
			return true
		}
	}
	return false
}
