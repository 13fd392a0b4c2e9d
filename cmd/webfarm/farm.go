package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// farm is the demo's two nodes and the balancer before them, each a real HTTP
// server on the loopback interface.
type farm struct {
	URL       string   // of the balancer
	NodeURLs  []string // of the nodes, in the order of nodeNames
	servers   []*http.Server
	transport *http.Transport // from the balancer to the nodes
}

// nodeNames are the names of the nodes.
func nodeNames() []string { return []string{"A", "B"} }

// startFarm starts the nodes, each from the same texts, and the balancer at the
// address listen. The farm is to be closed even if there is an error.
func startFarm(shared sharedKeys, listen string, logger *log.Logger) (*farm, error) {
	f := &farm{transport: &http.Transport{Proxy: nil}}
	var addresses []string
	for _, name := range nodeNames() {
		n, err := newNode(name, shared, logger)
		if err != nil {
			return f, err
		}
		address, err := f.serve("127.0.0.1:0", n.handler())
		if err != nil {
			return f, err
		}
		addresses = append(addresses, address)
		f.NodeURLs = append(f.NodeURLs, "http://"+address)
	}
	address, err := f.serve(listen, newBalancer(addresses, f.transport))
	if err != nil {
		return f, err
	}
	f.URL = "http://" + address
	return f, nil
}

// newBalancer returns a balancer for nodes at these addresses. It hands each request to the next
// node in turn, and has no sticky sessions.
func newBalancer(addresses []string, transport http.RoundTripper) http.Handler {
	var next atomic.Uint64
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			turn := next.Add(1) - 1
			r.SetURL(&url.URL{Scheme: "http", Host: addresses[turn%uint64(len(addresses))]})
			r.Out.Host = r.In.Host // the node compares it with Origin
			r.SetXForwarded()
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // closed connections are normal
	}
}

// serve starts a server and returns its address.
func (f *farm) serve(listen string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", err
	}
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	f.servers = append(f.servers, s)
	go s.Serve(l) // ends with shutdown or close
	return l.Addr().String(), nil
}

// shutdown lets requests under way finish, the balancer's first.
func (f *farm) shutdown(ctx context.Context) error {
	var all error
	for i := len(f.servers) - 1; i >= 0; i-- {
		all = errors.Join(all, f.servers[i].Shutdown(ctx))
		f.transport.CloseIdleConnections() // or the nodes would wait for them
	}
	return all
}

// close stops everything at once.
func (f *farm) close() {
	for _, s := range f.servers {
		s.Close()
	}
	f.transport.CloseIdleConnections()
}
