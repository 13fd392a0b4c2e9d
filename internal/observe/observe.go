// Package observe has what the observers for Prometheus and for OpenTelemetry
// share: the names and labels of their metrics, and the bound on the labels.
package observe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/webfarm-go/webfarm/cookie"
)

// Metric is a metric by the conventions of OpenTelemetry.
type Metric struct{ Name, Unit, Help string }

// The metrics.
var (
	Events = Metric{"webfarm.session.events", "{event}",
		"What happened to the cookies of the site: read, refused, renewed and so on."}
	LastRead = Metric{"webfarm.key.last_read.timestamp", "s",
		"When a key last opened a cookie, in seconds since 1970."}
	StoreDuration = Metric{"webfarm.store.operation.duration", "s",
		"How long calls of the store took."}
	Readings = Metric{"webfarm.key_ring.readings", "{reading}",
		"How often the key ring of ASP.NET Core was read again."}
)

// The labels: of Events the first four, of LastRead Key, of StoreDuration
// Operation and ErrorType, of Readings ErrorType.
const (
	Kind      = "webfarm.event.kind"
	Cookie    = "webfarm.cookie.name"
	Reason    = "webfarm.event.reason"
	Key       = "webfarm.key.id"
	Operation = "webfarm.store.operation"
	ErrorType = "error.type"
)

// Buckets are the bounds of StoreDuration in seconds.
var Buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Prometheus returns the name that OpenTelemetry's exporters give Prometheus.
// Units in braces are annotations, which those of the counters are.
func (m Metric) Prometheus() string {
	name := Underscored(m.Name)
	if m.Unit == "s" {
		return name + "_seconds"
	}
	return name + "_total"
}

// Underscored returns a name as Prometheus has it.
func Underscored(name string) string { return strings.ReplaceAll(name, ".", "_") }

// Labels are what one counter, histogram or gauge is found by. Reason is the
// operation of a store.
type Labels struct{ Kind, Cookie, Reason, Key, ErrorType string }

const (
	// maxSeries bounds the labels that are told apart. Cookies and reasons are few,
	// but keys come and go with the years.
	maxSeries = 1000
	// other stands for what is beyond, as OpenTelemetry has it for error.type.
	other = "_OTHER"
)

// kinds are those of package cookie.
var kinds = []string{"read", "refused", "unavailable", "renewed", "renewal_failed", "signed_in",
	"signed_out", "sign_out_failed", "bridged", "bridge_failed", "bridge_ended", "ring", "store"}

// labelsOf returns the labels of an event. No label holds a client's text: kinds,
// reasons and operations are words of package cookie, cookies are the site's, and
// keys have opened something.
func labelsOf(e cookie.Event) Labels {
	l := Labels{Kind: e.Kind, Cookie: e.Cookie, Reason: e.Reason, Key: e.KeyID}
	if e.Kind == "store" || e.Kind == "ring" {
		switch {
		case e.Err == nil:
		case errors.Is(e.Err, context.DeadlineExceeded):
			l.ErrorType = "timeout"
		case errors.Is(e.Err, context.Canceled):
			l.ErrorType = "canceled"
		default:
			l.ErrorType = other
		}
	}
	return l
}

// Observer returns an observer that passes each event to what record returned
// for its labels. Record is called once for the same labels. Beyond the bound the
// labels of an event are its kind and "_OTHER".
func Observer(
	record func(Labels) func(context.Context, cookie.Event),
) func(context.Context, cookie.Event) {
	var mu sync.RWMutex
	found := map[Labels]func(context.Context, cookie.Event){}
	enter := func(l Labels) func(context.Context, cookie.Event) {
		mu.Lock()
		defer mu.Unlock()
		if found[l] == nil && len(found) >= maxSeries {
			l = Labels{l.Kind, other, other, other, other}
			if !slices.Contains(kinds, l.Kind) {
				l.Kind = other
			}
		}
		if found[l] == nil {
			found[l] = record(l)
		}
		return found[l]
	}
	return func(ctx context.Context, e cookie.Event) {
		l := labelsOf(e)
		mu.RLock()
		tell := found[l]
		mu.RUnlock()
		if tell == nil {
			tell = enter(l)
		}
		tell(ctx, e)
	}
}
