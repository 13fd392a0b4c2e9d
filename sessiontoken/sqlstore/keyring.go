package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// Bounds of a key ring, from limits.go of package dataprotection, which
// enforces them. Here one more keeps a table that is no ring out of memory.
const (
	maxKeys    = 10_000
	maxElement = 1 << 20
)

// NewKeyRing returns the key ring that PersistKeysToDbContext keeps, in the
// table that Entity Framework makes for it: columns Id, FriendlyName and Xml.
// The empty name means Microsoft's, "DataProtectionKeys"; "schema.table" is
// allowed, with the letters that [Options] allows. It fails if an argument
// makes no sense, and does not ask the database, which stays the caller's to
// close.
//
// Elements reads the rows in the order of Id; as in .NET those without Xml are
// skipped. It never fetches more than a ring may have: 10,001 rows, and a
// megabyte of characters of each. Names are the table's with the Id.
//
// StoreIf, the third method that a repository may have, counts the rows with Xml
// and adds one in one step: of many keepers at once one adds its key.
//
// All errors of the database match [dataprotection.ErrUnavailable]. The driver
// for SQLite waits for a locked file as long as busy_timeout says, whatever the
// context.
func NewKeyRing(db *sql.DB, dialect Dialect, table string) (dataprotection.Repository, error) {
	if db == nil {
		return nil, errors.New("sqlstore: no database")
	}
	if table == "" {
		table = "DataProtectionKeys"
	}
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("sqlstore: %q is no name for a table", table)
	}
	k := &keyRing{db: db, table: table, keyRingSQL: dialect.keyRing(table)}
	if k.read == "" {
		return nil, fmt.Errorf("sqlstore: %v is none of the dialects", dialect)
	}
	return k, nil
}

type keyRing struct {
	db    *sql.DB
	table string
	keyRingSQL
}

// keyRingSQL is the SQL for a ring.
type keyRingSQL struct {
	read  string
	add   string // friendly name, element
	lock  string // before addIf; its transaction has it
	addIf string // friendly name, element, number of rows that there must be
}

func (d Dialect) keyRing(table string) keyRingSQL {
	t := d.quote(table)
	switch d {
	case PostgreSQL:
		return keyRingSQL{
			read: fmt.Sprintf(`SELECT "Id", left("Xml", %d) FROM %s WHERE "Xml" <> '' ORDER BY "Id" LIMIT %d`,
				maxElement+1, t, maxKeys+1),
			add: `INSERT INTO ` + t + ` ("FriendlyName", "Xml") VALUES ($1, $2)`,
			// A statement does not see what others add after it has begun. Locks of the
			// table need more rights than .NET needs; "keys" in ASCII is ours.
			lock: `SELECT pg_advisory_xact_lock(1801812339)`,
			addIf: `INSERT INTO ` + t +
				` ("FriendlyName", "Xml") SELECT $1, $2 WHERE (SELECT count(*) FROM ` +
				t + ` WHERE "Xml" <> '') = $3`,
		}
	case SQLite:
		return keyRingSQL{
			read: fmt.Sprintf(`SELECT "Id", substr("Xml", 1, %d) FROM %s WHERE "Xml" <> '' ORDER BY "Id" LIMIT %d`,
				maxElement+1, t, maxKeys+1),
			add: `INSERT INTO ` + t + ` ("FriendlyName", "Xml") VALUES (?1, ?2)`,
			addIf: `INSERT INTO ` + t +
				` ("FriendlyName", "Xml") SELECT ?1, ?2 WHERE (SELECT count(*) FROM ` +
				t + ` WHERE "Xml" <> '') = ?3`,
		}
	case SQLServer:
		// DATALENGTH: a comparison with N'' would skip blanks, too.
		return keyRingSQL{
			read: fmt.Sprintf(`SELECT TOP (%d) [Id], LEFT([Xml], %d) FROM %s WHERE DATALENGTH([Xml]) > 0 ORDER BY [Id]`,
				maxKeys+1, maxElement+1, t),
			add: `INSERT INTO ` + t + ` ([FriendlyName], [Xml]) VALUES (@p1, @p2)`,
			addIf: `INSERT INTO ` + t +
				` ([FriendlyName], [Xml]) SELECT @p1, @p2 WHERE (SELECT COUNT(*) FROM ` +
				t + ` WITH (TABLOCKX, HOLDLOCK) WHERE DATALENGTH([Xml]) > 0) = @p3`,
		}
	}
	return keyRingSQL{}
}

// Elements implements dataprotection.Repository.
func (k *keyRing) Elements(ctx context.Context, each func(name string, xml []byte) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	// A driver may fetch the rows that are left when they are closed, unless
	// their context has ended.
	queryCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := k.db.QueryContext(queryCtx, k.read)
	if err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	defer func() {
		cancel()
		rows.Close()
	}()
	for rows.Next() {
		var id int64
		var xml []byte
		if err := rows.Scan(&id, &xml); err != nil {
			return unavailable{failed(ctx, "read the key ring", err)}
		}
		if err := each(fmt.Sprintf("%s, Id %d", k.table, id), xml); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	return nil
}

// Store implements dataprotection.Repository.
func (k *keyRing) Store(ctx context.Context, name string, xml []byte) error {
	if err := ctx.Err(); err != nil {
		return unavailable{failed(ctx, "store a key", err)}
	}
	// A string, since a []byte would be a BLOB in SQLite and varbinary in SQL Server.
	if _, err := k.db.ExecContext(ctx, k.add, name, string(xml)); err != nil {
		return unavailable{failed(ctx, "store a key", err)}
	}
	return nil
}

// StoreIf implements the third method of dataprotection.Repository.
func (k *keyRing) StoreIf(
	ctx context.Context, name string, xml []byte, count int,
) (stored bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, unavailable{failed(ctx, "store a key", err)}
	}
	stored, err = k.storeIf(ctx, name, string(xml), count)
	if err != nil {
		return false, unavailable{failed(ctx, "store a key", err)}
	}
	return stored, nil
}

func (k *keyRing) storeIf(ctx context.Context, name, xml string, count int) (bool, error) {
	o := &sql.TxOptions{}
	if k.lock != "" {
		o.Isolation = sql.LevelReadCommitted // to see what others added before the lock was free
	}
	tx, err := k.db.BeginTx(ctx, o)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if k.lock != "" {
		if _, err := tx.ExecContext(ctx, k.lock); err != nil {
			return false, err
		}
	}
	result, err := tx.ExecContext(ctx, k.addIf, name, xml, count)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, err
	}
	return n == 1, tx.Commit()
}

// unavailable is an error that says nothing about the ring.
type unavailable struct{ error }

func (e unavailable) Unwrap() error { return e.error }

func (e unavailable) Is(target error) bool { return target == dataprotection.ErrUnavailable }
