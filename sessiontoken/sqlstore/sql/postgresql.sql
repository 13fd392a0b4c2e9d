-- The SQL for PostgreSQL. A line "-- name:" begins a statement; {table} and the like are
-- filled in; other comments are not sent.

-- name: schema
CREATE TABLE IF NOT EXISTS {table} (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    data bytea NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (expires);

-- name: get
SELECT data, expires FROM {table} WHERE id = $1

-- name: put
INSERT INTO {table} (id, data, expires) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires

-- name: delete
DELETE FROM {table} WHERE id = $1

-- name: sweep
-- An array, since a subquery with LIMIT may run more than once.
-- SKIP LOCKED: several nodes that sweep do not wait for each other.
DELETE FROM {table} WHERE id = ANY (ARRAY(
SELECT id FROM {table} WHERE expires <= $1 ORDER BY expires LIMIT {batch} FOR UPDATE SKIP LOCKED))

-- name: read
SELECT "Id", left("Xml", {characters}) FROM {table} WHERE "Xml" <> '' ORDER BY "Id" LIMIT {rows}

-- name: add
INSERT INTO {table} ("FriendlyName", "Xml") VALUES ($1, $2)

-- name: lock
-- A statement does not see what others add after it has begun. Locks of the table need more
-- rights than .NET needs; "keys" in ASCII is ours.
SELECT pg_advisory_xact_lock(1801812339)

-- name: addIf
INSERT INTO {table} ("FriendlyName", "Xml") SELECT $1, $2 WHERE (SELECT count(*) FROM {table} WHERE "Xml" <> '') = $3
