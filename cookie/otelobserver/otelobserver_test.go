package otelobserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/otelobserver"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func Example() {
	reader := metric.NewManualReader() // or one that exports
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	observe, err := otelobserver.New(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg, _ := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	site, err := cookie.NewSite(cfg, &cookie.SiteOptions{
		Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth}},
		Sessions: cookie.SessionsOptions{
			Observer: observe,
			Store:    cookie.ObserveStore(sessiontoken.NewMemoryStore(nil), observe),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "https://app.example/", nil)
	r.Header.Set("Cookie", "FedAuth=forged")
	_, _ = site.Check(r)

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		fmt.Println(err)
		return
	}
	m := all.ScopeMetrics[0].Metrics[0]
	point := m.Data.(metricdata.Sum[int64]).DataPoints[0]
	fmt.Println(m.Name, m.Unit, point.Value)
	for _, a := range point.Attributes.ToSlice() {
		fmt.Println(a.Key, a.Value.AsString())
	}
	// Output:
	// webfarm.session.events {event} 1
	// webfarm.cookie.name FedAuth
	// webfarm.event.kind refused
	// webfarm.event.reason invalid
}

// events are one of each metric and more.
var events = []cookie.Event{
	{Kind: "read", Cookie: "FedAuth", KeyID: "5f938e11"},
	{Kind: "read", Cookie: "FedAuth", KeyID: "5f938e11"},
	{Kind: "refused", Cookie: "FedAuth", Reason: "expired"},
	{Kind: "store", Reason: "get", Took: 3 * time.Millisecond},
	{Kind: "store", Reason: "put", Took: time.Second, Err: fmt.Errorf("redis: %w", context.DeadlineExceeded)},
	{Kind: "ring"},
	{Kind: "ring", Err: errors.New("repository: no route")},
}

// show returns the data points of all metrics, one a line.
func show(t *testing.T, reader *metric.ManualReader) string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			line := func(value any, set attribute.Set) {
				fmt.Fprintf(&b, "%s %s", m.Name, m.Unit)
				for _, a := range set.ToSlice() {
					fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.AsString())
				}
				fmt.Fprintf(&b, " %v\n", value)
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					line(p.Value, p.Attributes)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					age := float64(time.Now().Unix()) - p.Value
					line(age < 60 && age > -2, p.Attributes)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					line(fmt.Sprint(p.Count, " ", p.Sum, " ", p.Bounds), p.Attributes)
				}
			default:
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
		}
	}
	return b.String()
}

func TestMetrics(t *testing.T) {
	reader := metric.NewManualReader()
	observe, err := otelobserver.New(metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		observe(t.Context(), e)
	}
	const bounds = "[0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5]"
	want := []string{
		"webfarm.session.events {event} webfarm.cookie.name=FedAuth webfarm.event.kind=read webfarm.key.id=5f938e11 2",
		"webfarm.session.events {event} webfarm.cookie.name=FedAuth webfarm.event.kind=refused webfarm.event.reason=expired 1",
		"webfarm.key.last_read.timestamp s webfarm.key.id=5f938e11 true",
		"webfarm.store.operation.duration s webfarm.store.operation=get 1 0.003 " + bounds,
		"webfarm.store.operation.duration s error.type=timeout webfarm.store.operation=put 1 1 " + bounds,
		"webfarm.key_ring.readings {reading} 1",
		"webfarm.key_ring.readings {reading} error.type=_OTHER 1",
	}
	text := show(t, reader)
	for _, line := range want {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	if n := strings.Count(text, "\n"); n != len(want) {
		t.Errorf("%d data points", n)
	}
}

// TestDashboard shows that the dashboard finds these metrics under the names
// that OpenTelemetry's exporter gives them.
func TestDashboard(t *testing.T) {
	registry := prometheus.NewRegistry()
	export, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	observe, err := otelobserver.New(metric.NewMeterProvider(metric.WithReader(export)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		observe(t.Context(), e)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w,
		httptest.NewRequest("GET", "/metrics", nil))
	testkit.Dashboard(t, "../../docs/dashboard.json", w.Body.String(), "webfarm_")
}

func TestNoProvider(t *testing.T) {
	if observe, err := otelobserver.New(nil); err == nil || observe != nil {
		t.Errorf("error %v", err)
	}
}
