package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestCoreGateway runs a gateway on a key ring of ASP.NET Core, without a
// web.config, and breaks the ring while it runs.
func TestCoreGateway(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	random := seed.Of(t)
	write("key-1.xml", testkit.CoreKey(1, time.Now(), random.Bytes(64)))
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder),
		&dataprotection.RingOptions{Interval: -1})
	if err != nil {
		t.Fatal(err)
	}
	r := runGateway(t, Options{Site: cookie.SiteOptions{DataProtection: ring,
		Credentials: []cookie.Credential{{Kind: cookie.KindCore}}}}, RunOptions{})
	const first, second = "76692db8-b9c3-446a-937e-c7c07fda25a1", "76692db8-b9c3-446a-937e-c7c07fda25a2"
	alice := signedIn(t, r.Gateway, user("Alice"))
	if status := r.auth(alice); status != 200 {
		t.Errorf("auth: %d", status)
	}
	check := func(ready string, samples ...string) {
		t.Helper()
		if status, text := r.page("/readyz"); status != 200 || !strings.Contains(text, ready) ||
			strings.Contains(text, "web.config") {
			t.Errorf("readyz: %d %s, want %q", status, text, ready)
		}
		_, text := r.page("/metrics")
		for _, want := range samples {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("metrics lack %s", want)
			}
		}
	}
	check("keys: ok, "+first+" writes\nkey ring: ok\n",
		`webfarm_key_info{key="`+first+`",writes="true"} 1`,
		`webfarm_session_events_total{webfarm_cookie_name=".AspNetCore.Cookies",webfarm_event_kind="read",webfarm_event_reason="",webfarm_key_id="`+first+`"} 1`)

	write("key-2.xml", testkit.CoreKey(2, time.Now(), random.Bytes(64)))
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	write("key-3.xml", "<key")
	if err := ring.Refresh(t.Context()); !errors.As(err, new(*dataprotection.RingError)) {
		t.Fatalf("error %v", err)
	}
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // told beside Refresh
		if r.ringFault.get() != nil || time.Now().After(until) {
			break
		}
	}
	check("key ring: not read again, the keys stay as they are: dataprotection: key-3.xml",
		`webfarm_key_info{key="`+first+`",writes="false"} 1`,
		`webfarm_key_info{key="`+second+`",writes="true"} 1`,
		`webfarm_key_ring_readings_total{error_type=""} 1`,
		`webfarm_key_ring_readings_total{error_type="_OTHER"} 1`)
	if status := r.auth(alice); status != 200 {
		t.Errorf("auth: %d", status)
	}

	// Without a key nobody could be recognised.
	for _, name := range []string{"key-1.xml", "key-2.xml", "key-3.xml"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, text := r.page("/readyz")
	if want := "server: ok\nkey ring: dataprotection: no key of the ring may protect now; " +
		"let a .NET node or Ring.Keep make one\n"; status != 503 || text != want {
		t.Errorf("readyz without a key: %d %s", status, text)
	}
}
