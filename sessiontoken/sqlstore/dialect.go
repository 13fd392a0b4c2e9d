package sqlstore

import (
	"fmt"
	"regexp"
	"strings"
)

// Dialect says which SQL a database speaks. There is no default.
type Dialect uint8

// The dialects. PostgreSQL and SQLite are tested against the real thing, with
// the drivers github.com/jackc/pgx/v5/stdlib and modernc.org/sqlite. The SQL for
// SQL Server is tested as text only.
const (
	_          Dialect = iota
	PostgreSQL         // 9.5 and later
	SQLite             // 3.24 and later
	SQLServer          // 2014 and later
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	case SQLServer:
		return "SQL Server"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// DefaultTable is the name of the table.
const DefaultTable = "webfarm_sessions"

// tableName is an ASCII word, or two with a dot between schema and table. The
// length leaves room for "_expires" within the 63 bytes of PostgreSQL.
var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,54}\.)?[A-Za-z_][A-Za-z0-9_]{0,54}$`)

// statements are the SQL of a dialect for one table. Parameters are, in this
// order, the id, the data and the deadline, or those of them that are needed.
type statements struct {
	get    string // id: data, expires
	put    string // id, data, expires
	delete string // id
	sweep  string // expires
}

// quote quotes each part of a name, so that no name is ever more than that.
func (d Dialect) quote(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if d == SQLServer {
			parts[i] = "[" + strings.ReplaceAll(part, "]", "]]") + "]"
		} else {
			parts[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
	}
	return strings.Join(parts, ".")
}

// Schema returns the statements that make the table and its index, for
// whoever administers the database; they do nothing if both are there. An empty
// table means [DefaultTable]; "schema.table" is allowed. It returns an empty
// string for a dialect that is none.
//
// The columns are
//
//	id        SHA-256 of the key, 32 bytes
//	data      what the codec stores, encrypted and authenticated
//	expires   milliseconds since 1970 in UTC
//
// The time is a number because numbers mean the same in every database and
// driver, whatever the time zone of a session is.
func Schema(dialect Dialect, table string) string {
	if table == "" {
		table = DefaultTable
	}
	schema, name := "", table
	if i := strings.LastIndexByte(table, '.'); i >= 0 {
		schema, name = table[:i+1], table[i+1:]
	}
	t, index := dialect.quote(table), dialect.quote(name+"_expires")
	switch dialect {
	case PostgreSQL:
		return `CREATE TABLE IF NOT EXISTS ` + t + ` (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    data bytea NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS ` + index + ` ON ` + t + ` (expires);
`
	case SQLite:
		// Here the schema goes with the index and not with the table.
		if schema != "" {
			index = dialect.quote(schema + name + "_expires")
		}
		return `CREATE TABLE IF NOT EXISTS ` + t + ` (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    data BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS ` + index + ` ON ` + dialect.quote(name) + ` (expires);
`
	case SQLServer:
		return `IF OBJECT_ID(N'` + strings.ReplaceAll(t, `'`, `''`) + `', N'U') IS NULL
CREATE TABLE ` + t + ` (
    id binary(32) NOT NULL PRIMARY KEY,
    data varbinary(max) NOT NULL,
    expires bigint NOT NULL,
    INDEX ` + index + ` (expires)
);
`
	}
	return ""
}

// statements returns the SQL of a dialect. A sweep takes at most batch rows:
// without a bound, the first one after an outage would hold a Put for long.
func (d Dialect) statements(table string, batch int) statements {
	t := d.quote(table)
	switch d {
	case PostgreSQL:
		return statements{
			get: `SELECT data, expires FROM ` + t + ` WHERE id = $1`,
			put: `INSERT INTO ` + t + ` (id, data, expires) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires`,
			delete: `DELETE FROM ` + t + ` WHERE id = $1`,
			// An array, since a subquery with LIMIT may run more than once.
			// SKIP LOCKED: several nodes that sweep do not wait for each other.
			sweep: fmt.Sprintf(`DELETE FROM %s WHERE id = ANY (ARRAY(
SELECT id FROM %[1]s WHERE expires <= $1 ORDER BY expires LIMIT %d FOR UPDATE SKIP LOCKED))`, t, batch),
		}
	case SQLite:
		return statements{
			get: `SELECT data, expires FROM ` + t + ` WHERE id = ?1`,
			put: `INSERT INTO ` + t + ` (id, data, expires) VALUES (?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires`,
			delete: `DELETE FROM ` + t + ` WHERE id = ?1`,
			sweep: fmt.Sprintf(`DELETE FROM %s WHERE id IN (
SELECT id FROM %[1]s WHERE expires <= ?1 ORDER BY expires LIMIT %d)`, t, batch),
		}
	case SQLServer:
		return statements{
			get: `SELECT data, expires FROM ` + t + ` WHERE id = CAST(@p1 AS binary(32))`,
			// HOLDLOCK: without it two nodes may both find no row and both insert.
			put: `MERGE ` + t + ` WITH (HOLDLOCK) AS target
USING (SELECT CAST(@p1 AS binary(32)) AS id, CAST(@p2 AS varbinary(max)) AS data, CAST(@p3 AS bigint) AS expires) AS source
ON target.id = source.id
WHEN MATCHED THEN UPDATE SET data = source.data, expires = source.expires
WHEN NOT MATCHED THEN INSERT (id, data, expires) VALUES (source.id, source.data, source.expires);`,
			delete: `DELETE FROM ` + t + ` WHERE id = CAST(@p1 AS binary(32))`,
			sweep:  fmt.Sprintf(`DELETE TOP (%d) FROM %s WITH (ROWLOCK, READPAST) WHERE expires <= @p1`, batch, t),
		}
	}
	return statements{}
}
