package cookie_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// infoLog is a log at the level Info without times.
func infoLog(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// TestRefusalLines wants one line per kind of refusal and minute, and one when
// the credential is accepted again.
func TestRefusalLines(t *testing.T) {
	clock := testkit.NewClock(on2026())
	var out bytes.Buffer
	g := newGuard()
	g.SetNow(clock.Now)
	g.SetLogger(infoLog(&out))
	const (
		forged    = "FedAuth=forged"
		anonymous = "FedAuth=anonymous"
		forms     = ".ASPXAUTH=forged"
		bob       = "FedAuth=bob"
		row       = `level=WARN msg="cookie: credentials refused" source=%d credential=*cookie_test.reader reason=%s count=%d` + "\n"
		again     = `level=INFO msg="cookie: credential accepted after refusals" source=0 credential=*cookie_test.reader refused=%d` + "\n"
	)
	for i, step := range []struct {
		after time.Duration
		line  string
		times int
		want  string
	}{
		{0, bob, 2, ""},
		{0, forged, 1, fmt.Sprintf(row, 0, "invalid", 1)}, // at once, so that a fault is seen at once
		{time.Second, forged, 5, ""},
		{time.Second, anonymous, 1, fmt.Sprintf(row, 0, "not_authenticated", 1)},
		{time.Second, forms, 1, fmt.Sprintf(row, 1, "invalid", 1)},
		{57*time.Second - 1, forged, 1, ""},
		{1, forged, 3, fmt.Sprintf(row, 0, "invalid", 7)},
		{time.Second, bob, 2, fmt.Sprintf(again, 11)},
		{time.Second, forged, 1, ""},
		{time.Second, bob, 2, fmt.Sprintf(again, 1)},
		{time.Minute, bob, 2, fmt.Sprintf(row, 0, "invalid", 3)}, // which were refused since the line
		{time.Minute, "a=b", 2, ""},
		{0, forms, 1, fmt.Sprintf(row, 1, "invalid", 1)},
		{-time.Hour, forged, 1, fmt.Sprintf(row, 0, "invalid", 1)}, // a clock that was set back
	} {
		clock.Move(step.after)
		out.Reset()
		for range step.times {
			_, _ = g.Check(request(step.line))
		}
		if out.String() != step.want {
			t.Errorf("step %d:\n got %swant %s", i, out.String(), step.want)
		}
	}
	if n := g.RefusalRows(); n != 3 {
		t.Errorf("%d rows", n)
	}
}

// TestRefusalKeys wants the names of the cookies and the keys that were tried: of
// the commonest fault of a farm, a node with another key.
func TestRefusalKeys(t *testing.T) {
	random := seed.Of(t)
	ringOf := func(n int) *dataprotection.Ring {
		document := dataprotection.Document([]byte(testkit.CoreKey(n, on2026(), random.Bytes(64))))
		ring, err := dataprotection.Open(t.Context(), document,
			&dataprotection.RingOptions{Interval: -1, Now: on2026})
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	siteOn := func(ring *dataprotection.Ring, logger *slog.Logger) *cookie.Site {
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			t.Fatal(err)
		}
		site, err := cookie.NewSite(cfg, &cookie.SiteOptions{DataProtection: ring, Now: on2026,
			Sessions: cookie.SessionsOptions{Logger: logger},
			Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth}, {Kind: cookie.KindCore},
				{Kind: cookie.KindBearer, AuthenticationType: "BearerToken"}}})
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	var out bytes.Buffer
	site := siteOn(ringOf(1), infoLog(&out))
	other := siteOn(ringOf(2), nil)
	const theirs = "76692db8-b9c3-446a-937e-c7c07fda25a2"

	for _, name := range []string{"FedAuth", ".AspNetCore.Cookies"} {
		sessions, _ := other.SessionsOf(name)
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "https://app.example/", nil)
		if err := sessions.SignIn(w, r, user("bob"), nil); err != nil {
			t.Fatal(err)
		}
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		want := fmt.Sprintf("source=1 credential=.AspNetCore.Cookies reason=invalid count=1 keys=[%s]\n", theirs)
		if name == "FedAuth" {
			want = fmt.Sprintf("source=0 credential=FedAuth reason=invalid count=1 keys=[%s]\n",
				site.Ring().Primary().ID())
		}
		out.Reset()
		if status, _ := answer(site, r); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, status)
		}
		if want = `level=WARN msg="cookie: credentials refused" ` + want; out.String() != want {
			t.Errorf("%s:\n got %swant %s", name, out.String(), want)
		}
	}

	codec, err := sessiontoken.NewCoreCodec(ringOf(2), sessiontoken.AccessToken("BearerToken"),
		&sessiontoken.CoreOptions{Now: on2026})
	if err != nil {
		t.Fatal(err)
	}
	token, err := codec.Encode(t.Context(), codec.NewTicket(user("bob"), nil))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "https://app.example/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	out.Reset()
	answer(site, r)
	if want := "credential=*sessiontoken.CoreCodec reason=invalid count=1 keys=[" + theirs +
		"]\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("bearer: %s, want %s", out.String(), want)
	}

	// Accepted again, with the key that did it.
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "https://app.example/", nil)
	if err := site.Sessions().SignIn(w, r, user("bob"), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	out.Reset()
	answer(site, r)
	want := `level=INFO msg="cookie: credential accepted after refusals" source=0 credential=FedAuth refused=1 key=` + site.Ring().Primary().ID() + "\n"
	if out.String() != want {
		t.Errorf("accepted:\n got %swant %s", out.String(), want)
	}
}

