-- schema
IF OBJECT_ID(N'[webfarm_sessions]', N'U') IS NULL
CREATE TABLE [webfarm_sessions] (
    id binary(32) NOT NULL PRIMARY KEY,
    data varbinary(max) NOT NULL,
    expires bigint NOT NULL,
    INDEX [webfarm_sessions_expires] (expires)
);
-- get
SELECT data, expires FROM [webfarm_sessions] WHERE id = CAST(@p1 AS binary(32))
-- put
MERGE [webfarm_sessions] WITH (HOLDLOCK) AS target
USING (SELECT CAST(@p1 AS binary(32)) AS id, CAST(@p2 AS varbinary(max)) AS data, CAST(@p3 AS bigint) AS expires) AS source
ON target.id = source.id
WHEN MATCHED THEN UPDATE SET data = source.data, expires = source.expires
WHEN NOT MATCHED THEN INSERT (id, data, expires) VALUES (source.id, source.data, source.expires);
-- delete
DELETE FROM [webfarm_sessions] WHERE id = CAST(@p1 AS binary(32))
-- sweep
DELETE TOP (256) FROM [webfarm_sessions] WITH (ROWLOCK, READPAST) WHERE expires <= @p1
-- schema
IF OBJECT_ID(N'[dbo].[farm]', N'U') IS NULL
CREATE TABLE [dbo].[farm] (
    id binary(32) NOT NULL PRIMARY KEY,
    data varbinary(max) NOT NULL,
    expires bigint NOT NULL,
    INDEX [farm_expires] (expires)
);
-- get
SELECT data, expires FROM [dbo].[farm] WHERE id = CAST(@p1 AS binary(32))
-- put
MERGE [dbo].[farm] WITH (HOLDLOCK) AS target
USING (SELECT CAST(@p1 AS binary(32)) AS id, CAST(@p2 AS varbinary(max)) AS data, CAST(@p3 AS bigint) AS expires) AS source
ON target.id = source.id
WHEN MATCHED THEN UPDATE SET data = source.data, expires = source.expires
WHEN NOT MATCHED THEN INSERT (id, data, expires) VALUES (source.id, source.data, source.expires);
-- delete
DELETE FROM [dbo].[farm] WHERE id = CAST(@p1 AS binary(32))
-- sweep
DELETE TOP (256) FROM [dbo].[farm] WITH (ROWLOCK, READPAST) WHERE expires <= @p1
