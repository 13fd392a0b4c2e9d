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

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// tracker keeps in a store what cookies have no room for, or must not be
// trusted to tell. There are four kinds of notes, whose keys are
//
//	note;ended;PURPOSE;HASH OF SESSION ID     the session was ended
//	note;first;PURPOSE;HASH OF TICKET         when a session began whose ticket has no room for it
//	note;next;PURPOSE;HASH OF TICKET          what a forms ticket was renewed to
//	note;latest;PURPOSE;HASH OF USER NAME     the latest session of a user
//
// and whose data is a record, sealed with the keys. The hashes keep ids, which
// may be as good as a cookie, and names out of a database. The purpose is that
// of the kind: a session is the same one under every name of a cookie.
type tracker struct {
	store     sessiontoken.Store
	keys      sessiontoken.Keys
	protector sessiontoken.Protector
	purpose   string
	locks     [64]chan struct{} // see next
}

// record is what a note says:
//
//	uvarint n, n bytes   the key of the note, so that notes cannot change places
//	uvarint n, n bytes   id of a session; for one that browsers share, a blank and the ID of its token
//	8 bytes, 4 bytes     when it began: seconds since 1970 and nanoseconds, big endian
//	8 bytes, 4 bytes     when it ends, or year 1
type record struct {
	id string
	// began is when the session began. For next, it is when the ticket was
	// renewed.
	began time.Time
	// ends is the absolute end of a session for first, and until when the note
	// lasts for ended and latest.
	ends time.Time
}

// purposeTrack is this library's own; .NET has nothing of the kind.
const purposeTrack = "github.com/webfarm-go/webfarm/cookie.SessionsOptions.Store"

func newTracker(keys sessiontoken.Keys, purpose string, store sessiontoken.Store) (*tracker, error) {
	if keys == nil {
		return nil, errors.New("cookie: SessionsOptions.Store needs a codec with keys")
	}
	protector, err := keys.Protector(machinekey.UserPurpose, purposeTrack)
	if err != nil {
		return nil, err
	}
	t := &tracker{store: store, keys: keys, protector: protector, purpose: purpose}
	for i := range t.locks {
		t.locks[i] = make(chan struct{}, 1)
	}
	return t, nil
}

// key returns the key of a note. It takes two names for one user where
// StringComparer.OrdinalIgnoreCase does.
func (t *tracker) key(kind, what string) string {
	if kind == "latest" {
		what = fold.ToUpper(what)
	}
	sum := sha256.Sum256([]byte(what))
	return sessiontoken.NotePrefix + kind + ";" + t.purpose + ";" + hex.EncodeToString(sum[:])
}

// ended returns the note about a session that was ended, and whether it was.
func (t *tracker) ended(ctx context.Context, id string) (record, bool, error) {
	return t.get(ctx, "ended", id)
}

// end ends a session until the given time, or until a later one if that was
// noted before.
func (t *tracker) end(ctx context.Context, id string, until time.Time) error {
	before, there, err := t.get(ctx, "ended", id)
	switch {
	case errors.Is(err, seal.ErrUnprotect): // its key has left the ring, so nobody can read it
	case err != nil:
		return err
	case there && !until.After(before.ends):
		return nil
	}
	return t.put(ctx, "ended", id, record{id: id, ends: until}, until)
}

// next returns when a ticket was renewed for the first time, which is now if it
// never was. All requests with one ticket get the same answer, also those that
// come at once: at most one for each node that has not heard of the others yet.
// An answer whose key has left the ring is none.
func (t *tracker) next(ctx context.Context, ticket string, now, until time.Time) (time.Time, error) {
	known := func() (at time.Time, there bool, err error) {
		r, there, err := t.get(ctx, "next", ticket)
		if errors.Is(err, seal.ErrUnprotect) {
			err = nil
		}
		return r.began, there, err
	}
	if at, there, err := known(); there || err != nil {
		return at, err
	}
	lock := t.locks[sha256.Sum256([]byte(ticket))[0]%byte(len(t.locks))]
	select {
	case lock <- struct{}{}:
		defer func() { <-lock }()
	case <-ctx.Done():
		return time.Time{}, outage(ctx.Err())
	}
	if at, there, err := known(); there || err != nil {
		return at, err
	}
	return now, t.put(ctx, "next", ticket, record{began: now}, until)
}

// latest returns the record of the latest session of a user, or a record
// without id. One whose key has left the ring is none, for a ticket whose key
// has not, or nil: it is older than the ticket, and nobody must be locked out
// by it.
func (t *tracker) latest(ctx context.Context, user string, reading Ticket) (record, error) {
	r, _, err := t.get(ctx, "latest", user)
	// This looks at the keys once more, after the record was read: the key of
	// both may have left it since the ticket was.
	if errors.Is(err, seal.ErrUnprotect) && (reading == nil || known(t.keys, reading)) {
		return record{}, nil
	}
	return r, err
}

// known reports whether the key that opened t still opens.
func known(keys sessiontoken.Keys, t Ticket) bool {
	known, _ := keys.KeyStatus(t.OpenedBy())
	return known
}

func (t *tracker) setLatest(ctx context.Context, user string, latest record) error {
	return t.put(ctx, "latest", user, latest, latest.ends)
}

// forgetLatest removes the record of a user if it is that of the session.
func (t *tracker) forgetLatest(ctx context.Context, user, id string) error {
	latest, err := t.latest(ctx, user, nil)
	if err != nil || !latest.isOf(id) {
		return err
	}
	if err := t.store.Delete(ctx, t.key("latest", user)); err != nil {
		return outage(err)
	}
	return nil
}

// get returns the note of a kind about something, and whether there is one.
func (t *tracker) get(ctx context.Context, kind, what string) (r record, there bool, err error) {
	key := t.key(kind, what)
	sealed, _, err := t.store.Get(ctx, key)
	if errors.Is(err, sessiontoken.ErrNotInStore) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, outage(err)
	}
	data, _, err := t.protector.Unprotect(ctx, nil, sealed)
	if err != nil {
		// Somebody else writes to the store, or the key is gone. Neither is a
		// reason to let a session live.
		return record{}, false, fmt.Errorf("%w: note in the store: %w", ErrUnavailable, err)
	}
	r, ok := parseRecord(data, key)
	if !ok {
		return record{}, false, fmt.Errorf("%w: note in the store is for another key",
			ErrUnavailable)
	}
	return r, true, nil
}

func (t *tracker) put(ctx context.Context, kind, what string, r record, until time.Time) error {
	key := t.key(kind, what)
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
	for _, at := range []time.Time{r.began, r.ends} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(at.Unix()))
		dst = binary.BigEndian.AppendUint32(dst, uint32(at.Nanosecond()))
	}
	return dst
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
	if len(data) != 2*12 || texts[0] != key {
		return record{}, false
	}
	var times [2]time.Time
	for i := range times {
		at := data[12*i:]
		times[i] = time.Unix(int64(binary.BigEndian.Uint64(at)),
			int64(binary.BigEndian.Uint32(at[8:]))).UTC()
	}
	return record{texts[1], times[0], times[1]}, true
}
