package sqlstore

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"strconv"
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
	if d >= PostgreSQL && d <= SQLServer {
		return [...]string{"PostgreSQL", "SQLite", "SQL Server"}[d-1]
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
	table = cmp.Or(table, DefaultTable)
	schema, name := "", table
	if i := strings.LastIndexByte(table, '.'); i >= 0 {
		schema, name = table[:i+1], table[i+1:]
	}
	index := name + "_expires"
	if dialect == SQLite {
		index = schema + index
	}
	t := dialect.quote(table)
	text := dialect.sql("schema", "{table}", t, "{literal}", strings.ReplaceAll(t, "'", "''"),
		"{index}", dialect.quote(index), "{name}", dialect.quote(name))
	if text == "" {
		return ""
	}
	return text + "\n"
}

// statements returns the SQL of a dialect. A sweep takes at most batch rows:
// without a bound, the first one after an outage would hold a Put for long.
func (d Dialect) statements(table string, batch int) statements {
	sql := func(name string) string {
		return d.sql(name, "{table}", d.quote(table), "{batch}", strconv.Itoa(batch))
	}
	return statements{sql("get"), sql("put"), sql("delete"), sql("sweep")}
}

// files has the SQL of each dialect under the name of its database.
//
//go:embed sql
var files embed.FS

// sql returns a statement of the dialect's file, its places filled in; an empty one
// if there is none.
func (d Dialect) sql(name string, places ...string) string {
	file := strings.ToLower(strings.ReplaceAll(d.String(), " ", ""))
	all, _ := files.ReadFile("sql/" + file + ".sql")
	text, in := "", false
	for line := range strings.Lines(string(all)) {
		if head, ok := strings.CutPrefix(line, "-- name: "); ok {
			in = strings.TrimSpace(head) == name
		} else if in && !strings.HasPrefix(line, "--") {
			text += line
		}
	}
	return strings.NewReplacer(places...).Replace(strings.TrimSpace(text))
}
