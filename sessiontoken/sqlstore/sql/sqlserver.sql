-- The SQL for SQL Server. A line "-- name:" begins a statement; {table} and the like are
-- filled in; other comments are not sent.

-- name: schema
IF OBJECT_ID(N'{literal}', N'U') IS NULL
CREATE TABLE {table} (
    id binary(32) NOT NULL PRIMARY KEY,
    data varbinary(max) NOT NULL,
    expires bigint NOT NULL,
    INDEX {index} (expires)
);

-- name: get
SELECT data, expires FROM {table} WHERE id = CAST(@p1 AS binary(32))

-- name: put
-- HOLDLOCK: without it two nodes may both find no row and both insert.
MERGE {table} WITH (HOLDLOCK) AS target
USING (SELECT CAST(@p1 AS binary(32)) AS id, CAST(@p2 AS varbinary(max)) AS data, CAST(@p3 AS bigint) AS expires) AS source
ON target.id = source.id
WHEN MATCHED THEN UPDATE SET data = source.data, expires = source.expires
WHEN NOT MATCHED THEN INSERT (id, data, expires) VALUES (source.id, source.data, source.expires);

-- name: delete
DELETE FROM {table} WHERE id = CAST(@p1 AS binary(32))

-- name: sweep
DELETE TOP ({batch}) FROM {table} WITH (ROWLOCK, READPAST) WHERE expires <= @p1

-- name: read
-- DATALENGTH: a comparison with N'' would skip blanks, too.
SELECT TOP ({rows}) [Id], LEFT([Xml], {characters}) FROM {table} WHERE DATALENGTH([Xml]) > 0 ORDER BY [Id]

-- name: add
INSERT INTO {table} ([FriendlyName], [Xml]) VALUES (@p1, @p2)

-- name: addIf
INSERT INTO {table} ([FriendlyName], [Xml]) SELECT @p1, @p2 WHERE (SELECT COUNT(*) FROM {table} WITH (TABLOCKX, HOLDLOCK) WHERE DATALENGTH([Xml]) > 0) = @p3
