package sqlstore

import (
	"database/sql"
	"os"
	"strings"
	"testing"
)

// TestGolden wants the SQL of each dialect as in testdata, letter by letter.
func TestGolden(t *testing.T) {
	for dialect, file := range map[Dialect]string{PostgreSQL: "postgresql", SQLite: "sqlite",
		SQLServer: "sqlserver"} {
		want, err := os.ReadFile("testdata/" + file + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, table := range []string{"", "dbo.farm"} {
			name := table
			if table == "" {
				name = DefaultTable
			}
			s := dialect.statements(name, 256)
			got.WriteString("-- schema\n" + Schema(dialect, table))
			for _, part := range [][2]string{{"get", s.get}, {"put", s.put}, {"delete", s.delete},
				{"sweep", s.sweep}} {
				got.WriteString("-- " + part[0] + "\n" + part[1] + "\n")
			}
		}
		if got.String() != string(want) {
			t.Errorf("%v:\n%s\nwant:\n%s", dialect, got.String(), want)
		}
	}
}

// TestKeyRingGolden wants the SQL for the key ring, which stands behind the
// table as the migrations of Entity Framework make it.
func TestKeyRingGolden(t *testing.T) {
	for dialect, file := range map[Dialect]string{PostgreSQL: "postgresql", SQLite: "sqlite",
		SQLServer: "sqlserver"} {
		text, err := os.ReadFile("testdata/keyring-" + file + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(string(text), "-- read\n")
		k := dialect.keyRing("dbo.DataProtectionKeys")
		got := k.read + "\n-- add\n" + k.add + "\n-- lock\n" + k.lock +
			"\n-- add if\n" + k.addIf + "\n"
		if got != want {
			t.Errorf("%v:\n%s\nwant:\n%s", dialect, got, want)
		}
	}
}

func TestTableNames(t *testing.T) {
	db := new(sql.DB)
	long := strings.Repeat("a", 55)
	for _, name := range []string{"", "t", "T_1", "_x", "dbo.t", long, long + "." + long} {
		if _, err := New(db, SQLite, &Options{Table: name}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := NewKeyRing(db, SQLite, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		" ", "1t", "a b", "a;b", `a"b`, "a]b", "a'b", "a.", ".a", "a.b.c", "a..b", "a\n", "a--",
		"tä", "a\x00", long + "a",
	} {
		if s, err := New(db, SQLite, &Options{Table: name}); s != nil || err == nil ||
			!strings.HasPrefix(err.Error(), "sqlstore: ") {
			t.Errorf("%q: %v, %v", name, s, err)
		}
		if r, err := NewKeyRing(db, SQLite, name); r != nil || err == nil ||
			!strings.HasPrefix(err.Error(), "sqlstore: ") {
			t.Errorf("%q: %v, %v", name, r, err)
		}
	}
}

// TestSchemaQuotes wants a name that New would refuse to stay a name.
func TestSchemaQuotes(t *testing.T) {
	const bad = `x"; DROP TABLE y; --`
	for dialect, quoted := range map[Dialect]string{
		PostgreSQL: `"x""; DROP TABLE y; --"`,
		SQLite:     `"x""; DROP TABLE y; --"`,
		SQLServer:  `[x"; DROP TABLE y; --]`,
	} {
		if got := Schema(dialect, bad); !strings.Contains(got, "CREATE TABLE") ||
			!strings.Contains(got, quoted) {
			t.Errorf("%v: %s", dialect, got)
		}
	}
	if got := Schema(SQLServer, `a]b'c`); !strings.Contains(got, `OBJECT_ID(N'[a]]b''c]', N'U')`) {
		t.Error(got)
	}
	if got := Schema(0, ""); got != "" {
		t.Error(got)
	}
}

func TestNew(t *testing.T) {
	db := new(sql.DB)
	for name, f := range map[string]func() (*Store, error){
		"no database":    func() (*Store, error) { return New(nil, SQLite, nil) },
		"no dialect":     func() (*Store, error) { return New(db, 0, nil) },
		"unknown":        func() (*Store, error) { return New(db, 4, nil) },
		"negative batch": func() (*Store, error) { return New(db, SQLite, &Options{SweepBatch: -1}) },
	} {
		if s, err := f(); s != nil || err == nil || !strings.HasPrefix(err.Error(), "sqlstore: ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	for _, dialect := range []Dialect{0, 4} {
		if r, err := NewKeyRing(db, dialect, ""); r != nil || err == nil ||
			!strings.HasPrefix(err.Error(), "sqlstore: ") {
			t.Errorf("%v, %v", r, err)
		}
	}
	if r, err := NewKeyRing(nil, SQLite, ""); r != nil || err == nil {
		t.Errorf("%v, %v", r, err)
	}
	for dialect, want := range map[Dialect]string{PostgreSQL: "PostgreSQL", SQLite: "SQLite",
		SQLServer: "SQL Server", 9: "Dialect(9)"} {
		if dialect.String() != want {
			t.Error(dialect)
		}
	}
}
