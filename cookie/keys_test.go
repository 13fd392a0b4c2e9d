package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// remoteKeys are keys that have to be fetched, which can fail.
type remoteKeys struct {
	*machinekey.Ring
	err error
}

func (k *remoteKeys) Protector(purposes ...string) (sessiontoken.Protector, error) {
	p, err := k.Ring.Protector(purposes...)
	return remoteProtector{p, k}, err
}

type remoteProtector struct {
	sessiontoken.Protector
	keys *remoteKeys
}

func (p remoteProtector) Unprotect(ctx context.Context, dst, protected []byte) ([]byte, string, error) {
	if p.keys.err != nil {
		return dst, "", p.keys.err
	}
	return p.Protector.Unprotect(ctx, dst, protected)
}

// TestKeysOutOfReach wants 503 while keys cannot be fetched, and 401 for a
// cookie that they do not open.
func TestKeysOutOfReach(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := &remoteKeys{Ring: ring}
	codec, err := sessiontoken.NewSessionCodec(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := codec.NewToken(*user("bob"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Encode(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := cookie.NewSessions(codec, nil)
	if err != nil {
		t.Fatal(err)
	}
	guard := new(cookie.Guard)
	guard.AcceptSessions(sessions)
	page := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	for _, test := range []struct {
		err    error
		status int
	}{
		{nil, http.StatusOK},
		{fmt.Errorf("remote: %w", seal.ErrUnavailable), http.StatusServiceUnavailable},
		{fmt.Errorf("remote: %w", seal.ErrUnprotect), http.StatusUnauthorized},
	} {
		keys.err = test.err
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "FedAuth", Value: text})
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%v: status %d, want %d", test.err, w.Code, test.status)
		}
		_, err := sessions.Session(r)
		if unavailable := errors.Is(err,
			cookie.ErrUnavailable); unavailable != (test.status == http.StatusServiceUnavailable) {
			t.Errorf("%v: %v", test.err, err)
		}
	}
}
