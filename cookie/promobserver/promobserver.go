// Package promobserver counts the events of package cookie for Prometheus. The
// names are those that an exporter of OpenTelemetry gives the metrics of
// otelobserver, so that one dashboard serves both: docs/metrics.md lists them.
//
//	observe, err := promobserver.New(prometheus.DefaultRegisterer)
//	…
//	o.Sessions.Observer = observe
//	o.Sessions.Store = cookie.ObserveStore(store, observe)
package promobserver

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/observe"
)

// New registers the metrics and returns an observer for
// [cookie.SessionsOptions] and [cookie.ObserveStore], which is safe for
// concurrent use. It tells at most 1000 combinations of labels apart, and calls
// what is beyond "_OTHER".
//
// The error is that of [prometheus.Registerer.Register], as for a second
// observer in one registry; then nothing stays registered.
func New(registry prometheus.Registerer) (func(context.Context, cookie.Event), error) {
	if registry == nil {
		return nil, errors.New("promobserver: no registry")
	}
	events := prometheus.NewCounterVec(prometheus.CounterOpts(options(observe.Events)),
		labels(observe.Kind, observe.Cookie, observe.Reason, observe.Key))
	lastReads := prometheus.NewGaugeVec(prometheus.GaugeOpts(options(observe.LastRead)),
		labels(observe.Key))
	stores := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: observe.StoreDuration.Prometheus(), Help: observe.StoreDuration.Help, Buckets: observe.Buckets,
	}, labels(observe.Operation, observe.ErrorType))
	readings := prometheus.NewCounterVec(prometheus.CounterOpts(options(observe.Readings)),
		labels(observe.ErrorType))
	all := []prometheus.Collector{events, lastReads, stores, readings}
	for i, one := range all {
		if err := registry.Register(one); err != nil {
			for _, before := range all[:i] {
				registry.Unregister(before)
			}
			return nil, err
		}
	}
	return observe.Observer(func(l observe.Labels) func(context.Context, cookie.Event) {
		switch l.Kind {
		case "store":
			took := stores.WithLabelValues(l.Reason, l.ErrorType)
			return func(_ context.Context, e cookie.Event) { took.Observe(e.Took.Seconds()) }
		case "ring":
			count := readings.WithLabelValues(l.ErrorType)
			return func(context.Context, cookie.Event) { count.Inc() }
		}
		count := events.WithLabelValues(l.Kind, l.Cookie, l.Reason, l.Key)
		if l.Kind != "read" || l.Key == "" {
			return func(context.Context, cookie.Event) { count.Inc() }
		}
		last := lastReads.WithLabelValues(l.Key)
		return func(context.Context, cookie.Event) {
			count.Inc()
			last.SetToCurrentTime()
		}
	}), nil
}

func options(m observe.Metric) prometheus.Opts {
	return prometheus.Opts{Name: m.Prometheus(), Help: m.Help}
}

func labels(names ...string) []string {
	for i := range names {
		names[i] = observe.Underscored(names[i])
	}
	return names
}
