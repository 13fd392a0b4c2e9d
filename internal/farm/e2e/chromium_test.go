package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/webfarm-go/webfarm/internal/farm"
)

// chromiumTime is how long Chromium may take for one step, and to end.
const chromiumTime = 60 * time.Second

// chromium is a running browser without a window.
type chromium struct{ ctx context.Context }

// startChromium starts Chromium, with a profile that goes with the test.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	farm.Need(t, "apt-get install --no-install-recommends chromium", "chromium")
	profile, err := os.MkdirTemp("", "webfarm-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) })
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium"),
		chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(chromiumTime)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
		"disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "ignore-certificate-errors",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, chromiumTime)
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("chromium: %v", err)
		}
	})
	return &chromium{ctx}
}

// tab is a visitor with a cookie jar of Chromium's, shared with nobody.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
}

// visit opens the farm in a new profile.
func (c *chromium) visit(t *testing.T, n *nginx) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	v := &tab{t, ctx, n.url}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	run(v, chromedp.Navigate(n.url+"/healthz"))
	return v
}

// run has a tab do something.
func run[T any](v *tab, a chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, chromiumTime)
	defer cancel()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		v.t.Fatalf("chromium: %v", err)
	}
	return got
}

func (v *tab) get(path string) reply {
	v.t.Helper()
	type answered struct {
		Status int    `json:"status"`
		Node   string `json:"node"`
		Text   string `json:"text"`
	}
	got := run(v, chromedp.Evaluate[answered](fmt.Sprintf(
		`fetch(%q).then(async r => ({status: r.status, node: r.headers.get("X-Node") || "", text: await r.text()}))`, path), chromedp.EvalAwaitPromise))
	r, err := newReply(got.Status, got.Node, got.Text)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// jar returns the cookies as Chromium keeps them, sorted.
func (v *tab) jar() []*network.Cookie {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, chromiumTime)
	defer cancel()
	got, err := chromedp.Call(ctx, network.GetCookies,
		network.GetCookiesParams{URLs: []string{v.url + "/"}})
	if err != nil {
		v.t.Fatalf("chromium: %v", err)
	}
	slices.SortFunc(got.Cookies,
		func(a, b *network.Cookie) int { return strings.Compare(a.Name, b.Name) })
	return got.Cookies
}

func (v *tab) cookies() []string {
	v.t.Helper()
	var names []string
	for _, c := range v.jar() {
		names = append(names, c.Name)
	}
	return names
}

// seenByScript returns what a script of the page sees of the cookies.
func (v *tab) seenByScript() string {
	v.t.Helper()
	return run(v, chromedp.Evaluate[string]("document.cookie"))
}
