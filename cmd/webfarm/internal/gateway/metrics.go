package gateway

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// metrics counts what happens, for Prometheus. It observes the site.
//
// No label holds a client's text: kinds, reasons and operations are words of package cookie, cookies
// are the web.config's, keys the ring's.
type metrics struct {
	registry              *prometheus.Registry
	answers, events       *prometheus.CounterVec
	lastReads             *prometheus.GaugeVec // by key id
	stores                *prometheus.HistogramVec
	storeFailures         *prometheus.CounterVec
	keyChanges, keyFaults prometheus.Counter
	ringRefreshes         *prometheus.CounterVec // nil without a key ring
	ringFault             atomic.Pointer[error]  // of the last reading of it

	// Finding a counter by its labels takes 100 ns and more. The usual counters are found once.
	ok    prometheus.Counter
	mu    sync.RWMutex
	found map[eventLabels]eventMetrics
}

// eventLabels identify a counter of events.
type eventLabels struct {
	kind, cookie, reason, key string
}

// eventMetrics are the metrics of an event.
type eventMetrics struct {
	count    prometheus.Counter
	lastRead prometheus.Gauge // nil unless a key opened a cookie
}

func newMetrics(g *Gateway) *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	holds := func(name, help string, is func() bool) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if is() {
				return 1
			}
			return 0
		})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		found:    map[eventLabels]eventMetrics{},
		answers:  counters("webfarm_answers_total", "Answers to proxies, and requests passed on as 200, by status.", "code"),
		events: counters("webfarm_events_total", "What happened to the cookies of the site: read, refused, renewed and so on.",
			"kind", "cookie", "reason", "key"),
		lastReads: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "webfarm_key_last_read_seconds", Help: "When a key last opened a cookie, in seconds since 1970.",
		}, []string{"key"}),
		stores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "webfarm_store_seconds", Help: "How long calls of the store took.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"op"}),
		storeFailures: counters("webfarm_store_failures_total", "Calls of the store that failed.", "op"),
		keyChanges:    counter("webfarm_key_changes_total", "Changes of the first key."),
		keyFaults:     counter("webfarm_key_file_faults_total", "Faults found in the web.config while it was followed."),
	}
	if g.o.Site.DataProtection != nil {
		m.ringRefreshes = counters("webfarm_ring_refreshes_total", "Readings of the key ring of ASP.NET Core, by result: ok or failed.", "result")
		m.ringRefreshes.WithLabelValues("ok")
		m.ringRefreshes.WithLabelValues("failed")
		m.registry.MustRegister(m.ringRefreshes)
	}
	m.ok = m.answers.WithLabelValues("200")
	m.registry.MustRegister(m.answers, m.events, m.lastReads, m.stores, m.storeFailures, m.keyChanges, m.keyFaults, keyInfo{g},
		holds("webfarm_key_file_ok", "0 while the web.config cannot be used and older keys are kept.",
			func() bool { return g.keyFault() == nil }),
		holds("webfarm_ready", "0 while shutting down.", func() bool { return !g.state.draining.Load() }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observeNotes reports the notes of a store in memory, which counts them.
func (m *metrics) observeNotes(store sessiontoken.Store) {
	if s, ok := store.(*sessiontoken.MemoryStore); ok {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "webfarm_store_note_bytes", Help: "What the notes of sign-outs take in the store; sign-outs fail where it is full.",
		}, func() float64 {
			_, _, taken := s.Usage()
			return float64(taken)
		}))
	}
}

// keyInfo reports the present keys of the ring.
type keyInfo struct{ g *Gateway }

var keyInfoDesc = prometheus.NewDesc("webfarm_key_info", "The keys of the ring; the first one writes.", []string{"key", "writes"}, nil)

// Describe implements prometheus.Collector.
func (keyInfo) Describe(to chan<- *prometheus.Desc) { to <- keyInfoDesc }

// Collect implements prometheus.Collector.
func (k keyInfo) Collect(to chan<- prometheus.Metric) {
	report := func(id string, writes bool) {
		to <- prometheus.MustNewConstMetric(keyInfoDesc, prometheus.GaugeValue, 1, id, strconv.FormatBool(writes))
	}
	if ring := k.g.site.Ring(); ring != nil {
		for i, key := range ring.Keys() {
			report(key.ID(), i == 0)
		}
	}
	if ring := k.g.o.Site.DataProtection; ring != nil {
		writer, _ := ring.Resolve(k.g.now())
		for _, key := range ring.Keys() {
			if key.Err == nil && !key.Revoked {
				report(key.ID, key.ID == writer)
			}
		}
	}
}

// Observe counts an event of the site.
func (m *metrics) Observe(_ context.Context, e cookie.Event) {
	if e.Kind == "store" {
		m.stores.WithLabelValues(e.Reason).Observe(e.Took.Seconds())
		failures := m.storeFailures.WithLabelValues(e.Reason) // counts from 0
		if e.Err != nil {
			failures.Inc()
		}
		return
	}
	if e.Kind == "ring" {
		result := "ok"
		if e.Err != nil {
			result = "failed"
		}
		m.ringRefreshes.WithLabelValues(result).Inc()
		m.ringFault.Store(&e.Err)
		return
	}
	labels := eventLabels{e.Kind, e.Cookie, e.Reason, e.KeyID}
	m.mu.RLock()
	event, ok := m.found[labels]
	m.mu.RUnlock()
	if !ok {
		event.count = m.events.WithLabelValues(e.Kind, e.Cookie, e.Reason, e.KeyID)
		if e.Kind == "read" && e.KeyID != "" {
			event.lastRead = m.lastReads.WithLabelValues(e.KeyID)
		}
		m.mu.Lock()
		m.found[labels] = event
		m.mu.Unlock()
	}
	event.count.Inc()
	if event.lastRead != nil {
		event.lastRead.SetToCurrentTime()
	}
}

// answered counts an answer to a proxy or a client.
func (m *metrics) answered(status int) {
	if status == http.StatusOK {
		m.ok.Inc()
		return
	}
	m.answers.WithLabelValues(strconv.Itoa(status)).Inc()
}

// both returns an observer that calls two observers. The second may be nil.
func both(a, b func(context.Context, cookie.Event)) func(context.Context, cookie.Event) {
	if b == nil {
		return a
	}
	return func(ctx context.Context, e cookie.Event) {
		a(ctx, e)
		b(ctx, e)
	}
}
