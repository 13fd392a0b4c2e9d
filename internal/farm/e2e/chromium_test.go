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
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/webfarm-go/webfarm/internal/farm"
)

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
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "ignore-certificate-errors",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	var said strings.Builder
	options = append(options, chromedp.CombinedOutput(&said), chromedp.WSURLReadTimeout(60*time.Second))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser) // waits for the end of the process
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.String())
	}
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
	v.run(chromedp.Navigate(n.url + "/healthz"))
	return v
}

func (v *tab) run(actions ...chromedp.Action) {
	v.t.Helper()
	// A context that ends takes the tab along, so the limit is not one.
	done := make(chan error, 1)
	go func() { done <- chromedp.Run(v.ctx, actions...) }()
	select {
	case err := <-done:
		if err != nil {
			v.t.Fatalf("chromium: %v", err)
		}
	case <-time.After(60 * time.Second):
		v.t.Fatal("chromium does not answer")
	}
}

func (v *tab) get(path string) reply {
	v.t.Helper()
	var got struct {
		Status     int
		Node, Text string
	}
	v.run(chromedp.Evaluate(fmt.Sprintf(`fetch(%q).then(async r => ({status: r.status, node: r.headers.get("X-Node") || "", text: await r.text()}))`, path),
		&got, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	r, err := newReply(got.Status, got.Node, got.Text)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// jar returns the cookies as Chromium keeps them.
func (v *tab) jar() []*network.Cookie {
	v.t.Helper()
	var list []*network.Cookie
	v.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		list, err = network.GetCookies().WithURLs([]string{v.url + "/"}).Do(ctx)
		return err
	}))
	slices.SortFunc(list, func(a, b *network.Cookie) int { return strings.Compare(a.Name, b.Name) })
	return list
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
	var text string
	v.run(chromedp.Evaluate("document.cookie", &text))
	return text
}
