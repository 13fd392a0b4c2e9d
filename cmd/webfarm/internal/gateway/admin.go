package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/webfarm-go/webfarm/machinekey"
)

// fault is why something failed the last time, nil if it did not.
type fault struct{ last atomic.Pointer[error] }

func (f *fault) set(err error) { f.last.Store(&err) }

func (f *fault) get() error {
	if err := f.last.Load(); err != nil {
		return *err
	}
	return nil
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
	lines := []string{"server: ok"}
	ready := !g.draining.Load()
	if !ready {
		lines[0] = "server: shutting down"
	}
	if id := g.writer(); id != "" { // else Health says why
		lines = append(lines, "keys: ok, "+id+" writes")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	health := g.site.Health(ctx)
	source := func(name, cannot string, fault error) {
		switch {
		case health != nil && strings.HasPrefix(health.Error(), "cookie: "+name+": "): // more than fault
		case fault == nil:
			lines = append(lines, name+": ok")
		default:
			lines = append(lines, name+": "+cannot+", the keys stay as they are: "+fault.Error())
		}
	}
	if g.o.Site.DataProtection != nil {
		source("key ring", "not read again", g.ringFault.get())
	}
	if g.o.File.Path != "" {
		source("web.config", "cannot be used", g.keyFault.get())
	}
	if health == nil {
		lines = append(lines, "site: ok, with its keys, cookies and stores")
	} else {
		ready = false
		for line := range strings.Lines(health.Error()) {
			lines = append(lines, strings.TrimPrefix(line, "cookie: "))
		}
	}
	for i, line := range lines {
		lines[i] = g.text(strings.Join(strings.Fields(line), " "))
	}
	return ready, lines
}

// text returns what operators read of a message of the packages.
func (g *Gateway) text(message string) string {
	if g.o.Text == nil {
		return message
	}
	return g.o.Text(message)
}

// watchOptions are the options for following the web.config.
func (g *Gateway) watchOptions() *machinekey.WatchOptions {
	return &machinekey.WatchOptions{
		Interval: g.o.Interval,
		Config:   g.readAgain,
		OnChange: func(_, _ *machinekey.Key) { g.metrics.keyChanges.Inc() },
		OnError: func(err error) {
			g.metrics.keyFaults.Inc()
			g.keyFault.set(err)
		},
	}
}

// readAgain ends the fault if the file has a key that can be used. Watch reports faults but no
// repairs.
func (g *Gateway) readAgain(cfg *machinekey.Config) {
	if g.keyFault.get() == nil {
		return
	}
	if _, err := machinekey.New(*cfg); err == nil {
		g.log.LogAttrs(context.Background(), slog.LevelInfo,
			"gateway: the web.config can be used again")
		g.keyFault.set(nil)
	}
}
