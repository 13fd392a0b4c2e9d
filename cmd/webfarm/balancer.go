package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// balancer hands each request to the next node in turn. It has no sticky sessions.
type balancer struct {
	nodes []http.Handler
	next  atomic.Uint64
}

// newBalancer returns a balancer for nodes at these addresses.
func newBalancer(addresses []string, transport http.RoundTripper) *balancer {
	b := new(balancer)
	for _, address := range addresses {
		target := &url.URL{Scheme: "http", Host: address}
		b.nodes = append(b.nodes, &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host // the node compares it with Origin
				r.SetXForwarded()
			},
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0), // closed connections are normal
		})
	}
	return b
}

// ServeHTTP passes the request on.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turn := b.next.Add(1) - 1
	b.nodes[turn%uint64(len(b.nodes))].ServeHTTP(w, r)
}
