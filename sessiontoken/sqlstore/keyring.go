package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

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
	table = cmp.Or(table, "DataProtectionKeys")
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
	sql := func(name string) string {
		return d.sql(name, "{table}", d.quote(table), "{characters}", strconv.Itoa(maxElement+1),
			"{rows}", strconv.Itoa(maxKeys+1))
	}
	return keyRingSQL{sql("read"), sql("add"), sql("lock"), sql("addIf")}
}

// Elements implements dataprotection.Repository.
func (k *keyRing) Elements(ctx context.Context, each func(name string, xml []byte) error) error {
	// A driver may fetch the rows that are left when they are closed, unless
	// their context has ended.
	queryCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := k.db.QueryContext(queryCtx, k.read)
	if err != nil {
		return unavailable{failed(ctx, "read the key ring", err)}
	}
	defer rows.Close()
	defer cancel()
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
	defer func() {
		if err != nil {
			stored, err = false, unavailable{failed(ctx, "store a key", err)}
		}
	}()
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
	result, err := tx.ExecContext(ctx, k.addIf, name, string(xml), count)
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
