package sessiontoken

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestKatanaOlderKey(t *testing.T) {
	old, primary := freshKey(t), freshKey(t)
	store := mapStore{}
	for _, s := range []Store{nil, store} {
		before := testKatanaCodec(t, ringOf(t, old), KatanaOptions{Store: s})
		after := testKatanaCodec(t, ringOf(t, primary, old), KatanaOptions{Store: s})
		got, err := after.Decode(ctx, encodeKatana(t, before, before.NewTicket(carol(), nil)))
		if err != nil || got.OpenedBy() != old.ID() {
			t.Fatalf("%v, %v", got, err)
		}
		again, err := after.Decode(ctx, encodeKatana(t, after, got))
		if err != nil || again.OpenedBy() != primary.ID() ||
			!again.SessionKey.Equal(got.SessionKey) {
			t.Fatalf("%v, %v", again, err)
		}
	}
	if len(store) != 1 {
		t.Errorf("%d entries", len(store))
	}
}

func TestKatanaStore(t *testing.T) {
	ring, store := testRing(t), mapStore{}
	now := katanaStart
	c := testKatanaCodec(t, ring, KatanaOptions{Store: store, Now: func() time.Time { return now }})
	other, err := NewKatanaCodec(ring, Cookie("ExternalCookie"), &KatanaOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	a := c.NewTicket(carol(), nil)
	text := encodeKatana(t, c, a)
	if a.SessionKey.Len() > 0 || len(store) != 1 {
		t.Fatalf("key %q, %d entries", a.SessionKey.Reveal(), len(store))
	}
	got, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	key := string(got.SessionKey.Reveal())
	if len(key) < 26 || got.principal().Name() != "carol" {
		t.Errorf("%q, %v", key, got)
	}
	for name, entry := range store {
		if bytes.Contains(entry, []byte("carol")) ||
			!strings.HasSuffix(name, ";ApplicationCookie;"+key) {
			t.Errorf("stored under %q: %q", name, entry)
		}
	}

	// Entries cannot change places, not even within one middleware.
	second, err := c.Decode(ctx, encodeKatana(t, c,
		c.NewTicket(Identity{Claims: []Claim{{Type: ClaimTypeName, Value: "dave"}}}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	kept := store[c.storeKey(key)]
	store[c.storeKey(key)] = store[c.storeKey(string(second.SessionKey.Reveal()))]
	if got, err := c.Decode(ctx, text); !errors.Is(err, errKatanaEntry) || got != nil {
		t.Errorf("another's entry: %v, %v", got, err)
	}
	store[c.storeKey(key)] = kept[:len(kept)-1]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("changed entry: %v, %v", got, err)
	}
	external := other.NewTicket(carol(), nil)
	external.SessionKey = got.SessionKey
	encodeKatana(t, other, external)
	store[c.storeKey(key)] = store[other.storeKey(key)]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("another middleware's entry: %v, %v", got, err)
	}
	store[c.storeKey(key)] = kept

	// References with more than a key, which nobody issues.
	for _, change := range []func(*KatanaTicket){
		func(t *KatanaTicket) {
			t.Identity.Claims = append(t.Identity.Claims,
				Claim{Type: ClaimTypeRole, Value: "admin"})
		},
		func(t *KatanaTicket) { t.Properties.SetTime(PropertyExpires, katanaStart.Add(time.Hour)) },
	} {
		reference := inside(t, c, text)
		change(reference)
		plain, err := reference.marshal()
		if err != nil {
			t.Fatal(err)
		}
		forged := sealKatana(t, c, flate.Gzip(nil, plain))
		if got, err := c.Decode(ctx, forged); !errors.Is(err, errKatanaReference) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}

	// Inspect leaves an expired ticket in the store, Decode does not.
	now = now.Add(14*24*time.Hour + time.Second)
	if a := anatomy.Of(ctx, c.Decode, text); !errors.Is(a.Err, ErrExpired) ||
		!a.Content.(*KatanaTicket).SessionKey.Equal(got.SessionKey) ||
		store[c.storeKey(key)] == nil {
		t.Errorf("Inspect: %+v", a)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrExpired) || store[c.storeKey(key)] != nil {
		t.Errorf("expired: %v", err)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrNotInStore) {
		t.Errorf("after that: %v", err)
	}
	if err := c.Delete(ctx, &KatanaTicket{}); err != nil {
		t.Error(err)
	}
}

// brokenStore fails in all it does.
type brokenStore struct{}

var errBroken = errors.New("broken")

func (brokenStore) Get(context.Context, string) ([]byte, time.Time, error) {
	return nil, time.Time{}, errBroken
}
func (brokenStore) Put(context.Context, string, []byte, time.Time) error { return errBroken }
func (brokenStore) Delete(context.Context, string) error                 { return errBroken }

func TestKatanaBrokenStore(t *testing.T) {
	ring := testRing(t)
	good := testKatanaCodec(t, ring, KatanaOptions{Store: mapStore{}})
	text := encodeKatana(t, good, good.NewTicket(carol(), nil))
	c := testKatanaCodec(t, ring, KatanaOptions{Store: brokenStore{}})
	if _, err := c.Decode(ctx, text); !errors.Is(err, errBroken) || errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := c.Encode(ctx, c.NewTicket(carol(), nil)); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if err := c.Delete(ctx,
		&KatanaTicket{SessionKey: machinekey.NewSecret([]byte("k"))}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
