-- The SQL for SQLite. A line "-- name:" begins a statement; {table} and the like are filled
-- in; other comments are not sent.

-- name: schema
-- The schema goes with the index and not with the table.
CREATE TABLE IF NOT EXISTS {table} (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    data BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {name} (expires);

-- name: get
SELECT data, expires FROM {table} WHERE id = ?1

-- name: put
INSERT INTO {table} (id, data, expires) VALUES (?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires

-- name: delete
DELETE FROM {table} WHERE id = ?1

-- name: sweep
DELETE FROM {table} WHERE id IN (
SELECT id FROM {table} WHERE expires <= ?1 ORDER BY expires LIMIT {batch})

-- name: read
SELECT "Id", substr("Xml", 1, {characters}) FROM {table} WHERE "Xml" <> '' ORDER BY "Id" LIMIT {rows}

-- name: add
INSERT INTO {table} ("FriendlyName", "Xml") VALUES (?1, ?2)

-- name: addIf
INSERT INTO {table} ("FriendlyName", "Xml") SELECT ?1, ?2 WHERE (SELECT count(*) FROM {table} WHERE "Xml" <> '') = ?3
