package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/webfarm-go/webfarm/machinekey"
)

// state is what changes while a gateway runs.
type state struct {
	draining atomic.Bool

	mu    sync.Mutex
	fault error // of the web.config at the last check
}

// healthTimeout bounds the check of the site.
const healthTimeout = 2 * time.Second

// Admin returns the handler for operators. Serve it on an address that clients cannot reach:
//
//	/healthz  200 as long as the process answers
//	/readyz   200 if requests can be decided, 503 at shutdown or for what Site.Health says;
//	          the body gives the reasons
//	/metrics  counters, in the text format of Prometheus
func (g *Gateway) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "alive\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ready, lines := g.ready(r.Context())
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		plain(w, status, strings.Join(lines, "\n")+"\n")
	})
	metrics := promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		noStore(w)
		metrics.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeBehindBody(w, r)
		mux.ServeHTTP(w, r)
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	noStore(w)
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// ready reports whether requests can be decided, with a line about each part. The gateway stays
// ready while the web.config is broken: like running .NET nodes, it keeps its keys.
func (g *Gateway) ready(ctx context.Context) (bool, []string) {
	ready := true
	var lines []string
	fail := func(line string) {
		ready = false
		lines = append(lines, line)
	}
	if g.state.draining.Load() {
		fail("server: shutting down")
	} else {
		lines = append(lines, "server: ok")
	}
	if id := g.writer(); id == "" {
		lines = append(lines,
			"keys: none writes, so nobody can be signed in; let a .NET node or webfarm keys new make one")
	} else {
		lines = append(lines, "keys: ok, "+id+" writes")
	}
	if err := g.ringFault(); err != nil {
		lines = append(lines, "key ring: not read again, the keys stay as they are: "+
			oneLine(err.Error()))
	} else if g.o.Site.DataProtection != nil {
		lines = append(lines, "key ring: ok")
	}
	switch err := g.keyFault(); {
	case err != nil:
		lines = append(lines, "web.config: cannot be used, the keys stay as they are: "+
			oneLine(err.Error()))
	case g.o.File.Path != "":
		lines = append(lines, "web.config: ok")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := g.site.Health(ctx); err == nil {
		lines = append(lines, "site: ok, with its keys, cookies and stores")
	} else {
		for line := range strings.Lines(err.Error()) {
			fail(oneLine(strings.TrimPrefix(line, "cookie: ")))
		}
	}
	return ready, lines
}

// ringFault returns why the key ring was not read again the last time.
func (g *Gateway) ringFault() error {
	if err := g.metrics.ringFault.Load(); err != nil {
		return *err
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// watchOptions adds the gateway's own hooks.
func (g *Gateway) watchOptions() *machinekey.WatchOptions {
	o := g.o.Watch
	changed, failed, admit := o.OnChange, o.OnError, o.Config
	o.Config = func(cfg *machinekey.Config) {
		if admit != nil {
			admit(cfg)
		}
		g.readAgain(cfg)
	}
	o.OnChange = func(old, now *machinekey.Key) {
		g.metrics.keyChanges.Inc()
		if changed != nil {
			changed(old, now)
		}
	}
	o.OnError = func(err error) {
		g.metrics.keyFaults.Inc()
		g.state.mu.Lock()
		g.state.fault = err
		g.state.mu.Unlock()
		if failed != nil {
			failed(err)
		}
	}
	return &o
}

// keyFault returns the fault of the web.config, nil for none.
func (g *Gateway) keyFault() error {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	return g.state.fault
}

// readAgain ends the fault if the file has a key that can be used. Watch reports faults but no
// repairs.
func (g *Gateway) readAgain(cfg *machinekey.Config) {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	if g.state.fault == nil {
		return
	}
	if _, err := machinekey.New(*cfg); err == nil {
		g.log.LogAttrs(context.Background(), slog.LevelInfo,
			"gateway: the web.config can be used again")
		g.state.fault = nil
	}
}
