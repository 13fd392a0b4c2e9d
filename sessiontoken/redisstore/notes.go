package redisstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// askAgain is for how long INFO is believed.
const askAgain = time.Minute

func isNote(key string) bool { return strings.HasPrefix(key, sessiontoken.NotePrefix) }

// of returns the client of the Redis where a key is.
func (s *Store) of(key string) redis.UniversalClient {
	if s.o.Notes != nil && isNote(key) {
		return s.o.Notes
	}
	return s.client
}

// keepsNotes returns an error if Redis may evict notes, or does not say.
func (s *Store) keepsNotes(ctx context.Context, now time.Time) error {
	asked := s.asked.Load()
	if since := now.UnixMilli() - asked; s.o.NoEviction ||
		asked != 0 && since >= 0 && since < askAgain.Milliseconds() {
		return nil
	}
	ask := func(ctx context.Context, client *redis.Client) error { return keeps(ctx, client) }
	var err error
	if cluster, ok := s.of(sessiontoken.NotePrefix).(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, ask)
	} else {
		err = keeps(ctx, s.of(sessiontoken.NotePrefix))
	}
	if err != nil {
		return err
	}
	s.asked.Store(now.UnixMilli())
	return nil
}

// keeps is keepsNotes for one server.
func keeps(ctx context.Context, client redis.Cmdable) error {
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return failed(ctx, "put: INFO, to see whether notes stay", err)
	}
	settings := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		settings[name] = value
	}
	switch policy := settings["maxmemory_policy"]; {
	case settings["maxmemory"] == "0", policy == "noeviction":
		return nil
	case policy == "":
		return fmt.Errorf("redisstore: put: INFO does not tell the maxmemory-policy, which must be noeviction; see Options.NoEviction")
	default:
		return fmt.Errorf("redisstore: put: maxmemory-policy %s would evict notes of sign-outs; it must be noeviction", policy)
	}
}
