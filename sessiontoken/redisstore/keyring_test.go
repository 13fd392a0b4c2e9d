package redisstore_test

import (
	"context"
	"log"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
)

func newKeyRing(t *testing.T, client redis.UniversalClient, list string) dataprotection.Repository {
	t.Helper()
	r, err := redisstore.NewKeyRing(client, list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeyRing(t *testing.T) {
	client := newClient(t, address(t))
	var n names
	farmtest.KeyRing(t, func(t *testing.T) (dataprotection.Repository, func(...string)) {
		list := n.next()
		t.Cleanup(func() { client.Del(ctx, list) })
		return newKeyRing(t, client, list), func(xml ...string) {
			if len(xml) == 0 {
				return
			}
			if err := client.RPush(ctx, list, xml).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestKeyRingDefault wants Microsoft's list, and one copy of an element that a
// client sends twice.
func TestKeyRingDefault(t *testing.T) {
	server := farmtest.StartRedis(t)
	client := newClient(t, server.Addr)
	r := newKeyRing(t, client, "")
	for _, xml := range []string{"<a/>", "<b/>", "<b/>"} {
		if err := r.Store(ctx, "key", []byte(xml)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := client.LRange(ctx, "DataProtection-Keys", 0, -1).Result()
	if err != nil || !slices.Equal(list, []string{"<a/>", "<b/>"}) {
		t.Errorf("%q, %v", list, err)
	}
}

// afterCount is a client for which others are faster: it runs between the count
// of elements and what is done then.
type afterCount struct{ run func() }

func (afterCount) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h afterCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "llen" {
			h.run()
		}
		return err
	}
}
func (afterCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestKeyRingOvertaken has an element come just before that of a keeper.
func TestKeyRingOvertaken(t *testing.T) {
	server := farmtest.StartRedis(t)
	other, client := newClient(t, server.Addr), newClient(t, server.Addr)
	client.AddHook(afterCount{func() { other.RPush(ctx, "DataProtection-Keys", "<b/>") }})
	r := newKeyRing(t, client, "").(interface {
		StoreIf(ctx context.Context, name string, xml []byte, count int) (bool, error)
	})
	if stored, err := r.StoreIf(ctx, "key", []byte("<a/>"), 0); stored || err != nil {
		t.Errorf("%v, %v", stored, err)
	}
	list, err := other.LRange(ctx, "DataProtection-Keys", 0, -1).Result()
	if err != nil || !slices.Equal(list, []string{"<b/>"}) {
		t.Errorf("%q, %v", list, err)
	}
}

// TestKeyRingReader is a user that may do no more than .NET's does.
func TestKeyRingReader(t *testing.T) {
	server := farmtest.StartRedis(t)
	client := newClient(t, server.Addr)
	if err := client.RPush(ctx, "DataProtection-Keys", "<note/>").Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Do(ctx, "ACL", "SETUSER", "reader", "on", "nopass", "~DataProtection-Keys", "+lrange").Err(); err != nil {
		t.Fatal(err)
	}
	reader := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "reader", Password: "any"})
	defer reader.Close()
	r := newKeyRing(t, reader, "")
	if _, err := dataprotection.Open(ctx, r, nil); err != nil {
		t.Error(err)
	}
	if err := r.Store(ctx, "key", []byte("<key/>")); err == nil || !strings.Contains(err.Error(), "redisstore: store a key: ") {
		t.Errorf("stored: %v", err)
	}
}

// TestKeyRingOfAnotherType is a value that is no list.
func TestKeyRingOfAnotherType(t *testing.T) {
	client := newClient(t, address(t))
	var n names
	name := n.next()
	if err := client.Set(ctx, name, "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	defer client.Del(ctx, name)
	_, err := dataprotection.Open(ctx, newKeyRing(t, client, name), nil)
	if err == nil || !strings.Contains(err.Error(), "redisstore: read the key ring: WRONGTYPE") {
		t.Error(err)
	}
}

func TestKeyRingOutage(t *testing.T) {
	server := farmtest.StartRedis(t)
	farmtest.KeyRingOutage(t, newKeyRing(t, newClient(t, server.Addr), ""), server)
}

func TestKeyRingHangs(t *testing.T) {
	farmtest.KeyRingHangs(t, newKeyRing(t, newClient(t, farmtest.Silent(t)), ""))
}

func TestNewKeyRing(t *testing.T) {
	if r, err := redisstore.NewKeyRing(nil, ""); r != nil || err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") {
		t.Errorf("%v, %v", r, err)
	}
}

// The key ring of .NET nodes that call PersistKeysToStackExchangeRedis.
func ExampleNewKeyRing() {
	client := redis.NewClient(&redis.Options{Addr: "redis.example:6379", ContextTimeoutEnabled: true})
	defer client.Close()
	keys, err := redisstore.NewKeyRing(client, "")
	if err != nil {
		log.Fatal(err)
	}
	ring, err := dataprotection.Open(ctx, keys, &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp",
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = ring
}
