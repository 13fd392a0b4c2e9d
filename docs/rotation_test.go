package docs_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/machinekey"
)

// follow is the snippet of docs/rotation.md: the site of a service whose key
// file may change while it runs.
func follow(ctx context.Context, path string, older, next []string) (*cookie.Site, error) {
	site, err := cookie.LoadSite(path, &cookie.SiteOptions{Older: older, Next: next,
		Sessions: cookie.SessionsOptions{Logger: slog.Default()}})
	if err != nil {
		return nil, err
	}
	go func() {
		err := site.Watch(ctx, &machinekey.WatchOptions{KeepFor: 12 * time.Hour}) // longer than a session of the farm
		slog.Info("the key file is not watched any more", "reason", err)
	}()
	return site, nil
}

// TestRunbook takes a user through the steps of docs/rotation.md.
func TestRunbook(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	oldFile, newFile := farmtest.FreshSite(), farmtest.FreshSite()
	site := func(path string, older, next []string) *cookie.Site {
		t.Helper()
		s, err := follow(ctx, path, older, next)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	oldNode, newNode := site(oldFile, nil, nil), site(newFile, nil, nil) // a .NET node before and after

	visit := func(s *cookie.Site, user *http.Request) (status, set int) {
		w := httptest.NewRecorder()
		s.Handler(http.NotFoundHandler()).ServeHTTP(w, user)
		return w.Code, len(w.Result().Cookies())
	}
	for _, step := range []struct {
		name   string
		goNode *cookie.Site
		at     *cookie.Site // where the user signed in
		again  bool         // the Go service issues the session again
	}{
		{"1, before", site(oldFile, nil, nil), oldNode, false},
		{"2, Go reads it", site(oldFile, nil, []string{newFile}), oldNode, false},
		{"3, .NET switches", site(oldFile, nil, []string{newFile}), newNode, false},
		{"4, Go writes it", site(newFile, []string{oldFile}, nil), oldNode, true},
		{"4, a new session", site(newFile, []string{oldFile}, nil), newNode, false},
	} {
		status, set := visit(step.goNode, farmtest.SignedInAt(step.at))
		if status != http.StatusNotFound || (set > 0) != step.again { // the handler behind has no pages
			t.Errorf("step %s: %d, %d cookies", step.name, status, set)
		}
	}
	if status, _ := visit(site(newFile, nil, nil), farmtest.SignedInAt(oldNode)); status != http.StatusUnauthorized {
		t.Errorf("step 5, with an old cookie: %d", status)
	}
}
