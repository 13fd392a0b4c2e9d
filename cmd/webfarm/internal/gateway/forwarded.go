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

// PassedProxy reports whether the header of a request tells that it passed a
// proxy: one of those that proxies, balancers and content networks add, and
// browsers do not send, in any spelling.
func PassedProxy(header http.Header) bool {
	for name := range header {
		folded := fold(name)
		if isForwarded(folded) || slices.Contains(proxyHeaders, folded) ||
			slices.ContainsFunc(proxyPrefixes, func(p string) bool { return strings.HasPrefix(folded, p) }) ||
			slices.ContainsFunc(proxyWords, func(w string) bool { return strings.Contains(folded, w) }) {
			return true
		}
	}
	return false
}

// The headers of proxies, folded. A word may stand anywhere in a name: vendors
// differ in what they put before and behind it.
var (
	proxyHeaders = []string{
		"via", "cdn-loop", "front-end-https", "ssl-client-cert", "x-client", "x-host", "x-scheme", "x-url-scheme",
		"x-varnish", "x-request-id", "x-request-start", "x-correlation-id", "x-cloud-trace-context", "max-forwards",
	}
	proxyPrefixes = []string{
		ownPrefix, "x-original-", "x-rewrite-", "x-envoy-", "x-arr-", "x-amzn-", "x-amz-", "x-azure-", "x-appengine-",
		"x-akamai-", "akamai-", "cf-", "cloudfront-", "fastly-", "fly-", "x-vercel-", "x-nf-", "x-nginx-", "x-haproxy-", "x-ssl-",
	}
	proxyWords = []string{
		"forwarded", "proxy", "client-ip", "clientip", "connecting-ip", "real-ip", "realip", "remote-ip", "remote-addr",
		"user-ip", "source-ip", "src-ip", "originating-ip", "peer-ip", "socketip", "external-address", "client-addr", "client-port",
	}
)
