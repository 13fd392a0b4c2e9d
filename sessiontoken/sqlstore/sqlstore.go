// Package sqlstore keeps sessions in a table of a SQL database, for all Go
// nodes of a farm. [Store] implements sessiontoken.Store; put a
// sessiontoken.NewTwoLevelStore in front of it to spare the database most of the
// calls. [NewKeyRing] reads the key ring that ASP.NET Core nodes keep in a
// database.
//
// It imports database/sql and no driver; the caller opens the database with the
// driver of its choice and makes the table with what [Schema] returns. It is a
// module of its own because its tests need drivers.
package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Defaults of [Options]. On average a Put makes room for four rows, where it
// adds one at most, so expired rows cannot pile up while there is traffic.
const (
	DefaultSweepEvery = 64
	DefaultSweepBatch = 256
)

var _ sessiontoken.Store = (*Store)(nil)

// Options are the settings of a [Store].
type Options struct {
	// Table is the name of the table, or schema and table with a dot between.
	// Both are ASCII letters, digits and underscores, at most 55 characters.
	// They are quoted, so PostgreSQL tells capitals apart. Empty means
	// [DefaultTable].
	Table string
	// SweepEvery is after how many calls of Put one also deletes expired rows.
	// Zero means [DefaultSweepEvery], a negative value never.
	SweepEvery int
	// SweepBatch is how many rows that deletes at most. Zero means
	// [DefaultSweepBatch].
	SweepBatch int
	// OnSweepError is told when that fails, which does not fail the Put: the
	// rows have expired anyway, and a later sweep finds them. Nil: nobody is.
	OnSweepError func(context.Context, error)
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Store is a sessiontoken.Store in a table. [Schema] shows its columns.
//
// Keys come from cookies, so the table holds their SHA-256: no length, no
// collation and no trailing blank matters, and nobody who reads the table can
// make a cookie of it. Deadlines are kept to the millisecond, rounded down, and
// Get compares them with this node's clock; that of the database does not
// matter.
//
// Each method is one statement outside of a transaction, except that now and
// then a Put is followed by a second one that deletes a bounded number of
// expired rows. Every statement gets the caller's context. Errors of the
// database are never sessiontoken.ErrNotInStore.
type Store struct {
	db   *sql.DB
	o    Options
	sql  statements
	puts atomic.Uint64
}

// New returns a store in the table of a database, which stays the caller's to
// close. Nil options are the zero options. It fails if an argument makes no
// sense, and does not ask the database.
func New(db *sql.DB, dialect Dialect, opts *Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: no database")
	}
	s := &Store{db: db, o: *cmp.Or(opts, new(Options))}
	s.o.Table = cmp.Or(s.o.Table, DefaultTable)
	s.o.SweepEvery = cmp.Or(s.o.SweepEvery, DefaultSweepEvery)
	s.o.SweepBatch = cmp.Or(s.o.SweepBatch, DefaultSweepBatch)
	if !tableName.MatchString(s.o.Table) {
		return nil, fmt.Errorf("sqlstore: %q is no name for a table", s.o.Table)
	}
	if s.o.SweepBatch < 0 {
		return nil, errors.New("sqlstore: Options.SweepBatch is negative")
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	if s.sql = dialect.statements(s.o.Table, s.o.SweepBatch); s.sql.get == "" {
		return nil, fmt.Errorf("sqlstore: %v is none of the dialects", dialect)
	}
	return s, nil
}

func id(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// Get implements sessiontoken.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	var data []byte
	var deadline int64
	err := s.db.QueryRowContext(ctx, s.sql.get, id(key)).Scan(&data, &deadline)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, sessiontoken.ErrNotInStore
	}
	if err != nil {
		return nil, time.Time{}, failed(ctx, "get", err)
	}
	expires := time.UnixMilli(deadline)
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
	deadline := expires.UnixMilli()
	if !time.UnixMilli(deadline).After(s.o.Now()) {
		return s.Delete(ctx, key)
	}
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	if _, err := s.db.ExecContext(ctx, s.sql.put, id(key), data, deadline); err != nil {
		return failed(ctx, "put", err)
	}
	if s.o.SweepEvery > 0 && s.puts.Add(1)%uint64(s.o.SweepEvery) == 0 {
		s.sweep(ctx)
	}
	return nil
}

// Delete implements sessiontoken.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if _, err := s.db.ExecContext(ctx, s.sql.delete, id(key)); err != nil {
		return failed(ctx, "delete", err)
	}
	return nil
}

// sweep deletes some of the rows that have expired by this node's clock.
func (s *Store) sweep(ctx context.Context) {
	_, err := s.db.ExecContext(ctx, s.sql.sweep, s.o.Now().UnixMilli())
	if err != nil && s.o.OnSweepError != nil {
		s.o.OnSweepError(ctx, failed(ctx, "sweep", err))
	}
}

// failed says what failed, and that the context ended if it did, which the
// driver's error may not. Package database/sql looks at it before each call.
func failed(ctx context.Context, call string, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("sqlstore: %s: %w: %w", call, over, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", call, err)
}
