package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/sqlstore"
)

var ctx = context.Background()

// backend is a database for the tests that all dialects share. Both handles
// have connections of their own.
type backend struct {
	dialect sqlstore.Dialect
	db      *sql.DB
	other   *sql.DB
	tables  atomic.Int64
}

func openDB(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// sqliteSource waits for other writers rather than fail, and lets readers read
// while one writes.
func sqliteSource(t *testing.T) string {
	return "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "farm.db")) +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"
}

func openSQLite(t *testing.T) *backend {
	t.Helper()
	source := sqliteSource(t)
	return &backend{dialect: sqlstore.SQLite, db: openDB(t, "sqlite", source),
		other: openDB(t, "sqlite", source)}
}

// table makes a new, empty table.
func (b *backend) table(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("farm_%d_%d", time.Now().UnixNano(), b.tables.Add(1))
	if _, err := b.db.ExecContext(ctx, sqlstore.Schema(b.dialect, name)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ExecContext(ctx, sqlstore.Schema(b.dialect, name)); err != nil {
		t.Fatalf("again: %v", err)
	}
	t.Cleanup(func() {
		if _, err := b.db.ExecContext(ctx, `DROP TABLE IF EXISTS "`+name+`"`); err != nil {
			t.Error(err)
		}
	})
	return name
}

func (b *backend) store(t *testing.T, db *sql.DB, o sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(db, b.dialect, &o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *backend) rows(t *testing.T, table string) int {
	t.Helper()
	var n int
	if err := b.db.QueryRowContext(ctx, `SELECT count(*) FROM "`+table+`"`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// conforms sweeps at every Put, so that a sweep that takes too much is seen.
func (b *backend) conforms(t *testing.T) {
	farmtest.Conforms(t, func(t *testing.T, now func() time.Time) sessiontoken.Store {
		return b.store(t, b.db, sqlstore.Options{Table: b.table(t), Now: now, SweepEvery: 1,
			OnSweepError: func(_ context.Context, err error) { t.Error(err) }})
	}, func(t *testing.T, now func() time.Time) (x, y sessiontoken.Store) {
		o := sqlstore.Options{Table: b.table(t), Now: now}
		return b.store(t, b.db, o), b.store(t, b.other, o)
	})
}

// everything returns all rows of a table.
func (b *backend) everything(t *testing.T, table string) []byte {
	t.Helper()
	rows, err := b.db.QueryContext(ctx, `SELECT id, data, expires FROM "`+table+`"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all bytes.Buffer
	for rows.Next() {
		var id, data []byte
		var expires int64
		if err := rows.Scan(&id, &data, &expires); err != nil {
			t.Fatal(err)
		}
		if len(id) != 32 {
			t.Errorf("id of %d bytes", len(id))
		}
		all.Write(id)
		all.Write(data)
		all.Write(binary.BigEndian.AppendUint64(nil, uint64(expires)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

func (b *backend) sessions(t *testing.T) {
	for _, front := range []bool{false, true} {
		table := b.table(t)
		var store sessiontoken.Store = b.store(t, b.db, sqlstore.Options{Table: table})
		if front {
			store = farmtest.TwoLevel(t, nil, store)
		}
		farmtest.Sessions(t, store, func() []byte { return b.everything(t, table) })
	}
}

// sweeps wants expired rows to go in bounded portions while entries are put,
// and no others.
func (b *backend) sweeps(t *testing.T) {
	table, clock := b.table(t), testkit.NewClock(time.Now().Truncate(time.Second))
	s := b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: 4,
		SweepBatch: 10})
	put := func(key string, left time.Duration) {
		t.Helper()
		if err := s.Put(ctx, key, []byte("data"), clock.Now().Add(left)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		put(fmt.Sprint("brief", i), time.Minute)
	}
	put("stays", time.Hour)
	clock.Move(time.Minute)
	if n := b.rows(t, table); n != 41 {
		t.Fatalf("%d rows", n)
	}
	want := 41
	for i := range 20 {
		put("new", time.Hour) // the first is the 42nd Put
		if i == 0 {
			want++
		}
		if (42+i)%4 == 0 {
			want = max(want-10, 2)
		}
		if n := b.rows(t, table); n != want {
			t.Fatalf("%d rows after %d calls of Put, want %d", n, 42+i, want)
		}
	}
	if _, _, err := s.Get(ctx, "stays"); err != nil {
		t.Error(err)
	}

	// Off.
	s = b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: -1})
	clock.Move(time.Hour)
	for range 2 * sqlstore.DefaultSweepEvery {
		put("new", time.Hour)
	}
	if n := b.rows(t, table); n != 2 {
		t.Errorf("%d rows without a sweep", n)
	}

	// Many nodes that sweep at a time.
	table = b.table(t)
	s = b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: -1})
	for i := range 100 {
		put(fmt.Sprint("brief", i), time.Minute)
	}
	clock.Move(time.Minute)
	var wg sync.WaitGroup
	for node := range 8 {
		db := b.db
		if node%2 == 1 {
			db = b.other
		}
		s := b.store(t, db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: 1,
			SweepBatch: 10, OnSweepError: func(_ context.Context, err error) { t.Error(err) }})
		wg.Go(func() {
			for i := range 5 {
				if err := s.Put(ctx, fmt.Sprint(node, "-", i), []byte("data"),
					clock.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for range 10 { // what rows locked by others left over
		sweeper := b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: 1})
		if err := sweeper.Put(ctx, "0-0", []byte("data"), clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.rows(t, table); n != 40 {
		t.Errorf("%d rows, want 40", n)
	}
}

// closed wants the errors of a database that is gone to be errors.
func (b *backend) closed(t *testing.T, db *sql.DB) {
	s := b.store(t, db, sqlstore.Options{Table: "no_such_table"})
	for range 2 {
		_, _, err := s.Get(ctx, "k")
		for call, err := range map[string]error{
			"Get":    err,
			"Put":    s.Put(ctx, "k", []byte("data"), time.Now().Add(time.Hour)),
			"Delete": s.Delete(ctx, "k"),
		} {
			if err == nil || errors.Is(err, sessiontoken.ErrNotInStore) ||
				!strings.HasPrefix(err.Error(), "sqlstore: ") {
				t.Errorf("%s: %v", call, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSQLite(t *testing.T) {
	b := openSQLite(t)
	t.Run("conforms", b.conforms)
	t.Run("sessions", b.sessions)
	t.Run("sweeps", b.sweeps)
	t.Run("gone", func(t *testing.T) { b.closed(t, openDB(t, "sqlite", sqliteSource(t))) })
}

// TestSweepFails wants a sweep that fails to be reported and nothing else.
func TestSweepFails(t *testing.T) {
	b := openSQLite(t)
	table, clock := b.table(t), testkit.NewClock(time.Now().Truncate(time.Second))
	if _, err := b.db.ExecContext(ctx, `CREATE TRIGGER stuck BEFORE DELETE ON "`+table+
		`" BEGIN SELECT RAISE(ABORT, 'stuck'); END`); err != nil {
		t.Fatal(err)
	}
	var reported []error
	s := b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: 1,
		OnSweepError: func(_ context.Context, err error) {
			reported = append(reported, err)
		}})
	silent := b.store(t, b.db, sqlstore.Options{Table: table, Now: clock.Now, SweepEvery: 1})
	if err := s.Put(ctx, "old", []byte("data"), clock.Now().Add(time.Minute)); err != nil ||
		len(reported) != 0 {
		t.Fatal(err, reported)
	}
	clock.Move(time.Hour)
	for _, s := range []*sqlstore.Store{s, silent} {
		if err := s.Put(ctx, "new", []byte("data"), clock.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
	}
	if len(reported) != 1 || !strings.Contains(reported[0].Error(), "sqlstore: sweep: ") ||
		!strings.Contains(reported[0].Error(), "stuck") {
		t.Errorf("reported %v", reported)
	}
	if data, _, err := s.Get(ctx, "new"); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestSQLiteAttached has the table in a schema, which in SQLite is a file.
func TestSQLiteAttached(t *testing.T) {
	b := openSQLite(t)
	b.db.SetMaxOpenConns(1) // an attachment is one connection's
	if _, err := b.db.ExecContext(ctx, `ATTACH DATABASE ':memory:' AS side`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ExecContext(ctx, sqlstore.Schema(b.dialect, "side.farm")); err != nil {
		t.Fatal(err)
	}
	s := b.store(t, b.db, sqlstore.Options{Table: "side.farm", SweepEvery: 1})
	if err := s.Put(ctx, "k", []byte("data"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, _, err := s.Get(ctx, "k"); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
}

func BenchmarkSQLite(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(b.TempDir(), "farm.db"))+
		"?_pragma=journal_mode(WAL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, sqlstore.Schema(sqlstore.SQLite, "")); err != nil {
		b.Fatal(err)
	}
	s, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err != nil {
		b.Fatal(err)
	}
	data, later := make([]byte, 1500), time.Now().Add(time.Hour)
	b.Run("Put", func(b *testing.B) {
		for b.Loop() {
			if err := s.Put(ctx, "k", data, later); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := s.Get(ctx, "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func ExampleNew() {
	// With PostgreSQL: sql.Open("pgx", "postgres://farm@db.example/farm").
	db, err := sql.Open("sqlite", "file::memory:?cache=shared")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, sqlstore.Schema(sqlstore.SQLite, "")); err != nil {
		log.Fatal(err)
	}
	shared, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err != nil {
		log.Fatal(err)
	}
	store, err := sessiontoken.NewTwoLevelStore(nil, shared, 0)
	if err != nil {
		log.Fatal(err)
	}
	// To the codec: &sessiontoken.SessionOptions{Store: store}.
	err = store.Put(ctx, "key", []byte("data"), time.Now().Add(time.Hour))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleSchema() {
	fmt.Print(sqlstore.Schema(sqlstore.PostgreSQL, ""))
	// Output:
	// CREATE TABLE IF NOT EXISTS "webfarm_sessions" (
	//     id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
	//     data bytea NOT NULL,
	//     expires bigint NOT NULL
	// );
	// CREATE INDEX IF NOT EXISTS "webfarm_sessions_expires" ON "webfarm_sessions" (expires);
}
