package docs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// slidingSessions is the snippet of docs/sessions.md.
func slidingSessions(ring *machinekey.Ring) (*cookie.Sessions, error) {
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/", Lifetime: time.Hour})
	if err != nil {
		return nil, err
	}
	return cookie.NewSessions(codec, &cookie.SessionsOptions{
		Sliding:     cookie.On,
		MaxLifetime: 12 * time.Hour,
	})
}

func TestSessionsSnippet(t *testing.T) {
	ring, err := machinekey.LoadRing(farmtest.FreshSite())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := slidingSessions(ring); err != nil || fmt.Sprint(s) != "cookie.Sessions{FedAuth}" {
		t.Errorf("%v, %v", s, err)
	}
}
