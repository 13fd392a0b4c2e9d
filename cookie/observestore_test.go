package cookie_test

import (
	"context"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/storetest"
)

// An observed store is as good as the store itself.
func TestObservedStoreIsAStore(t *testing.T) {
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	storetest.Run(t, func(t *testing.T) sessiontoken.Store {
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: clock.Now})
		return cookie.ObserveStore(memory, func(context.Context, cookie.Event) {})
	}, &storetest.Options{Now: clock.Now, Advance: clock.Move})
}
