package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
)

// TestObserver makes one recorder for each combination of labels.
func TestObserver(t *testing.T) {
	told := map[Labels]int{}
	recorders := 0
	observe := Observer(func(l Labels) func(context.Context, cookie.Event) {
		recorders++
		return func(context.Context, cookie.Event) { told[l]++ }
	})
	failed := fmt.Errorf("store: %w", errors.New("connection refused"))
	events := []struct {
		e    cookie.Event
		want Labels
	}{
		{cookie.Event{Kind: "read", Cookie: "FedAuth", KeyID: "k"},
			Labels{Kind: "read", Cookie: "FedAuth", Key: "k"}},
		{cookie.Event{Kind: "refused", Cookie: "FedAuth", Reason: "invalid"},
			Labels{Kind: "refused", Cookie: "FedAuth", Reason: "invalid"}},
		{cookie.Event{Kind: "unavailable", Cookie: "FedAuth", Err: failed},
			Labels{Kind: "unavailable", Cookie: "FedAuth"}},
		{cookie.Event{Kind: "store", Reason: "get", Took: 1}, Labels{Kind: "store", Reason: "get"}},
		{cookie.Event{Kind: "store", Reason: "get", Err: failed},
			Labels{Kind: "store", Reason: "get", ErrorType: "_OTHER"}},
		{cookie.Event{Kind: "store", Reason: "get",
			Err: fmt.Errorf("x: %w", context.DeadlineExceeded)},
			Labels{Kind: "store", Reason: "get", ErrorType: "timeout"}},
		{cookie.Event{Kind: "store", Reason: "put", Err: context.Canceled},
			Labels{Kind: "store", Reason: "put", ErrorType: "canceled"}},
		{cookie.Event{Kind: "ring"}, Labels{Kind: "ring"}},
	}
	for range 3 {
		for _, tt := range events {
			observe(t.Context(), tt.e)
		}
	}
	for _, tt := range events {
		if told[tt.want] != 3 {
			t.Errorf("%+v: %d times %+v", tt.e, told[tt.want], tt.want)
		}
	}
	if recorders != len(events) {
		t.Errorf("%d recorders", recorders)
	}
}

// TestBound keeps the number of series within its bound, whoever makes up
// events, and loses none.
func TestBound(t *testing.T) {
	var recorders, told, beyond atomic.Int64
	observe := Observer(func(l Labels) func(context.Context, cookie.Event) {
		recorders.Add(1)
		return func(context.Context, cookie.Event) {
			told.Add(1)
			if l.Key == other {
				beyond.Add(1)
			}
		}
	})
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 1500 {
				observe(t.Context(), cookie.Event{Kind: []string{"read", "refused", "store",
					fmt.Sprint(i)}[n], KeyID: fmt.Sprint(i)})
			}
		})
	}
	all.Wait()
	if n := recorders.Load(); n <= maxSeries || n > maxSeries+int64(len(kinds))+1 {
		t.Errorf("%d recorders", n)
	}
	if told.Load() != 6000 || beyond.Load() != 6000-maxSeries {
		t.Errorf("%d told, %d beyond", told.Load(), beyond.Load())
	}
}

// TestKinds holds the kinds together with package cookie.
func TestKinds(t *testing.T) {
	code, err := os.ReadFile("../../cookie/observer.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\tevent\w+ += "(\w+)"$`).FindAllStringSubmatch(string(code), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if own := slices.Sorted(slices.Values(kinds)); !slices.Equal(names, own) {
		t.Errorf("package cookie has %v, here are %v", names, own)
	}
}

// TestDocument wants docs/metrics.md to have every name.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{Kind, Cookie, Reason, Key, Operation, ErrorType, other}
	for _, m := range []Metric{Events, LastRead, StoreDuration, Readings} {
		row := fmt.Sprintf("| `%s` | ", m.Name)
		if !strings.Contains(string(text), row) {
			t.Errorf("no row %s", row)
		}
		names = append(names, m.Unit, m.Prometheus())
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("no %s", name)
		}
	}
}
