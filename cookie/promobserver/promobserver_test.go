package promobserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/promobserver"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func Example() {
	registry := prometheus.NewRegistry()
	observe, err := promobserver.New(registry)
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

	for line := range strings.Lines(scrape(registry)) {
		if strings.HasPrefix(line, "webfarm_session_events_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="refused",webfarm_event_reason="invalid",webfarm_key_id=""} 1
}

// loadSite is in docs/metrics.md.
func loadSite(path string, store sessiontoken.Store) (*cookie.Site, error) {
	observe, err := promobserver.New(prometheus.DefaultRegisterer)
	if err != nil {
		return nil, err
	}
	return cookie.LoadSite(path, &cookie.SiteOptions{Sessions: cookie.SessionsOptions{
		Observer: observe,
		Store:    cookie.ObserveStore(store, observe),
	}})
}

// TestLoadSite counts a sign-in of the site in docs/metrics.md.
func TestLoadSite(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "web.config")
	text := `<configuration><system.web><authentication mode="Forms"/>` + cfg.WebConfig() +
		`</system.web></configuration>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := loadSite(path, sessiontoken.NewMemoryStore(nil))
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "https://app.example/", nil)
	zoe := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Password",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "zoe"}}}}}
	if err := site.Sessions().SignIn(w, r, zoe, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	if _, err := site.Check(r); err != nil {
		t.Fatal(err)
	}
	got := scrape(prometheus.DefaultGatherer)
	for _, want := range []string{
		`{webfarm_cookie_name=".ASPXAUTH",webfarm_event_kind="signed_in",webfarm_event_reason="",webfarm_key_id=""} 1`,
		`{webfarm_cookie_name=".ASPXAUTH",webfarm_event_kind="read",webfarm_event_reason="",webfarm_key_id="` + site.Ring().Primary().ID() + `"} 1`,
	} {
		if !strings.Contains(got, "webfarm_session_events_total"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(got,
		`webfarm_store_operation_duration_seconds_count{error_type="",webfarm_store_operation="get"}`) {
		t.Error("no call of the store")
	}
}

// scrape returns what Prometheus gets.
func scrape(registry prometheus.Gatherer) string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w,
		httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
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

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	observe, err := promobserver.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	began := float64(time.Now().Unix())
	for _, e := range events {
		observe(t.Context(), e)
	}
	text := scrape(registry)
	for _, want := range []string{
		"# TYPE webfarm_session_events_total counter",
		`webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="read",webfarm_event_reason="",webfarm_key_id="5f938e11"} 2`,
		`webfarm_session_events_total{webfarm_cookie_name="FedAuth",webfarm_event_kind="refused",webfarm_event_reason="expired",webfarm_key_id=""} 1`,
		"# TYPE webfarm_store_operation_duration_seconds histogram",
		`webfarm_store_operation_duration_seconds_bucket{error_type="",webfarm_store_operation="get",le="0.0025"} 0`,
		`webfarm_store_operation_duration_seconds_bucket{error_type="",webfarm_store_operation="get",le="0.005"} 1`,
		`webfarm_store_operation_duration_seconds_count{error_type="timeout",webfarm_store_operation="put"} 1`,
		`webfarm_key_ring_readings_total{error_type=""} 1`,
		`webfarm_key_ring_readings_total{error_type="_OTHER"} 1`,
		"# TYPE webfarm_key_last_read_timestamp_seconds gauge",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	const last = `webfarm_key_last_read_timestamp_seconds{webfarm_key_id="5f938e11"} `
	_, rest, _ := strings.Cut(text, "\n"+last)
	var at float64
	if _, err := fmt.Sscan(rest, &at); err != nil || at < began || at > began+60 {
		t.Errorf("last read at %v, %v", at, err)
	}
	if strings.Contains(text, "no route") {
		t.Error("the text of an error is shown")
	}
}

// TestDashboard holds the dashboard and the names of the metrics together.
func TestDashboard(t *testing.T) {
	registry := prometheus.NewRegistry()
	observe, err := promobserver.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		observe(t.Context(), e)
	}
	testkit.Dashboard(t, "../../docs/dashboard.json", scrape(registry), "webfarm_")
}

// counting is a registry that counts what is registered.
type counting struct {
	*prometheus.Registry
	n int
}

func (c *counting) Register(one prometheus.Collector) error {
	err := c.Registry.Register(one)
	if err == nil {
		c.n++
	}
	return err
}

func (c *counting) Unregister(one prometheus.Collector) bool {
	ok := c.Registry.Unregister(one)
	if ok {
		c.n--
	}
	return ok
}

// TestNewTwice registers nothing where a name is taken.
func TestNewTwice(t *testing.T) {
	registry := &counting{Registry: prometheus.NewRegistry()}
	registry.MustRegister(prometheus.NewCounterVec(prometheus.CounterOpts{Name: "webfarm_key_ring_readings_total", Help: "Another."}, []string{"a"}))
	if observe, err := promobserver.New(registry); err == nil || observe != nil || registry.n != 0 {
		t.Errorf("error %v, %d registered", err, registry.n)
	}
	registry = &counting{Registry: prometheus.NewRegistry()}
	if _, err := promobserver.New(registry); err != nil || registry.n != 4 {
		t.Errorf("error %v, %d registered", err, registry.n)
	}
	if observe, err := promobserver.New(registry); err == nil || observe != nil || registry.n != 4 {
		t.Errorf("a second one: %v, %d registered", err, registry.n)
	}
	if observe, err := promobserver.New(nil); err == nil || observe != nil {
		t.Errorf("without a registry: %v", err)
	}
}

// BenchmarkRead shows what an event costs: the label lookup of our own in place
// of the registry's.
func BenchmarkRead(b *testing.B) {
	observe, err := promobserver.New(prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		observe(ctx, events[0])
	}
}
