package sqlstore_test

import (
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/sqlstore"
)

// postgresURL is that of a PostgreSQL: the one that WEBFARM_POSTGRES names, or
// a new one.
func postgresURL(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("WEBFARM_POSTGRES"); url != "" {
		return url
	}
	url := farmtest.StartPostgres(t).URL()
	waitFor(t, openDB(t, "pgx", url))
	return url
}

// waitFor waits until a server that has just been started knows its data.
func waitFor(t *testing.T, db *sql.DB) {
	t.Helper()
	if err := farmtest.Eventually(func() error { return db.PingContext(ctx) }); err != nil {
		t.Fatal(err)
	}
}

// mode adds to a URL how pgx sends statements.
func mode(url, name string) string {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "default_query_exec_mode=" + name
}

// TestPostgreSQL runs in every way that pgx has of sending a statement. Those
// after the first prepare nothing that outlives a call, as poolers such as
// PgBouncer want it.
func TestPostgreSQL(t *testing.T) {
	url := postgresURL(t)
	for _, name := range []string{"cache_statement", "cache_describe", "describe_exec", "exec",
		"simple_protocol"} {
		t.Run(name, func(t *testing.T) {
			source := mode(url, name)
			b := &backend{dialect: sqlstore.PostgreSQL, db: openDB(t, "pgx", source),
				other: openDB(t, "pgx", source)}
			b.db.SetMaxOpenConns(40)
			t.Run("conforms", b.conforms)
			t.Run("sessions", b.sessions)
			t.Run("sweeps", b.sweeps)
			t.Run("gone", func(t *testing.T) { b.closed(t, openDB(t, "pgx", source)) })
		})
	}
	t.Run("a schema of its own", func(t *testing.T) {
		b := &backend{dialect: sqlstore.PostgreSQL, db: openDB(t, "pgx", url)}
		if _, err := b.db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS "Farm_Test"`); err != nil {
			t.Fatal(err)
		}
		defer b.db.ExecContext(ctx, `DROP SCHEMA "Farm_Test" CASCADE`)
		if _, err := b.db.ExecContext(ctx, sqlstore.Schema(b.dialect,
			"Farm_Test.Sessions")); err != nil {
			t.Fatal(err)
		}
		s := b.store(t, b.db, sqlstore.Options{Table: "Farm_Test.Sessions", SweepEvery: 1})
		if err := s.Put(ctx, "k", []byte("data"), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if data, _, err := s.Get(ctx, "k"); err != nil || string(data) != "data" {
			t.Errorf("%q, %v", data, err)
		}
	})
}

// TestOutage needs a PostgreSQL that it may kill, so it starts one.
func TestOutage(t *testing.T) {
	server := farmtest.StartPostgres(t)
	b := &backend{dialect: sqlstore.PostgreSQL, db: openDB(t, "pgx", server.URL())}
	waitFor(t, b.db)
	store := b.store(t, b.db, sqlstore.Options{Table: b.table(t)})
	farmtest.Outage(t, store, server)
	// With a memory that has forgotten by the next call.
	front, err := sessiontoken.NewTwoLevelStore(nil, store, 1)
	if err != nil {
		t.Fatal(err)
	}
	farmtest.Outage(t, front, server)
}
