-- schema
CREATE TABLE IF NOT EXISTS "webfarm_sessions" (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    data BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "webfarm_sessions_expires" ON "webfarm_sessions" (expires);
-- get
SELECT data, expires FROM "webfarm_sessions" WHERE id = ?1
-- put
INSERT INTO "webfarm_sessions" (id, data, expires) VALUES (?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires
-- delete
DELETE FROM "webfarm_sessions" WHERE id = ?1
-- sweep
DELETE FROM "webfarm_sessions" WHERE id IN (
SELECT id FROM "webfarm_sessions" WHERE expires <= ?1 ORDER BY expires LIMIT 256)
-- schema
CREATE TABLE IF NOT EXISTS "dbo"."farm" (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    data BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "dbo"."farm_expires" ON "farm" (expires);
-- get
SELECT data, expires FROM "dbo"."farm" WHERE id = ?1
-- put
INSERT INTO "dbo"."farm" (id, data, expires) VALUES (?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires
-- delete
DELETE FROM "dbo"."farm" WHERE id = ?1
-- sweep
DELETE FROM "dbo"."farm" WHERE id IN (
SELECT id FROM "dbo"."farm" WHERE expires <= ?1 ORDER BY expires LIMIT 256)
