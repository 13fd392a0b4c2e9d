package gateway

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// metrics counts what happens, for Prometheus. It is a cookie.Observer.
//
// No label holds what a client says: kinds, reasons and operations are words
// of package cookie, cookies those of the web.config, keys those of the ring.
type metrics struct {
	mu       sync.Mutex
	answers  map[int]uint64
	events   map[eventLabels]uint64
	stores   map[string]*histogram
	lastKeys map[string]time.Time // by key id, when it last opened a cookie

	keyChanges, keyFaults atomic.Uint64
}

// eventLabels are the labels of one counter of events.
type eventLabels struct{ kind, cookie, reason, key string }

// storeBounds are the upper bounds of the buckets in seconds.
var storeBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// histogram counts how long calls took.
type histogram struct {
	buckets []uint64 // one more than storeBounds
	sum     float64
	failed  uint64
}

func newMetrics() *metrics {
	return &metrics{answers: map[int]uint64{}, events: map[eventLabels]uint64{}, stores: map[string]*histogram{}, lastKeys: map[string]time.Time{}}
}

// Observe implements cookie.Observer.
func (m *metrics) Observe(_ context.Context, e cookie.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Kind != cookie.EventStore {
		m.events[eventLabels{e.Kind.String(), e.Cookie, e.Reason, e.KeyID}]++
		if e.Kind == cookie.EventRead && e.KeyID != "" {
			m.lastKeys[e.KeyID] = time.Now()
		}
		return
	}
	h := m.stores[e.Op]
	if h == nil {
		h = &histogram{buckets: make([]uint64, len(storeBounds)+1)}
		m.stores[e.Op] = h
	}
	at, _ := slices.BinarySearch(storeBounds, e.Took.Seconds())
	h.buckets[at]++
	h.sum += e.Took.Seconds()
	if e.Err != nil {
		h.failed++
	}
}

// answered counts an answer to a proxy or a client.
func (m *metrics) answered(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[status]++
}

// observers tells each of them.
type observers []cookie.Observer

func (o observers) Observe(ctx context.Context, e cookie.Event) {
	for _, one := range o {
		if one != nil {
			one.Observe(ctx, e)
		}
	}
}

// write prints everything in the text format of Prometheus, sorted.
func (m *metrics) write(w io.Writer, g *Gateway) error {
	var b strings.Builder
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	m.mu.Lock()
	head("webfarm_answers_total", "counter", "Answers to proxies, and requests passed on as 200, by status.")
	for _, status := range slices.Sorted(maps.Keys(m.answers)) {
		fmt.Fprintf(&b, "webfarm_answers_total{code=\"%d\"} %d\n", status, m.answers[status])
	}
	head("webfarm_events_total", "counter", "What happened to the cookies of the site: read, refused, renewed and so on.")
	for _, l := range slices.SortedFunc(maps.Keys(m.events), func(a, b eventLabels) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.cookie, b.cookie), cmp.Compare(a.reason, b.reason), cmp.Compare(a.key, b.key))
	}) {
		fmt.Fprintf(&b, "webfarm_events_total{kind=%s,cookie=%s,reason=%s,key=%s} %d\n", label(l.kind), label(l.cookie), label(l.reason), label(l.key), m.events[l])
	}
	head("webfarm_key_last_read_seconds", "gauge", "When a key last opened a cookie, in seconds since 1970.")
	for _, id := range slices.Sorted(maps.Keys(m.lastKeys)) {
		fmt.Fprintf(&b, "webfarm_key_last_read_seconds{key=%s} %d\n", label(id), m.lastKeys[id].Unix())
	}
	if len(m.stores) > 0 {
		m.writeStores(&b, head)
	}
	m.mu.Unlock()

	head("webfarm_key_info", "gauge", "The keys of the ring; the first one writes.")
	for i, key := range g.site.Ring().Keys() {
		fmt.Fprintf(&b, "webfarm_key_info{key=%s,writes=\"%t\"} 1\n", label(key.ID()), i == 0)
	}
	head("webfarm_key_changes_total", "counter", "Changes of the first key.")
	fmt.Fprintf(&b, "webfarm_key_changes_total %d\n", m.keyChanges.Load())
	head("webfarm_key_file_faults_total", "counter", "Faults found in the web.config while it was followed.")
	fmt.Fprintf(&b, "webfarm_key_file_faults_total %d\n", m.keyFaults.Load())
	head("webfarm_key_file_ok", "gauge", "0 while the web.config cannot be used and older keys are kept.")
	fmt.Fprintf(&b, "webfarm_key_file_ok %d\n", bit(g.keyFault() == nil))
	head("webfarm_ready", "gauge", "0 while shutting down.")
	fmt.Fprintf(&b, "webfarm_ready %d\n", bit(!g.state.draining.Load()))
	_, err := io.WriteString(w, b.String())
	return err
}

// writeStores prints the histograms. m is locked.
func (m *metrics) writeStores(b *strings.Builder, head func(name, kind, help string)) {
	ops := slices.Sorted(maps.Keys(m.stores))
	head("webfarm_store_seconds", "histogram", "How long calls of the store took.")
	for _, op := range ops {
		h, sum := m.stores[op], uint64(0)
		for i, n := range h.buckets {
			sum += n
			bound := "+Inf"
			if i < len(storeBounds) {
				bound = strconv.FormatFloat(storeBounds[i], 'g', -1, 64)
			}
			fmt.Fprintf(b, "webfarm_store_seconds_bucket{op=%s,le=\"%s\"} %d\n", label(op), bound, sum)
		}
		fmt.Fprintf(b, "webfarm_store_seconds_sum{op=%s} %g\nwebfarm_store_seconds_count{op=%s} %d\n", label(op), h.sum, label(op), sum)
	}
	head("webfarm_store_failures_total", "counter", "Calls of the store that failed.")
	for _, op := range ops {
		fmt.Fprintf(b, "webfarm_store_failures_total{op=%s} %d\n", label(op), m.stores[op].failed)
	}
}

// label returns the value of a label in quotes.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
