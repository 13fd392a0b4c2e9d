package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// RunOptions are the listeners and times of a running gateway.
type RunOptions struct {
	// Public listens for clients, Admin for operators. Admin may be nil.
	Public, Admin net.Listener
	// Drain is the time between the failure of /readyz and the end of new connections. Balancers
	// use it to turn away.
	Drain time.Duration
	// Timeout bounds requests under way after that. Zero means 10 seconds.
	Timeout time.Duration

	drained <-chan time.Time // for tests, in place of Drain
}

// Run serves until ctx is done, and then stops in order: /readyz fails at once, after Drain new
// connections are refused, requests under way are finished, and the address for operators closes
// last. The error reports a failed listener or requests that were cut off. Run closes the listeners.
func (g *Gateway) Run(ctx context.Context, o RunOptions) error {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	watch, stopWatch := context.WithCancel(ctx)
	var group sync.WaitGroup
	if g.o.File.followed() {
		group.Go(func() {
			if err := g.site.Watch(watch, g.watchOptions()); watch.Err() == nil {
				g.log.LogAttrs(ctx, slog.LevelError, "gateway: the web.config is not followed",
					slog.Any("error", err))
			}
		})
	}
	defer group.Wait()
	defer stopWatch()

	failed := make(chan error, 2)
	serve := func(s *http.Server, l net.Listener) {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}
	public := g.server(g.Handler())
	defer public.Close()
	group.Go(func() { serve(public, o.Public) })
	admin := g.server(g.Admin())
	defer admin.Close()
	if o.Admin != nil {
		group.Go(func() { serve(admin, o.Admin) })
	}
	if ready, lines := g.ready(ctx); ready {
		g.log.LogAttrs(ctx, slog.LevelInfo, "gateway: ready", slog.String("key", g.writer()))
	} else {
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, ": ok") })
		g.log.LogAttrs(ctx, slog.LevelWarn, "gateway: not ready",
			slog.String("why", strings.Join(lines, "; ")))
	}

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	g.draining.Store(true)
	g.log.LogAttrs(context.WithoutCancel(ctx), slog.LevelInfo, "gateway: stopping")
	if o.drained == nil {
		o.drained = time.After(o.Drain)
	}
	select {
	case <-o.drained:
	case err := <-failed:
		return err
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Timeout)
	defer cancel()
	err := public.Shutdown(end)
	if err != nil {
		err = errors.New("gateway: requests under way were cut off")
	}
	return errors.Join(err, admin.Shutdown(end))
}

// server returns a server with the limits of the gateway. They hold for all requests, even for those
// that net/http answers itself, such as one with an unknown Expect. Requests that are passed on
// replace them.
func (g *Gateway) server(h http.Handler) *http.Server {
	l := g.o.Limits
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.HeaderTimeout,
		ReadTimeout:       l.request(),
		WriteTimeout:      l.request(),
		IdleTimeout:       l.IdleTimeout,
		MaxHeaderBytes:    l.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
	}
}
