package sessiontoken

import (
	"bytes"
	"context"
	"errors"
	"github.com/webfarm-go/webfarm/internal/anatomy"
	"strings"
	"testing"
	"time"
)

func TestOWINOlderKey(t *testing.T) {
	old, primary := freshKey(t), freshKey(t)
	store := mapStore{}
	for _, s := range []Store{nil, store} {
		before := testOWINCodec(t, ringOf(t, old), OWINOptions{Store: s})
		after := testOWINCodec(t, ringOf(t, primary, old), OWINOptions{Store: s})
		got, err := after.Decode(ctx, encodeOWIN(t, before, before.NewTicket(carol(), nil)))
		if err != nil || got.OpenedBy() != old {
			t.Fatalf("%v, %v", got, err)
		}
		again, err := after.Decode(ctx, encodeOWIN(t, after, got))
		if err != nil || again.OpenedBy() != primary || again.SessionKey != got.SessionKey {
			t.Fatalf("%v, %v", again, err)
		}
	}
	if len(store) != 1 {
		t.Errorf("%d entries", len(store))
	}
}

func TestOWINStore(t *testing.T) {
	ring, store := testRing(t), mapStore{}
	now := owinStart
	c := testOWINCodec(t, ring, OWINOptions{Store: store, Now: func() time.Time { return now }})
	other, err := NewOWINCookieCodec(ring, "ExternalCookie", &OWINOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	a := c.NewTicket(carol(), nil)
	text := encodeOWIN(t, c, a)
	if a.SessionKey != "" || len(store) != 1 {
		t.Fatalf("key %q, %d entries", a.SessionKey, len(store))
	}
	got, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.SessionKey) < 26 || got.Identity.Name() != "carol" {
		t.Errorf("%q, %v", got.SessionKey, got)
	}
	for name, entry := range store {
		if bytes.Contains(entry, []byte("carol")) || !strings.HasSuffix(name, ";ApplicationCookie;"+got.SessionKey) {
			t.Errorf("stored under %q: %q", name, entry)
		}
	}

	// Entries cannot change places, not even within one middleware.
	second, err := c.Decode(ctx, encodeOWIN(t, c, c.NewTicket(Identity{Claims: []Claim{{Type: ClaimTypeName, Value: "dave"}}}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	kept := store[c.storeKey(got.SessionKey)]
	store[c.storeKey(got.SessionKey)] = store[c.storeKey(second.SessionKey)]
	if got, err := c.Decode(ctx, text); !errors.Is(err, errOWINEntry) || got != nil {
		t.Errorf("another's entry: %v, %v", got, err)
	}
	store[c.storeKey(got.SessionKey)] = kept[:len(kept)-1]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("changed entry: %v, %v", got, err)
	}
	external := other.NewTicket(carol(), nil)
	external.SessionKey = got.SessionKey
	encodeOWIN(t, other, external)
	store[c.storeKey(got.SessionKey)] = store[other.storeKey(got.SessionKey)]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("another middleware's entry: %v, %v", got, err)
	}
	store[c.storeKey(got.SessionKey)] = kept

	// References with more than a key, which nobody issues.
	for _, change := range []func(*OWINTicket){
		func(t *OWINTicket) {
			t.Identity.Claims = append(t.Identity.Claims, Claim{Type: ClaimTypeRole, Value: "admin"})
		},
		func(t *OWINTicket) { t.Properties.SetExpires(owinStart.Add(time.Hour)) },
	} {
		reference := inside(t, c, text)
		change(reference)
		forged, err := c.seal(new(owinScratch), reference)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decode(ctx, forged); !errors.Is(err, errOWINReference) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}

	// Inspect leaves an expired ticket in the store, Decode does not.
	now = now.Add(DefaultOWINCookieLifetime + time.Second)
	if a := anatomy.Of(ctx, c.Decode, text); !errors.Is(a.Err, ErrExpired) || a.Content.(*OWINTicket).SessionKey != got.SessionKey || store[c.storeKey(got.SessionKey)] == nil {
		t.Errorf("Inspect: %+v", a)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrExpired) || store[c.storeKey(got.SessionKey)] != nil {
		t.Errorf("expired: %v", err)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrNotInStore) {
		t.Errorf("after that: %v", err)
	}
	if err := c.Delete(ctx, &OWINTicket{}); err != nil {
		t.Error(err)
	}
}

// brokenStore fails in all it does.
type brokenStore struct{}

var errBroken = errors.New("broken")

func (brokenStore) Get(context.Context, string) ([]byte, error)          { return nil, errBroken }
func (brokenStore) Put(context.Context, string, []byte, time.Time) error { return errBroken }
func (brokenStore) Delete(context.Context, string) error                 { return errBroken }

func TestOWINBrokenStore(t *testing.T) {
	ring := testRing(t)
	good := testOWINCodec(t, ring, OWINOptions{Store: mapStore{}})
	text := encodeOWIN(t, good, good.NewTicket(carol(), nil))
	c := testOWINCodec(t, ring, OWINOptions{Store: brokenStore{}})
	if _, err := c.Decode(ctx, text); !errors.Is(err, errBroken) || errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := c.Encode(ctx, c.NewTicket(carol(), nil)); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if err := c.Delete(ctx, &OWINTicket{SessionKey: "k"}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
