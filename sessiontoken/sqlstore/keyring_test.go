package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken/sqlstore"
)

// migrate makes a table as the migrations of Entity Framework do.
func migrate(t *testing.T, db *sql.DB, dialect sqlstore.Dialect, table string) {
	t.Helper()
	text, err := os.ReadFile("testdata/keyring-" + strings.ToLower(dialect.String()) + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(table, ".", `"."`)
	schema, _, _ := strings.Cut(string(text), "-- read\n")
	if _, err := db.ExecContext(ctx, strings.ReplaceAll(schema, `"DataProtectionKeys"`,
		`"`+name+`"`)); err != nil {
		t.Fatal(err)
	}
}

func newKeyRing(t *testing.T, db *sql.DB, dialect sqlstore.Dialect, table string) dataprotection.Repository {
	t.Helper()
	r, err := sqlstore.NewKeyRing(db, dialect, table)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// keyRings runs the tests that all databases share.
func (b *backend) keyRings(t *testing.T) {
	farmtest.KeyRing(t, func(t *testing.T) (dataprotection.Repository, func(...string)) {
		table := fmt.Sprintf("ring_%d", b.tables.Add(1))
		migrate(t, b.db, b.dialect, table)
		t.Cleanup(func() {
			if _, err := b.db.ExecContext(ctx, `DROP TABLE "`+table+`"`); err != nil {
				t.Error(err)
			}
		})
		return newKeyRing(t, b.db, b.dialect, table), func(xml ...string) {
			tx, err := b.db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			for _, xml := range xml {
				if _, err := tx.ExecContext(ctx,
					`INSERT INTO "`+table+
						`" ("FriendlyName", "Xml") VALUES (NULL, $1)`, xml); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// keyRingRows wants Microsoft's table, the friendly name, and rows without XML
// skipped.
func (b *backend) keyRingRows(t *testing.T, table, full string) {
	migrate(t, b.db, b.dialect, full)
	r := newKeyRing(t, b.db, b.dialect, table)
	if err := r.Store(ctx, "key-1", []byte("<a>€</a>")); err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(full, ".", `"."`)
	if _, err := b.db.ExecContext(ctx, `INSERT INTO "`+name+
		`" ("FriendlyName", "Xml") VALUES ('empty', ''), ('none', NULL), (NULL, '<b/>')`); err != nil {
		t.Fatal(err)
	}
	var friendly, xml string
	if err := b.db.QueryRowContext(ctx, `SELECT "FriendlyName", "Xml" FROM "`+name+
		`" WHERE "Id" = 1`).Scan(&friendly, &xml); err != nil || friendly != "key-1" ||
		xml != "<a>€</a>" {
		t.Errorf("%q %q, %v", friendly, xml, err)
	}
	var got []string
	err := r.Elements(ctx, func(name string, xml []byte) error {
		got = append(got, name+" "+string(xml))
		return nil
	})
	want := full + ", Id 1 <a>€</a>|" + full + ", Id 4 <b/>"
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestKeyRingSQLite(t *testing.T) {
	b := openSQLite(t)
	t.Run("conforms", b.keyRings)
	b.keyRingRows(t, "", "DataProtectionKeys")
	var kind string
	if err := b.db.QueryRowContext(ctx,
		`SELECT typeof("Xml") FROM "DataProtectionKeys"`).Scan(&kind); err != nil ||
		kind != "text" {
		t.Errorf("stored as %s, %v", kind, err)
	}
	_, err := dataprotection.Open(ctx, newKeyRing(t, b.db, b.dialect, "nothing"), nil)
	if err == nil || !strings.Contains(err.Error(), "sqlstore: read the key ring: ") ||
		!strings.Contains(err.Error(), "nothing") {
		t.Error(err)
	}
}

func TestKeyRingPostgreSQL(t *testing.T) {
	url := postgresURL(t)
	b := &backend{dialect: sqlstore.PostgreSQL, db: openDB(t, "pgx", url)}
	t.Run("conforms", b.keyRings)
	for _, name := range []string{"cache_statement", "cache_describe", "describe_exec", "exec",
		"simple_protocol"} {
		t.Run(name, func(t *testing.T) {
			b := &backend{dialect: sqlstore.PostgreSQL, db: openDB(t, "pgx", mode(url, name))}
			if _, err := b.db.ExecContext(ctx,
				`DROP TABLE IF EXISTS "DataProtectionKeys"`); err != nil {
				t.Fatal(err)
			}
			if _, err := b.db.ExecContext(ctx, `CREATE SCHEMA "Ring_Test"`); err != nil {
				t.Fatal(err)
			}
			defer b.db.ExecContext(ctx,
				`DROP TABLE "DataProtectionKeys"; DROP SCHEMA "Ring_Test" CASCADE`)
			b.keyRingRows(t, "", "DataProtectionKeys")
			b.keyRingRows(t, "Ring_Test.Keys", "Ring_Test.Keys")
		})
	}
	_, err := dataprotection.Open(ctx, newKeyRing(t, b.db, b.dialect, "nothing"), nil)
	if err == nil || !strings.Contains(err.Error(), "sqlstore: read the key ring: ") ||
		!strings.Contains(err.Error(), "nothing") {
		t.Error(err)
	}
}

// TestKeyRingPostgreSQLAtOnce has ten add an element to an empty table at once,
// each of which takes its time, whatever isolation the database has by default.
func TestKeyRingPostgreSQLAtOnce(t *testing.T) {
	url := postgresURL(t)
	for i, isolation := range []string{"read%20committed", "repeatable%20read", "serializable"} {
		db := openDB(t, "pgx", mode(url, "exec")+"&default_transaction_isolation="+isolation)
		table := fmt.Sprintf("slow_%d", i)
		migrate(t, db, sqlstore.PostgreSQL, table)
		if _, err := db.ExecContext(ctx,
			`CREATE OR REPLACE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END' LANGUAGE plpgsql`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, `CREATE TRIGGER slow BEFORE INSERT ON `+table+
			` FOR EACH ROW EXECUTE PROCEDURE slow()`); err != nil {
			t.Fatal(err)
		}
		defer db.ExecContext(ctx, `DROP TABLE `+table)
		r := newKeyRing(t, db, sqlstore.PostgreSQL, table).(interface {
			StoreIf(ctx context.Context, name string, xml []byte, count int) (bool, error)
		})
		var wg sync.WaitGroup
		var stored atomic.Int32
		for range 10 {
			wg.Go(func() {
				ok, err := r.StoreIf(ctx, "key", []byte("<key/>"), 0)
				if err != nil {
					t.Error(err)
				}
				if ok {
					stored.Add(1)
				}
			})
		}
		wg.Wait()
		if stored.Load() != 1 {
			t.Errorf("%s: %d stored", isolation, stored.Load())
		}
	}
}

func TestKeyRingOutage(t *testing.T) {
	server := farmtest.StartPostgres(t)
	db := openDB(t, "pgx", server.URL())
	waitFor(t, db)
	migrate(t, db, sqlstore.PostgreSQL, "DataProtectionKeys")
	farmtest.KeyRingOutage(t, newKeyRing(t, db, sqlstore.PostgreSQL, ""), server)
}

func TestKeyRingHangs(t *testing.T) {
	db := openDB(t, "pgx", "postgres://webfarm@"+farmtest.Silent(t)+"/postgres?sslmode=disable")
	farmtest.KeyRingHangs(t, newKeyRing(t, db, sqlstore.PostgreSQL, ""))

	// A SQLite file that another process has locked: the driver looks at the context after busy_timeout.
	source := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "farm.db")) +
		"?_pragma=busy_timeout(200)"
	db = openDB(t, "sqlite", source)
	migrate(t, db, sqlstore.SQLite, "DataProtectionKeys")
	other := openDB(t, "sqlite", source+"&_txlock=exclusive")
	tx, err := other.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	farmtest.KeyRingHangs(t, newKeyRing(t, db, sqlstore.SQLite, ""))
}

// The key ring of .NET nodes that call PersistKeysToDbContext.
func ExampleNewKeyRing() {
	db, err := sql.Open("pgx", "postgres://farm@db.example/farm")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	keys, err := sqlstore.NewKeyRing(db, sqlstore.PostgreSQL, "")
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
