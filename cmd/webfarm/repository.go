package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
	"github.com/webfarm-go/webfarm/sessiontoken/sqlstore"
)

// keysPassword is the variable with the password of a URL that has none: a command line is no
// secret.
const keysPassword = "WEBFARM_KEYS_PASSWORD"

// serverPatience bounds each answer of a SQL Server.
const serverPatience = 5 * time.Second

// openRepository opens the repository that a value of -keys names. The function returned closes
// it. No error contains a password.
func openRepository(keys string) (dataprotection.Repository, func() error, error) {
	scheme, rest, _ := strings.Cut(keys, ":")
	open := openServer
	switch scheme {
	case "redis", "rediss", "postgres", "postgresql", "sqlserver":
	case "sqlite":
		open = openSQLite
	default:
		if strings.HasPrefix(rest, "//") {
			return nil, nil,
				usageError(fmt.Sprintf("-keys %s:…: a folder, a file, or a URL that begins "+
					"with redis://, rediss://, postgres://, sqlserver:// or sqlite:", scheme))
		}
		open, scheme = openPath, keys
	}
	repository, closeRepository, err := open(keys)
	if err != nil {
		return nil, nil, setupError{fmt.Errorf("webfarm: -keys %s: %w", scheme, err)}
	}
	return repository, closeRepository, nil
}

func openPath(path string) (dataprotection.Repository, func() error, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w; a key ring is a folder that exists, "+
			"and mkdir -m 700 makes one for \"webfarm keys new\"", withoutPath(err))
	} else if err != nil {
		return nil, nil, withoutPath(err)
	}
	return dataprotection.Path(path), func() error { return nil }, nil
}

// openServer opens the list or table of a server. The part of the URL behind # names it, else it is
// called as Microsoft's.
func openServer(keys string) (dataprotection.Repository, func() error, error) {
	u, err := url.Parse(keys)
	if err != nil { // its text may quote the password
		return nil, nil,
			errors.New("not a URL; write special letters of the password as %2F and so on, " +
				"or set " + keysPassword)
	}
	isRedis := strings.HasPrefix(u.Scheme, "redis")
	_, has := u.User.Password()
	password := os.Getenv(keysPassword)
	if !has && password != "" && (u.User != nil || isRedis) {
		u.User = url.UserPassword(u.User.Username(), password)
	}
	name := u.Fragment
	u.Fragment, u.RawFragment = "", ""
	switch {
	case isRedis:
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, nil, err
		}
		o.ContextTimeoutEnabled = true
		client := redis.NewClient(o)
		repository, err := redisstore.NewKeyRing(client, name)
		return repository, client.Close, err
	case u.Scheme == "sqlserver":
		config, err := msdsn.Parse(u.String())
		if err != nil {
			return nil, nil, err
		}
		if config.ConnTimeout == 0 { // this driver does not heed the context while it connects
			config.ConnTimeout = serverPatience
		}
		return openTable(sql.OpenDB(mssql.NewConnectorConfig(config)), sqlstore.SQLServer, name)
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, nil, err
	}
	return openTable(stdlib.OpenDB(*config), sqlstore.PostgreSQL, name)
}

// silent is the logger of go-redis, which would print what the errors say, too.
// There is one for the whole program, so main sets it.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// openSQLite opens a database of which keys has the path. It never makes one.
func openSQLite(keys string) (dataprotection.Repository, func() error, error) {
	path, table, _ := strings.Cut(strings.TrimPrefix(keys, "sqlite:"), "#")
	path, err := filepath.Abs(strings.TrimPrefix(path, "//"))
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	slashed := "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	u := url.URL{Scheme: "file", OmitHost: true, Path: slashed,
		RawQuery: "mode=rw&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, nil, err
	}
	return openTable(db, sqlstore.SQLite, table)
}

func openTable(
	db *sql.DB, dialect sqlstore.Dialect, table string,
) (dataprotection.Repository, func() error, error) {
	repository, err := sqlstore.NewKeyRing(db, dialect, table)
	return repository, db.Close, err
}
