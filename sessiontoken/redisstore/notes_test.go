package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
)

const note = sessiontoken.NotePrefix + "ended;1"

// TestNotesStay wants no note put where it may be evicted, and an error of its
// own where the memory is used up.
func TestNotesStay(t *testing.T) {
	client := newClient(t, farmtest.StartRedis(t).Addr)
	set := func(name, value string) {
		t.Helper()
		if err := client.ConfigSet(ctx, name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	later := now.Add(time.Hour)
	clock := func() time.Time { return now }
	s := newStore(t, client, redisstore.Options{Now: clock})
	set("maxmemory", "100mb")
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru",
		"volatile-lfu", "volatile-random", "volatile-ttl"} {
		set("maxmemory-policy", policy)
		err := s.Put(ctx, note, []byte("data"), later)
		if err == nil || !strings.Contains(err.Error(), policy) ||
			errors.Is(err, sessiontoken.ErrNotInStore) || errors.Is(err, sessiontoken.ErrInvalid) {
			t.Errorf("%s: %v", policy, err)
		}
		if _, _, err := s.Get(ctx, note); !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("%s: the note is there: %v", policy, err)
		}
		if err := s.Put(ctx, "entry", []byte("data"), later); err != nil {
			t.Errorf("%s: entry: %v", policy, err)
		}
	}
	trusting := newStore(t, client, redisstore.Options{NoEviction: true})
	if err := trusting.Put(ctx, note, []byte("data"), later); err != nil {
		t.Error(err)
	}
	set("maxmemory", "0")
	if err := s.Put(ctx, note, []byte("data"), later); err != nil {
		t.Errorf("without a bound: %v", err)
	}
	// It is asked again after a minute.
	set("maxmemory", "100mb")
	now = now.Add(time.Minute)
	if err := s.Put(ctx, note, []byte("data"), later); err == nil {
		t.Error("the new policy is not seen")
	}
	set("maxmemory-policy", "noeviction")
	if err := s.Put(ctx, note, []byte("data"), later); err != nil {
		t.Error(err)
	}
	set("maxmemory", "1")
	for _, key := range []string{note, note + "2"} {
		if err := s.Put(ctx, key, []byte("more"), later); !errors.Is(err,
			sessiontoken.ErrStoreFull) || errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("no memory: %v", err)
		}
	}
	if err := s.Put(ctx, "entry", []byte("more"), later); err == nil ||
		errors.Is(err, sessiontoken.ErrStoreFull) {
		t.Errorf("no memory for an entry: %v", err)
	}
	if data, _, err := s.Get(ctx, note); err != nil || string(data) != "data" {
		t.Errorf("the note is %q, %v", data, err)
	}
}

// TestNotesOfTheirOwn has entries in one Redis and notes in another.
func TestNotesOfTheirOwn(t *testing.T) {
	entries, notes := newClient(t, farmtest.StartRedis(t).Addr), newClient(t,
		farmtest.StartRedis(t).Addr)
	if err := entries.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	if err := entries.ConfigSet(ctx, "maxmemory", "3mb").Err(); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, entries, redisstore.Options{Notes: notes})
	later := time.Now().Add(time.Hour)
	if err := s.Put(ctx, note, []byte("data"), later); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, "entry", []byte("data"), later); err != nil {
		t.Fatal(err)
	}
	for _, client := range []*redis.Client{entries, notes} {
		if n, err := client.DBSize(ctx).Result(); n != 1 || err != nil {
			t.Errorf("%d keys, %v", n, err)
		}
	}
	if data, _, err := s.Get(ctx, note); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
	if err := s.Delete(ctx, note); err != nil {
		t.Fatal(err)
	}
	if n, err := notes.DBSize(ctx).Result(); n != 0 || err != nil {
		t.Errorf("%d notes, %v", n, err)
	}
}
