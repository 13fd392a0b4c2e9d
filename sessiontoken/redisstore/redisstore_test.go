package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
)

var ctx = context.Background()

// address is that of a Redis: the one that WEBFARM_REDIS names, or a new one.
func address(t *testing.T) string {
	t.Helper()
	if addr := os.Getenv("WEBFARM_REDIS"); addr != "" {
		return addr
	}
	return farmtest.StartRedis(t).Addr
}

func newClient(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: 1, DialerRetries: 1})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func newStore(t *testing.T, client redis.UniversalClient, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client, &o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names makes prefixes that no other run of the tests uses.
type names struct{ n atomic.Int64 }

func (n *names) next() string {
	return fmt.Sprintf("webfarm-test-%d-%d:", time.Now().UnixNano(), n.n.Add(1))
}

func TestConforms(t *testing.T) {
	addr := address(t)
	client, other := newClient(t, addr), newClient(t, addr)
	var n names
	farmtest.Conforms(t, func(t *testing.T, now func() time.Time) sessiontoken.Store {
		return newStore(t, client, redisstore.Options{Prefix: n.next(), Now: now})
	}, func(t *testing.T, now func() time.Time) (a, b sessiontoken.Store) {
		o := redisstore.Options{Prefix: n.next(), Now: now}
		return newStore(t, client, o), newStore(t, other, o)
	})
}

// everything returns the names and values of all entries.
func everything(t *testing.T, client *redis.Client, prefix string) []byte {
	t.Helper()
	keys, err := client.Keys(ctx, prefix+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, key := range keys {
		value, err := client.Get(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(key + value)
	}
	return all.Bytes()
}

func TestSessions(t *testing.T) {
	client := newClient(t, address(t))
	var n names
	for _, front := range []bool{false, true} {
		prefix := n.next()
		var store sessiontoken.Store = newStore(t, client, redisstore.Options{Prefix: prefix})
		if front {
			store = farmtest.TwoLevel(t, nil, store)
		}
		farmtest.Sessions(t, store, func() []byte { return everything(t, client, prefix) })
	}
}

// TestOutage needs a Redis that it may kill, so it starts one.
func TestOutage(t *testing.T) {
	server := farmtest.StartRedis(t)
	store := newStore(t, newClient(t, server.Addr), redisstore.Options{})
	farmtest.Outage(t, store, server)
	// With a memory that has forgotten by the next call.
	front, err := sessiontoken.NewTwoLevelStore(nil, store, 1)
	if err != nil {
		t.Fatal(err)
	}
	farmtest.Outage(t, front, server)
}

// TestRedisCleansUp wants Redis to drop entries itself, one second after the
// deadline, and the key to be unreadable.
func TestRedisCleansUp(t *testing.T) {
	client := newClient(t, address(t))
	var n names
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) // the clock of Redis is another
	prefix := n.next()
	s := newStore(t, client, redisstore.Options{Prefix: prefix, Now: func() time.Time { return now }})
	const key = "/;uuid-1234;"
	for left, most := range map[time.Duration]time.Duration{
		time.Millisecond: 1001 * time.Millisecond,
		time.Hour:        time.Hour + time.Second,
	} {
		if err := s.Put(ctx, key, []byte("data"), now.Add(left)); err != nil {
			t.Fatal(err)
		}
		keys, err := client.Keys(ctx, prefix+"*").Result()
		if err != nil || len(keys) != 1 || len(keys[0]) != len(prefix)+64 || strings.Contains(keys[0], "1234;") {
			t.Fatalf("%q, %v", keys, err)
		}
		ttl, err := client.PTTL(ctx, keys[0]).Result()
		if err != nil || ttl > most || ttl < most-time.Minute {
			t.Errorf("%v left: Redis keeps it for %v, %v", left, ttl, err)
		}
	}
}

func TestForeignValues(t *testing.T) {
	client := newClient(t, address(t))
	var n names
	prefix := n.next()
	s := newStore(t, client, redisstore.Options{Prefix: prefix})
	if err := s.Put(ctx, "k", []byte("data"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	keys, err := client.Keys(ctx, prefix+"*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	for _, value := range []string{"", "x", "\x01", "\x02\x7f\xff\xff\xff\xff\xff\xff\xffdata"} {
		if err := client.Set(ctx, keys[0], value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if data, _, err := s.Get(ctx, "k"); !errors.Is(err, sessiontoken.ErrInvalid) || data != nil {
			t.Errorf("%q: %q, %v", value, data, err)
		}
	}
	if err := client.Del(ctx, keys[0]).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.LPush(ctx, keys[0], "a list").Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(ctx, "k"); err == nil || errors.Is(err, sessiontoken.ErrNotInStore) {
		t.Errorf("a list: %v", err)
	}
}

func TestNew(t *testing.T) {
	if s, err := redisstore.New(nil, nil); s != nil || err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") {
		t.Errorf("%v, %v", s, err)
	}
}

func BenchmarkRedisStore(b *testing.B) {
	addr := os.Getenv("WEBFARM_REDIS")
	if addr == "" {
		b.Skip("WEBFARM_REDIS is not set")
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	s, err := redisstore.New(client, &redisstore.Options{Prefix: "webfarm-bench:"})
	if err != nil {
		b.Fatal(err)
	}
	data, later := make([]byte, 1500), time.Now().Add(time.Minute)
	b.Run("Put", func(b *testing.B) {
		for i := range b.N {
			if err := s.Put(ctx, strconv.Itoa(i%1000), data, later); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		for i := range b.N {
			if _, _, err := s.Get(ctx, strconv.Itoa(i%1000)); err != nil && !errors.Is(err, sessiontoken.ErrNotInStore) {
				b.Fatal(err)
			}
		}
	})
}

func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "redis.example:6379", ContextTimeoutEnabled: true})
	defer client.Close()
	shared, err := redisstore.New(client, &redisstore.Options{Prefix: "shop:"})
	if err != nil {
		log.Fatal(err)
	}
	store, err := sessiontoken.NewTwoLevelStore(nil, shared, 0)
	if err != nil {
		log.Fatal(err)
	}
	// To the codec: &sessiontoken.SessionOptions{Store: store}.
	_ = store
}