// TestRefusalLinesConcurrent counts every refusal once.
func TestRefusalLinesConcurrent(t *testing.T) {
	clock := testkit.NewClock(on2026())
	var out testkit.Log
	g := newGuard()
	g.SetNow(clock.Now)
	g.SetLogger(slog.New(slog.NewJSONHandler(&out, nil)))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				_, _ = g.Check(request("FedAuth=forged"))
				if i%100 == 0 {
					clock.Move(time.Minute)
					_, _ = g.Check(request("FedAuth=bob"))
				}
			}
		})
	}
	all.Wait()
	clock.Move(time.Minute)
	_, _ = g.Check(request("FedAuth=bob"))
	count, refused := 0, 0
	for line := range strings.Lines(out.String()) {
		var record struct{ Count, Refused int }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		count += record.Count
		refused += record.Refused
	}
	if count != 4000 || refused != 4000 {
		t.Errorf("lines count %d, and %d before successes, want 4000", count, refused)
	}
}

// TestDecisionRecords wants one record for each decision of LoadSite, with the
// same words as Site.String.
func TestDecisionRecords(t *testing.T) {
	var out bytes.Buffer
	site, err := loadKnown(siteFile(t, "forms-site.config"), &cookie.SiteOptions{
		Sessions: cookie.SessionsOptions{Logger: slog.New(slog.NewJSONHandler(&out, nil))}})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(site.String(), "\n")
	records := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(records) {
		t.Fatalf("%d records of %d decisions", len(records), len(lines))
	}
	accepted, warnings := 0, 0
	for i, text := range records {
		var d struct {
			Level, Msg, From, What, Why string
			Accepted                    *bool
			Line                        int
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		want := d.What + " " + d.Why
		isAccepted := strings.HasPrefix(d.Why, "accepted: ")
		isRefused := strings.HasPrefix(d.Why, "not accepted: ") ||
			strings.HasPrefix(d.Why, "not asked for: ")
		if d.Line > 0 {
			want += fmt.Sprintf(" (line %d)", d.Line)
		}
		if strings.Join(strings.Fields(lines[i]), " ") != strings.Join(strings.Fields(want), " ") ||
			d.Msg != "cookie: site" || d.From != "web.config" ||
			(d.Level == "WARN") != (d.What == "warning") ||
			(d.Accepted != nil) != (isAccepted || isRefused) ||
			d.Accepted != nil && *d.Accepted != isAccepted {
			t.Errorf("%s\nof %s", text, lines[i])
		}
		if isAccepted {
			accepted++
		}
		if d.What == "warning" {
			warnings++
		}
	}
	if accepted == 0 || warnings == 0 {
		t.Errorf("%d accepted, %d warnings", accepted, warnings)
	}
}
