// Package otelobserver counts the events of package cookie with OpenTelemetry.
// docs/metrics.md lists the metrics.
//
//	observe, err := otelobserver.New(otel.GetMeterProvider())
//	…
//	o.Sessions.Observer = observe
//	o.Sessions.Store = cookie.ObserveStore(store, observe)
package otelobserver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/observe"
)

// scope is the name of the meter.
const scope = "github.com/webfarm-go/webfarm/cookie/otelobserver"

// New makes the instruments and returns an observer for
// [cookie.SessionsOptions] and [cookie.ObserveStore], which is safe for
// concurrent use. It tells at most 1000 combinations of attributes apart, and
// calls what is beyond "_OTHER". The error is that of the provider.
func New(provider metric.MeterProvider) (func(context.Context, cookie.Event), error) {
	if provider == nil {
		return nil, errors.New("otelobserver: no provider")
	}
	meter := provider.Meter(scope)
	events, err1 := meter.Int64Counter(observe.Events.Name,
		metric.WithUnit(observe.Events.Unit), metric.WithDescription(observe.Events.Help))
	lastReads, err2 := meter.Float64Gauge(observe.LastRead.Name,
		metric.WithUnit(observe.LastRead.Unit), metric.WithDescription(observe.LastRead.Help))
	stores, err3 := meter.Float64Histogram(observe.StoreDuration.Name,
		metric.WithUnit(observe.StoreDuration.Unit), metric.WithDescription(observe.StoreDuration.Help),
		metric.WithExplicitBucketBoundaries(observe.Buckets...))
	readings, err4 := meter.Int64Counter(observe.Readings.Name,
		metric.WithUnit(observe.Readings.Unit), metric.WithDescription(observe.Readings.Help))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	return observe.Observer(func(l observe.Labels) func(context.Context, cookie.Event) {
		switch l.Kind {
		case "store":
			with := attributes(observe.Operation, l.Reason, observe.ErrorType, l.ErrorType)
			return func(ctx context.Context, e cookie.Event) { stores.Record(ctx, e.Took.Seconds(), with) }
		case "ring":
			with := attributes(observe.ErrorType, l.ErrorType)
			return func(ctx context.Context, _ cookie.Event) { readings.Add(ctx, 1, with) }
		}
		with := attributes(observe.Kind, l.Kind, observe.Cookie, l.Cookie, observe.Reason, l.Reason,
			observe.Key, l.Key)
		if l.Kind != "read" || l.Key == "" {
			return func(ctx context.Context, _ cookie.Event) { events.Add(ctx, 1, with) }
		}
		key := attributes(observe.Key, l.Key)
		return func(ctx context.Context, _ cookie.Event) {
			events.Add(ctx, 1, with)
			lastReads.Record(ctx, float64(time.Now().UnixNano())/1e9, key)
		}
	}), nil
}

// attributes makes attributes of pairs of names and values. Empty values have
// none.
func attributes(pairs ...string) metric.MeasurementOption {
	var list []attribute.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, attribute.String(pairs[i], pairs[i+1]))
		}
	}
	return metric.WithAttributeSet(attribute.NewSet(list...))
}
