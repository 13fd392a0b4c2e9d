package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// Bounds of a key ring, from limits.go of package dataprotection, which
// enforces them. Here they keep a list that is no ring out of memory.
const (
	maxKeys = 10_000
	maxRing = 16 << 20
)

// NewKeyRing returns the key ring that PersistKeysToStackExchangeRedis keeps: a
// list with one XML element in each member. The empty name means Microsoft's,
// "DataProtection-Keys". It fails without a client, which stays the caller's to
// close; see [New] for how to make one.
//
// Elements reads the list at once, as .NET does, after MEMORY USAGE has told
// that it is no larger than a ring may be. Where a user may not run that
// command, only the number of elements is bounded. Names are the indices in the
// list.
//
// Store adds an element at the end, and once even if the client sends it again
// after an answer was lost: of two keys of one id neither .NET nor Go would load
// the ring. The list has no place for the friendly name. StoreIf, the third method
// that a repository may have, watches the list meanwhile: of many keepers at once
// one adds its key.
//
// All errors of the network and of Redis match [dataprotection.ErrUnavailable].
func NewKeyRing(client redis.UniversalClient, list string) (dataprotection.Repository, error) {
	if client == nil {
		return nil, errors.New("redisstore: no client")
	}
	return &keyRing{client, cmp.Or(list, "DataProtection-Keys")}, nil
}

type keyRing struct {
	client redis.UniversalClient
	list   string
}

// Elements implements dataprotection.Repository.
func (k *keyRing) Elements(ctx context.Context, each func(name string, xml []byte) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	size, err := k.client.MemoryUsage(ctx, k.list, 0).Result() // 0: of all members, not of a sample
	var answer redis.Error
	if err != nil && !errors.As(err, &answer) {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	if size > 2*maxRing { // Redis's own overhead is a quarter at most
		return &dataprotection.RingError{File: k.list, Err: fmt.Errorf(
			"takes %d bytes of memory in Redis, more than a ring may have", size)}
	}
	list, err := k.client.LRange(ctx, k.list, 0, maxKeys).Result() // one more than may be
	if err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	for i, xml := range list {
		if err := each(fmt.Sprintf("%s, index %d", k.list, i), []byte(xml)); err != nil {
			return err
		}
	}
	return nil
}

// Store implements dataprotection.Repository.
func (k *keyRing) Store(ctx context.Context, _ string, xml []byte) error {
	if err := ctx.Err(); err != nil {
		return unavailable{failed(ctx, "store a key", err)}
	}
	if _, err := k.client.TxPipelined(ctx, k.push(ctx, xml)); err != nil {
		return unavailable{failed(ctx, "store a key", err)}
	}
	return nil
}

// push adds an element to a transaction.
func (k *keyRing) push(ctx context.Context, xml []byte) func(redis.Pipeliner) error {
	return func(p redis.Pipeliner) error {
		p.LRem(ctx, k.list, 0, xml)
		p.RPush(ctx, k.list, xml)
		return nil
	}
}

// StoreIf implements the third method of dataprotection.Repository.
func (k *keyRing) StoreIf(
	ctx context.Context, _ string, xml []byte, count int,
) (stored bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, unavailable{failed(ctx, "store a key", err)}
	}
	err = k.client.Watch(ctx, func(tx *redis.Tx) error {
		n, err := tx.LLen(ctx, k.list).Result()
		if err != nil || n != int64(count) {
			return err
		}
		_, err = tx.TxPipelined(ctx, k.push(ctx, xml))
		stored = err == nil
		return err
	}, k.list)
	if err != nil && !errors.Is(err, redis.TxFailedErr) { // somebody else was first
		return false, unavailable{failed(ctx, "store a key", err)}
	}
	return stored, nil
}

// unavailable is an error that says nothing about the ring.
type unavailable struct{ error }

func (e unavailable) Unwrap() error { return e.error }

func (e unavailable) Is(target error) bool { return target == dataprotection.ErrUnavailable }
