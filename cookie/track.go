package cookie

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// tracker keeps in a store what cookies have no room for, or must not be
// trusted to tell. There are three kinds of entries, whose keys are
//
//	ended;COOKIE;HASH OF SESSION ID       the session was ended
//	first;COOKIE;HASH OF SESSION ID       the first ticket of the session, for a forms ticket that was renewed
//	latest;COOKIE;HASH OF USER NAME       the latest session of a user
//
// and whose data is a record, sealed with the ring. The hashes keep ids, which
// may be as good as a cookie, and names out of a database.
type tracker struct {
	store     sessiontoken.Store
	ring      *machinekey.Ring
	protector *machinekey.Protector
	cookie    string
}

// record is what an entry says:
//
//	uvarint n, n bytes   the key of the entry, so that entries cannot change places
//	uvarint n, n bytes   id of a session; for one that browsers share, a blank and the ID of its token
//	8 bytes, 4 bytes     when it began: seconds since 1970 and nanoseconds, big endian
type record struct {
	id    string
	began time.Time
}

// purposeTrack is this library's own; .NET has nothing of the kind.
const purposeTrack = "github.com/webfarm-go/webfarm/cookie.SessionsOptions.Store"

func newTracker(ring *machinekey.Ring, cookie string, store sessiontoken.Store) (*tracker, error) {
	if ring == nil {
		return nil, errors.New("cookie: SessionsOptions.Store needs a codec with a ring")
	}
	purpose, err := machinekey.UserPurpose(purposeTrack)
	if err != nil {
		return nil, err
	}
	protector, err := ring.Protector(purpose)
	if err != nil {
		return nil, err
	}
	return &tracker{store: store, ring: ring, protector: protector, cookie: cookie}, nil
}

// key returns the key of an entry.
func (t *tracker) key(kind, what string) string {
	sum := sha256.Sum256([]byte(what))
	return kind + ";" + t.cookie + ";" + hex.EncodeToString(sum[:])
}

// isEnded reports whether a session was ended.
func (t *tracker) isEnded(ctx context.Context, id string) (bool, error) {
	_, there, err := t.get(ctx, t.key("ended", id))
	return there, err
}

// end ends a session until no cookie of it can be valid.
func (t *tracker) end(ctx context.Context, id string, until time.Time) error {
	return t.put(ctx, t.key("ended", id), record{id: id}, until)
}

// first returns the record of a session whose ticket was renewed, or a record
// without id.
func (t *tracker) first(ctx context.Context, id string) (record, error) {
	r, _, err := t.get(ctx, t.key("first", id))
	return r, err
}

func (t *tracker) setFirst(ctx context.Context, id string, first record, until time.Time) error {
	return t.put(ctx, t.key("first", id), first, until)
}

// latest returns the record of the latest session of a user, or a record
// without id. One whose key has left the ring is none, for a ticket whose key
// has not, or nil: it is older than the ticket, and nobody must be locked out
// by it.
func (t *tracker) latest(ctx context.Context, user string, reading Ticket) (record, error) {
	r, _, err := t.get(ctx, t.userKey(user))
	// This looks at the ring once more, after the record was read: the key of
	// both may have left it since the ticket was.
	if errors.Is(err, machinekey.ErrUnprotect) && (reading == nil || t.ring.Has(reading.OpenedBy())) {
		return record{}, nil
	}
	return r, err
}

func (t *tracker) setLatest(ctx context.Context, user string, latest record, until time.Time) error {
	return t.put(ctx, t.userKey(user), latest, until)
}

// forgetLatest removes the record of a user if it is that of the session.
func (t *tracker) forgetLatest(ctx context.Context, user, id string) error {
	latest, err := t.latest(ctx, user, nil)
	if err != nil || !latest.isOf(id) {
		return err
	}
	if err := t.store.Delete(ctx, t.userKey(user)); err != nil {
		return outage(err)
	}
	return nil
}

// userKey takes names that differ in case for one user, as the membership
// providers of .NET do.
func (t *tracker) userKey(user string) string { return t.key("latest", strings.ToLower(user)) }

func (t *tracker) get(ctx context.Context, key string) (r record, there bool, err error) {
	sealed, err := t.store.Get(ctx, key)
	if errors.Is(err, sessiontoken.ErrNotInStore) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, outage(err)
	}
	data, err := t.protector.Unprotect(nil, sealed)
	if err != nil {
		// Somebody else writes to the store, or the key is gone. Neither is a
		// reason to let a session live.
		return record{}, false, fmt.Errorf("%w: entry of the store: %w", ErrUnavailable, err)
	}
	r, ok := parseRecord(data, key)
	if !ok {
		return record{}, false, fmt.Errorf("%w: entry of the store is for another key", ErrUnavailable)
	}
	return r, true, nil
}

func (t *tracker) put(ctx context.Context, key string, r record, until time.Time) error {
	sealed, err := t.protector.Protect(nil, r.append(nil, key))
	if err != nil {
		return err
	}
	if err := t.store.Put(ctx, key, sealed, until); err != nil {
		return outage(err)
	}
	return nil
}

// isOf reports whether the record is of a session, shared or not.
func (r record) isOf(id string) bool {
	shared, _, _ := strings.Cut(r.id, " ")
	return r.id == id || shared == id
}

func outage(err error) error { return fmt.Errorf("%w: store: %w", ErrUnavailable, err) }

func (r record) append(dst []byte, key string) []byte {
	for _, text := range []string{key, r.id} {
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		dst = append(dst, text...)
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.began.Unix()))
	return binary.BigEndian.AppendUint32(dst, uint32(r.began.Nanosecond()))
}

// parseRecord reads a record, and reports whether it is for this key.
func parseRecord(data []byte, key string) (record, bool) {
	var texts [2]string
	for i := range texts {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return record{}, false
		}
		texts[i], data = string(data[size:size+int(n)]), data[size+int(n):]
	}
	if len(data) != 12 || texts[0] != key {
		return record{}, false
	}
	began := time.Unix(int64(binary.BigEndian.Uint64(data)), int64(binary.BigEndian.Uint32(data[8:])))
	return record{texts[1], began.UTC()}, true
}
