package gateway

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/promobserver"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// metrics counts what happens, for Prometheus.
type metrics struct {
	registry              *prometheus.Registry
	observe               func(context.Context, cookie.Event) // of the events of the site
	answers               *prometheus.CounterVec
	ok                    prometheus.Counter // the usual answer, found once
	keyChanges, keyFaults prometheus.Counter
}

func newMetrics(g *Gateway) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	holds := func(name, help string, is func() bool) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 {
				if is() {
					return 1
				}
				return 0
			})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "webfarm_answers_total", Help: "Answers to proxies, and requests passed on as 200, by status.",
		}, []string{"code"}),
		keyChanges: counter("webfarm_key_changes_total", "Changes of the first key."),
		keyFaults: counter("webfarm_key_file_faults_total",
			"Faults found in the web.config while it was followed."),
	}
	var err error
	if m.observe, err = promobserver.New(m.registry); err != nil {
		return nil, err
	}
	m.ok = m.answers.WithLabelValues("200")
	m.registry.MustRegister(m.answers, m.keyChanges, m.keyFaults, keyInfo{g},
		holds("webfarm_key_file_ok",
			"0 while the web.config cannot be used and older keys are kept.",
			func() bool { return g.keyFault.get() == nil }),
		holds("webfarm_ready", "0 while shutting down.", func() bool { return !g.draining.Load() }),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s, ok := g.o.Site.Sessions.Store.(*sessiontoken.MemoryStore); ok {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "webfarm_store_note_bytes",
			Help: "What the notes of sign-outs take in the store; sign-outs fail where it is full.",
		}, func() float64 {
			_, _, taken := s.Usage()
			return float64(taken)
		}))
	}
	return m, nil
}

// keyInfo reports the present keys of the ring.
type keyInfo struct{ g *Gateway }

var keyInfoDesc = prometheus.NewDesc("webfarm_key_info",
	"The keys of the ring; the first one writes.", []string{"key", "writes"}, nil)

// Describe implements prometheus.Collector.
func (keyInfo) Describe(to chan<- *prometheus.Desc) { to <- keyInfoDesc }

// Collect implements prometheus.Collector.
func (k keyInfo) Collect(to chan<- prometheus.Metric) {
	report := func(id string, writes bool) {
		to <- prometheus.MustNewConstMetric(keyInfoDesc, prometheus.GaugeValue, 1, id,
			strconv.FormatBool(writes))
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

// answered counts an answer to a proxy or a client.
func (m *metrics) answered(status int) {
	if status == http.StatusOK {
		m.ok.Inc()
		return
	}
	m.answers.WithLabelValues(strconv.Itoa(status)).Inc()
}
