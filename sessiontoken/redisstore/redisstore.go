// Package redisstore keeps sessions in Redis, or in a server that speaks its
// protocol, for all Go nodes of a farm. [Store] implements sessiontoken.Store;
// put sessiontoken.NewTwoLevelStore in front of it to spare the network most of
// the calls. [NewKeyRing] reads the key ring that ASP.NET Core nodes keep in a
// Redis.
//
// It is a module of its own, so that only who uses Redis downloads its client.
package redisstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// DefaultPrefix stands before the names of all keys in Redis.
const DefaultPrefix = "webfarm:"

// margin is how much longer Redis keeps an entry than it is good for. When it
// ends is for the node to say; Redis only cleans up.
const margin = time.Second

var _ sessiontoken.Store = (*Store)(nil)

// Options are the settings of a [Store].
type Options struct {
	// Prefix tells the entries of several farms apart that share a Redis. Empty
	// means [DefaultPrefix].
	Prefix string
	// Notes is the client of a Redis for the notes alone (see
	// sessiontoken.Store), so that entries take none of their room. Nil means
	// that they are in the same one.
	Notes redis.UniversalClient
	// NoEviction says that the Redis of the notes never evicts, where its user
	// may not run INFO: then nobody looks.
	NoEviction bool
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Store is a sessiontoken.Store in Redis. An entry is
//
//	name    Prefix + SHA-256 of the key, 64 hexadecimal digits
//	value   byte 1, the version
//	        int64 deadline, milliseconds since 1970 in UTC, big-endian
//	        the data, which the codecs have encrypted and authenticated
//	expiry  PX, time left + 1 s, in milliseconds
//
// Keys come from cookies, so Redis sees their hash: no length, no byte and no
// hash slot of theirs matters, and nobody who lists the names can make a cookie
// of one.
//
// The expiry is relative (PX, not PXAT), so the clock of Redis does not matter:
// one that is ahead would end sessions early. Get compares the deadline in the
// value with this node's clock, to the millisecond.
//
// Each method is one command for one key, so a cluster works. No command lists
// keys. Errors of the network and of Redis are never sessiontoken.ErrNotInStore.
//
// A note must not be evicted, so Put takes none where Redis has a maxmemory and
// its maxmemory-policy is not noeviction: INFO tells, which is asked before the
// first note and then once a minute. Where the memory is used up, Redis refuses
// the note, and the error matches sessiontoken.ErrStoreFull.
type Store struct {
	client redis.UniversalClient
	o      Options
	asked  atomic.Int64 // when INFO last said that notes stay, in Unix milliseconds
}

// New returns a store on a client, which stays the caller's to close. Nil
// options are the zero options. It fails without a client.
//
// A context's deadline cuts a call short only if the client is made with
// ContextTimeoutEnabled; otherwise the client's own timeouts hold. A client that
// reads from replicas sees a Delete late.
func New(client redis.UniversalClient, opts *Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: no client")
	}
	s := &Store{client: client, o: *cmp.Or(opts, new(Options))}
	s.o.Prefix = cmp.Or(s.o.Prefix, DefaultPrefix)
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	return s, nil
}

func (s *Store) name(key string) string {
	sum := sha256.Sum256([]byte(key))
	return s.o.Prefix + hex.EncodeToString(sum[:])
}

// Get implements sessiontoken.Store. A value that this package did not write is
// an error that matches sessiontoken.ErrInvalid.
func (s *Store) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, failed(ctx, "get", err)
	}
	value, err := s.of(key).Get(ctx, s.name(key)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, time.Time{}, sessiontoken.ErrNotInStore
	}
	if err != nil {
		return nil, time.Time{}, failed(ctx, "get", err)
	}
	data, expires, ok := parseEntry(value)
	if !ok {
		return nil, time.Time{}, errNotOurs
	}
	if !expires.After(s.o.Now()) {
		return nil, time.Time{}, sessiontoken.ErrNotInStore
	}
	return data, expires, nil
}

// Put implements sessiontoken.Store. The deadline is rounded down to a
// millisecond.
func (s *Store) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return failed(ctx, "put", err)
	}
	now := s.o.Now()
	if !time.UnixMilli(expires.UnixMilli()).After(now) {
		return s.Delete(ctx, key)
	}
	if isNote(key) {
		if err := s.keepsNotes(ctx, now); err != nil {
			return err
		}
	}
	// Not a time.Duration, which ends at 292 years.
	left := expires.UnixMilli() - now.UnixMilli() + margin.Milliseconds()
	if err := s.of(key).Do(ctx, "SET", s.name(key), appendEntry(nil, expires, data), "PX",
		left).Err(); err != nil {
		if isNote(key) && strings.HasPrefix(err.Error(), "OOM ") {
			return fmt.Errorf("%w: redisstore: %w", sessiontoken.ErrStoreFull, err)
		}
		return failed(ctx, "put", err)
	}
	return nil
}

// Delete implements sessiontoken.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return failed(ctx, "delete", err)
	}
	return failed(ctx, "delete", s.of(key).Del(ctx, s.name(key)).Err())
}

// failed says what failed, if anything did, and whether the context ended.
func failed(ctx context.Context, call string, err error) error {
	switch over := ctx.Err(); {
	case err == nil:
		return nil
	case over != nil && !errors.Is(err, over):
		return fmt.Errorf("redisstore: %s: %w: %w", call, over, err)
	}
	return fmt.Errorf("redisstore: %s: %w", call, err)
}

const entryVersion, entryHead = 1, 1 + 8

// errNotOurs is a verdict, not an outage: the entry will not get better.
var errNotOurs = fmt.Errorf("%w (redisstore: the value in Redis has another form)",
	sessiontoken.ErrInvalid)

func appendEntry(dst []byte, expires time.Time, data []byte) []byte {
	dst = append(dst, entryVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(expires.UnixMilli()))
	return append(dst, data...)
}

// parseEntry takes a value apart; data is the rest of it.
func parseEntry(value []byte) (data []byte, expires time.Time, ok bool) {
	if len(value) < entryHead || value[0] != entryVersion {
		return nil, time.Time{}, false
	}
	return value[entryHead:], time.UnixMilli(int64(binary.BigEndian.Uint64(value[1:]))), true
}
