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
	k := &keyRing{db: db, table: table}
	if k.read, k.add = dialect.keyRing(table); k.read == "" {
		return nil, fmt.Errorf("sqlstore: %v is none of the dialects", dialect)
	}
	return k, nil
}

type keyRing struct {
	db        *sql.DB
	table     string
	read, add string
}

// keyRing returns the SQL that reads a ring and adds to it: a friendly name and
// an element.
func (d Dialect) keyRing(table string) (read, add string) {
	t := d.quote(table)
	switch d {
	case PostgreSQL:
		return fmt.Sprintf(`SELECT "Id", left("Xml", %d) FROM %s WHERE "Xml" <> '' ORDER BY "Id" LIMIT %d`,
				maxElement+1, t, maxKeys+1),
			`INSERT INTO ` + t + ` ("FriendlyName", "Xml") VALUES ($1, $2)`
	case SQLite:
		return fmt.Sprintf(`SELECT "Id", substr("Xml", 1, %d) FROM %s WHERE "Xml" <> '' ORDER BY "Id" LIMIT %d`,
				maxElement+1, t, maxKeys+1),
			`INSERT INTO ` + t + ` ("FriendlyName", "Xml") VALUES (?1, ?2)`
	case SQLServer:
		// DATALENGTH: a comparison with N'' would skip blanks, too.
		return fmt.Sprintf(`SELECT TOP (%d) [Id], LEFT([Xml], %d) FROM %s WHERE DATALENGTH([Xml]) > 0 ORDER BY [Id]`,
				maxKeys+1, maxElement+1, t),
			`INSERT INTO ` + t + ` ([FriendlyName], [Xml]) VALUES (@p1, @p2)`
	}
	return "", ""
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

// unavailable is an error that says nothing about the ring.
type unavailable struct{ error }

func (e unavailable) Unwrap() error { return e.error }

func (e unavailable) Is(target error) bool { return target == dataprotection.ErrUnavailable }
